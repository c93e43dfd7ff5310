#include "sender/engine.hpp"

#include <algorithm>
#include <string>

#include "sender/plant.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr Timestamp never = Timestamp::max();

// Oldest due first, then in the order of publishing; under fifo_per_contact, where all in memory are due, in the order
// of publishing alone.
struct Earlier {
    bool by_publishing = false;

    bool operator()(const PendingDelivery& a, const PendingDelivery& b) const noexcept {
        if (FPT_WEBHOOKS_PLANT(7)) return a.due > b.due;
        if (by_publishing) return a.id < b.id;
        return std::pair(a.due, a.id) < std::pair(b.due, b.id);
    }
};

Timestamp earlier(std::optional<Timestamp> a, Timestamp b) noexcept { return a ? std::min(*a, b) : b; }

// No answer came, and the time or the connection is to blame: the endpoint may stay so for a while.
bool did_not_answer(const AttemptOutcome& outcome) noexcept {
    if (!outcome.error || !outcome.counts_towards_streak) return false;
    const Error& error = *outcome.error;
    return error == Errc::timed_out || error == Errc::connect_failed || error == Errc::no_response ||
           error == Errc::resolve_failed;
}

// Zero: it retries nothing.
std::chrono::milliseconds longest_delay(const RetryPolicy& policy) {
    std::chrono::milliseconds longest{0};
    for (const auto delay : policy.delays) longest = std::max(longest, delay);
    return longest;
}

// Nothing that this process writes is due later, but for a peer's Retry-After.
std::chrono::milliseconds longest_step(const RetryPolicy& policy) {
    const auto longest = longest_delay(policy);
    return longest == longest.zero() ? policy.window : longest + longest * policy.jitter_percent / 100;
}

constexpr unsigned warning_percents[] = {50, 75, 100};

unsigned unrecorded_limit() noexcept { return unrecorded_max + (FPT_WEBHOOKS_PLANT(4) ? 1 : 0); }

}  // namespace

struct Engine::Lane {
    SubscriptionId id;
    std::optional<LaneRecord> record;
    bool stale = false;        // the record is to be read again before the next attempt
    bool stale_again = false;  // it was edited while it was being read
    bool reading_record = false;
    bool reading_waiting = false;
    bool reading_expired = false;
    bool wanting = false;  // is in wanting_
    bool ready = false;    // is in ready_ or ready_quarantined_

    std::deque<PendingDelivery> queue;  // sorted by order()
    // Of the deliveries that wait in the store and not in memory: the earliest due, as far as we know.
    std::optional<Timestamp> waiting_due;
    // Parked rows that a read may miss: batch and earliest due of each batch that is not committed, or was not when
    // the read that is under way began.
    std::vector<std::pair<std::uint64_t, Timestamp>> parked;
    std::uint64_t read_floor = 0;  // the last batch that the read is sure to see
    bool wants_waiting = false;
    bool sweeping = false;  // the read that is under way is for the sweep
    bool sweep = false;     // the record's cuts may drop what waits in the store, whenever it is due
    // A clock that was set back before the start has left due times in the far future. When this time comes, what is
    // due more than one step later is taken for due.
    std::optional<Timestamp> far_read;
    bool reading_far = false;             // the read that is under way takes all
    std::vector<DeliveryId> asked_later;  // a peer's Retry-After is longer than any step: these do wait so long
    bool idle_listed = false;             // is in idle_
    bool used = false;                    // since it was listed

    std::optional<PendingDelivery> flight;
    Timestamp flight_started = {};
    std::uint64_t flight_version = 0;
    bool flight_quarantined = false;

    unsigned unrecorded = 0;               // ends that no commit has confirmed yet
    std::optional<std::uint64_t> barrier;  // the batch whose commit the lane waits for

    Timestamp hold_until = Timestamp::min();
    std::chrono::milliseconds hold_step{0};
    bool quarantined = false;
    std::optional<Timestamp> last_attempt;
    bool last_counted = true;
    std::optional<Timestamp> window_ends;  // paused: when the next waiting delivery's window ends
    bool window_known = false;

    std::optional<Timestamp> wake;

    // Deliveries of one contact go in the order of publishing. So what is in memory must be all that may go before what
    // is in the store: fresh ones stay in memory only while nothing waits in the store, a failure sends all back to it,
    // and the store gives out the first of each contact only: not before all that was sent back is there, and after a
    // start not before all that was fresh has come, since a crash may have left an earlier one fresh.
    [[nodiscard]] bool ordered() const noexcept { return record && record->record.subscription.fifo_per_contact(); }
    [[nodiscard]] Earlier order() const noexcept { return {.by_publishing = ordered()}; }

    // Else a read would show what has ended as waiting, or miss an earlier one of a contact and show a later one.
    [[nodiscard]] bool may_read() const noexcept { return unrecorded == 0 && (!ordered() || parked.empty()); }

