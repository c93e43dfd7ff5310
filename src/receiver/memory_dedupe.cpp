#include <fpt_webhooks/receiver/memory_dedupe.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "receiver/dedupe_rules.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using SteadyTime = chr::steady_clock::time_point;

// A claim adds one key at most, so forgetting up to two each time outruns any growth and never takes long.
constexpr int purge_step = 2;

// How many leases a claim on a full store looks at to find one that has ended. Those that run go to the back of the
// line, so that a few claims later all have been looked at.
constexpr int ended_lease_search_step = 8;

// A wait is not longer than this, so that adding it to a time cannot overflow; no HTTP server waits an hour.
constexpr chr::milliseconds wait_max = chr::hours(1);

// Between two looks at a lease by `clock`, at least this passes: a clock moved by hand may stand still just before its
// end.
constexpr chr::milliseconds wait_slice_min{1};

struct KeyHash {
    std::size_t operator()(const DedupeKey& key) const noexcept {
        const std::hash<std::string_view> hash;
        return hash(key.id) ^ (hash(key.endpoint) * 31);
    }
};

// A thread inside claim(); lives on that thread's stack and in the list of the slot that it waits for.
struct Waiter {
    std::condition_variable woken;
    bool signalled = false;
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
};

enum class SlotState { unused, leased, done, released };

struct Slot {
    std::string key_text;  // endpoint and id, one after the other
    DedupeKey key;         // views of key_text
    SlotState state = SlotState::unused;
    std::uint64_t index = 0;
    std::uint64_t fence = 0;  // of the latest claim; 0 when no token is good
    std::uint32_t failures = 0;
    SteadyTime time;            // leased: its end; done and released: since when
    Waiter* waiters = nullptr;  // leased only
    Slot* previous = nullptr;   // in the list of its state
    Slot* next = nullptr;
};

// Slots of one state, the one that entered it first in front.
class SlotList {
  public:
    void push_back(Slot& slot) noexcept {
        slot.previous = back_;
        slot.next = nullptr;
        (back_ ? back_->next : front_) = &slot;
        back_ = &slot;
        ++size_;
    }
    void remove(Slot& slot) noexcept {
        (slot.previous ? slot.previous->next : front_) = slot.next;
        (slot.next ? slot.next->previous : back_) = slot.previous;
        --size_;
    }
    [[nodiscard]] Slot* front() const noexcept { return front_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

  private:
    Slot* front_ = nullptr;
    Slot* back_ = nullptr;
    std::size_t size_ = 0;
};

Error lease_lost() { return {Errc::lease_lost}; }

}  // namespace

class MemoryDedupe::State {
  public:
    explicit State(MemoryDedupeOptions options) : options_(std::move(options)), waiting_clock_(system_clock()) {}

    Result<Claim> claim(const DedupeKey& key, chr::milliseconds lease, chr::milliseconds wait) {
        std::optional<chr::milliseconds> forgotten;
        auto claim = claim_locked(key, lease, wait, forgotten);
        if (forgotten && options_.on_forgotten_early) {
            try {
                options_.on_forgotten_early(*forgotten);
            } catch (...) {  // the claim stands, whatever its observer does
            }
        }
        return claim;
    }

    Result<void> complete(ClaimToken token) {
        const std::lock_guard lock(mutex_);
        Slot* slot = find(token);
        if (!slot) return lease_lost();
        if (slot->state == SlotState::done) return {};
        move_to(*slot, SlotState::done);
        slot->time = options_.clock->steady_now();
        wake_all(*slot);
        return {};
    }

    Result<void> release(ClaimToken token, ReleaseAs how) {
        const std::lock_guard lock(mutex_);
        Slot* slot = find(token);
        if (!slot || slot->state != SlotState::leased) return lease_lost();
        if (how == ReleaseAs::failed) ++slot->failures;
        wake_all(*slot);
        if (slot->failures == 0) {
            forget(*slot);
            return {};
        }
        move_to(*slot, SlotState::released);
        slot->fence = 0;
        slot->time = options_.clock->steady_now();
        return {};
    }

    Result<void> renew(ClaimToken token, chr::milliseconds lease) {
        const std::lock_guard lock(mutex_);
        Slot* slot = find(token);
        if (!slot || slot->state != SlotState::leased) return lease_lost();
        slot->time = options_.clock->steady_now() + lease;
        return {};
    }

