// A delivery: one event on its way to one subscription; its attempts and its end (docs/dispatcher.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/event_id.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/pii.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// Numbered by the store in the order of its commits, from 1 on.
using DeliveryId = Id<struct DeliveryIdTag, std::int64_t>;

// Numbers are stored; stable and never reused.
enum class DeliveryState : std::uint8_t {
    fresh = 0,      // never tried
    waiting = 1,    // for its next attempt, a free lane, a resume or a secret
    delivered = 2,  // a 2xx came
    exhausted = 3,  // attempts or window used up
    dropped = 4,    // queued, then withdrawn by a named act
    skipped = 5,    // matched, never queued
};

[[nodiscard]] constexpr bool has_ended(DeliveryState state) noexcept { return state >= DeliveryState::delivered; }

// Why a delivery ended so. Numbers are stored; stable and never reused.
enum class EndReason : std::uint8_t {
    none = 0,          // delivered, or not ended
    attempts = 1,      // exhausted: all used
    window = 2,        // exhausted: its end was reached
    peer = 3,          // dropped: the response header "webhook-delivery: abort-message"
    disabled = 4,      // dropped or skipped: the subscription is disabled
    unsubscribed = 5,  // dropped: an edit took the event type out of the subscription's choice
    deleted = 6,       // dropped: the subscription is deleted
    no_secret = 7,     // dropped: no signing secret was generated in time
    paused = 8,        // skipped
    backlog = 9,       // skipped: the subscription has too many pending deliveries
    unsendable = 10,   // dropped: the stored event cannot be sent (a scheme refuses it)
};

[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT std::string_view to_string(DeliveryState state) noexcept;
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT std::string_view to_string(EndReason reason) noexcept;

// One finished attempt, as it is recorded.
struct Attempt {
    unsigned number = 1;  // from 1 on, within its delivery
    Timestamp started = {};
    std::chrono::milliseconds duration{};
    int status = 0;                  // of the response; 0: none came
    std::optional<Errc> error = {};  // why not; no_response for one that a crash cut short
    std::string detail = {};         // ours, safe to log
    std::string response_head = {};  // of a failure: the body's first 4 KiB. A peer's bytes: show them with care

    friend bool operator==(const Attempt&, const Attempt&) = default;
};

// A delivery as history shows it: a regular value.
struct Delivery {
    DeliveryId id = {};
    SubscriptionId subscription = {};
    EventId event_id;
    std::string event_type = {};
    DeliveryState state = DeliveryState::fresh;
    EndReason reason = EndReason::none;
    bool replay = false;  // made by a replay
    bool test = false;    // made by send_test
    unsigned attempts = 0;
    Timestamp queued_at = {};
    std::optional<Timestamp> next_attempt = {};  // while it waits
    std::optional<Timestamp> ended_at = {};

    friend bool operator==(const Delivery&, const Delivery&) = default;
};

// Which deliveries a query or a replay is about; what is not set does not narrow.
struct DeliveryFilter {
    std::optional<SubscriptionId> subscription = {};
    std::optional<DeliveryId> delivery = {};
    std::optional<EventId> event_id = {};
    std::string event_type = {};  // exact; "": any
    std::optional<DeliveryState> state = {};
    std::optional<Timestamp> since = {};  // queued at or after
    std::optional<Timestamp> until = {};  // queued before
};

}  // namespace fpt_webhooks::inline v0_1