    [[nodiscard]] bool working() const noexcept {
        return !queue.empty() || flight || unrecorded > 0 || !parked.empty() || barrier || reading_record ||
               reading_waiting || reading_expired || wanting || ready || !asked_later.empty() ||
               hold_step.count() > 0 || hold_until != Timestamp::min();
    }
};

Engine::Engine(EngineOptions options)
    : options_(std::move(options)),
      longest_step_(std::max(longest_step(options_.fpt), longest_step(options_.ufp))),
      active_(options_.active_subscriptions) {}
Engine::~Engine() = default;

// ---- lanes ----

Engine::Lane& Engine::lane(SubscriptionId id) {
    auto& slot = lanes_[id];
    if (!slot) {
        slot = std::make_unique<Lane>();
        slot->id = id;
        if (const auto asleep = asleep_.find(id); asleep != asleep_.end()) {
            slot->wake = asleep->second.at;
            slot->waiting_due = asleep->second.due;
            slot->far_read = asleep->second.far_read;
            asleep_.erase(asleep);
        }
    }
    return *slot;
}

void Engine::set_wake(Lane& lane, std::optional<Timestamp> at) {
    if (at == lane.wake) return;
    if (lane.wake) wakes_.erase({*lane.wake, lane.id});
    lane.wake = at;
    if (at) wakes_.insert({*at, lane.id});
}

void Engine::want(Lane& lane) {
    if (lane.wanting) return;
    lane.wanting = true;
    wanting_.push_back(lane.id);
}

const RetryPolicy& Engine::policy_of(const Lane& lane) const {
    return lane.record->record.subscription.profile() == Profile::fpt ? options_.fpt : options_.ufp;
}

Engine::Blocked Engine::blocked(const Lane& lane, Timestamp now) const {
    const SubscriptionRecord& record = lane.record->record;
    if (record.deleted || record.subscription.status() == SubscriptionStatus::disabled) return Blocked::closed;
    if (record.subscription.status() == SubscriptionStatus::paused) return Blocked::paused;
    if (!lane.record->signer) return Blocked::no_secret;
    return now < lane.hold_until && !FPT_WEBHOOKS_PLANT(2) ? Blocked::held : Blocked::no;
}

// The one place that says what a lane waits for. Called whenever anything about it has changed.
void Engine::settle(Lane& lane, Timestamp now) {
    if (lane.flight || lane.barrier || lane.reading_waiting || lane.unrecorded >= unrecorded_limit()) return;
    const bool waiting = lane.waiting_due && *lane.waiting_due <= now;
    if (!lane.record || lane.stale) {
        const bool needed = !lane.queue.empty() || waiting || (lane.wake && *lane.wake <= now) || lane.stale;
        if (needed && !lane.reading_record) want(lane);
        set_wake(lane, lane.waiting_due && !waiting ? lane.waiting_due : std::nullopt);
        return;
    }
    check_streak(lane, now);
    if (lane.barrier) return;  // it has just been disabled

    if (lane.sweep) {  // whatever else the lane waits for
        if (!lane.may_read()) return;
        lane.wants_waiting = true;
        return want(lane);
    }
    const Blocked why = blocked(lane, now);
    std::optional<Timestamp> wake = streak_wake(lane, now);
    const auto look_at = [&](Timestamp at) { wake = earlier(wake, at); };
    bool read = false;
    switch (why) {
        case Blocked::closed:
            while (!lane.queue.empty()) {
                const PendingDelivery row = pop(lane);
                if (!admit(lane, row, now)) continue;
                end(lane, row, DeliveryState::dropped,
                    lane.record->record.deleted ? EndReason::deleted : EndReason::disabled, now);
            }
            read = lane.waiting_due.has_value();
            break;
        case Blocked::paused:
            park_queue(lane);
            if (FPT_WEBHOOKS_PLANT(8)) break;
            if (!lane.window_known && lane.waiting_due) {
                want(lane);
            } else if (lane.window_ends) {
                lane.window_known = now < *lane.window_ends;
                lane.window_known ? look_at(*lane.window_ends) : want(lane);
            }
            break;
        case Blocked::no_secret:
            park_queue(lane);
            read = lane.waiting_due && *lane.waiting_due + options_.no_secret_max <= now;
            if (lane.waiting_due && !read) look_at(*lane.waiting_due + options_.no_secret_max);
            break;
        case Blocked::held:
            park_queue(lane);
            if (!FPT_WEBHOOKS_PLANT(10)) look_at(lane.hold_until);
            break;
        case Blocked::no:
            // Oldest due first: what waits in the store may be older than what is in memory. Of what is due at the same
            // time, that in memory goes first: a page may be full of it, and reading it again would bring the same.
            if (waiting && lane.ordered() && !caught_up_) break;  // add_fresh() goes on
            read = waiting && (lane.queue.empty() || (!lane.ordered() && *lane.waiting_due < lane.queue.front().due));
            if (!read && !lane.queue.empty()) {
                if (lane.queue.front().due <= now) {
                    make_ready(lane);
                } else {
                    look_at(lane.queue.front().due);
                }
            }
            if (!read && lane.waiting_due) look_at(std::max(*lane.waiting_due, now));
            break;
    }
    lane.wants_waiting = read && lane.may_read();
    if (lane.wants_waiting) want(lane);
    if (wake && *wake <= now && (lane.ready || lane.wanting || !lane.may_read())) wake = streak_wake(lane, now);
    set_wake(lane, wake);
    lane.used = true;
    if (!lane.working() && !std::exchange(lane.idle_listed, true)) {
        idle_.push_back(lane.id);
        if (idle_.size() > idle_lanes_max) forget_idle();
    }
}

