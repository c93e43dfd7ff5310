// Remembers which events were processed, so that a retry or a duplicate has no second effect (docs/receiver.md).
//
// A key is claimed before its event is processed and marked done afterwards. In between the claim is a lease: when the
// process dies there, the lease ends and the sender's next retry is processed. (To mark first and process afterwards
// would lose that event; to process first and mark afterwards would process two concurrent deliveries twice.)
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/receiver/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// The longest honest id is a SHA-256 in hex (64 bytes); a function of the user's may need more.
inline constexpr std::size_t idempotency_key_bytes_max = 256;

// A name for people and for metrics; it is stored with every key.
inline constexpr std::size_t endpoint_name_bytes_max = 64;

// No handler needs a day; a longer lease is a mistaken unit.
inline constexpr std::chrono::milliseconds dedupe_lease_max = std::chrono::hours(24);

// Names one event at one endpoint: two endpoints may receive the same event, each processes it once. Views: a store
// copies what it keeps. 1 to endpoint_name_bytes_max and 1 to idempotency_key_bytes_max bytes, any bytes.
struct DedupeKey {
    std::string_view endpoint;
    std::string_view id;
    friend bool operator==(const DedupeKey&, const DedupeKey&) = default;
};

// Proof of a fresh claim. Opaque to everyone but the store that gave it.
struct ClaimToken {
    std::uint64_t entry = 0;  // the store's own name for the key, e.g. a row number
    std::uint64_t fence = 0;  // greater than the fence of every earlier claim of the same key; never 0
    friend bool operator==(const ClaimToken&, const ClaimToken&) = default;
};

enum class ClaimState {
    fresh,  // yours: process the event, then complete or release the token
    done,   // processed before: nothing to do
    busy,   // another holder's lease runs
};

struct Claim {
    ClaimState state = ClaimState::busy;
    ClaimToken token = {};                                        // fresh only
    std::uint32_t failures = 0;                                   // earlier claims that were released as failed
    std::optional<std::chrono::milliseconds> completed_ago = {};  // done only
};

enum class ReleaseAs {
    failed,     // the event was tried and failed: counted in Claim::failures
    abandoned,  // it was not tried (the process shuts down): not counted
};

// Threads: every function may be called from any thread at once, also with one token from several threads, unless an
// implementation says that it belongs to one connection or transaction.
//
// A token outlives nothing but its lease: it stays good until complete or release, or until another claim takes the
// key over, which happens only after the lease has ended. A lease that ended and was not taken over may still be
// completed, released or renewed: its holder is late, but nobody else began.
//
// After a crash a durable store finds the claim still leased and, once the lease has ended, claimable. A store that
// joins the caller's transaction takes claim and completion back with it: effect and mark stand or fall together.
//
// Errors of every function, beside its own: invalid_argument for a key or lease outside its limits; local_failure
// (transient) when the store cannot be reached or written; what a failed call did is then unknown, and it may be
// repeated.
class FPT_WEBHOOKS_RECEIVER_EXPORT DedupeStore {
  public:
    DedupeStore() = default;
    DedupeStore(const DedupeStore&) = delete;
    DedupeStore& operator=(const DedupeStore&) = delete;
    virtual ~DedupeStore();

    // Takes the key, unless it is done or another holder's lease runs.
    // `lease`: more than zero, up to dedupe_lease_max.
    // `wait`: how long to wait, in steady time, for another holder's result before the answer is `busy`: a holder that
    // completes makes it `done`, one that releases or whose lease ends makes it `fresh` for one of those who wait. Zero
    // or less: answer at once.
    // Errors: store_full (transient) when no room can be made without forgetting a running lease.
    [[nodiscard]] virtual Result<Claim> claim(const DedupeKey& key, std::chrono::milliseconds lease,
                                              std::chrono::milliseconds wait) = 0;

    // Marks the key done, for as long as the store's retention says. May be repeated with the same token.
    // Errors: lease_lost when another claim took the key over, or when the token was released.
    [[nodiscard]] virtual Result<void> complete(ClaimToken token) = 0;

    // Gives the key back, so that the next claim is fresh. Errors: lease_lost, as above; also when the token was
    // completed.
    [[nodiscard]] virtual Result<void> release(ClaimToken token, ReleaseAs how) = 0;

    // Makes the lease end `lease` from now, earlier or later than it would have. Errors: as release.
    [[nodiscard]] virtual Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) = 0;

    // Does a fresh claim open a transaction that the handler's own effects join, and complete() commit both? Such a
    // store is for DedupeMode::in_transaction, and only for it.
    [[nodiscard]] virtual bool joins_transaction() const noexcept { return false; }
};

}  // namespace fpt_webhooks::inline v0_1
