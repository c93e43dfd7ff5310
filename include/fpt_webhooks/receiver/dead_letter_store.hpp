// Where events go that cannot be processed: signed, but unreadable, or failed in their handlers too often
// (docs/receiver.md).
//
// Kept with their raw bodies, so that a person can look, mend and have them processed again (Receiver::process).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// Numbered by the store in the order of arrival, from 1 on.
using DeadLetterId = Id<struct DeadLetterIdTag, std::int64_t>;

// Numbers are stored; stable and never reused.
enum class DeadLetterReason : std::uint8_t {
    unreadable = 1,      // signed, but not an event, or `data` is not what a typed handler needs
    handler_failed = 2,  // as often as ReceiverOptions::failures_max says
};

[[nodiscard]] FPT_WEBHOOKS_RECEIVER_EXPORT std::string_view name_of(DeadLetterReason reason) noexcept;

// What a store is given. Views: it copies what it keeps.
struct NewDeadLetter {
    DedupeKey key;  // of what is unreadable: the SHA-256 of the body in hex
    Profile profile = Profile::fpt;
    std::string_view event_type = {};  // "" if it could not be read
    DeadLetterReason reason = DeadLetterReason::unreadable;
    std::string_view detail = {};  // the error's message; handlers' texts are passed on as they are
    std::uint32_t failures = 0;
    Timestamp received_at = {};
    ByteView body = {};  // raw. Personal data, as the sender sent it
};

// A regular value.
struct DeadLetter {
    DeadLetterId id = {};
    std::string endpoint = {};
    std::string idempotency_key = {};
    Profile profile = Profile::fpt;
    std::string event_type = {};
    DeadLetterReason reason = DeadLetterReason::unreadable;
    std::string detail = {};
    std::uint32_t failures = 0;
    Timestamp received_at = {};
    std::string body = {};

    friend bool operator==(const DeadLetter&, const DeadLetter&) = default;
};

struct DeadLetterPage {
    std::vector<DeadLetter> letters = {};   // in the order of their ids
    std::optional<DeadLetterId> next = {};  // go on from here; nothing: that was all
};

// Implementations may be called from any thread at once.
// Errors of every function, beside its own: local_failure, store_busy, store_failed (transient), store_corrupt.
class FPT_WEBHOOKS_RECEIVER_EXPORT DeadLetterStore {
  public:
    DeadLetterStore() = default;
    DeadLetterStore(const DeadLetterStore&) = delete;
    DeadLetterStore& operator=(const DeadLetterStore&) = delete;
    virtual ~DeadLetterStore();

    // Durable when it returns. The same key again takes the place of the one before, under the same id.
    // Errors: store_full (transient) when the store's own limit is reached: nothing older is thrown away for it.
    [[nodiscard]] virtual Result<void> add(const NewDeadLetter& letter) = 0;

    // Those of one endpoint ("": of all) after this id.
    [[nodiscard]] virtual Result<DeadLetterPage> page(std::string_view endpoint, DeadLetterId after,
                                                      std::size_t max) = 0;

    // Once it has been dealt with. Errors: not_found.
    [[nodiscard]] virtual Result<void> remove(DeadLetterId id) = 0;
};

}  // namespace fpt_webhooks::inline v0_1