// Makes one lane's room, the least used one's or nearly so: a lane that was used since it was listed is listed again.
void Engine::forget_idle() {
    for (std::size_t tries = idle_.size(); tries > 0; --tries) {
        Lane& lane = *lanes_.at(idle_.front());
        idle_.pop_front();
        lane.idle_listed = false;
        if (lane.working()) continue;
        if (std::exchange(lane.used, false)) {
            lane.idle_listed = true;
            idle_.push_back(lane.id);
            continue;
        }
        if (lane.wake || lane.waiting_due) {
            asleep_[lane.id] = {.at = lane.wake, .due = lane.waiting_due, .far_read = lane.far_read};
        }
        lanes_.erase(lane.id);
        return;
    }
}

void Engine::make_ready(Lane& lane) {
    if (lane.ready) return;
    lane.ready = true;
    (lane.quarantined ? ready_quarantined_ : ready_).push_back(lane.id);
}

void Engine::push(Lane& lane, PendingDelivery row) {
    const Earlier earlier_of = lane.order();
    const bool last = lane.queue.empty() || !earlier_of(row, lane.queue.back());  // nearly always
    const auto place =
        last ? lane.queue.end() : std::upper_bound(lane.queue.begin(), lane.queue.end(), row, earlier_of);
    lane.queue.insert(place, std::move(row));
    ++rows_;
}

PendingDelivery Engine::pop(Lane& lane) {
    PendingDelivery row = std::move(lane.queue.front());
    lane.queue.pop_front();
    --rows_;
    return row;
}

// Back to the store, to be read again when the lane is free.
void Engine::park_queue(Lane& lane) {
    while (!lane.queue.empty()) park(lane, pop(lane));
}

// What the store has as waiting leaves the memory, so that a read brings nothing twice.
void Engine::forget_waiting(Lane& lane) {
    if (lane.ordered()) return park_queue(lane);
    const auto kept = std::stable_partition(lane.queue.begin(), lane.queue.end(),
                                            [](const PendingDelivery& row) { return !row.waiting; });
    for (auto row = kept; row != lane.queue.end(); ++row) park(lane, *row);
    rows_ -= static_cast<std::size_t>(lane.queue.end() - kept);
    lane.queue.erase(kept, lane.queue.end());
}

void Engine::park(Lane& lane, const PendingDelivery& row) {
    lane.waiting_due = earlier(lane.waiting_due, row.due);
    if (row.attempts > 0) lane.window_known = false;
    if (row.waiting) return;  // the store has it so
    if (lane.parked.empty() || lane.parked.back().first != batch_) lane.parked.emplace_back(batch_, row.due);
    lane.parked.back().second = std::min(lane.parked.back().second, row.due);
    updates_.push_back({.delivery = row.id,
                        .state = DeliveryState::waiting,
                        .at = row.due,
                        .due = row.due,
                        .attempts = row.attempts,
                        .first_attempt_started = row.first_attempt_started});
    update_lanes_.push_back({.lane = lane.id, .parks = true});
}

// The parked rows that every read from now on sees, or the one that is under way.
void Engine::forget_parked(Lane& lane) {
    const std::uint64_t seen = lane.reading_waiting ? lane.read_floor : committed_;
    std::erase_if(lane.parked, [seen](const auto& entry) { return entry.first <= seen; });
}

void Engine::write(Lane& lane, DeliveryUpdate update) {
    updates_.push_back(std::move(update));
    update_lanes_.push_back({.lane = lane.id});
    ++lane.unrecorded;
}

void Engine::end(Lane& lane, const PendingDelivery& row, DeliveryState state, EndReason reason, Timestamp now,
                 std::optional<Attempt> attempt) {
    if (state != DeliveryState::delivered) {
        notify({.kind = state == DeliveryState::exhausted ? Notice::Kind::exhausted : Notice::Kind::dropped,
                .subscription = lane.id,
                .delivery = row.id,
                .event_id = row.event_id,
                .reason = reason,
                .attempt = attempt});
    }
    std::erase(lane.asked_later, row.id);
    const bool attempted = attempt.has_value();
    write(lane, {.delivery = row.id,
                 .state = state,
                 .reason = reason,
                 .at = now,
                 .attempts = row.attempts + (attempted ? 1 : 0),
                 .first_attempt_started = row.first_attempt_started,
                 .attempt = std::move(attempt)});
}

