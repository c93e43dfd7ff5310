#include <fpt_webhooks/sender/memory_store.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "sender/store_rules.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

struct Event {
    Sha256 hash{};
    Profile profile = Profile::fpt;
    std::string type = {};
    std::shared_ptr<const std::string> body = {};  // nothing: past its retention
    Timestamp at = {};
    std::size_t deliveries = 0;  // kept ones
    std::optional<ContactKey> contact = {};
};

struct Row {
    SubscriptionId subscription = {};
    EventId event = {};
    DeliveryState state = DeliveryState::fresh;
    EndReason reason = EndReason::none;
    bool replay = false;
    bool test = false;
    PiiCategories pii = {};
    std::optional<ContactKey> contact = {};  // of its event, if the subscription is fifo_per_contact
    unsigned attempts = 0;
    Timestamp first_attempt_started = {};
    Timestamp queued_at = {};
    Timestamp due = {};
    Timestamp ended_at = {};
    std::map<unsigned, Attempt> history = {};
};

struct Flight {
    unsigned number = 1;
    Timestamp at = {};
};

using Due = std::pair<Timestamp, DeliveryId>;

struct Kept {
    explicit Kept(SubscriptionRecord of) : record(std::move(of)) {}

    SubscriptionRecord record;
    std::optional<Secret> secret = {};
    std::uint64_t change = 0;  // the last one
    std::set<DeliveryId> pending = {};
    std::set<Due> waiting = {};
    std::set<DeliveryId> skipped = {};
};

// Where to look for the subscriptions that want an event.
using ChoiceKey = std::tuple<Scope::Kind, std::int64_t, std::int64_t, std::string>;

ChoiceKey choice_key(const Scope& scope, std::string pattern) {
    return {scope.kind(), scope.id(), scope.tenant_id().value(), std::move(pattern)};
}

Error no_subscription(SubscriptionId id) {
    return {Errc::not_found, std::string("subscription ").append(std::to_string(id.value()))};
}

}  // namespace

struct MemoryStore::State {
    explicit State(StoreLimits limits_) : limits(limits_) {}
    State(const State& other, const std::lock_guard<std::mutex>&)
        : limits(other.limits),
          epoch(other.epoch),
          last_delivery(other.last_delivery),
          last_change(other.last_change),
          events(other.events),
          rows(other.rows),
          fresh(other.fresh),
          flights(other.flights),
          subscriptions(other.subscriptions),
          choices(other.choices),
          pending(other.pending),
          contacts(other.contacts),
          windows(other.windows) {}

    void apply(const DeliveryUpdate& update, std::vector<DroppedDelivery>& dropped);
    void apply(const StreakUpdate& update, std::vector<SubscriptionId>& disabled);
    void apply(const AttemptStart& start);
    AppendVerdict append(const NewEvent& event, Timestamp at);
    void apply(const TestDelivery& test, Timestamp at);
    bool apply(const ContactWrite& write, Timestamp at);
    [[nodiscard]] std::set<SubscriptionId> matches(const NewEvent& event) const;
    [[nodiscard]] bool has_room_for(const std::vector<NewEvent>& all) const;
    void add_delivery(Kept& kept, const EventId& event, PiiCategories pii, bool replay, Timestamp at);

    void set_waiting(DeliveryId id, Row& row, Timestamp due);
    void set_ended(DeliveryId id, Row& row, DeliveryState state, EndReason reason, Timestamp at);
    void leave_state(DeliveryId id, const Row& row);
    void forget(DeliveryId id);

    void set_choices(const Subscription& subscription, bool wanted);
    void record_change(Kept& kept) { kept.change = ++last_change; }
    Kept* find(SubscriptionId id);

    [[nodiscard]] bool is_doomed(const Kept& kept, DeliveryId id) const;
    [[nodiscard]] bool is_behind(const Kept& kept, DeliveryId id) const;
    [[nodiscard]] PendingDelivery pending_delivery(DeliveryId id) const;
    [[nodiscard]] Delivery delivery(DeliveryId id, const Row& row) const;

    [[nodiscard]] bool owned_under(std::uint64_t asked) const noexcept { return acquired && asked == epoch; }

