// When a command that goes on for long is told to end: by SIGINT or SIGTERM, or by a part of itself.
#pragma once

#include <chrono>

#include <signal.h>

namespace fpt_webhooks::cli {

// One at a time. A second signal of the same kind ends the process at once, as it would without this. May be used by
// all threads.
class Stop {
  public:
    Stop();
    ~Stop();
    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;

    void request() noexcept;

    void wait() const;
    // True: it was requested. Waits for a day at most.
    [[nodiscard]] bool wait_for(std::chrono::milliseconds time) const;

    enum class Input { ready, none, requested };
    // Can the descriptor be read, or is it at its end? If it may, waits for that, or for the request.
    [[nodiscard]] Input wait_for_input(int descriptor, bool may_wait) const;

  private:
    int requests_[2] = {-1, -1};  // a pipe that is never read, so that it stays readable from the first request on
    struct sigaction interrupt_before_ = {};
    struct sigaction terminate_before_ = {};
};

}  // namespace fpt_webhooks::cli
