#include "sender_sqlite/writer.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "sender/store_rules.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr int replay_of_test = 2;            // in the column `replay`
constexpr std::size_t wanted_max = 100'000;  // looked-up pairs of scope and pattern that are kept: some 10 MB

std::optional<Timestamp> time_or_nothing(const Run& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return row.time(column);
}

Error no_subscription(SubscriptionId id) {
    return {Errc::not_found, std::string("subscription ").append(std::to_string(id.value()))};
}

}  // namespace

void Writer::begin() {
    lanes_.clear();
    Run row = read_meta_();
    if (!row.next()) throw StoreFailure(Error(Errc::store_corrupt, "the table fpt_webhooks_meta is empty"));
    meta_ = {.epoch = row.as<std::uint64_t>(0),
             .last_delivery = row.integer(1),
             .last_change = row.integer(2),
             .pending = row.integer(3)};
    meta_before_ = meta_;
    if (wanted_at_ != meta_.last_change || wanted_.size() > wanted_max) wanted_.clear();
    wanted_at_ = meta_.last_change;
}

void Writer::finish() {
    constexpr auto skipped_max = static_cast<std::int64_t>(subscription_skipped_max);
    for (auto& [id, lane] : lanes_) {
        if (!lane.counts_changed) continue;
        if (lane.skipped > skipped_max) {
            forget_skipped_.run(id.value(), lane.skipped - skipped_max);
            lane.skipped = skipped_max;
        }
        write_counts_.run(lane.pending, lane.skipped, id.value());
    }
    if (meta_ != meta_before_) write_meta_.run(meta_.epoch, meta_.last_delivery, meta_.last_change, meta_.pending);
}

std::uint64_t Writer::take_over(Timestamp now) {
    struct Flight {
        DeliveryId delivery;
        unsigned number;
        Timestamp at;
        std::optional<Timestamp> first;
        PiiCategories pii;
    };
    std::vector<Flight> flights;
    for (Run row = flights_(); row.next();) {
        const bool is_first = row.integer(3) == 0;
        flights.push_back({DeliveryId(row.integer(0)), row.as<unsigned>(1), row.time(2),
                           is_first ? row.time(2) : time_or_nothing(row, 4), pii_of(row.integer(5))});
    }
    for (const Flight& flight : flights) {
        const Attempt attempt = attempt_in_doubt(flight.number, flight.at);
        add_attempt(flight.delivery, attempt);
        set_waiting(flight.delivery, flight.number, flight.first, flight.pii, now);
        end_flight_.run(flight.delivery.value(), flight.number);
    }
    return ++meta_.epoch;
}

// ---- deliveries

Writer::Lane& Writer::lane(SubscriptionId id) {
    const auto [found, is_new] = lanes_.try_emplace(id);
    Lane& lane = found->second;
    if (!is_new) return lane;
    Run row = read_lane_(id.value());
    if (!row.next()) {
        std::string detail = "no counts of subscription ";
        throw StoreFailure(Error(Errc::store_corrupt, detail.append(std::to_string(id.value()))));
    }
    lane.status = row.as<SubscriptionStatus>(0);
    lane.pii = pii_of(row.integer(1));
    lane.has_cuts = row.integer(2) > 0;
    lane.deleted = row.integer(3) != 0;
    lane.fifo_per_contact = row.integer(4) != 0;
    lane.pending = row.integer(5);
    lane.skipped = row.integer(6);
    return lane;
}

CutVerdict Writer::verdict(SubscriptionId subscription, DeliveryId id, std::int64_t event, PiiCategories pii) {
    Lane& lane = this->lane(subscription);
    if (!lane.has_cuts) return {.pii = pii};
    if (!lane.record) lane.record = records_.find(subscription);
    Run type = event_type_(event);
    const bool found = type.next();
    return judge(*lane.record, id, found ? type.text(0) : std::string_view(), pii);
}

void Writer::set_waiting(DeliveryId id, unsigned attempts, std::optional<Timestamp> first, PiiCategories pii,
                         Timestamp due) {
    set_waiting_.run(attempts, first, pii.bits(), due, id.value());
}