    MemoryDedupeStats stats() const {
        const std::lock_guard lock(mutex_);
        return {.done = done_.size(),
                .leased = leased_.size(),
                .released = released_.size(),
                .waiting = waiting_,
                .forgotten_early = forgotten_early_,
                .forgotten_age_min = forgotten_age_min_};
    }

  private:
    Result<Claim> claim_locked(const DedupeKey& key, chr::milliseconds lease, chr::milliseconds wait,
                               std::optional<chr::milliseconds>& forgotten) {
        std::unique_lock lock(mutex_);
        std::optional<SteadyTime> deadline;
        for (;;) {
            const SteadyTime now = options_.clock->steady_now();
            purge(now);
            const auto found = slots_by_key_.find(key);
            if (found == slots_by_key_.end()) return claim_new(key, now, lease, forgotten);
            Slot& slot = *found->second;
            if (slot.state == SlotState::done) {
                // Only a few expired keys are purged per claim; this one may be left over.
                if (expired(slot, now)) return take(slot, now, lease);
                return Claim{.state = ClaimState::done, .completed_ago = age(slot, now)};
            }
            if (slot.state == SlotState::released || slot.time <= now) return take(slot, now, lease);
            if (wait <= chr::milliseconds::zero()) return Claim{};
            const SteadyTime waited_until = waiting_clock_->steady_now();
            if (!deadline) deadline = waited_until + std::min(wait, wait_max);
            if (waited_until >= *deadline) return Claim{};
            const auto slice = std::max<SteadyTime::duration>(slot.time - now, wait_slice_min);
            wait_for_result(slot, lock, std::min(*deadline, waited_until + slice));
        }
    }

    void wait_for_result(Slot& slot, std::unique_lock<std::mutex>& lock, SteadyTime until) {
        Waiter waiter;
        waiter.next = slot.waiters;
        if (slot.waiters) slot.waiters->previous = &waiter;
        slot.waiters = &waiter;
        ++waiting_;
        waiter.woken.wait_until(lock, until, [&] { return waiter.signalled; });
        --waiting_;
        // A slot signals all that wait for it before it stands for anything else: not signalled, it is still ours.
        if (waiter.signalled) return;
        (waiter.previous ? waiter.previous->next : slot.waiters) = waiter.next;
        if (waiter.next) waiter.next->previous = waiter.previous;
    }

    static void wake_all(Slot& slot) noexcept {
        // Under the lock, so that no waiter can return, and its list node vanish, before the walk is over.
        for (Waiter* waiter = slot.waiters; waiter; waiter = waiter->next) {
            waiter->signalled = true;
            waiter->woken.notify_one();
        }
        slot.waiters = nullptr;
    }

    Result<Claim> claim_new(const DedupeKey& key, SteadyTime now, chr::milliseconds lease,
                            std::optional<chr::milliseconds>& forgotten) {
        if (slots_by_key_.size() >= options_.capacity && !make_room(now, forgotten)) {
            return Error(Errc::store_full,
                         "all " + std::to_string(options_.capacity) + " keys of the store have a running lease");
        }
        if (!unused_.front()) {
            Slot& added = slots_.emplace_back();
            added.index = slots_.size() - 1;
            unused_.push_back(added);
        }
        // Should memory run out in the next lines, the slot is still an unused one.
        Slot& slot = *unused_.front();
        slot.key_text.assign(key.endpoint).append(key.id);
        const std::string_view text = slot.key_text;
        slot.key = {text.substr(0, key.endpoint.size()), text.substr(key.endpoint.size())};
        slots_by_key_.emplace(slot.key, &slot);
        slot.failures = 0;
        return take(slot, now, lease);
    }

    Claim take(Slot& slot, SteadyTime now, chr::milliseconds lease) noexcept {
        if (slot.state == SlotState::done) slot.failures = 0;
        move_to(slot, SlotState::leased);
        slot.fence = ++last_fence_;
        slot.time = now + lease;
        return {.state = ClaimState::fresh, .token = {slot.index, slot.fence}, .failures = slot.failures};
    }

