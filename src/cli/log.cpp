#include "cli/log.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <poll.h>
#include <unistd.h>

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

// A reader that is alive takes a line in far less.
constexpr int patience_ms = 100;

// Can standard error be written to within this time, without waiting for its reader? Up to PIPE_BUF bytes can, then.
bool has_room(int milliseconds) {
    pollfd entry = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    for (;;) {
        const int ready = poll(&entry, 1, milliseconds);
        if (ready >= 0 || errno != EINTR) return ready > 0;
    }
}

}  // namespace

void Log::write(LogLevel level, std::string_view event, const Fields& fields) {
    if (level < least_) return;
    const std::lock_guard lock(mutex_);
    // One wait for a reader that has stopped, not one a line: others wait for the lock.
    if (lost_ > 0 && put(LogLevel::warning, "log_lost", {{"lines", lost_}}, 0)) lost_ = 0;
    if (lost_ > 0 || !put(level, event, fields, patience_ms)) ++lost_;
}

bool Log::put(LogLevel level, std::string_view event, const Fields& fields, int patience) {
    const Timestamp now = system_clock()->now();
    const std::string line =
        fmt::format("{}{}\n", is_cut_ ? "\n" : "",
                    json_ ? json_line(now, level, event, fields) : logfmt_line(now, level, event, fields));
    for (std::string_view rest = line; !rest.empty();) {
        const ssize_t count =
            has_room(patience) ? ::write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF)) : -1;
        if (count < 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(count));
        is_cut_ = !rest.empty();
    }
    return true;
}

}  // namespace fpt_webhooks::cli
