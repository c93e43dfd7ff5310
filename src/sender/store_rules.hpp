// Rules that every store of ours keeps alike. Inline: each store is a library of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <fpt_webhooks/sender/memory_store.hpp>
#include <fpt_webhooks/sender/store.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// What a subscription's event choice may hold to want this type: its name, its family, everything.
inline std::array<std::string, 3> patterns_that_match(std::string_view type) {
    std::string family(type.substr(0, type.find('.')));
    family.append(".*");
    return {std::string(type), std::move(family), "*"};
}

// Why a new delivery for a subscription with so many pending ones is not queued; none: it is.
inline EndReason skip_reason(SubscriptionStatus status, std::size_t pending, const StoreLimits& limits) noexcept {
    switch (status) {
        case SubscriptionStatus::active: break;
        case SubscriptionStatus::paused: return EndReason::paused;
        case SubscriptionStatus::disabled: return EndReason::disabled;
    }
    return pending >= limits.subscription_pending_max ? EndReason::backlog : EndReason::none;
}

// May this record's cuts drop anything? If not, no delivery needs to be judged.
inline bool has_dropping_cut(const SubscriptionRecord& record) noexcept {
    return std::any_of(record.cuts.begin(), record.cuts.end(),
                       [](const Cut& cut) { return cut.reason != EndReason::none; });
}

inline Error fenced_error(std::uint64_t epoch) {
    return Error(Errc::fenced, std::string("epoch ").append(std::to_string(epoch)));
}

inline Result<void> check_batch(const StoreBatch& batch) {
    if (batch.epoch == 0 && !(batch.updates.empty() && batch.streaks.empty() && batch.starts.empty())) {
        return Error(Errc::invalid_argument, "epoch: 0 publishes only; updates, streaks and starts need acquire()");
    }
    for (const ContactWrite& write : batch.contacts) {
        if (write.record.empty() && write.due) return Error(Errc::invalid_argument, "contacts: due without a record");
    }
    for (const DeliveryUpdate& update : batch.updates) {
        if (update.state == DeliveryState::fresh || update.state == DeliveryState::skipped) {
            return Error(Errc::invalid_argument,
                         "updates: a delivery becomes waiting, delivered, exhausted or dropped");
        }
    }
    return {};
}

// Everything of the filter but its event id, which a store looks up.
inline bool passes(const DeliveryFilter& filter, const Delivery& delivery) noexcept {
    return (!filter.subscription || *filter.subscription == delivery.subscription) &&
           (!filter.delivery || *filter.delivery == delivery.id) &&
           (!filter.event_id || *filter.event_id == delivery.event_id) &&
           (filter.event_type.empty() || filter.event_type == delivery.event_type) &&
           (!filter.state || *filter.state == delivery.state) &&
           (!filter.since || delivery.queued_at >= *filter.since) &&
           (!filter.until || delivery.queued_at < *filter.until);
}

// Is this a delivery that the request makes a new one of? Its subscription and event are the caller's to look at.
inline bool replays(const ReplayRequest& request, const Delivery& delivery) noexcept {
    return has_ended(delivery.state) && !delivery.test && passes(request.filter, delivery) &&
           (request.include_delivered || delivery.state != DeliveryState::delivered);
}

inline Error version_conflict(const SubscriptionRecord& record, const SubscriptionEdit& edit) {
    std::string detail = "subscription ";
    detail.append(std::to_string(edit.subscription.id().value()));
    detail.append(": version ").append(std::to_string(record.version));
    detail.append(", the edit expects ").append(std::to_string(edit.expected_version));
    return {Errc::conflict, std::move(detail)};
}

// An edit's effect on its record. `last`: the newest delivery; `has_pending`: of this subscription.
inline void apply_edit(SubscriptionRecord& record, const SubscriptionEdit& edit, DeliveryId last, bool has_pending) {
    record.subscription = edit.subscription;
    ++record.version;
    record.changed_at = edit.at;
    if (!has_pending) record.cuts.clear();
    if (edit.cut) {
        record.cuts.push_back(*edit.cut);
        record.cuts.back().up_to = last;
    }
    if (edit.secret) ++record.secret_number;
    if (edit.end_streak) record.streak.reset();
    if (!edit.remove) return;
    record.deleted = true;
    record.streak.reset();
    const bool drops_all = edit.cut && !edit.cut->keep;
    if (!drops_all) record.cuts.push_back({.up_to = last, .keep = {}, .reason = EndReason::deleted});
}

// How an attempt is recorded that a crash cut short.
inline Attempt attempt_in_doubt(unsigned number, Timestamp started) {
    return {.number = number,
            .started = started,
            .error = Errc::no_response,
            .detail = "the dispatcher ended before the answer was recorded"};
}

}  // namespace fpt_webhooks::inline v0_1::detail
