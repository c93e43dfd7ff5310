// Everything that the dispatcher decides, without I/O, threads or clocks: lanes, slots, holds, streaks, what to write.
//
// One lane per subscription that has work. The dispatcher feeds it rows, records, outcomes and the time, and obeys: it
// reads what poll() wants, starts what next_start() gives, writes what take_batch() collects. A day of retries runs in
// a millisecond in a test.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/sender/notice.hpp>
#include <fpt_webhooks/sender/retry_policy.hpp>
#include <fpt_webhooks/sender/store.hpp>

namespace fpt_webhooks::inline v0_1::detail {

struct EngineOptions {
    RetryPolicy fpt = RetryPolicy::fpt();
    RetryPolicy ufp = RetryPolicy::ufp();
    std::chrono::milliseconds disable_after = std::chrono::hours(24);    // a streak's length
    std::chrono::milliseconds streak_idle_max = std::chrono::hours(12);  // without any attempt it ends
    std::chrono::milliseconds no_secret_max = std::chrono::hours(24);    // then what waits is dropped
    std::chrono::milliseconds hold_first = std::chrono::minutes(1);  // both are shorter under a policy of short delays
    std::chrono::milliseconds hold_max = std::chrono::minutes(10);
    std::size_t slots = 512;               // attempts in flight
    std::size_t quarantine_slots = 128;    // of them at endpoints that did not answer last time
    std::size_t active_subscriptions = 0;  // at start
};

// What a crash may repeat of one lane: deliveries that were answered 2xx and not yet recorded.
inline constexpr unsigned unrecorded_max = 32;

// Rows in memory at a time, bodies included: some 10 MB of usual events, however much is pending.
inline constexpr std::size_t window_rows = 16'384;
inline constexpr std::size_t fresh_page_rows = 1'024;
inline constexpr std::size_t waiting_page_rows = 256;

// What is due at its window's end is started a moment later: a wake-up and a read take their time.
inline constexpr std::chrono::milliseconds window_grace = std::chrono::minutes(1);

// An attempt that takes longer than this makes its lane slow: what queues up behind it goes back to the store, so that
// it does not fill the window.
inline constexpr std::chrono::milliseconds slow_attempt{500};

// Below so many active subscriptions half of them may fail by chance.
inline constexpr std::size_t disabling_active_min = 20;

// Lanes without work that are remembered, with record and signer: a busy sender's set of endpoints.
inline constexpr std::size_t idle_lanes_max = 16'384;

// What a lane needs to send: the record, and a signer if there is a secret.
struct LaneRecord {
    SubscriptionRecord record;
    std::optional<Signer> signer = {};
};

// An attempt to start now. The pointers live until the engine is called again.
struct AttemptPlan {
    SubscriptionId subscription;
    const PendingDelivery* delivery = nullptr;
    const LaneRecord* lane = nullptr;
    PiiCategories pii;
    bool quarantined = false;
};

// Reads that the engine waits for.
struct EngineWants {
    bool fresh = false;                                              // take_fresh after cursor()
    std::vector<SubscriptionId> records = {};                        // record and secret
    std::vector<std::pair<SubscriptionId, Timestamp>> waiting = {};  // take_waiting up to this time
    // Paused: expire_waiting, for first attempts before this time.
    std::vector<std::pair<SubscriptionId, Timestamp>> expire = {};
};

class Engine {
  public:
    // `now`, here and everywhere: a time line that never goes back; see Dispatcher.
    explicit Engine(EngineOptions options);
    ~Engine();

    // ---- at start
    void add_wake(const SubscriptionWake& wake, Timestamp now);
    // How many subscriptions are active is counted in the store, from count_begins() to set_active_subscriptions().
    // False: count again, since the store may show a disabling that is being written, and may not.
    [[nodiscard]] bool count_begins() noexcept { return counting_ = batch_disabling_.empty(); }
    [[nodiscard]] bool set_active_subscriptions(std::size_t count) noexcept;

    // ---- what was read or happened
    void fresh_available() noexcept { fresh_available_ = true; }
    void add_fresh(std::vector<PendingDelivery> rows, bool more, Timestamp now);
    void add_waiting(SubscriptionId id, WaitingPage page, Timestamp now);
    void waiting_failed(SubscriptionId id);  // the read is to be repeated
    void set_record(LaneRecord record, Timestamp now);
    void record_failed(SubscriptionId id);
    // Somebody edited it: its record is to be read again before its next attempt.
    void invalidate(SubscriptionId id, Timestamp now);
    // A commit has dropped it, by an edit that we have not heard of.
    void dropped(SubscriptionId id, DeliveryId delivery, Timestamp now);
    // What expire_waiting did; null: it failed.
    void expired(SubscriptionId id, const ExpireResult* result, Timestamp now);

    // The attempt of this subscription came back. `started`: on the time line; `wall`: for the record.
    // `random`: one uniform number.
    void completed(SubscriptionId id, const AttemptOutcome& outcome, std::string response_head, Timestamp wall_started,
                   Timestamp now, std::uint64_t random);

    // The attempt was not made: this event can never be sent.
    void cannot_send(SubscriptionId id, const Error& error, Timestamp wall_started, Timestamp now);

    // The attempt was cancelled because the dispatcher stops: nothing is recorded, the next start finds it in doubt.
    void abandon(SubscriptionId id);