void Writer::count_end(SubscriptionId subscription) {
    Lane& lane = this->lane(subscription);
    --lane.pending;
    lane.counts_changed = true;
    --meta_.pending;
}

void Writer::add_attempt(DeliveryId delivery, const Attempt& made) {
    const int error = made.error ? static_cast<int>(*made.error) : 0;
    add_attempt_.run(delivery.value(), made.number, made.started, made.duration.count(), made.status, error,
                     std::string_view(made.detail), Blob{bytes_of(made.response_head)});
}

void Writer::apply(const DeliveryUpdate& update, std::vector<DroppedDelivery>& dropped) {
    SubscriptionId subscription;
    std::int64_t event = 0;
    unsigned attempts = 0;
    PiiCategories pii;
    std::optional<Timestamp> first;
    const bool waits = update.state == DeliveryState::waiting;
    {
        Run row = find_delivery_(update.delivery.value());
        if (!row.next() || has_ended(row.as<DeliveryState>(2))) return;
        subscription = SubscriptionId(row.as<SubscriptionId::rep>(0));
        event = row.integer(1);
        attempts = row.as<unsigned>(3);
        pii = pii_of(row.integer(4));
        first = time_or_nothing(row, 5);
    }
    if (waits && update.attempts < attempts) return;  // of a batch that came again, late
    attempts = std::max(attempts, update.attempts);
    if (update.attempts > 0) first = update.first_attempt_started;

    const CutVerdict verdict = this->verdict(subscription, update.delivery, event, pii);
    if (update.attempt) add_attempt(update.delivery, *update.attempt);
    const bool ends = !waits || verdict.drop != EndReason::none;
    end_flight_.run(update.delivery.value(), ends ? std::numeric_limits<unsigned>::max() : attempts);
    if (!ends) return set_waiting(update.delivery, attempts, first, verdict.pii, update.due);
    const DeliveryState state = waits ? DeliveryState::dropped : update.state;
    const EndReason reason = waits ? verdict.drop : update.reason;
    set_ended_.run(static_cast<int>(state), static_cast<int>(reason), attempts, first, verdict.pii.bits(), update.at,
                   update.delivery.value());
    count_end(subscription);
    if (!waits) return;
    Run row = event_id_(event);
    if (row.next()) dropped.push_back({update.delivery, subscription, event_id_of(row.bytes(0)), reason});
}

void Writer::apply(const StreakUpdate& update, std::vector<SubscriptionId>& disabled) {
    if (update.disable == EndReason::none) {
        std::optional<Timestamp> started;
        std::optional<Timestamp> last;
        std::optional<unsigned> warned;
        if (update.streak) {
            started = update.streak->started;
            last = update.streak->last_failure;
            warned = update.streak->warned_percent;
        }
        write_streak_.run(started, last, warned, update.subscription.value(), update.version);
        return;
    }
    auto record = records_.find(update.subscription);
    if (!record || record->deleted || record->version != update.version) return;
    record->streak = update.streak;
    record->subscription.set_status(SubscriptionStatus::disabled);
    ++record->version;
    record->changed_at = update.at;
    record->cuts.push_back({.up_to = DeliveryId(meta_.last_delivery), .keep = {}, .reason = update.disable});
    write_record(*record);
    write_cuts(*record);
    disabled.push_back(update.subscription);
}

void Writer::apply(const AttemptStart& start) {
    {
        Run row = find_delivery_(start.delivery.value());
        if (!row.next() || has_ended(row.as<DeliveryState>(2)) || start.number <= row.as<unsigned>(3)) return;
    }
    add_flight_.run(start.delivery.value(), start.number, start.at);
}