    std::mutex mutex;
    StoreLimits limits;
    std::uint64_t epoch = 0;
    bool acquired = false;
    DeliveryId last_delivery = {};
    std::uint64_t last_change = 0;
    std::unordered_map<EventId, Event> events = {};
    std::map<DeliveryId, Row> rows = {};
    std::set<DeliveryId> fresh = {};
    std::map<DeliveryId, Flight> flights = {};  // of pending deliveries
    std::map<SubscriptionId, Kept> subscriptions = {};
    std::map<ChoiceKey, std::set<SubscriptionId>> choices = {};
    std::set<DeliveryId> pending = {};
    std::map<ContactKey, KeptContact> contacts = {};
    std::set<std::pair<Timestamp, ContactKey>> windows = {};  // open ones, by their due time
};

MemoryStore::MemoryStore(StoreLimits limits) : state_(std::make_unique<State>(limits)) {}
MemoryStore::MemoryStore(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
MemoryStore::~MemoryStore() = default;

std::shared_ptr<MemoryStore> MemoryStore::copy() const {
    const std::lock_guard lock(state_->mutex);
    return std::shared_ptr<MemoryStore>(new MemoryStore(std::make_unique<State>(*state_, lock)));
}

// ---- the dispatcher's side

Result<std::uint64_t> MemoryStore::acquire(Timestamp now) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    if (s.acquired) return Error(Errc::store_busy, "another dispatcher runs on this store");
    s.acquired = true;
    ++s.epoch;
    for (const auto& [id, flight] : s.flights) {
        Row& row = s.rows.at(id);
        if (row.attempts == 0) row.first_attempt_started = flight.at;
        row.attempts = flight.number;
        row.history.insert_or_assign(flight.number, detail::attempt_in_doubt(flight.number, flight.at));
        s.set_waiting(id, row, now);
    }
    s.flights.clear();
    return s.epoch;
}

void MemoryStore::release(std::uint64_t epoch) noexcept {
    const std::lock_guard lock(state_->mutex);
    if (epoch == state_->epoch) state_->acquired = false;
}

Result<StoreBatchResult> MemoryStore::commit(const StoreBatch& batch) {
    if (auto checked = detail::check_batch(batch); !checked) return checked.error();
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    if (batch.epoch != 0 && !s.owned_under(batch.epoch)) return detail::fenced_error(batch.epoch);
    StoreBatchResult result;
    for (const DeliveryUpdate& update : batch.updates) s.apply(update, result.dropped);
    for (const StreakUpdate& update : batch.streaks) s.apply(update, result.disabled);
    for (const AttemptStart& start : batch.starts) s.apply(start);
    for (const TestDelivery& test : batch.tests) s.apply(test, batch.at);
    for (const NewEvent& event : batch.events) result.events.push_back(s.append(event, batch.at));
    for (const ContactWrite& write : batch.contacts) result.contacts.push_back(s.apply(write, batch.at));
    return result;
}

void MemoryStore::State::apply(const DeliveryUpdate& update, std::vector<DroppedDelivery>& dropped) {
    const auto found = rows.find(update.delivery);
    if (found == rows.end() || has_ended(found->second.state)) return;
    Row& row = found->second;
    const bool waits = update.state == DeliveryState::waiting;
    if (waits && update.attempts < row.attempts) return;  // of a batch that came again, late

    const auto verdict = judge(find(row.subscription)->record, update.delivery, events.at(row.event).type, row.pii);
    row.pii = verdict.pii;
    if (update.attempts > 0) row.first_attempt_started = update.first_attempt_started;
    row.attempts = std::max(row.attempts, update.attempts);
    if (update.attempt) row.history.insert_or_assign(update.attempt->number, *update.attempt);
    if (const auto flight = flights.find(update.delivery); flight != flights.end()) {
        if (!waits || flight->second.number <= row.attempts) flights.erase(flight);
    }
    if (!waits) {
        set_ended(update.delivery, row, update.state, update.reason, update.at);
    } else if (verdict.drop != EndReason::none) {
        set_ended(update.delivery, row, DeliveryState::dropped, verdict.drop, update.at);
        flights.erase(update.delivery);
        dropped.push_back({update.delivery, row.subscription, row.event, verdict.drop});
    } else {
        set_waiting(update.delivery, row, update.due);
    }
}

