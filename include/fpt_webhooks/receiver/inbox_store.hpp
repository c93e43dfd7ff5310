// A durable inbox: verified events are stored and answered 200 at once, and processed afterwards (the UFP page's
// "respond first, process later", done so that a crash loses nothing).
//
// A Receiver with an inbox verifies and adds; InboxWorkers take, run the receiver's handlers, and finish. The inbox is
// its own deduplication: a key that is there, waiting or done, is a duplicate.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/receiver/dead_letter_store.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/export.hpp>

namespace fpt_webhooks::inline v0_1 {

enum class InboxVerdict {
    accepted,
    duplicate,  // this key was there, waiting or done; the body that came first is kept
};

// An event that is to be processed, under a lease.
struct InboxItem {
    ClaimToken token = {};  // good as a claim's token is: see DedupeStore
    std::string idempotency_key = {};
    std::string event_type = {};
    std::string body = {};       // raw
    std::uint32_t failures = 0;  // so far
    Timestamp received_at = {};
};

// Implementations may be called from any thread at once, and by several processes if they say so.
// Errors of every function, beside its own: invalid_argument for a key or lease outside its limits (dedupe_store.hpp),
// local_failure, store_busy, store_failed (transient), store_corrupt.
class FPT_WEBHOOKS_RECEIVER_EXPORT InboxStore {
  public:
    InboxStore() = default;
    InboxStore(const InboxStore&) = delete;
    InboxStore& operator=(const InboxStore&) = delete;
    virtual ~InboxStore();

    // Durable when it returns. Errors: store_full (transient): the inbox's cap on waiting events.
    [[nodiscard]] virtual Result<InboxVerdict> add(const DedupeKey& key, std::string_view event_type, ByteView body,
                                                   Timestamp received_at) = 0;

    // Leases what waits at this endpoint and is due, in the order of arrival; at most `max`. Waits up to `wait`, in
    // steady time, for something to come; nothing came: an empty list. interrupt() ends the wait.
    [[nodiscard]] virtual Result<std::vector<InboxItem>> take(std::string_view endpoint,
                                                              std::chrono::milliseconds lease, std::size_t max,
                                                              std::chrono::milliseconds wait) = 0;
    virtual void interrupt() noexcept = 0;

    // Processed: the body is forgotten, the key remembered for the store's retention. May be repeated.
    // Errors, of this and the next three: lease_lost when another worker took it over.
    [[nodiscard]] virtual Result<void> complete(ClaimToken token) = 0;
    // Back into the inbox; due again after `retry_after`. As failed: counted.
    [[nodiscard]] virtual Result<void> release(ClaimToken token, ReleaseAs how,
                                               std::chrono::milliseconds retry_after) = 0;
    [[nodiscard]] virtual Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) = 0;
    // Given up: becomes a dead letter and done, in one step. Page through them with dead_letters().
    [[nodiscard]] virtual Result<void> bury(ClaimToken token, const NewDeadLetter& letter) = 0;

    // The dead letters of this inbox; lives as long as the inbox.
    [[nodiscard]] virtual DeadLetterStore& dead_letters() noexcept = 0;
};

}  // namespace fpt_webhooks::inline v0_1