ExpireResult Writer::expire(SubscriptionId subscription, Timestamp started_before, Timestamp now, std::size_t max) {
    ExpireResult result;
    for (Run row = waiting_started_(subscription.value()); row.next();) {
        const Timestamp started = row.time(1);
        if (started < started_before && result.ended.size() < max) {
            result.ended.emplace_back(row.integer(0));
        } else {
            result.oldest_started = std::min(result.oldest_started.value_or(started), started);
        }
    }
    for (const DeliveryId id : result.ended) {
        set_expired_.run(now, id.value());
        count_end(subscription);
    }
    return result;
}

// ---- events

std::optional<AppendVerdict> Writer::known(const NewEvent& event) {
    Run row = find_hash_(Blob{event.id.bytes()});
    if (!row.next()) return std::nullopt;
    const ByteView hash = row.bytes(0);
    return std::equal(hash.begin(), hash.end(), event.hash.begin(), event.hash.end()) ? AppendVerdict::duplicate
                                                                                      : AppendVerdict::conflict;
}

const std::vector<SubscriptionId>& Writer::wanted_by(const Scope& scope, const std::string& pattern) {
    const std::int64_t id = scope.id();
    const std::int64_t tenant = scope.tenant_id().value();
    const auto kind = static_cast<int>(scope.kind());
    wanted_key_.assign(1, static_cast<char>(kind));
    wanted_key_.append(reinterpret_cast<const char*>(&id), sizeof id);
    wanted_key_.append(reinterpret_cast<const char*>(&tenant), sizeof tenant);
    wanted_key_.append(pattern);
    if (const auto found = wanted_.find(wanted_key_); found != wanted_.end()) return found->second;
    std::vector<SubscriptionId> wanted;
    for (Run row = find_choice_(kind, id, tenant, std::string_view(pattern)); row.next();) {
        wanted.emplace_back(row.as<SubscriptionId::rep>(0));
    }
    return wanted_.emplace(wanted_key_, std::move(wanted)).first->second;
}

std::vector<SubscriptionId> Writer::matches(const NewEvent& event) {
    std::vector<SubscriptionId> matched;
    const auto patterns = patterns_that_match(event.type);
    for (const Scope& scope : event.scopes) {
        if (scope.profile() != event.profile) continue;
        for (const std::string& pattern : patterns) {
            const auto& wanted = wanted_by(scope, pattern);
            matched.insert(matched.end(), wanted.begin(), wanted.end());
        }
    }
    std::sort(matched.begin(), matched.end());
    matched.erase(std::unique(matched.begin(), matched.end()), matched.end());
    return matched;
}

AppendVerdict Writer::append(const NewEvent& event, Timestamp at) {
    const std::vector<SubscriptionId> matched = matches(event);
    std::size_t queued = 0;
    for (const SubscriptionId id : matched) {
        const Lane& lane = this->lane(id);
        if (skip_reason(lane.status, static_cast<std::size_t>(lane.pending), limits_) == EndReason::none) ++queued;
    }
    if (queued > 0 && static_cast<std::size_t>(meta_.pending) + queued > limits_.pending_max) {
        return known(event).value_or(AppendVerdict::full);
    }
    add_event_.run(Blob{event.id.bytes()}, Blob{event.hash}, static_cast<int>(event.profile),
                   std::string_view(event.type), at, number_of(event.contact));
    if (database_.changed_rows() == 0) return known(event).value_or(AppendVerdict::conflict);
    const std::int64_t seq = database_.last_rowid();
    add_body_.run(seq, Blob{bytes_of(event.body)});
    const auto contact = number_of(event.contact);
    for (const SubscriptionId id : matched) add_delivery(id, seq, contact, lane(id).pii, false, at);
    return AppendVerdict::accepted;
}

// For every one of them, or else for none.
bool Writer::has_room_for(const std::vector<NewEvent>& events) {
    std::map<SubscriptionId, std::size_t> queued;
    std::size_t count = 0;
    for (const NewEvent& event : events) {
        if (known(event)) continue;
        for (const SubscriptionId id : matches(event)) {
            const Lane& lane = this->lane(id);
            const std::size_t pending = static_cast<std::size_t>(lane.pending) + queued[id];
            if (skip_reason(lane.status, pending, limits_) != EndReason::none) continue;
            ++queued[id];
            ++count;
        }
    }
    return count == 0 || static_cast<std::size_t>(meta_.pending) + count <= limits_.pending_max;
}

