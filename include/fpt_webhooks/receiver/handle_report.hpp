// What became of one request at a Receiver: for logs and metrics, never for the response.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fpt_webhooks/core/error.hpp>
#include <fpt_webhooks/core/timed_secret.hpp>
#include <fpt_webhooks/receiver/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// In the order in which a request can meet them; the statuses are the receiver's defaults.
enum class HandleOutcome {
    wrong_method,       // 405
    wrong_media_type,   // 415
    too_large,          // 413
    unauthorized,       // 401, the same response for every cause
    unreadable,         // 400: signed, but not an event, or `data` is not what a typed handler needs; 500 when there
                        // is a dead letter store and it failed
    unhandled,          // 200, or 422 by option: no handler takes this event
    store_unavailable,  // 503: the store could not take the event; 500: it could not mark a handled one done
    duplicate,          // 200: processed before
    busy,               // 503, or 200 by option: being processed by another request
    handler_failed,     // 500: the sender will retry
    overrun,            // 503, or 200 by option: its handlers run on beyond their deadline, or got no thread before it
    dead_lettered,      // 200: unreadable, or failed too often; it is now in the dead letter store
    processed,          // 200
    accepted,           // 200: stored in the inbox, to be processed afterwards
};

inline constexpr std::size_t handle_outcome_count = 14;

// "wrong_method" and so on: for logs and metric labels.
[[nodiscard]] FPT_WEBHOOKS_RECEIVER_EXPORT std::string_view name_of(HandleOutcome outcome) noexcept;

// Views are valid during the observer's call only. Empty: the request did not get that far.
struct HandleReport {
    HandleOutcome outcome = HandleOutcome::processed;
    int status = 0;

    // The precise cause, if there is one. Safe to log as long as what your handlers throw and return is: their texts
    // are passed on as they are. Nothing of an unverified body is in it.
    std::optional<Error> error = {};

    std::string_view endpoint = {};
    std::string_view event_type = {};  // FPT: eventType. UFP: the catalogue's spelling of the key
    std::string_view idempotency_key = {};
    std::optional<std::size_t> secret_index = {};  // which secret of the options or the key ring signed the request
    SecretLabel secret_label = {};                 // that one's
    std::uint32_t failures = 0;                    // of this event at this endpoint before this request

    // A second report on a request that was answered `overrun`, once its handlers have ended: what became of the event.
    // `status` is what would have been answered; not counted in ReceiverStats.
    bool late = false;

    // Duplicates: the time since the event was processed. Under UFP, where the key is a hash of the body, a short one
    // may have been a real second event.
    std::optional<std::chrono::milliseconds> completed_ago = {};
};

// What became of an event in Receiver::process.
struct Processed {
    // processed, unhandled, unreadable or handler_failed; under DedupeMode::in_transaction also duplicate (process()
    // did it before) and store_unavailable (the transaction could not begin, or not commit)
    HandleOutcome outcome = HandleOutcome::processed;
    std::optional<Error> error = {};  // nothing: it is dealt with
};

// Counts since creation. Each number is exact; requests that end while it is taken may be in some and not in others.
class FPT_WEBHOOKS_RECEIVER_EXPORT ReceiverStats {
  public:
    using Counts = std::array<std::uint64_t, handle_outcome_count>;

    ReceiverStats() = default;
    explicit ReceiverStats(const Counts& counts) noexcept : counts_(counts) {}

    [[nodiscard]] std::uint64_t count(HandleOutcome outcome) const noexcept;

    // All requests that were answered.
    [[nodiscard]] std::uint64_t total() const noexcept;

  private:
    Counts counts_{};
};

}  // namespace fpt_webhooks::inline v0_1