// May this delivery still be sent? If not, it ends here.
bool Engine::admit(Lane& lane, const PendingDelivery& row, Timestamp now) {
    const CutVerdict verdict = judge(lane.record->record, row.id, row.event_type, row.pii);
    if (verdict.drop != EndReason::none) {
        end(lane, row, DeliveryState::dropped, verdict.drop, now);
        return false;
    }
    if (row.attempts > policy_of(lane).delays.size() &&
        !FPT_WEBHOOKS_PLANT(13)) {  // the last one is in doubt since a crash
        end(lane, row, DeliveryState::exhausted, EndReason::attempts, now);
        return false;
    }
    if (row.attempts > 0 && row.first_attempt_started + policy_of(lane).window + window_grace < now) {
        end(lane, row, DeliveryState::exhausted, EndReason::window, now);
        return false;
    }
    return true;
}

// ---- what was read ----

void Engine::add_wake(const SubscriptionWake& wake, Timestamp now) {
    // Clocks jump between two runs: nobody waits longer than the longest step of a policy.
    const Timestamp far_read = now + longest_step_;
    Asleep asleep{.at = std::min(wake.due.value_or(never), far_read)};
    if (wake.due) {
        asleep.due = asleep.at;
        asleep.far_read = far_read;
    }
    if (wake.streak) asleep.at = std::min(*asleep.at, std::max(now, wake.streak->started + options_.disable_after / 2));
    asleep_[wake.subscription] = asleep;
    wakes_.insert({*asleep.at, wake.subscription});
}

void Engine::add_fresh(std::vector<PendingDelivery> rows, bool more, Timestamp now) {
    reading_fresh_ = false;
    fresh_available_ = fresh_available_ || more;
    std::vector<SubscriptionId> touched;
    for (PendingDelivery& row : rows) {
        cursor_ = std::max(cursor_, row.id);
        row.due = std::min(row.due, now);  // published by a process whose clock is ahead
        Lane& to = lane(row.subscription);
        const bool slow = to.flight && (to.flight_quarantined || now - to.flight_started > slow_attempt);
        const bool behind = to.waiting_due && ((to.ordered() && !FPT_WEBHOOKS_PLANT(41)) || *to.waiting_due <= row.due);
        if (slow || behind) {
            park(to, row);
        } else {
            push(to, std::move(row));
        }
        if (touched.empty() || touched.back() != to.id) touched.push_back(to.id);
    }
    for (const SubscriptionId id : touched) settle(lane(id), now);
    if (more || std::exchange(caught_up_, true)) return;
    for (auto& [id, lane] : lanes_) {
        if (lane->ordered()) settle(*lane, now);
    }
}

void Engine::add_waiting(SubscriptionId id, WaitingPage page, Timestamp now) {
    Lane& to = lane(id);
    to.reading_waiting = false;
    const bool without_secret = to.record && !to.stale && blocked(to, now) == Blocked::no_secret;
    const Timestamp far = now + longest_step_;
    const bool read_far = std::exchange(to.reading_far, false);
    const auto stays = [&](const PendingDelivery& row) {  // it waits as it should
        if (without_secret) return row.due + options_.no_secret_max > now;
        const bool asked = std::find(to.asked_later.begin(), to.asked_later.end(), row.id) != to.asked_later.end();
        return read_far && row.due > now && (row.due <= far || asked);
    };
    if (to.ordered() && !to.sweeping && !page.deliveries.empty() &&
        std::all_of(page.deliveries.begin(), page.deliveries.end(), stays)) {
        page.next_due.reset();  // of what is behind these, and not free before one of them ends
    }
    if (read_far && !page.deliveries.empty() && page.deliveries.back().due > far) {
        to.far_read = page.next_due ? now : far;  // the rest; or what goes back to the store before its attempt
    } else if (read_far && page.next_due) {
        to.far_read = page.deliveries.empty() ? far : page.deliveries.back().due;  // the page did not reach so far
    } else if (read_far || !page.next_due) {
        to.far_read.reset();
    }
    to.waiting_due = page.next_due;
    if (to.waiting_due && to.far_read) to.waiting_due = std::min(*to.waiting_due, *to.far_read);
    for (const auto& [batch, due] : to.parked) {
        if (batch > to.read_floor) to.waiting_due = earlier(to.waiting_due, due);
    }
    forget_parked(to);
    if (std::exchange(to.sweeping, false)) {
        to.sweep = page.deliveries.size() == waiting_page_rows;
        for (const PendingDelivery& row : page.deliveries) {
            if (admit(to, row, now)) to.waiting_due = earlier(to.waiting_due, row.due);
        }
        return settle(to, now);
    }
    for (PendingDelivery& row : page.deliveries) {
        if (stays(row)) {
            to.waiting_due = earlier(to.waiting_due, row.due);
            continue;
        }
        if (without_secret) {  // since it was queued, or a clock that was ahead says so
            end(to, row, DeliveryState::dropped, EndReason::no_secret, now);
            continue;
        }
        if (!read_far && row.due > now) {  // withdrawn by an edit that we have not heard of: its record will tell
            to.waiting_due = earlier(to.waiting_due, row.due);
            to.stale = true;
            continue;
        }
        row.due = std::min(row.due, now);
        push(to, std::move(row));
    }
    if (to.far_read) to.waiting_due = earlier(to.waiting_due, *to.far_read);
    settle(to, now);
}

