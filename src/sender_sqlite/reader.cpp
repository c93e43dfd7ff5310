#include "sender_sqlite/reader.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sender/store_rules.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// The columns of fresh_ and pending_.
PendingDelivery pending_delivery(const Run& row) {
    const bool waits = row.as<DeliveryState>(8) == DeliveryState::waiting;
    return {.id = DeliveryId(row.integer(0)),
            .subscription = SubscriptionId(row.as<SubscriptionId::rep>(1)),
            .event_id = event_id_of(row.bytes(2)),
            .profile = row.as<Profile>(3),
            .event_type = std::string(row.text(4)),
            .body = std::string(row.text(5)),
            .pii = pii_of(row.integer(6)),
            .replay = row.integer(7) == 1,
            .waiting = waits,
            .queued_at = row.time(9),
            .due = waits ? row.time(10) : row.time(9),
            .attempts = row.as<unsigned>(11),
            .first_attempt_started = row.time(12)};
}

// The columns of history_ and history_of_event_.
Delivery delivery(const Run& row) {
    Delivery delivery{.id = DeliveryId(row.integer(0)),
                      .subscription = SubscriptionId(row.as<SubscriptionId::rep>(1)),
                      .event_id = event_id_of(row.bytes(2)),
                      .event_type = std::string(row.text(3)),
                      .state = row.as<DeliveryState>(4),
                      .reason = row.as<EndReason>(5),
                      .replay = row.integer(6) == 1,
                      .test = row.integer(6) == 2,
                      .attempts = row.as<unsigned>(7),
                      .queued_at = row.time(8)};
    if (delivery.state == DeliveryState::waiting) delivery.next_attempt = row.time(9);
    if (has_ended(delivery.state)) delivery.ended_at = row.time(10);
    return delivery;
}

}  // namespace

std::vector<PendingDelivery> Reader::take_fresh(DeliveryId after, std::size_t max) {
    std::vector<PendingDelivery> taken;
    for (Run row = fresh_(after.value(), limit_of(max)); row.next();) taken.push_back(pending_delivery(row));
    return taken;
}

bool Reader::judges(const SubscriptionRecord& record, const KeptAt& kept_at) {
    if (!has_dropping_cut(record)) return false;
    const auto known = kept_at.find(record.subscription.id());
    return known == kept_at.end() || known->second != record.version;
}

std::vector<Reader::Due> Reader::due_list(SubscriptionId subscription, std::size_t max) {
    std::vector<Due> list;
    for (Run row = due_(subscription.value(), limit_of(max)); row.next();) {
        list.push_back({DeliveryId(row.integer(0)), row.time(1)});
    }
    return list;
}

std::vector<Reader::Due> Reader::judged_list(const SubscriptionRecord& record, std::size_t max, KeptAt& kept_at) {
    const bool cuts_drop = judges(record, kept_at);
    const bool ordered = record.subscription.fifo_per_contact();
    std::vector<Due> list;
    std::size_t free = 0;
    bool all_kept = true;
    for (Run row = judged_(record.subscription.id().value()); (cuts_drop || free < max) && row.next();) {
        Due entry{.id = DeliveryId(row.integer(0)), .due = row.time(1), .behind = ordered && row.integer(4) != 0};
        entry.withdrawn =
            cuts_drop && judge(record, entry.id, row.text(3), pii_of(row.integer(2))).drop != EndReason::none;
        all_kept = all_kept && !entry.withdrawn;
        if (!entry.behind) ++free;
        list.push_back(entry);
    }
    if (cuts_drop && all_kept) kept_at[record.subscription.id()] = record.version;
    return list;
}

WaitingPage Reader::take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max, KeptAt& kept_at) {
    WaitingPage page;
    const auto record = records_.find(subscription);
    if (!record) return page;
    const std::size_t most = std::min(max, std::numeric_limits<std::size_t>::max() - 1) + 1;
    const bool looks = judges(*record, kept_at) || record->subscription.fifo_per_contact();
    const auto list = looks ? judged_list(*record, most, kept_at) : due_list(subscription, most);
    std::optional<Timestamp> behind_due;
    for (const Due& entry : list) {
        const bool takes = (entry.due <= now && !entry.behind) || entry.withdrawn;
        if (!takes || page.deliveries.size() >= max) {
            const Timestamp when = takes ? std::min(entry.due, now) : entry.due;
            auto& next = entry.behind ? behind_due : page.next_due;
            next = std::min(next.value_or(when), when);
            continue;
        }
        Run row = pending_(entry.id.value());
        if (row.next()) page.deliveries.push_back(pending_delivery(row));
    }
    // What is behind another becomes free when that one ends: not before one of this page does, if there is one.
    if (behind_due && !page.deliveries.empty())
        page.next_due = std::min(page.next_due.value_or(*behind_due), *behind_due);
    return page;
}