void MemoryStore::State::apply(const StreakUpdate& update, std::vector<SubscriptionId>& disabled) {
    Kept* const kept = find(update.subscription);
    if (kept == nullptr || kept->record.deleted || kept->record.version != update.version) return;
    SubscriptionRecord& record = kept->record;
    record.streak = update.streak;
    if (update.disable == EndReason::none) return;
    record.subscription.set_status(SubscriptionStatus::disabled);
    ++record.version;
    record.changed_at = update.at;
    record.cuts.push_back({.up_to = last_delivery, .keep = {}, .reason = update.disable});
    record_change(*kept);
    disabled.push_back(update.subscription);
}

void MemoryStore::State::apply(const AttemptStart& start) {
    const auto found = rows.find(start.delivery);
    if (found == rows.end() || has_ended(found->second.state) || start.number <= found->second.attempts) return;
    flights.insert_or_assign(start.delivery, Flight{.number = start.number, .at = start.at});
}

AppendVerdict MemoryStore::State::append(const NewEvent& event, Timestamp at) {
    if (const auto known = events.find(event.id); known != events.end()) {
        return known->second.hash == event.hash ? AppendVerdict::duplicate : AppendVerdict::conflict;
    }
    const std::set<SubscriptionId> matched = matches(event);
    std::size_t queued = 0;
    for (const SubscriptionId id : matched) {
        const Kept& kept = *find(id);
        const auto status = kept.record.subscription.status();
        if (detail::skip_reason(status, kept.pending.size(), limits) == EndReason::none) ++queued;
    }
    if (queued > 0 && pending.size() + queued > limits.pending_max) return AppendVerdict::full;

    events.emplace(event.id, Event{.hash = event.hash,
                                   .profile = event.profile,
                                   .type = event.type,
                                   .body = std::make_shared<const std::string>(event.body),
                                   .at = at,
                                   .contact = event.contact});
    for (const SubscriptionId id : matched) {
        Kept& kept = *find(id);
        add_delivery(kept, event.id, kept.record.subscription.pii(), false, at);
    }
    return AppendVerdict::accepted;
}

void MemoryStore::State::apply(const TestDelivery& test, Timestamp at) {
    const Kept* const kept = find(test.subscription);
    if (kept == nullptr || events.contains(test.event.id)) return;  // the same write again
    events.emplace(test.event.id, Event{.hash = test.event.hash,
                                        .profile = test.event.profile,
                                        .type = test.event.type,
                                        .body = std::make_shared<const std::string>(test.event.body),
                                        .at = at,
                                        .deliveries = 1,
                                        .contact = test.event.contact});
    last_delivery = DeliveryId(last_delivery.value() + 1);
    Row row{.subscription = test.subscription,
            .event = test.event.id,
            .state = test.delivered ? DeliveryState::delivered : DeliveryState::exhausted,
            .reason = test.delivered ? EndReason::none : EndReason::attempts,
            .test = true,
            .pii = kept->record.subscription.pii(),
            .attempts = test.attempt.number,
            .first_attempt_started = test.attempt.started,
            .queued_at = at,
            .ended_at = at};
    row.history.emplace(test.attempt.number, test.attempt);
    rows.emplace_hint(rows.end(), last_delivery, std::move(row));
}

bool MemoryStore::State::apply(const ContactWrite& write, Timestamp at) {
    KeptContact& kept = contacts[write.key];
    kept.key = write.key;
    if (kept.version != write.expected_version || !has_room_for(write.events)) return false;
    for (const NewEvent& event : write.events) append(event, at);
    if (kept.due) windows.erase({*kept.due, kept.key});
    ++kept.version;
    kept.record = write.record;
    kept.due = write.due;
    if (kept.due) windows.insert({*kept.due, kept.key});
    return true;
}

// For every one of them, or else for none.
bool MemoryStore::State::has_room_for(const std::vector<NewEvent>& all) const {
    std::map<SubscriptionId, std::size_t> queued;
    std::size_t count = 0;
    for (const NewEvent& event : all) {
        if (events.contains(event.id)) continue;
        for (const SubscriptionId id : matches(event)) {
            const Kept& kept = subscriptions.at(id);
            const auto status = kept.record.subscription.status();
            if (detail::skip_reason(status, kept.pending.size() + queued[id], limits) != EndReason::none) continue;
            ++queued[id];
            ++count;
        }
    }
    return count == 0 || pending.size() + count <= limits.pending_max;
}