void Engine::waiting_failed(SubscriptionId id) {
    Lane& to = lane(id);
    to.sweeping = false;
    to.reading_far = false;
    to.reading_waiting = false;
    forget_parked(to);
    to.wants_waiting = true;
    want(to);
}

void Engine::set_record(LaneRecord record, Timestamp now) {
    Lane& to = lane(record.record.subscription.id());
    to.reading_record = false;
    if (to.record && to.record->record.version > record.record.version) return settle(to, now);  // an older read
    const bool edited = to.record && to.record->record.version != record.record.version;
    // The lane knows of its streak before the store does, unless the edit has ended it. What it wrote for the version
    // before, the store has ignored.
    if (to.record && (!edited || record.record.streak)) {
        const auto& own = to.record->record.streak;
        if (edited && own != record.record.streak) {
            streaks_.push_back({.subscription = to.id, .version = record.record.version, .streak = own, .at = now});
        }
        record.record.streak = own;
    }
    if (FPT_WEBHOOKS_PLANT(15) && to.record && to.record->signer) record.signer = to.record->signer;
    const bool was_ordered = to.ordered();
    to.record = std::move(record);
    if (to.ordered() != was_ordered) {
        std::sort(to.queue.begin(), to.queue.end(), to.order());
        if (to.waiting_due) park_queue(to);
    }
    to.stale = std::exchange(to.stale_again, false);
    to.window_known = false;
    if (edited) {  // a new start: nothing is held against it
        to.hold_until = Timestamp::min();
        to.hold_step = {};
    }
    to.sweep = std::any_of(to.record->record.cuts.begin(), to.record->record.cuts.end(),
                           [](const Cut& cut) { return cut.reason != EndReason::none; });
    settle(to, now);
}

void Engine::record_failed(SubscriptionId id) {
    Lane& to = lane(id);
    to.reading_record = false;
    want(to);
}

void Engine::invalidate(SubscriptionId id, Timestamp now) {
    const auto found = lanes_.find(id);
    if (found == lanes_.end()) {
        if (asleep_.find(id) == asleep_.end()) return;  // nothing waits: it will be read when something comes
    }
    Lane& to = lane(id);
    to.stale = !FPT_WEBHOOKS_PLANT(3);
    to.stale_again = to.reading_record;
    settle(to, now);
}

void Engine::dropped(SubscriptionId id, DeliveryId delivery, Timestamp now) {
    const auto found = lanes_.find(id);
    if (found == lanes_.end()) return;
    // It was sent back, the commit's reply was lost, a read has brought it, and then the commit was repeated.
    rows_ -= std::erase_if(found->second->queue, [delivery](const auto& row) { return row.id == delivery; });
    invalidate(id, now);
}

void Engine::expired(SubscriptionId id, const ExpireResult* result, Timestamp now) {
    Lane& to = lane(id);
    to.reading_expired = false;
    if (!result) return want(to);
    for (const DeliveryId delivery : result->ended) {
        notify(
            {.kind = Notice::Kind::exhausted, .subscription = id, .delivery = delivery, .reason = EndReason::window});
    }
    to.window_known = true;
    to.window_ends.reset();
    if (result->oldest_started && to.record) {
        to.window_ends = std::max(*result->oldest_started + policy_of(to).window, now);
    }
    settle(to, now);
}

// ---- attempts ----

std::optional<AttemptPlan> Engine::next_start(Timestamp now) {
    while (!draining_) {
        const bool from_quarantine = !ready_quarantined_.empty() && in_quarantine_ < options_.quarantine_slots;
        if (in_flight_ >= options_.slots || (ready_.empty() && !from_quarantine)) return std::nullopt;
        auto& ready = from_quarantine ? ready_quarantined_ : ready_;
        Lane& from = *lanes_.at(ready.front());
        ready.pop_front();
        from.ready = false;
        const bool open = from.record && !from.stale && !from.flight && !from.barrier && !from.reading_waiting &&
                          from.unrecorded < unrecorded_limit() && blocked(from, now) == Blocked::no;
        // A read that failed has left older ones in the store; settle() says why not equally old ones.
        const bool behind = from.waiting_due && !from.queue.empty() && !from.ordered() && *from.waiting_due <= now &&
                            *from.waiting_due < from.queue.front().due;
        if (!open || from.queue.empty() || behind || from.queue.front().due > now) {
            settle(from, now);
            continue;
        }
        PendingDelivery row = pop(from);
        if (!admit(from, row, now)) {
            settle(from, now);
            continue;
        }
        if (row.attempts == 0) row.first_attempt_started = now;
        std::erase(from.asked_later, row.id);
        from.flight = std::move(row);
        from.flight_started = now;
        from.flight_version = from.record->record.version;
        from.flight_quarantined = from_quarantine;
        ++rows_;
        ++in_flight_;
        if (from_quarantine) ++in_quarantine_;
        starts_.emplace_back(from.id, from.flight->id);
        const CutVerdict verdict =
            judge(from.record->record, from.flight->id, from.flight->event_type, from.flight->pii);
        return AttemptPlan{.subscription = from.id,
                           .delivery = &*from.flight,
                           .lane = &*from.record,
                           .pii = FPT_WEBHOOKS_PLANT(6) ? from.flight->pii : verdict.pii,
                           .quarantined = from_quarantine};
    }
    return std::nullopt;
}