void Writer::apply(const TestDelivery& test, Timestamp at) {
    add_event_.run(Blob{test.event.id.bytes()}, Blob{test.event.hash}, static_cast<int>(test.event.profile),
                   std::string_view(test.event.type), at, number_of(test.event.contact));
    if (database_.changed_rows() == 0) return;  // the same write again
    const std::int64_t seq = database_.last_rowid();
    add_body_.run(seq, Blob{bytes_of(test.event.body)});
    const DeliveryState state = test.delivered ? DeliveryState::delivered : DeliveryState::exhausted;
    const EndReason reason = test.delivered ? EndReason::none : EndReason::attempts;
    add_test_.run(++meta_.last_delivery, test.subscription.value(), seq, static_cast<int>(state),
                  static_cast<int>(reason), lane(test.subscription).pii.bits(), test.attempt.number, at, at,
                  test.attempt.started);
    add_attempt(DeliveryId(meta_.last_delivery), test.attempt);
}

bool Writer::apply(const ContactWrite& write, Timestamp at) {
    std::uint64_t version = 0;
    {
        Run row = contact_version_(write.key.location.value(), write.key.contact.value());
        if (row.next()) version = row.as<std::uint64_t>(0);
    }
    if (version != write.expected_version || !has_room_for(write.events)) return false;
    for (const NewEvent& event : write.events) append(event, at);
    write_contact_.run(write.key.location.value(), write.key.contact.value(), version + 1, Blob{bytes_of(write.record)},
                       write.due);
    return true;
}

void Writer::add_delivery(SubscriptionId subscription, std::int64_t event, std::optional<std::int64_t> contact,
                          PiiCategories pii, bool replay, Timestamp at) {
    Lane& lane = this->lane(subscription);
    const EndReason skip = skip_reason(lane.status, static_cast<std::size_t>(lane.pending), limits_);
    const bool queued = skip == EndReason::none;
    const DeliveryState state = queued ? DeliveryState::fresh : DeliveryState::skipped;
    add_delivery_.run(++meta_.last_delivery, subscription.value(), event, static_cast<int>(state),
                      static_cast<int>(skip), replay, pii.bits(), at, queued ? std::nullopt : std::optional(at),
                      lane.fifo_per_contact ? contact : std::nullopt);
    ++(queued ? lane.pending : lane.skipped);
    lane.counts_changed = true;
    if (queued) ++meta_.pending;
}

// ---- subscriptions

Result<SubscriptionRecord> Writer::create(const Subscription& subscription, Timestamp now) {
    SubscriptionId::rep last = 0;
    {
        Run row = last_subscription_();
        if (row.next()) last = row.as<SubscriptionId::rep>(0);
    }
    if (last == std::numeric_limits<SubscriptionId::rep>::max()) {
        return Error(Errc::limit_exceeded, "subscription ids are used up");
    }
    SubscriptionOptions options = subscription.options();
    options.id = SubscriptionId(last + 1);
    auto numbered = Subscription::restore(std::move(options));
    if (!numbered) return std::move(numbered).error();
    const SubscriptionRecord record{.subscription = *std::move(numbered), .created_at = now, .changed_at = now};
    write_record(record);
    write_choices(record.subscription);
    add_count_.run(record.subscription.id().value());
    return record;
}