    // ---- what to do
    [[nodiscard]] EngineWants poll(Timestamp now);
    [[nodiscard]] std::optional<AttemptPlan> next_start(Timestamp now);
    // When poll() will have something new to say though nothing happens.
    [[nodiscard]] std::optional<Timestamp> next_wake() const;
    [[nodiscard]] DeliveryId cursor() const noexcept { return cursor_; }
    // Would poll() name a read?
    [[nodiscard]] bool wants_reads() const noexcept {
        return !wanting_.empty() || (fresh_available_ && !reading_fresh_);
    }

    // ---- writing: one batch at a time

    // Writes that somebody waits for; starts alone can wait.
    [[nodiscard]] bool has_outcomes() const noexcept { return !updates_.empty() || !streaks_.empty(); }
    [[nodiscard]] bool has_writes() const noexcept {
        return !updates_.empty() || !streaks_.empty() || !starts_.empty();
    }
    [[nodiscard]] std::size_t writes() const noexcept { return updates_.size() + streaks_.size() + starts_.size(); }
    void take_batch(StoreBatch& batch);
    void committed(Timestamp now);

    [[nodiscard]] std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }

    // No new attempts from here on.
    void drain() noexcept { draining_ = true; }
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  private:
    struct Lane;
    enum class Blocked { no, paused, no_secret, held, closed };

    Lane& lane(SubscriptionId id);
    void set_wake(Lane& lane, std::optional<Timestamp> at);
    void settle(Lane& lane, Timestamp now);
    [[nodiscard]] Blocked blocked(const Lane& lane, Timestamp now) const;
    void want(Lane& lane);
    bool admit(Lane& lane, const PendingDelivery& row, Timestamp now);
    void push(Lane& lane, PendingDelivery row);
    PendingDelivery pop(Lane& lane);
    PendingDelivery land(Lane& lane);
    void park_queue(Lane& lane);
    void forget_parked(Lane& lane);
    void park(Lane& lane, const PendingDelivery& row);
    void park_slow(Timestamp now);
    void forget_waiting(Lane& lane);
    void end(Lane& lane, const PendingDelivery& row, DeliveryState state, EndReason reason, Timestamp now,
             std::optional<Attempt> attempt = {});
    void write(Lane& lane, DeliveryUpdate update);
    void make_ready(Lane& lane);
    void after_success(Lane& lane, const PendingDelivery& row, Timestamp now);
    void hold_after(Lane& lane, const AttemptOutcome& outcome, Timestamp now);
    void after_failure(Lane& lane, const PendingDelivery& row, const AttemptOutcome& outcome,
                       std::optional<Timestamp> previous, Timestamp now);
    [[nodiscard]] bool is_idle(const FailureStreak& streak, std::optional<Timestamp> last_attempt, Timestamp now) const;
    void check_streak(Lane& lane, Timestamp now);
    [[nodiscard]] std::optional<Timestamp> streak_wake(const Lane& lane, Timestamp now) const;
    bool may_disable(Timestamp now);
    void disable(Lane& lane, Timestamp now, std::string detail);
    void notify(Notice notice) { notices_.push_back(std::move(notice)); }
    [[nodiscard]] const RetryPolicy& policy_of(const Lane& lane) const;
    void forget_idle();

    EngineOptions options_;
    const std::chrono::milliseconds longest_step_;
    std::unordered_map<SubscriptionId, std::unique_ptr<Lane>> lanes_;
    // Subscriptions without a lane that something waits for: there may be a million.
    struct Asleep {
        std::optional<Timestamp> at = {};
        std::optional<Timestamp> due = {};
        std::optional<Timestamp> far_read = {};
    };
    std::unordered_map<SubscriptionId, Asleep> asleep_;
    std::set<std::pair<Timestamp, SubscriptionId>> wakes_;
    std::deque<SubscriptionId> ready_;
    std::deque<SubscriptionId> ready_quarantined_;
    std::vector<SubscriptionId> wanting_;  // lanes that want a read; each once
    std::deque<SubscriptionId> idle_;      // in the order of becoming idle; may hold lanes that work again

    DeliveryId cursor_;
    bool fresh_available_ = true;
    bool reading_fresh_ = false;
    bool caught_up_ = false;  // all that was fresh at the start has been read
    bool draining_ = false;
    std::size_t rows_ = 0;
    std::size_t in_flight_ = 0;
    std::size_t in_quarantine_ = 0;

    std::vector<DeliveryUpdate> updates_;
    struct Written {
        SubscriptionId lane;
        bool parks = false;  // else it is counted as unrecorded
    };
    std::vector<Written> update_lanes_;  // beside updates_
    std::vector<StreakUpdate> streaks_;
    std::vector<std::pair<SubscriptionId, DeliveryId>> starts_;
    std::vector<SubscriptionId> disabling_;
    std::vector<Written> batch_lanes_;  // of the batch that is being written
    std::vector<SubscriptionId> batch_disabling_;
    std::uint64_t batch_ = 1;  // the number of the one that is being collected
    std::uint64_t committed_ = 0;
    Timestamp last_parking_ = {};

    std::size_t active_ = 0;
    bool counting_ = false;              // and no disabling has been written since
    std::deque<Timestamp> disabled_at_;  // within the last hour
    bool halted_ = false;
    std::vector<Notice> notices_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