void Engine::completed(SubscriptionId id, const AttemptOutcome& outcome, std::string response_head,
                       Timestamp wall_started, Timestamp now, std::uint64_t random) {
    Lane& to = lane(id);
    const PendingDelivery row = land(to);
    const auto previous = std::exchange(to.last_attempt, now);

    Attempt attempt{.number = row.attempts + 1,
                    .started = wall_started,
                    .duration = std::max(now - to.flight_started, std::chrono::milliseconds(0)),
                    .status = outcome.status};
    if (outcome.error) {
        attempt.error = static_cast<Errc>(outcome.error->code().value());
        attempt.detail = outcome.error->detail();
    }
    if (outcome.succeeded()) {
        after_success(to, row, now);
        end(to, row, DeliveryState::delivered, EndReason::none, now, std::move(attempt));
        return settle(to, now);
    }

    attempt.response_head = std::move(response_head);
    notify({.kind = Notice::Kind::attempt_failed,
            .subscription = id,
            .delivery = row.id,
            .event_id = row.event_id,
            .attempt = attempt});
    if (!FPT_WEBHOOKS_PLANT(1)) to.barrier = batch_;
    hold_after(to, outcome, now);
    const CutVerdict verdict = judge(to.record->record, row.id, row.event_type, row.pii);
    if (verdict.drop != EndReason::none) {  // withdrawn while it was in flight
        return end(to, row, DeliveryState::dropped, verdict.drop, now, std::move(attempt));
    }
    const RetryDecision decision =
        decide(policy_of(to), {.attempts = row.attempts + 1, .first_attempt_started = row.first_attempt_started},
               outcome, now, random);
    const bool same_version = to.record->record.version == to.flight_version;
    switch (decision.action) {
        case RetryAction::retry:
            write(to, {.delivery = row.id,
                       .state = DeliveryState::waiting,
                       .at = now,
                       .due = decision.retry_at,
                       .attempts = row.attempts + 1,
                       .first_attempt_started = row.first_attempt_started,
                       .attempt = std::move(attempt)});
            if (to.ordered() && !FPT_WEBHOOKS_PLANT(40)) park_queue(to);  // later ones of its contact wait behind it
            to.waiting_due = earlier(to.waiting_due, decision.retry_at);
            if (decision.retry_at > now + longest_step_) to.asked_later.push_back(row.id);
            to.window_known = false;
            break;
        case RetryAction::exhausted:
            end(to, row, DeliveryState::exhausted,
                decision.reason == RetryReason::window ? EndReason::window : EndReason::attempts, now,
                std::move(attempt));
            break;
        case RetryAction::disable:
            end(to, row, DeliveryState::dropped, EndReason::disabled, now, std::move(attempt));
            break;
        case RetryAction::drop: end(to, row, DeliveryState::dropped, EndReason::peer, now, std::move(attempt)); break;
        case RetryAction::delivered: break;  // not on a failure
    }
    if (!same_version) return;  // the endpoint is another one now
    if (!row.replay) after_failure(to, row, outcome, previous, now);
    if (decision.disables_subscription && (!row.replay || decision.action == RetryAction::disable)) {
        disable(to, now,
                decision.action == RetryAction::disable ? "by the endpoint" : "a delivery used up its attempts");
    }
}

void Engine::cannot_send(SubscriptionId id, const Error& error, Timestamp wall_started, Timestamp now) {
    Lane& to = lane(id);
    const PendingDelivery row = land(to);
    end(to, row, DeliveryState::dropped, EndReason::unsendable, now,
        Attempt{.number = row.attempts + 1,
                .started = wall_started,
                .error = static_cast<Errc>(error.code().value()),
                .detail = error.detail()});
    settle(to, now);
}

PendingDelivery Engine::land(Lane& lane) {
    --rows_;
    --in_flight_;
    if (lane.flight_quarantined) --in_quarantine_;
    return *std::exchange(lane.flight, std::nullopt);
}