std::set<SubscriptionId> MemoryStore::State::matches(const NewEvent& event) const {
    std::set<SubscriptionId> matched;
    for (const Scope& scope : event.scopes) {
        if (scope.profile() != event.profile) continue;
        for (std::string& pattern : detail::patterns_that_match(event.type)) {
            const auto found = choices.find(choice_key(scope, std::move(pattern)));
            if (found != choices.end()) matched.insert(found->second.begin(), found->second.end());
        }
    }
    return matched;
}

void MemoryStore::State::add_delivery(Kept& kept, const EventId& event, PiiCategories pii, bool replay, Timestamp at) {
    const auto status = kept.record.subscription.status();
    const EndReason skip = detail::skip_reason(status, kept.pending.size(), limits);
    last_delivery = DeliveryId(last_delivery.value() + 1);
    const DeliveryId id = last_delivery;
    Row row{
        .subscription = kept.record.subscription.id(), .event = event, .replay = replay, .pii = pii, .queued_at = at};
    if (kept.record.subscription.fifo_per_contact()) row.contact = events.at(event).contact;
    ++events.at(event).deliveries;
    if (skip == EndReason::none) {
        pending.insert(id);
        kept.pending.insert(id);
        fresh.insert(id);
        rows.emplace_hint(rows.end(), id, std::move(row));
        return;
    }
    row.state = DeliveryState::skipped;
    row.reason = skip;
    row.ended_at = at;
    rows.emplace_hint(rows.end(), id, std::move(row));
    kept.skipped.insert(id);
    if (kept.skipped.size() > subscription_skipped_max) forget(*kept.skipped.begin());
}

void MemoryStore::State::leave_state(DeliveryId id, const Row& row) {
    fresh.erase(id);
    find(row.subscription)->waiting.erase({row.due, id});
}

void MemoryStore::State::set_waiting(DeliveryId id, Row& row, Timestamp due) {
    leave_state(id, row);
    row.state = DeliveryState::waiting;
    row.due = due;
    find(row.subscription)->waiting.insert({due, id});
}

void MemoryStore::State::set_ended(DeliveryId id, Row& row, DeliveryState state, EndReason reason, Timestamp at) {
    leave_state(id, row);
    pending.erase(id);
    find(row.subscription)->pending.erase(id);
    row.state = state;
    row.reason = reason;
    row.ended_at = at;
}

// An ended delivery, with its attempts.
void MemoryStore::State::forget(DeliveryId id) {
    const auto row = rows.find(id);
    find(row->second.subscription)->skipped.erase(id);
    --events.at(row->second.event).deliveries;
    rows.erase(row);
}

// Waiting, and withdrawn by an edit: it is to be taken at once, whenever it is due.
bool MemoryStore::State::is_doomed(const Kept& kept, DeliveryId id) const {
    const Row& row = rows.at(id);
    return judge(kept.record, id, events.at(row.event).type, row.pii).drop != EndReason::none;
}

// Waiting, and an earlier one of its contact waits too.
bool MemoryStore::State::is_behind(const Kept& kept, DeliveryId id) const {
    const auto& contact = rows.at(id).contact;
    if (!contact || !kept.record.subscription.fifo_per_contact()) return false;
    return std::any_of(kept.waiting.begin(), kept.waiting.end(),
                       [&](const Due& other) { return other.second < id && rows.at(other.second).contact == contact; });
}

PendingDelivery MemoryStore::State::pending_delivery(DeliveryId id) const {
    const Row& row = rows.at(id);
    const Event& event = events.at(row.event);
    const bool waits = row.state == DeliveryState::waiting;
    return {.id = id,
            .subscription = row.subscription,
            .event_id = row.event,
            .profile = event.profile,
            .event_type = event.type,
            .body = *event.body,
            .pii = row.pii,
            .replay = row.replay,
            .waiting = waits,
            .queued_at = row.queued_at,
            .due = waits ? row.due : row.queued_at,
            .attempts = row.attempts,
            .first_attempt_started = row.first_attempt_started};
}