Result<SubscriptionRecord> Writer::edit(const SubscriptionEdit& edit, const Seal& seal) {
    const SubscriptionId id = edit.subscription.id();
    auto record = records_.find(id);
    if (!record || record->deleted) return no_subscription(id);
    if (record->version != edit.expected_version) return version_conflict(*record, edit);
    const Subscription before = record->subscription;
    for (const std::string& pattern : before.events().patterns()) {
        forget_choice_.run(static_cast<int>(before.scope().kind()), before.scope().id(),
                           before.scope().tenant_id().value(), std::string_view(pattern), id.value());
    }
    apply_edit(*record, edit, DeliveryId(meta_.last_delivery), lane(id).pending > 0);
    write_record(*record);
    write_cuts(*record);
    if (edit.secret) {
        const auto sealed = seal(*edit.secret, record->secret_number);
        if (!sealed) return sealed.error();
        write_secret_.run(id.value(), record->secret_number, Blob{sealed->nonce}, Blob{sealed->bytes});
    }
    edit.remove ? forget_secret_.run(id.value()) : write_choices(record->subscription);
    return *std::move(record);
}

void Writer::write_record(const SubscriptionRecord& record) {
    const Subscription& s = record.subscription;
    std::optional<Timestamp> started;
    std::optional<Timestamp> last;
    std::optional<unsigned> warned;
    if (record.streak) {
        started = record.streak->started;
        last = record.streak->last_failure;
        warned = record.streak->warned_percent;
    }
    const std::string url = s.url().to_string();
    const std::string events = join_lines(s.events().patterns());
    write_subscription_.run(s.id().value(), std::string_view(url), static_cast<int>(s.scope().kind()), s.scope().id(),
                            s.scope().tenant_id().value(), std::string_view(events), static_cast<int>(s.status()),
                            s.pii().bits(), record.version, record.secret_number, record.deleted, record.created_at,
                            record.changed_at, ++meta_.last_change, record.cuts.size(), started, last, warned,
                            s.fifo_per_contact());
    // The counts that this transaction knows stay; what the record says is read anew.
    if (const auto known = lanes_.find(s.id()); known != lanes_.end()) {
        Lane& lane = known->second;
        lane.status = s.status();
        lane.pii = s.pii();
        lane.has_cuts = !record.cuts.empty();
        lane.deleted = record.deleted;
        lane.fifo_per_contact = s.fifo_per_contact();
        lane.record.reset();
    }
}

void Writer::write_choices(const Subscription& subscription) {
    const Scope& scope = subscription.scope();
    for (const std::string& pattern : subscription.events().patterns()) {
        add_choice_.run(static_cast<int>(scope.kind()), scope.id(), scope.tenant_id().value(),
                        std::string_view(pattern), subscription.id().value());
    }
}

void Writer::write_cuts(const SubscriptionRecord& record) {
    const auto id = record.subscription.id().value();
    forget_cuts_.run(id);
    int number = 0;
    for (const Cut& cut : record.cuts) {
        const std::string keep = cut.keep ? join_lines(cut.keep->patterns()) : std::string();
        add_cut_.run(id, ++number, cut.up_to.value(), cut.keep ? std::optional<std::string_view>(keep) : std::nullopt,
                     static_cast<int>(cut.reason), cut.pii.bits());
    }
}

// ---- history

std::vector<Writer::Candidate> Writer::candidates(const ReplayRequest& request, DeliveryId up_to, std::size_t max) {
    const DeliveryFilter& filter = request.filter;
    std::int64_t after = request.after.value();
    std::int64_t last = up_to.value();
    if (filter.delivery) {
        after = std::max(after, std::max<std::int64_t>(filter.delivery->value(), 1) - 1);
        last = std::min(last, filter.delivery->value());
    }
    std::vector<Candidate> found;
    Run row = filter.event_id ? scan_event_(Blob{filter.event_id->bytes()}, after, last, limit_of(max))
                              : scan_(after, last, limit_of(max));
    while (row.next()) {
        Candidate candidate;
        candidate.event = row.integer(6);
        candidate.pii = pii_of(row.integer(7));
        Delivery& delivery = candidate.delivery;
        delivery.id = DeliveryId(row.integer(0));
        delivery.subscription = SubscriptionId(row.as<SubscriptionId::rep>(1));
        delivery.event_id = event_id_of(row.bytes(2));
        delivery.event_type = row.text(3);
        delivery.state = row.as<DeliveryState>(4);
        delivery.queued_at = row.time(5);
        if (row.integer(8) == 0) candidate.event = 0;  // its body is gone
        delivery.test = row.integer(9) == replay_of_test;
        if (!row.is_null(10)) candidate.contact = row.integer(10);
        found.push_back(std::move(candidate));
    }
    return found;
}