std::vector<SubscriptionWake> Reader::wakes(KeptAt& kept_at) {
    std::vector<SubscriptionWake> wakes;
    for (Run row = wakes_(); row.next();) {
        SubscriptionWake wake{.subscription = SubscriptionId(row.as<SubscriptionId::rep>(0))};
        if (!row.is_null(2)) {
            wake.streak = FailureStreak{
                .started = row.time(2), .last_failure = row.time(3), .warned_percent = row.as<unsigned>(4)};
        }
        if (!row.is_null(5)) wake.due = row.time(5);
        if (!wake.due && !wake.streak) continue;
        if (wake.due && row.integer(1) > 0) {
            const auto record = records_.find(wake.subscription);
            if (record && judges(*record, kept_at)) {
                const auto list = judged_list(*record, 0, kept_at);
                const auto withdrawn = [](const Due& entry) { return entry.withdrawn; };
                if (std::any_of(list.begin(), list.end(), withdrawn)) wake.due = std::min(*wake.due, Timestamp{});
            }
        }
        wakes.push_back(wake);
    }
    return wakes;
}

StoreChanges Reader::changes(std::uint64_t since) {
    StoreChanges changes;
    {
        Run row = last_change_();
        if (row.next()) changes.sequence = row.as<std::uint64_t>(0);
    }
    if (changes.sequence <= since) return changes;
    for (Run row = changes_(since); row.next();) {
        changes.subscriptions.emplace_back(row.as<SubscriptionId::rep>(0));
    }
    return changes;
}

std::vector<SubscriptionId> Reader::subscriptions_at(std::string_view url, std::size_t max) {
    std::vector<SubscriptionId> ids;
    for (Run row = at_url_(url, limit_of(max)); row.next();) ids.emplace_back(row.as<SubscriptionId::rep>(0));
    return ids;
}

Result<Secret> Reader::secret(SubscriptionId id, const SecretBox& box) {
    Run row = secret_(id.value());
    if (!row.next()) return Error(Errc::not_found, "the subscription has no secret, or there is no such one");
    return box.open(row.bytes(1), row.bytes(2), id, row.as<std::uint32_t>(0));
}

DeliveryPage Reader::deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max) {
    constexpr auto last = std::numeric_limits<std::int64_t>::max();
    const std::int64_t from = filter.delivery
                                  ? std::max(after.value(), std::max<std::int64_t>(filter.delivery->value(), 1) - 1)
                                  : after.value();
    const std::int64_t up_to = filter.delivery ? filter.delivery->value() : last;
    const std::int64_t limit = limit_of(max) + 1;  // one more tells whether there is more
    DeliveryPage page;
    std::size_t examined = 0;
    Run row =
        filter.event_id ? history_of_event_(Blob{filter.event_id->bytes()}, from, limit) : history_(from, up_to, limit);
    while (row.next()) {
        if (examined++ == max) {
            page.next = after;
            break;
        }
        Delivery found = delivery(row);
        after = found.id;
        if (passes(filter, found)) page.deliveries.push_back(std::move(found));
    }
    return page;
}

std::vector<Attempt> Reader::attempts(DeliveryId delivery) {
    std::vector<Attempt> attempts;
    for (Run row = attempts_(delivery.value()); row.next();) {
        Attempt attempt{.number = row.as<unsigned>(0),
                        .started = row.time(1),
                        .duration = std::chrono::milliseconds(row.integer(2)),
                        .status = row.as<int>(3),
                        .detail = std::string(row.text(5)),
                        .response_head = std::string(row.text(6))};
        if (!row.is_null(4)) attempt.error = row.as<Errc>(4);
        attempts.push_back(std::move(attempt));
    }
    return attempts;
}

Result<std::string> Reader::event_body(const EventId& id) {
    Run row = body_(Blob{id.bytes()});
    if (!row.next()) return Error(Errc::not_found, std::string("event ").append(id.to_string()));
    return std::string(row.text(0));
}

StoreStats Reader::stats() {
    StoreStats stats;
    if (Run row = pending_count_(); row.next()) stats.pending = row.as<std::size_t>(0);
    if (Run row = oldest_(); stats.pending > 0 && row.next()) stats.oldest_pending = row.time(0);
    if (Run row = active_(); row.next()) stats.subscriptions_active = row.as<std::size_t>(0);
    return stats;
}

// ---- contacts

namespace {

KeptContact kept_contact(const Run& row, const ContactKey& key) {
    KeptContact kept{
        .key = key, .version = row.as<std::uint64_t>(0), .record = std::string(text_of(row.bytes(1))), .due = {}};
    if (!row.is_null(2)) kept.due = row.time(2);
    return kept;
}

}  // namespace

KeptContact Reader::contact(const ContactKey& key) {
    Run row = contact_(key.location.value(), key.contact.value());
    return row.next() ? kept_contact(row, key) : KeptContact{.key = key};
}

std::vector<KeptContact> Reader::due_contacts(Timestamp now, Timestamp latest, std::size_t max) {
    std::vector<KeptContact> due;
    for (Run row = due_contacts_(now, latest, limit_of(max)); row.next();) {
        due.push_back(kept_contact(row, {.location = LocationId(row.as<LocationId::rep>(3)),
                                         .contact = ContactId(row.as<ContactId::rep>(4))}));
    }
    return due;
}

}  // namespace fpt_webhooks::inline v0_1::detail