    // The slot of a token that is still good.
    Slot* find(ClaimToken token) noexcept {
        if (token.fence == 0 || token.entry >= slots_.size()) return nullptr;
        Slot& slot = slots_[static_cast<std::size_t>(token.entry)];
        return slot.fence == token.fence ? &slot : nullptr;
    }

    // Dead leases first, since their events come again as new ones; then the oldest done key. Released keys go last:
    // they hold the counts of failures, which would never grow in a store that is always full.
    bool make_room(SteadyTime now, std::optional<chr::milliseconds>& forgotten) {
        for (int i = 0; i < ended_lease_search_step && leased_.front(); ++i) {
            Slot& slot = *leased_.front();
            if (slot.time <= now) {
                wake_all(slot);
                forget(slot);
                return true;
            }
            move_to(slot, SlotState::leased);
        }
        if (Slot* slot = done_.front()) {
            forgotten = age(*slot, now);
            ++forgotten_early_;
            forgotten_age_min_ = std::min(forgotten_age_min_.value_or(*forgotten), *forgotten);
            forget(*slot);
            return true;
        }
        if (Slot* slot = released_.front()) {
            forget(*slot);
            return true;
        }
        return false;
    }

    void purge(SteadyTime now) noexcept {
        for (const SlotList* list : {&done_, &released_}) {
            for (int i = 0; i < purge_step && list->front() && expired(*list->front(), now); ++i) {
                forget(*list->front());
            }
        }
    }

    bool expired(const Slot& slot, SteadyTime now) const noexcept { return now - slot.time >= options_.retention; }

    static chr::milliseconds age(const Slot& slot, SteadyTime now) noexcept {
        return chr::floor<chr::milliseconds>(now - slot.time);
    }

    void forget(Slot& slot) noexcept {
        slots_by_key_.erase(slot.key);
        move_to(slot, SlotState::unused);
        slot.fence = 0;
    }

    void move_to(Slot& slot, SlotState state) noexcept {
        list_of(slot.state).remove(slot);
        slot.state = state;
        list_of(state).push_back(slot);
    }

    SlotList& list_of(SlotState state) noexcept {
        switch (state) {
            case SlotState::leased: return leased_;
            case SlotState::done: return done_;
            case SlotState::released: return released_;
            case SlotState::unused: break;
        }
        return unused_;
    }

    const MemoryDedupeOptions options_;
    const std::shared_ptr<const Clock> waiting_clock_;  // threads sleep in real time, whatever clock ends the leases

    mutable std::mutex mutex_;
    std::deque<Slot> slots_;  // never shrinks, never moves a slot
    std::unordered_map<DedupeKey, Slot*, KeyHash> slots_by_key_;
    SlotList unused_, leased_, done_, released_;
    std::uint64_t last_fence_ = 0;
    std::size_t waiting_ = 0;
    std::uint64_t forgotten_early_ = 0;
    std::optional<chr::milliseconds> forgotten_age_min_;
};

Result<std::shared_ptr<MemoryDedupe>> MemoryDedupe::create(MemoryDedupeOptions options) {
    if (options.capacity == 0) return Error(Errc::invalid_argument, "capacity: at least 1 is needed");
    if (auto valid = detail::check_retention(options.retention); !valid) return valid.error();
    if (!options.clock) options.clock = system_clock();
    return std::shared_ptr<MemoryDedupe>(new MemoryDedupe(std::make_unique<State>(std::move(options))));
}

MemoryDedupe::MemoryDedupe(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
MemoryDedupe::~MemoryDedupe() = default;

Result<Claim> MemoryDedupe::claim(const DedupeKey& key, chr::milliseconds lease, chr::milliseconds wait) {
    if (auto valid = detail::check_key(key); !valid) return valid.error();
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    return state_->claim(key, lease, wait);
}

Result<void> MemoryDedupe::complete(ClaimToken token) { return state_->complete(token); }

Result<void> MemoryDedupe::release(ClaimToken token, ReleaseAs how) { return state_->release(token, how); }

Result<void> MemoryDedupe::renew(ClaimToken token, chr::milliseconds lease) {
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    return state_->renew(token, lease);
}

MemoryDedupeStats MemoryDedupe::stats() const { return state_->stats(); }

}  // namespace fpt_webhooks::inline v0_1
