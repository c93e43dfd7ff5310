// Threads that wait until something changes, by its subject.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

namespace fpt_webhooks::inline v0_1::detail {

// What another process does wakes nobody here: who waits looks again by itself, at first soon, then less often.
inline constexpr std::chrono::milliseconds look_again_min{10};
inline constexpr std::chrono::milliseconds look_again_max{250};

// A wait is not longer than this, so that adding it to a time cannot overflow; no HTTP server waits an hour.
inline constexpr std::chrono::milliseconds wait_max = std::chrono::hours(1);

class WaitingRoom {
  public:
    using SteadyTime = std::chrono::steady_clock::time_point;

    // Asked before looking, and given to wait(): what is woken in between is not missed.
    [[nodiscard]] std::uint64_t moment() const {
        const std::lock_guard lock(mutex_);
        return moment_;
    }

    // Until `subject` is woken, anything was woken since `moment`, or the time has come.
    void wait(std::uint64_t subject, std::uint64_t moment, SteadyTime until) {
        std::unique_lock lock(mutex_);
        if (moment_ != moment) return;
        Waiter waiter{.subject = subject};
        const auto place = waiters_.insert(waiters_.end(), &waiter);
        waiter.woken.wait_until(lock, until, [&] { return waiter.is_woken; });
        waiters_.erase(place);
    }

    void wake(std::uint64_t subject) {
        wake_if([&](const Waiter& waiter) { return waiter.subject == subject; });
    }
    void wake_one(std::uint64_t subject) {
        bool found = false;
        wake_if([&](const Waiter& waiter) {
            if (found || waiter.is_woken || waiter.subject != subject) return false;
            return found = true;
        });
    }
    void wake_all() {
        wake_if([](const Waiter&) { return true; });
    }

  private:
    struct Waiter {
        std::uint64_t subject = 0;
        std::condition_variable woken = {};
        bool is_woken = false;
    };

    template <class Chosen>
    void wake_if(Chosen&& chosen) {
        const std::lock_guard lock(mutex_);
        ++moment_;
        for (Waiter* waiter : waiters_) {
            if (!chosen(*waiter)) continue;
            waiter->is_woken = true;
            waiter->woken.notify_one();
        }
    }

    mutable std::mutex mutex_;
    std::uint64_t moment_ = 0;
    std::list<Waiter*> waiters_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
