// Renews the leases of running handlers, on one thread that starts with the first of them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>

namespace fpt_webhooks::inline v0_1::detail {

struct LeaseLimits {
    std::chrono::milliseconds lease;
    std::chrono::milliseconds total_max;  // from the claim to the end of the last renewal
};

// Errors: invalid_argument that names the option.
[[nodiscard]] Result<void> check_lease_limits(const LeaseLimits& limits);

// Handlers that end sooner than a quarter of the lease cost a place in a list: no wake-up, no allocation, no look at a
// clock. The thread sleeps in real time; leases are judged by `clock`, as the stores do it.
class LeaseKeeper {
  public:
    using Renew = std::function<Result<void>(ClaimToken token, std::chrono::milliseconds lease)>;

    // `renew` runs on the keeper's thread without a lock. What it throws is dropped: there is a next time, and a lease
    // that is lost shows when its event is marked done.
    LeaseKeeper(LeaseLimits limits, std::shared_ptr<const Clock> clock, Renew renew);
    LeaseKeeper(const LeaseKeeper&) = delete;
    LeaseKeeper& operator=(const LeaseKeeper&) = delete;
    ~LeaseKeeper();  // waits for a renewal that is under way

    // Before a lease is taken. Errors: local_failure when there is no thread to have.
    [[nodiscard]] Result<void> start();

    // As long as it lives, the lease is renewed. The keeper has been started and outlives it.
    class Kept {
      public:
        Kept(LeaseKeeper& keeper, ClaimToken token) noexcept;
        Kept(const Kept&) = delete;
        Kept& operator=(const Kept&) = delete;
        ~Kept();

      private:
        friend class LeaseKeeper;
        LeaseKeeper& keeper_;
        const ClaimToken token_;
        std::optional<std::chrono::steady_clock::time_point>
            since_;                // set when it is first met, to be rather too early
        std::uint64_t round_ = 0;  // in which it was met last
        Kept* previous_ = nullptr;
        Kept* next_ = nullptr;
        bool linked_ = true;
    };

  private:
    void run() noexcept;
    void renew_all(std::unique_lock<std::mutex>& lock) noexcept;
    void push_back(Kept& kept) noexcept;
    void remove(Kept& kept) noexcept;

    const LeaseLimits limits_;
    const std::chrono::milliseconds period_;
    const std::shared_ptr<const Clock> clock_;
    const Renew renew_;

    std::mutex mutex_;
    std::condition_variable wake_;
    Kept* front_ = nullptr;  // those not yet met in this round stand in front of those that were
    Kept* back_ = nullptr;
    std::uint64_t round_ = 0;
    bool idle_ = false;  // the thread sleeps until it is woken
    bool stopping_ = false;
    std::atomic<bool> started_{false};
    std::thread thread_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
