// The log of a command that goes on for long: one line an event on standard error, logfmt or JSON.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fpt_webhooks::cli {

enum class LogLevel { info, warning, error };

// Shared by the threads of a command.
class Log {
  public:
    using Value = std::variant<std::int64_t, std::string>;
    using Fields = std::vector<std::pair<std::string_view, Value>>;

    Log(LogLevel least, bool json) : least_(least), json_(json) {}

    // What is below `least` is not written.
    void set_least(LogLevel least) noexcept { least_ = least; }

    // time=2026-06-10T23:45:00.123Z level=info event=attempt_failed subscription=3 detail="timed out"
    // Times are UTC. Control characters and what is not UTF-8 are written as "\x1b". A line that cannot be written,
    // or that nobody makes room for, is lost: neither a full disk under the log nor a reader that hangs may stop the
    // work. How many were lost stands before the next line: event=log_lost lines=3.
    void write(LogLevel level, std::string_view event, const Fields& fields = {});

  private:
    bool put(LogLevel level, std::string_view event, const Fields& fields, int patience);  // in milliseconds

    std::atomic<LogLevel> least_;
    const bool json_;
    std::mutex mutex_;  // of what follows, and of standard error
    std::int64_t lost_ = 0;
    bool is_cut_ = false;  // the last line was written in part
};

}  // namespace fpt_webhooks::cli
