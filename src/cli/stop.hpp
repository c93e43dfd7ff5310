// What a command that goes on for long waits for: to be told to end, by a signal or by a part of itself. A daemon is
// told more.
#pragma once

#include <chrono>

#include <signal.h>

namespace fpt_webhooks::cli {

enum class Occurrence : char {
    end,      // SIGINT, SIGTERM, a terminal that is closed (SIGHUP, but to who reloads by it), or request()
    reload,   // SIGHUP
    stopped,  // the daemon's dispatcher has stopped
    fenced,   // another dispatcher has taken the daemon's store over
};

// One at a time. A second SIGINT or SIGTERM ends the process at once, as it would without this, whatever its threads
// do. May be used by all threads, and by a command in one of two ways: it waits for the request, or takes each
// occurrence.
class Stop {
  public:
    enum class Hangup { ends, reloads };

    explicit Stop(Hangup hangup = Hangup::ends);
    ~Stop();
    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;

    void request() noexcept { post(Occurrence::end); }

    void wait() const;
    // True: it was requested, or there is something to take. Waits for a day at most.
    [[nodiscard]] bool wait_for(std::chrono::milliseconds time) const;

    enum class Input { ready, none, requested };
    // Can the descriptor be read, or is it at its end? If it may, waits for that, or for the request.
    [[nodiscard]] Input wait_for_input(int descriptor, bool may_wait) const;

    void post(Occurrence occurrence) noexcept;
    // The oldest that was not taken, in their order.
    [[nodiscard]] Occurrence take();

  private:
    int pipe_[2] = {-1, -1};  // one byte an occurrence; not taken, they stay readable from the first on
    struct sigaction interrupt_before_ = {};
    struct sigaction terminate_before_ = {};
    struct sigaction hangup_before_ = {};
};

}  // namespace fpt_webhooks::cli
