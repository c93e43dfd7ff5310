#include <fpt_webhooks/core/timed_secret.hpp>

#include <algorithm>
#include <fstream>
#include <optional>

#include <openssl/crypto.h>

namespace fpt_webhooks::inline v0_1 {
namespace {

// Takes what stands before the separator off `text`, and the separator with it.
std::string_view take_until(std::string_view& text, char separator) noexcept {
    const auto end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

bool is_white(char c) noexcept { return c == ' ' || c == '\r' || c == '\v' || c == '\f'; }

bool is_quoted(std::string_view text) noexcept {
    return text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
}

// With a space for the tab the field would be a part of the secret, which would then verify nothing. "<tab>" is how a
// page may show one.
Result<void> refuse_missing_tab(std::string_view secret) {
    for (const std::string_view mark : {" label=", " not_before=", " not_after="}) {
        if (secret.find(mark) == std::string_view::npos) continue;
        return Error(Errc::malformed, "a tab is needed before " + std::string(mark.substr(1)));
    }
    if (secret.find("<tab>") == std::string_view::npos) return {};
    return Error(Errc::malformed, "a tab is needed in the place of \"<tab>\"");
}

// What stands behind a secret. Details show nothing of the line: a secret may stand in the wrong place.
struct Fields {
    std::optional<std::string_view> label = {};
    std::optional<std::string_view> not_before = {};
    std::optional<std::string_view> not_after = {};
};

Result<Fields> read_fields(std::string_view rest) {
    Fields fields;
    for (int number = 2; !rest.empty(); ++number) {
        const std::string_view field = take_until(rest, '\t');
        const std::string place = "field " + std::to_string(number);
        const auto equals = field.find('=');
        const std::string_view name = field.substr(0, equals);
        std::optional<std::string_view>* known = name == "label"        ? &fields.label
                                                 : name == "not_before" ? &fields.not_before
                                                 : name == "not_after"  ? &fields.not_after
                                                                        : nullptr;
        if (!known || equals == std::string_view::npos) {
            return Error(Errc::malformed, place + ": neither label=, not_before= nor not_after=");
        }
        if (known->has_value()) return Error(Errc::malformed, place + ": given twice");
        *known = field.substr(equals + 1);
    }
    return fields;
}

Result<Timestamp> read_time(const std::optional<std::string_view>& text, Timestamp fallback, std::string_view name) {
    if (!text) return fallback;
    auto time = parse_timestamp(*text);
    if (!time) return Error(Errc::malformed, std::string(name) + ": not a time like 2026-06-10T00:00:00Z");
    return time;
}

Result<TimedSecret> read_line(std::string_view line, const std::string& place) {
    const auto refused = [](const char* what) { return Error(Errc::malformed, what); };
    const std::string_view text = take_until(line, '\t');
    if (text.empty()) return refused("begins with a tab, where a secret is needed");
    if (is_white(text.front()) || is_white(text.back())) return refused("white space at an end of the secret");
    if (is_quoted(text)) return refused("quotes around the secret");
    if (auto good = refuse_missing_tab(text); !good) return good.error();
    const auto fields = read_fields(line);
    if (!fields) return fields.error();
    const auto not_before = read_time(fields->not_before, Timestamp::min(), "not_before");
    if (!not_before) return not_before.error();
    const auto not_after = read_time(fields->not_after, Timestamp::max(), "not_after");
    if (!not_after) return not_after.error();
    const std::string label(fields->label.value_or(place));
    if (const auto good = SecretLabel::make(label); !good) return Error(Errc::malformed, good.error().detail());
    return TimedSecret(Secret(text), *not_before, *not_after, label);
}

}  // namespace

Result<SecretLabel> SecretLabel::make(std::string_view text) {
    if (text.size() > length_max ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; })) {
        return Error(Errc::invalid_argument, "label: up to 31 bytes of printable ASCII are allowed");
    }
    SecretLabel label;
    std::copy(text.begin(), text.end(), label.text_.begin());
    label.length_ = static_cast<std::uint8_t>(text.size());
    return label;
}

Result<std::vector<TimedSecret>> parse_secrets(std::string_view text) {
    if (text.size() > secrets_file_bytes_max) return Error(Errc::limit_exceeded, "over 64 KiB");
    if (text.starts_with("\xef\xbb\xbf")) return Error(Errc::malformed, "begins with a byte order mark");
    std::vector<TimedSecret> secrets;
    for (int number = 1; !text.empty(); ++number) {
        std::string_view line = take_until(text, '\n');
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const std::string place = "line " + std::to_string(number);
        if (secrets.size() == verifier_secrets_max) {
            return Error(Errc::limit_exceeded,
                         place + ": at most " + std::to_string(verifier_secrets_max) + " secrets are allowed");
        }
        auto secret = read_line(line, place);
        if (!secret) return secret.error().in(place);
        secrets.push_back(*std::move(secret));
    }
    if (secrets.empty()) return Error(Errc::malformed, "no secret in it");
    return secrets;
}

Result<std::vector<TimedSecret>> read_secrets_file(const std::string& path) {
    const auto unreadable = [&path](const char* what) { return Error(Errc::local_failure, path + ": " + what); };
    std::ifstream file;
    file.rdbuf()->pubsetbuf(nullptr, 0);  // else the stream's own buffer would keep a copy of the secrets
    file.open(path, std::ios::in | std::ios::binary);
    if (!file) return unreadable("cannot be opened");
    std::vector<char> text(secrets_file_bytes_max + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    const bool failed = file.bad() || (file.fail() && !file.eof());
    auto secrets =
        failed ? unreadable("cannot be read") : parse_secrets({text.data(), static_cast<std::size_t>(file.gcount())});
    OPENSSL_cleanse(text.data(), text.size());
    if (!secrets && !failed) return secrets.error().in(path);
    return secrets;
}

}  // namespace fpt_webhooks::inline v0_1