void Engine::hold_after(Lane& lane, const AttemptOutcome& outcome, Timestamp now) {
    if (did_not_answer(outcome)) {
        // Who wants retries sooner than the usual hold ends wants no longer hold.
        const RetryPolicy& policy = policy_of(lane);
        auto first = options_.hold_first;
        auto most = options_.hold_max;
        if (!policy.delays.empty()) {
            first = std::min(first, policy.delays.front());
            most = std::min(most, longest_delay(policy));
        }
        lane.hold_step = lane.hold_step.count() == 0 ? first : std::min(lane.hold_step * 2, most);
        lane.hold_until = now + lane.hold_step;
        lane.quarantined = true;
    } else if (outcome.status != 0) {
        lane.hold_step = {};
        lane.hold_until = Timestamp::min();
        lane.quarantined = false;
    }
    if (outcome.retry_after && !FPT_WEBHOOKS_PLANT(9)) {
        lane.hold_until = std::max(lane.hold_until, now + std::min(*outcome.retry_after, options_.hold_max));
    }
}

void Engine::after_success(Lane& lane, const PendingDelivery& row, Timestamp now) {
    lane.hold_step = {};
    lane.hold_until = Timestamp::min();
    lane.quarantined = false;
    if (row.replay) return;
    lane.last_counted = true;
    if (FPT_WEBHOOKS_PLANT(5) || !std::exchange(lane.record->record.streak, std::nullopt)) return;
    streaks_.push_back({.subscription = lane.id, .version = lane.record->record.version, .at = now});
    notify({.kind = Notice::Kind::recovered, .subscription = lane.id, .delivery = row.id, .event_id = row.event_id});
}

void Engine::abandon(SubscriptionId id) { static_cast<void>(land(lane(id))); }

// ---- streaks ----

void Engine::after_failure(Lane& lane, const PendingDelivery& row, const AttemptOutcome& outcome,
                           std::optional<Timestamp> previous, Timestamp now) {
    lane.last_counted = outcome.counts_towards_streak;
    if (!outcome.counts_towards_streak && !FPT_WEBHOOKS_PLANT(11)) return;
    SubscriptionRecord& record = lane.record->record;
    if (record.subscription.profile() == Profile::ufp) {
        // UFP disables by a single event's attempts; each failed one but the first is a warning.
        if (row.attempts > 0) {
            notify({.kind = Notice::Kind::warning,
                    .subscription = lane.id,
                    .delivery = row.id,
                    .event_id = row.event_id,
                    .percent = static_cast<unsigned>((row.attempts + 1) * 100 / (options_.ufp.delays.size() + 1))});
        }
        return;
    }
    if (record.streak && is_idle(*record.streak, previous, now)) record.streak.reset();
    if (!record.streak) record.streak = FailureStreak{.started = now};
    record.streak->last_failure = now;
    streaks_.push_back({.subscription = lane.id, .version = record.version, .streak = record.streak, .at = now});
}

// So long without any attempt that the streak has ended.
bool Engine::is_idle(const FailureStreak& streak, std::optional<Timestamp> last_attempt, Timestamp now) const {
    return now - std::max(streak.last_failure, last_attempt.value_or(streak.last_failure)) > options_.streak_idle_max;
}

std::optional<Timestamp> Engine::streak_wake(const Lane& lane, Timestamp now) const {
    const SubscriptionRecord& record = lane.record->record;
    if (!record.streak || record.subscription.status() != SubscriptionStatus::active || record.deleted) return {};
    for (const unsigned percent : warning_percents) {
        const Timestamp at = record.streak->started + options_.disable_after * percent / 100;
        if (percent > record.streak->warned_percent && at > now) return at;
    }
    // Past its end and not disabled: halted, or the last failure did not count. The next failure decides.
    return std::nullopt;
}

void Engine::check_streak(Lane& lane, Timestamp now) {
    SubscriptionRecord& record = lane.record->record;
    if (!record.streak || record.subscription.status() != SubscriptionStatus::active || record.deleted) return;
    FailureStreak& streak = *record.streak;
    if (is_idle(streak, lane.last_attempt, now)) {
        record.streak.reset();
        streaks_.push_back({.subscription = lane.id, .version = record.version, .at = now});
        return;
    }
    for (const unsigned percent : warning_percents) {
        if (percent <= streak.warned_percent || now < streak.started + options_.disable_after * percent / 100) continue;
        if (percent == 100) {
            if (lane.last_counted && !lane.barrier) disable(lane, now, "24 hours of failure");
            return;
        }
        streak.warned_percent = percent;
        notify({.kind = Notice::Kind::warning, .subscription = lane.id, .percent = percent});
        streaks_.push_back({.subscription = lane.id, .version = record.version, .streak = streak, .at = now});
    }
}

bool Engine::set_active_subscriptions(std::size_t count) noexcept {
    if (!std::exchange(counting_, false)) return false;
    active_ = count - std::min(count, disabling_.size());
    return true;
}

bool Engine::may_disable(Timestamp now) {
    while (!disabled_at_.empty() && now - disabled_at_.front() > std::chrono::hours(1)) disabled_at_.pop_front();
    const std::size_t before = active_ + disabled_at_.size();  // an hour ago
    const bool allowed =
        FPT_WEBHOOKS_PLANT(16) || before < disabling_active_min || (disabled_at_.size() + 1) * 2 <= before;
    if (allowed) {
        halted_ = false;
        disabled_at_.push_back(now);
        active_ -= std::min<std::size_t>(active_, 1);
    } else if (!std::exchange(halted_, true)) {
        notify({.kind = Notice::Kind::disabling_halted,
                .detail = "more than half of the active subscriptions would be disabled within an hour"});
    }
    return allowed;
}

