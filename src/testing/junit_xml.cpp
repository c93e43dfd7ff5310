#include <fpt_webhooks/testing/junit_xml.hpp>

#include <array>
#include <cstdio>
#include <numeric>

namespace fpt_webhooks::inline v0_1::testing {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the UTF-8 character at the start of `text` if XML 1.0 may hold it (XML section 2.2, RFC 3629), else 0.
std::size_t allowed_character(std::string_view text) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(text[at])); };
    const unsigned first = byte(0);
    if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    unsigned code = first & (0x7FU >> length);
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xC0U) != 0x80U) return 0;
        code = code << 6U | (byte(at) & 0x3FU);
    }
    constexpr std::array<unsigned, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < smallest[length] || surrogate || code > 0x10FFFF || code == 0xFFFE || code == 0xFFFF ? 0 : length;
}

// For attribute values. Line breaks as references: a parser would turn them into blanks.
std::string escaped(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t length = allowed_character(text);
        switch (text.front()) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\t': out += "&#9;"; break;
            case '\n': out += "&#10;"; break;
            case '\r': out += "&#13;"; break;
            default: out += length == 0 ? replacement : text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

std::string seconds(std::chrono::milliseconds time) {
    std::array<char, 32> text{};
    const auto ms = static_cast<long long>(time.count());
    std::snprintf(text.data(), text.size(), "%lld.%03lld", ms / 1000, ms % 1000);
    return text.data();
}

std::string attribute(std::string_view name, std::string_view value) {
    std::string text(1, ' ');
    return text.append(name).append("=\"").append(escaped(value)).append("\"");
}

}  // namespace

std::string to_junit_xml(const ConformanceReport& report, std::string_view suite) {
    const auto total = std::accumulate(report.results.begin(), report.results.end(), std::chrono::milliseconds(0),
                                       [](auto sum, const auto& result) { return sum + result.took; });
    const std::string counts =
        attribute("tests", std::to_string(report.results.size())) +
        attribute("failures", std::to_string(report.count(Verdict::failed))) + attribute("errors", "0") +
        attribute("skipped", std::to_string(report.count(Verdict::not_checked))) + attribute("time", seconds(total));
    std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n  <testsuite" +
                      attribute("name", suite) + counts + ">\n";
    for (const auto& result : report.results) {
        xml += "    <testcase" + attribute("classname", suite) + attribute("name", result.name) +
               attribute("time", seconds(result.took)) + ">\n";
        if (result.verdict == Verdict::failed) {
            xml += "      <failure" + attribute("message", result.reason) + attribute("type", result.purpose) + "/>\n";
        } else if (result.verdict == Verdict::not_checked) {
            xml += "      <skipped" + attribute("message", result.reason) + "/>\n";
        }
        xml += "    </testcase>\n";
    }
    return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace fpt_webhooks::inline v0_1::testing
