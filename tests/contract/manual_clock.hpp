// A clock that moves only when told to. May be shared between threads. (The testing component has one for users; these
// suites also run in a build of the receiver alone, which has no testing component.)
#pragma once

#include <atomic>

#include <fpt_webhooks/core/clock.hpp>

class ManualClock final : public fpt_webhooks::Clock {
  public:
    fpt_webhooks::Timestamp now() const noexcept override { return fpt_webhooks::Timestamp(wall_.load()); }
    std::chrono::steady_clock::time_point steady_now() const noexcept override {
        return std::chrono::steady_clock::time_point(steady_.load());
    }

    // Time passes, on both clocks.
    void advance(std::chrono::milliseconds time) {
        steady_ = steady_.load() + time;
        jump_wall(time);
    }

    // Somebody sets the wall clock.
    void jump_wall(std::chrono::milliseconds by) { wall_ = wall_.load() + by; }

  private:
    std::atomic<std::chrono::milliseconds> wall_{std::chrono::seconds(1717023600)};
    std::atomic<std::chrono::milliseconds> steady_{std::chrono::hours(1)};
};