Result<std::vector<PendingDelivery>> MemoryStore::take_fresh(DeliveryId after, std::size_t max) {
    const std::lock_guard lock(state_->mutex);
    std::vector<PendingDelivery> taken;
    for (auto i = state_->fresh.upper_bound(after); i != state_->fresh.end() && taken.size() < max; ++i) {
        taken.push_back(state_->pending_delivery(*i));
    }
    return taken;
}

Result<WaitingPage> MemoryStore::take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    WaitingPage page;
    const Kept* const kept = s.find(subscription);
    if (kept == nullptr) return page;
    const bool judges = detail::has_dropping_cut(kept->record);
    std::optional<Timestamp> behind_due;
    for (const auto& [due, id] : kept->waiting) {
        const bool behind = s.is_behind(*kept, id);
        const bool takes = (due <= now && !behind) || (judges && s.is_doomed(*kept, id));
        if (takes && page.deliveries.size() < max) {
            page.deliveries.push_back(s.pending_delivery(id));
            continue;
        }
        const Timestamp when = takes ? std::min(due, now) : due;
        auto& next = behind ? behind_due : page.next_due;
        next = std::min(next.value_or(when), when);
        if (!judges && !behind) break;
    }
    // What is behind another becomes free when that one ends: not before one of this page does, if there is one.
    if (behind_due && !page.deliveries.empty()) {
        page.next_due = std::min(page.next_due.value_or(*behind_due), *behind_due);
    }
    return page;
}

Result<ExpireResult> MemoryStore::expire_waiting(std::uint64_t epoch, SubscriptionId subscription,
                                                 Timestamp started_before, Timestamp now, std::size_t max) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    if (!s.owned_under(epoch)) return detail::fenced_error(epoch);
    ExpireResult result;
    Kept* const kept = s.find(subscription);
    if (kept == nullptr) return result;
    const std::set<Due> waiting = kept->waiting;
    for (const auto& [due, id] : waiting) {
        Row& row = s.rows.at(id);
        if (row.attempts == 0 || s.flights.contains(id)) continue;  // what runs may still be delivered
        const Timestamp started = row.first_attempt_started;
        if (started < started_before && result.ended.size() < max) {
            row.pii = judge(kept->record, id, s.events.at(row.event).type, row.pii).pii;  // a replay sees no more
            s.set_ended(id, row, DeliveryState::exhausted, EndReason::window, now);
            result.ended.push_back(id);
        } else {
            result.oldest_started = std::min(result.oldest_started.value_or(started), started);
        }
    }
    return result;
}

Result<std::vector<SubscriptionWake>> MemoryStore::wakes() {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    std::vector<SubscriptionWake> wakes;
    for (const auto& [id, kept] : s.subscriptions) {
        if (kept.waiting.empty() && !kept.record.streak) continue;
        SubscriptionWake wake{.subscription = id, .due = {}, .streak = kept.record.streak};
        if (!kept.waiting.empty()) wake.due = kept.waiting.begin()->first;
        if (detail::has_dropping_cut(kept.record)) {
            for (const auto& [due, delivery] : kept.waiting) {
                if (s.is_doomed(kept, delivery)) wake.due = std::min(*wake.due, Timestamp{});
            }
        }
        wakes.push_back(wake);
    }
    return wakes;
}

Result<StoreChanges> MemoryStore::changes(std::uint64_t since) {
    const std::lock_guard lock(state_->mutex);
    std::map<std::uint64_t, SubscriptionId> changed;
    for (const auto& [id, kept] : state_->subscriptions) {
        if (kept.change > since) changed.emplace(kept.change, id);
    }
    StoreChanges changes{.sequence = state_->last_change};
    for (const auto& [change, id] : changed) changes.subscriptions.push_back(id);
    return changes;
}

// ---- contacts

Result<KeptContact> MemoryStore::contact(const ContactKey& key) {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->contacts.find(key);
    return found == state_->contacts.end() ? KeptContact{.key = key} : found->second;
}

Result<std::vector<KeptContact>> MemoryStore::due_contacts(Timestamp now, Timestamp latest, std::size_t max) {
    const std::lock_guard lock(state_->mutex);
    std::vector<KeptContact> due;
    for (const auto& [when, key] : state_->windows) {
        if (due.size() == max) break;
        if (when <= now || when > latest) due.push_back(state_->contacts.at(key));
    }
    return due;
}