Result<ReplayPage> Writer::replay(const ReplayRequest& request) {
    const DeliveryId last(meta_.last_delivery);
    ReplayPage page{.up_to = request.up_to == DeliveryId{} ? last : request.up_to};
    const std::size_t max = static_cast<std::size_t>(limit_of(request.max));
    const auto found = candidates(request, page.up_to, max + 1);
    DeliveryId after = request.after;
    std::size_t examined = 0;
    for (const Candidate& candidate : found) {
        const bool is_full = !request.dry_run && static_cast<std::size_t>(meta_.pending) >= limits_.pending_max;
        if (examined++ == max || (is_full && page.count > 0)) {
            page.next = after;
            break;
        }
        after = candidate.delivery.id;
        const SubscriptionId id = candidate.delivery.subscription;
        if (!replays(request, candidate.delivery) || candidate.event == 0 || lane(id).deleted) continue;
        if (is_full) return Error(Errc::store_full, "too many deliveries are pending");
        ++page.count;
        if (request.dry_run) continue;
        add_delivery(id, candidate.event, candidate.contact, candidate.pii & lane(id).pii, true, request.at);
    }
    return page;
}

std::size_t Writer::maintain(const Retention& retention, Timestamp now, std::size_t max) {
    std::size_t removed = forget_deliveries(now - retention.history, max);
    if (removed < max) removed += forget_bodies(now - retention.history, max - removed);
    if (removed < max) {
        forget_events_.run(now - retention.ids, limit_of(max - removed));
        removed += static_cast<std::size_t>(database_.changed_rows());
    }
    forget_cuts();
    return removed;
}

std::size_t Writer::forget_deliveries(Timestamp ended_before, std::size_t max) {
    struct Old {
        std::int64_t id;
        SubscriptionId subscription;
        bool skipped;
    };
    std::vector<Old> old;
    for (Run row = ended_(ended_before, limit_of(max)); row.next();) {
        old.push_back({row.integer(0), SubscriptionId(row.as<SubscriptionId::rep>(1)),
                       row.as<DeliveryState>(2) == DeliveryState::skipped});
    }
    for (const Old& delivery : old) {
        forget_attempts_.run(delivery.id);
        forget_delivery_.run(delivery.id);
        if (!delivery.skipped) continue;
        Lane& lane = this->lane(delivery.subscription);
        --lane.skipped;
        lane.counts_changed = true;
    }
    return old.size();
}

std::size_t Writer::forget_bodies(Timestamp older_than, std::size_t max) {
    std::vector<std::int64_t> old;
    for (Run row = whole_events_(older_than, limit_of(max)); row.next();) old.push_back(row.integer(0));
    for (const std::int64_t event : old) {
        forget_body_.run(event);
        set_bare_.run(event);
    }
    return old.size();
}

void Writer::forget_cuts() {
    std::vector<SubscriptionId> ids;
    for (Run row = with_cuts_(); row.next();) ids.emplace_back(row.as<SubscriptionId::rep>(0));
    for (const SubscriptionId id : ids) {
        auto record = records_.find(id);
        if (!record) continue;
        const bool none_pending = lane(id).pending == 0;
        const auto gone =
            std::erase_if(record->cuts, [&](const Cut& cut) { return none_pending || !is_needed(cut, id); });
        if (gone == 0) continue;
        write_cuts(*record);
        set_cuts_.run(record->cuts.size(), id.value());
    }
}

bool Writer::is_needed(const Cut& cut, SubscriptionId id) {
    Run fresh = older_fresh_(cut.up_to.value());
    if (fresh.next()) return true;
    Run waiting = older_waiting_(id.value(), cut.up_to.value());
    return waiting.next();
}

}  // namespace fpt_webhooks::inline v0_1::detail
