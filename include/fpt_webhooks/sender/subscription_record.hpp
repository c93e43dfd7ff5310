// What a store keeps of a subscription, and the edits to it (docs/dispatcher.md).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/sender/delivery.hpp>
#include <fpt_webhooks/sender/subscription.hpp>

namespace fpt_webhooks::inline v0_1 {

// An uninterrupted run of failures.
struct FailureStreak {
    Timestamp started = {};
    Timestamp last_failure = {};  // the last one that counts
    unsigned warned_percent = 0;  // the last warning given: 0, 50, 75

    friend bool operator==(const FailureStreak&, const FailureStreak&) = default;
};

// An edit's consequence for the deliveries that were pending when it committed. So a disable, a deletion, a narrower
// event choice or PII mask is one small write however many deliveries it touches; each is judged when it is taken.
struct Cut {
    DeliveryId up_to = {};                     // the last delivery that there was
    std::optional<EventChoice> keep = {};      // nothing: no delivery is kept
    EndReason reason = EndReason::none;        // of those that are not kept
    PiiCategories pii = PiiCategories::all();  // kept ones are narrowed to this

    friend bool operator==(const Cut&, const Cut&) = default;
};

// A regular value.
struct SubscriptionRecord {
    Subscription subscription;
    std::uint64_t version = 1;        // one more with every edit
    std::uint32_t secret_number = 0;  // of the current secret; 0: none was generated yet
    bool deleted = false;             // kept for its history
    Timestamp created_at = {};
    Timestamp changed_at = {};
    std::optional<FailureStreak> streak = {};
    std::vector<Cut> cuts = {};  // in their order; those that no pending delivery needs any more are gone
};

// One edit, whole or not at all.
struct SubscriptionEdit {
    Subscription subscription;           // as it is to be; its id names the record
    std::uint64_t expected_version = 0;  // else: conflict
    Timestamp at = {};
    std::optional<Cut> cut = {};        // the store fills in up_to
    std::optional<Secret> secret = {};  // a new one; the old one is gone with the commit
    bool remove = false;                // delete; the secret goes too
    bool end_streak = false;
};

// What the cuts say of a delivery.
struct CutVerdict {
    EndReason drop = EndReason::none;  // none: it is kept
    PiiCategories pii;
};

// `id`, `type` (FPT: the event type; UFP: the catalogued key) and `pii` of a pending delivery of this record.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT CutVerdict judge(const SubscriptionRecord& record, DeliveryId id,
                                                          std::string_view type, PiiCategories pii) noexcept;

}  // namespace fpt_webhooks::inline v0_1
