#include "cli/log.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/core.h>

#include <fpt_webhooks/core/clock.hpp>

#include "cli/console.hpp"
#include "cli/json.hpp"

namespace fpt_webhooks::cli {
namespace {

std::string_view name_of(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
    }
    return "";
}

// As it stands behind "key=": in quotes when it would not be one word.
std::string logfmt_value(std::string_view text) {
    const bool is_word = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < '\x7f' && c != '"' && c != '=' && c != '\\';
    });
    if (is_word) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return printable(quoted + '"');
}

std::string logfmt_line(Timestamp time, LogLevel level, std::string_view event, const Log::Fields& fields) {
    std::string line =
        fmt::format("time={} level={} event={}", format_timestamp(time).value_or("-"), name_of(level), event);
    for (const auto& [name, value] : fields) {
        const auto* const text = std::get_if<std::string>(&value);
        line += fmt::format(" {}={}", name,
                            text != nullptr ? logfmt_value(*text) : std::to_string(std::get<std::int64_t>(value)));
    }
    return line;
}

std::string json_line(Timestamp time, LogLevel level, std::string_view event, const Log::Fields& fields) {
    JsonText json;
    json.begin_object().field("time", time).field("level", name_of(level)).field("event", event);
    for (const auto& [name, value] : fields) {
        if (const auto* const text = std::get_if<std::string>(&value)) {
            json.field(name, std::string_view(printable(*text)));
        } else {
            json.field(name, std::get<std::int64_t>(value));
        }
    }
    return std::string(json.end_object().text());
}

}  // namespace

void Log::write(LogLevel level, std::string_view event, const Fields& fields) const {
    if (level < least_) return;
    const Timestamp now = system_clock()->now();
    const std::string line =
        (json_ ? json_line(now, level, event, fields) : logfmt_line(now, level, event, fields)) + '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace fpt_webhooks::cli
