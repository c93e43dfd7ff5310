#include "receiver/lease_keeper.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

namespace chr = std::chrono;

// Four times per lease: one met late in a round is still renewed when half of it is over, and a store that fails once
// or twice costs nothing.
constexpr int periods_per_lease = 4;

// How many leases are taken down under one lock.
constexpr std::size_t batch_max = 32;

}  // namespace

Result<void> check_lease_limits(const LeaseLimits& limits) {
    if (limits.lease <= chr::milliseconds::zero() || limits.lease > dedupe_lease_max) {
        return Error(Errc::invalid_argument, "lease: more than zero and at most 24 h");
    }
    if (limits.total_max < limits.lease || limits.total_max > dedupe_lease_max) {
        return Error(Errc::invalid_argument, "lease_total_max: at least `lease` and at most 24 h");
    }
    return {};
}

LeaseKeeper::LeaseKeeper(LeaseLimits limits, std::shared_ptr<const Clock> clock, Renew renew)
    : limits_(limits),
      period_(std::max(limits.lease / periods_per_lease, chr::milliseconds(1))),
      clock_(std::move(clock)),
      renew_(std::move(renew)) {}

LeaseKeeper::~LeaseKeeper() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

Result<void> LeaseKeeper::start() {
    if (started_.load(std::memory_order_relaxed)) return {};
    const std::lock_guard lock(mutex_);
    if (started_) return {};
    try {
        thread_ = std::thread([this]() noexcept { run(); });
        started_ = true;
        return {};
    } catch (const std::system_error& error) {
        return Error(Errc::local_failure, std::string("no thread to renew leases: ") + error.what());
    }
}

LeaseKeeper::Kept::Kept(LeaseKeeper& keeper, ClaimToken token) noexcept : keeper_(keeper), token_(token) {
    const std::lock_guard lock(keeper_.mutex_);
    keeper_.push_back(*this);
    if (!keeper_.idle_) return;
    keeper_.idle_ = false;
    keeper_.wake_.notify_one();
}

LeaseKeeper::Kept::~Kept() {
    const std::lock_guard lock(keeper_.mutex_);
    if (linked_) keeper_.remove(*this);
}

void LeaseKeeper::run() noexcept {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (!front_) {
            idle_ = true;
            wake_.wait(lock, [this] { return stopping_ || !idle_; });
        }
        // Whoever woke it may be done by now: it is not looked for before a period is over.
        wake_.wait_for(lock, period_, [this] { return stopping_; });
        if (!stopping_) renew_all(lock);
    }
}

// Once round the list. Tokens are copied, since a handler may end, and its place in the list vanish, at any time.
void LeaseKeeper::renew_all(std::unique_lock<std::mutex>& lock) noexcept {
    struct Due {
        ClaimToken token;
        chr::milliseconds lease;
    };
    ++round_;
    while (front_ && front_->round_ != round_ && !stopping_) {
        std::array<Due, batch_max> batch;
        std::size_t count = 0;
        const auto now = clock_->steady_now();
        while (front_ && front_->round_ != round_ && count < batch.size()) {
            Kept& kept = *front_;
            remove(kept);
            if (!kept.since_) kept.since_ = now - period_;
            const auto rest = chr::floor<chr::milliseconds>(*kept.since_ + limits_.total_max - now);
            kept.linked_ = rest > chr::milliseconds::zero();
            if (!kept.linked_) continue;  // it has had its time; the lease ends by itself
            kept.round_ = round_;
            push_back(kept);
            batch[count++] = {kept.token_, std::min(limits_.lease, rest)};
        }
        lock.unlock();
        for (std::size_t i = 0; i < count; ++i) {
            try {
                static_cast<void>(renew_(batch[i].token, batch[i].lease));
            } catch (...) {
            }
        }
        lock.lock();
    }
}

void LeaseKeeper::push_back(Kept& kept) noexcept {
    kept.previous_ = back_;
    kept.next_ = nullptr;
    (back_ ? back_->next_ : front_) = &kept;
    back_ = &kept;
}

void LeaseKeeper::remove(Kept& kept) noexcept {
    (kept.previous_ ? kept.previous_->next_ : front_) = kept.next_;
    (kept.next_ ? kept.next_->previous_ : back_) = kept.previous_;
}

}  // namespace fpt_webhooks::inline v0_1::detail