void Engine::disable(Lane& lane, Timestamp now, std::string detail) {
    if (!may_disable(now)) return;
    SubscriptionRecord& record = lane.record->record;
    streaks_.push_back({.subscription = lane.id,
                        .version = record.version,
                        .streak = record.streak,
                        .disable = EndReason::disabled,
                        .at = now});
    lane.barrier = batch_;
    if (record.subscription.profile() == Profile::fpt) {
        notify({.kind = Notice::Kind::warning, .subscription = lane.id, .percent = 100});
    }
    notify({.kind = Notice::Kind::disabled, .subscription = lane.id, .detail = std::move(detail)});
    disabling_.push_back(lane.id);
}

// ---- reading and writing ----

EngineWants Engine::poll(Timestamp now) {
    while (!wakes_.empty() && wakes_.begin()->first <= now) {
        const SubscriptionId id = wakes_.begin()->second;
        Lane& to = lane(id);  // takes over what slept
        wakes_.erase(wakes_.begin());
        to.wake.reset();
        if (!to.record) {
            want(to);
        } else {
            settle(to, now);
        }
    }
    EngineWants wants;
    for (const SubscriptionId id : std::exchange(wanting_, {})) {
        Lane& to = lane(id);
        to.wanting = false;
        if (!to.record || to.stale) {
            if (!std::exchange(to.reading_record, true)) wants.records.push_back(id);
        } else if (std::exchange(to.wants_waiting, false)) {
            if (to.flight || to.barrier || to.unrecorded > 0 || to.reading_waiting) continue;  // settle asks again
            forget_waiting(to);
            if (!to.may_read()) continue;
            to.reading_waiting = true;
            to.read_floor = committed_;
            to.sweeping = to.sweep;
            to.reading_far = !to.sweep && to.far_read && *to.far_read <= now;
            // A sweep takes nothing for being due.
            const Timestamp until = to.sweep ? Timestamp::min() : now;
            wants.waiting.emplace_back(id, to.reading_far ? never : until);
        } else if (blocked(to, now) == Blocked::paused && !to.window_known && !to.reading_expired) {
            to.reading_expired = true;
            wants.expire.emplace_back(id, now - policy_of(to).window);
        }
    }
    if (fresh_available_ && !reading_fresh_ && !draining_) {
        if (rows_ + fresh_page_rows <= window_rows) {
            fresh_available_ = false;
            reading_fresh_ = wants.fresh = true;
        } else {
            park_slow(now);
        }
    }
    return wants;
}

// The window is full: what queues behind slow endpoints makes room.
void Engine::park_slow(Timestamp now) {
    if (now - last_parking_ < slow_attempt) return;
    last_parking_ = now;
    for (auto& [id, lane] : lanes_) {
        if (lane->flight && now - lane->flight_started > slow_attempt) park_queue(*lane);
    }
}

std::optional<Timestamp> Engine::next_wake() const {
    if (wakes_.empty()) return std::nullopt;
    return wakes_.begin()->first;
}

void Engine::take_batch(StoreBatch& batch) {
    batch.updates = std::exchange(updates_, {});
    batch.streaks = std::exchange(streaks_, {});
    batch_lanes_ = std::exchange(update_lanes_, {});
    batch_disabling_ = std::exchange(disabling_, {});
    counting_ = counting_ && batch_disabling_.empty();
    for (const auto& [id, delivery] : std::exchange(starts_, {})) {
        const auto found = lanes_.find(id);
        if (found == lanes_.end() || !found->second->flight) continue;
        const Lane& from = *found->second;
        if (from.flight->id != delivery) continue;  // its outcome is in this batch or the next
        batch.starts.push_back({.delivery = delivery, .number = from.flight->attempts + 1, .at = from.flight_started});
    }
    ++batch_;
}

void Engine::committed(Timestamp now) {
    committed_ = batch_ - 1;
    std::vector<SubscriptionId> touched;
    for (const auto& [id, parks] : std::exchange(batch_lanes_, {})) {
        Lane& to = lane(id);
        if (parks) {
            forget_parked(to);
        } else {
            --to.unrecorded;
        }
        if (touched.empty() || touched.back() != id) touched.push_back(id);
    }
    for (const SubscriptionId id : std::exchange(batch_disabling_, {})) {
        Lane& to = lane(id);
        to.stale = true;  // now, and not when it was decided: a read in between would show it active
        to.stale_again = to.reading_record;
        touched.push_back(id);
    }
    for (const SubscriptionId id : touched) {
        Lane& to = lane(id);
        if (to.barrier && *to.barrier < batch_) to.barrier.reset();
        settle(to, now);
    }
}

}  // namespace fpt_webhooks::inline v0_1::detail
