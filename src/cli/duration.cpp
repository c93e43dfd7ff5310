#include "cli/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include <fmt/core.h>

namespace fpt_webhooks::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> units = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
    std::uint64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc()) return std::nullopt;
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    for (const auto& [name, length] : units) {
        if (unit != name) continue;
        if (count > static_cast<std::uint64_t>(milliseconds(duration_max).count() / length)) return std::nullopt;
        return milliseconds(static_cast<std::int64_t>(count) * length);
    }
    return std::nullopt;
}

std::string duration_text(milliseconds duration) {
    for (const auto& [name, length] : units) {
        if (duration.count() != 0 && duration.count() % length == 0) {
            return fmt::format("{}{}", duration.count() / length, name);
        }
    }
    return "0s";
}

milliseconds duration_of(const std::string& option, const std::string& text) {
    if (const auto duration = parse_duration(text)) return *duration;
    throw CLI::ValidationError(option, fmt::format("'{}' is no duration such as 500ms, 30s, 5m, 24h or 7d", text));
}

CLI::Validator count_of(milliseconds unit) {
    const auto convert = [unit](std::string& text) -> std::string {
        const auto duration = parse_duration(text);
        if (!duration) return {};
        if (*duration % unit != milliseconds(0)) return fmt::format("{}: no whole {}", text, duration_text(unit));
        text = std::to_string(*duration / unit);
        return {};
    };
    return CLI::Validator(convert, "");
}

CLI::Option* add_duration(CLI::App& app, const std::string& name, milliseconds& into, const std::string& description) {
    const auto set = [name, &into](const std::string& text) { into = duration_of(name, text); };
    return app.add_option_function<std::string>(name, set, fmt::format("{} [{}]", description, duration_text(into)))
        ->type_name("TIME");
}

}  // namespace fpt_webhooks::cli