// ---- subscriptions

Kept* MemoryStore::State::find(SubscriptionId id) {
    const auto found = subscriptions.find(id);
    return found == subscriptions.end() ? nullptr : &found->second;
}

void MemoryStore::State::set_choices(const Subscription& subscription, bool wanted) {
    for (std::string& pattern : subscription.events().patterns()) {
        auto& ids = choices[choice_key(subscription.scope(), std::move(pattern))];
        wanted ? void(ids.insert(subscription.id())) : void(ids.erase(subscription.id()));
    }
}

Result<SubscriptionRecord> MemoryStore::create_subscription(const Subscription& subscription, Timestamp now) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    const SubscriptionId last = s.subscriptions.empty() ? SubscriptionId{} : s.subscriptions.rbegin()->first;
    if (last.value() == std::numeric_limits<SubscriptionId::rep>::max()) {
        return Error(Errc::limit_exceeded, "subscription ids are used up");
    }
    SubscriptionOptions options = subscription.options();
    options.id = SubscriptionId(last.value() + 1);
    auto numbered = Subscription::restore(std::move(options));
    if (!numbered) return std::move(numbered).error();
    Kept kept(SubscriptionRecord{.subscription = *std::move(numbered), .created_at = now, .changed_at = now});
    s.set_choices(kept.record.subscription, true);
    s.record_change(kept);
    SubscriptionRecord record = kept.record;
    s.subscriptions.emplace(record.subscription.id(), std::move(kept));
    return record;
}

Result<SubscriptionRecord> MemoryStore::edit_subscription(const SubscriptionEdit& edit) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    Kept* const kept = s.find(edit.subscription.id());
    if (kept == nullptr || kept->record.deleted) return no_subscription(edit.subscription.id());
    SubscriptionRecord& record = kept->record;
    if (record.version != edit.expected_version) return detail::version_conflict(record, edit);

    s.set_choices(record.subscription, false);
    detail::apply_edit(record, edit, s.last_delivery, !kept->pending.empty());
    if (edit.secret) kept->secret = edit.secret;
    if (edit.remove) kept->secret.reset();
    if (!edit.remove) s.set_choices(record.subscription, true);
    s.record_change(*kept);
    return record;
}

Result<SubscriptionRecord> MemoryStore::subscription(SubscriptionId id) {
    const std::lock_guard lock(state_->mutex);
    const Kept* const kept = state_->find(id);
    if (kept == nullptr) return no_subscription(id);
    return kept->record;
}

Result<std::vector<SubscriptionId>> MemoryStore::subscriptions_at(std::string_view url, std::size_t max) {
    const std::lock_guard lock(state_->mutex);
    std::vector<SubscriptionId> ids;
    for (const auto& [id, kept] : state_->subscriptions) {
        if (ids.size() == max) break;
        if (!kept.record.deleted && kept.record.subscription.url().to_string() == url) ids.push_back(id);
    }
    return ids;
}

Result<std::vector<SubscriptionRecord>> MemoryStore::subscriptions(SubscriptionId after, std::size_t max) {
    const std::lock_guard lock(state_->mutex);
    std::vector<SubscriptionRecord> records;
    const auto end = state_->subscriptions.end();
    for (auto i = state_->subscriptions.upper_bound(after); i != end && records.size() < max; ++i) {
        if (!i->second.record.deleted) records.push_back(i->second.record);
    }
    return records;
}

Result<Secret> MemoryStore::secret(SubscriptionId id) {
    const std::lock_guard lock(state_->mutex);
    const Kept* const kept = state_->find(id);
    if (kept == nullptr) return no_subscription(id);
    if (!kept->secret) return Error(Errc::not_found, "the subscription has no secret");
    return *kept->secret;
}

// ---- history

Delivery MemoryStore::State::delivery(DeliveryId id, const Row& row) const {
    Delivery delivery{.id = id,
                      .subscription = row.subscription,
                      .event_id = row.event,
                      .event_type = events.at(row.event).type,
                      .state = row.state,
                      .reason = row.reason,
                      .replay = row.replay,
                      .test = row.test,
                      .attempts = row.attempts,
                      .queued_at = row.queued_at};
    if (row.state == DeliveryState::waiting) delivery.next_attempt = row.due;
    if (has_ended(row.state)) delivery.ended_at = row.ended_at;
    return delivery;
}

