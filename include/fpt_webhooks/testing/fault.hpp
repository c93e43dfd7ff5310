// What can go wrong on a webhook's way, by name, and what a receiver has to make of it (docs/testing.md).
#pragma once

#include <string_view>

#include <fpt_webhooks/testing/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// "Accepted" is any 2xx, "refused" is 401. Where an event is accepted, it takes effect once.
enum class Fault {
    none,                   // the event, once: accepted
    duplicate,              // the event twice, each signed afresh: accepted both times, one effect
    concurrent_duplicates,  // the event eight times at once: accepted, or told to come again (409, 425, 429, 503) and
                            // then accepted; one effect
    reordered,              // the event, then another of the same content that happened a second earlier: both accepted
    late,                   // the event happened 23 hours ago and is signed now, as a retry is: accepted
    stale,                  // signed ten minutes ago, as a replay is: refused, no effect
    old_secret,             // signed with the secret before the rotation: refused, no effect
    future_secret,          // signed with a secret that the receiver does not have yet: refused; then with its own, the
                            // same event: accepted, one effect. A refusal must not use the event up
    tampered,               // one byte of the body changed after signing: refused, no effect
    slow_body,              // the body takes 29 s to arrive, one less than the sender waits: accepted
    cut_connection,         // half of the body arrives: not accepted; then all of it, but the answer gets lost, and
                            // again: accepted, one effect
    retry_after_500,        // the receiver's own work fails: not accepted; it works again and the sender retries:
                            // accepted, one effect. A handler with an inbox stores the event and accepts it at
                            // once, rightly: run_conformance sees that by its effect
};

// "duplicate" and so on.
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT std::string_view name_of(Fault fault) noexcept;

}  // namespace fpt_webhooks::inline v0_1::testing