Result<DeliveryPage> MemoryStore::deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max) {
    const std::lock_guard lock(state_->mutex);
    DeliveryPage page;
    std::size_t examined = 0;
    for (auto i = state_->rows.upper_bound(after); i != state_->rows.end(); ++i) {
        if (examined++ == max) {
            page.next = after;
            break;
        }
        after = i->first;
        Delivery delivery = state_->delivery(i->first, i->second);
        if (detail::passes(filter, delivery)) page.deliveries.push_back(std::move(delivery));
    }
    return page;
}

Result<std::vector<Attempt>> MemoryStore::attempts(DeliveryId delivery) {
    const std::lock_guard lock(state_->mutex);
    std::vector<Attempt> attempts;
    if (const auto row = state_->rows.find(delivery); row != state_->rows.end()) {
        for (const auto& [number, attempt] : row->second.history) attempts.push_back(attempt);
    }
    return attempts;
}

Result<std::string> MemoryStore::event_body(const EventId& id) {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->events.find(id);
    if (found == state_->events.end() || !found->second.body) {
        return Error(Errc::not_found, std::string("event ").append(id.to_string()));
    }
    return *found->second.body;
}

Result<ReplayPage> MemoryStore::replay(const ReplayRequest& request) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    ReplayPage page{.up_to = request.up_to == DeliveryId{} ? s.last_delivery : request.up_to};
    std::size_t examined = 0;
    DeliveryId after = request.after;
    for (auto i = s.rows.upper_bound(after); i != s.rows.end() && i->first <= page.up_to;) {
        const auto& [id, row] = *i;
        const bool is_full = !request.dry_run && s.pending.size() >= s.limits.pending_max;
        if (examined++ == request.max || (is_full && page.count > 0)) {
            page.next = after;
            break;
        }
        after = id;
        Kept& kept = *s.find(row.subscription);
        const bool wanted = detail::replays(request, s.delivery(id, row)) && !kept.record.deleted &&
                            s.events.at(row.event).body != nullptr;
        ++i;  // past this row, which a new one may push out
        if (!wanted) continue;
        if (is_full) return Error(Errc::store_full, "too many deliveries are pending");
        ++page.count;
        if (request.dry_run) continue;
        s.add_delivery(kept, row.event, row.pii & kept.record.subscription.pii(), true, request.at);
    }
    return page;
}

Result<std::size_t> MemoryStore::maintain(const Retention& retention, Timestamp now, std::size_t max) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    std::size_t removed = 0;
    for (auto i = s.rows.begin(); i != s.rows.end() && removed < max;) {
        const auto& [id, row] = *i++;
        if (!has_ended(row.state) || row.ended_at > now - retention.history) continue;
        s.forget(id);
        ++removed;
    }
    for (auto i = s.events.begin(); i != s.events.end() && removed < max;) {
        Event& event = i->second;
        if (event.body && event.deliveries == 0 && event.at <= now - retention.history) {
            event.body.reset();
            ++removed;
        }
        const bool forgotten = !event.body && event.at <= now - retention.ids && removed < max;
        i = forgotten ? s.events.erase(i) : std::next(i);
        removed += forgotten ? 1 : 0;
    }
    for (auto& [id, kept] : s.subscriptions) {
        std::erase_if(kept.record.cuts, [&pending = kept.pending](const Cut& cut) {
            return pending.empty() || *pending.begin() > cut.up_to;
        });
    }
    return removed;
}

Result<StoreStats> MemoryStore::stats() {
    const std::lock_guard lock(state_->mutex);
    StoreStats stats{.pending = state_->pending.size()};
    if (!state_->pending.empty()) stats.oldest_pending = state_->rows.at(*state_->pending.begin()).queued_at;
    for (const auto& [id, kept] : state_->subscriptions) {
        const bool active = kept.record.subscription.status() == SubscriptionStatus::active;
        if (active && !kept.record.deleted) ++stats.subscriptions_active;
    }
    return stats;
}

}  // namespace fpt_webhooks::inline v0_1
