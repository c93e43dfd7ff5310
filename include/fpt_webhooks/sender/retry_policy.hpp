// When a failed delivery is tried again, and when it is given up (FPT: delivery semantics page).
//
// FPT's documents promise "hours, not minutes" and exponential growth, UFP's three more attempts over 24 hours. The
// tables themselves are ours.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/sender/transport.hpp>

namespace fpt_webhooks::inline v0_1 {

inline constexpr std::size_t retry_delays_max = 64;       // an attempt's number stays small in every record of it
inline constexpr unsigned retry_jitter_percent_max = 50;  // more, and a later step could come before an earlier one
inline constexpr std::chrono::hours retry_window_max{30 * 24};  // receivers forget ids some time: ours after 7 days

// A policy as data: a regular value without hidden state.
struct FPT_WEBHOOKS_SENDER_EXPORT RetryPolicy {
    // How long to wait after the first failed attempt, after the second, and so on: one attempt more than delays. Each
    // more than zero and at most `window`; empty: a single attempt. At most retry_delays_max.
    std::vector<std::chrono::milliseconds> delays = {};

    // Each delay is spread evenly over this part of it, both ways, so that what failed together does not come back
    // together. 0 to retry_jitter_percent_max; 0: none.
    unsigned jitter_percent = 10;

    // From the start of the first attempt. What would be due later is due at its end, and nothing is tried after it.
    // More than zero, at most retry_window_max.
    std::chrono::milliseconds window = std::chrono::hours(24);

    // 410 Gone disables the subscription. Off: a failure like any other.
    bool gone_disables = false;

    // On a failure the response header "webhook-delivery" may say `disable` (the subscription) or `abort-message`
    // (this delivery). Off: it is ignored.
    bool honour_peer_directive = true;

    // A delivery that used up its attempts or its window disables the subscription (UFP).
    bool exhausted_disables = false;

    // 1 min, 5 min, 30 min, 1 h, 2 h, 4 h, 6 h, 10 h: nine attempts.
    [[nodiscard]] static RetryPolicy fpt();

    // 1 h, 6 h, 16 h: four attempts; exhausted_disables.
    [[nodiscard]] static RetryPolicy ufp();

    // Errors: invalid_argument that names the field.
    [[nodiscard]] Result<void> validate() const;

    friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// What a peer asks for in the response header "webhook-delivery".
enum class PeerDirective { none, disable, abort_message };

// All that the decision needs to know of one finished attempt.
struct FPT_WEBHOOKS_SENDER_EXPORT AttemptOutcome {
    int status = 0;  // 0: no response came, and `error` says why
    std::optional<Error> error = {};
    std::optional<std::chrono::milliseconds> retry_after = {};
    PeerDirective directive = PeerDirective::none;

    // False when the fault was ours, not the endpoint's: no descriptors, no resolver, no free slot, cancelled, a
    // request that we built wrongly. Such a failure is retried like any other, and never brings disabling nearer.
    bool counts_towards_streak = true;

    // 2xx, whatever the body.
    [[nodiscard]] bool succeeded() const noexcept { return status >= 200 && status <= 299; }
};

// Reads what a transport brought back. A Retry-After that is malformed, and either header when it is repeated, is as
// if it were not there. `now`: wall time, when the outcome came.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT AttemptOutcome outcome_of(const TransportOutcome& outcome, Timestamp now);

// The same for an attempt that Transport::start refused.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT AttemptOutcome outcome_of(const Error& error);

struct RetryState {
    unsigned attempts = 1;  // made so far, the one just finished included
    Timestamp first_attempt_started = {};
};

enum class RetryAction {
    delivered,
    retry,      // at retry_at
    exhausted,  // given up
    disable,    // the peer wants no more: disable the subscription, give this delivery up
    drop,       // the peer does not want this message
};

enum class RetryReason {
    none,
    attempts,  // exhausted: all used
    window,    // exhausted: its end was reached
    peer,      // disable or drop: the response header "webhook-delivery"
    gone,      // disable: 410
};

struct FPT_WEBHOOKS_SENDER_EXPORT RetryDecision {
    RetryAction action = RetryAction::delivered;
    RetryReason reason = RetryReason::none;
    Timestamp retry_at = {};             // for `retry` only
    bool disables_subscription = false;  // for `disable`, and for `exhausted` where the policy says so

    friend bool operator==(const RetryDecision&, const RetryDecision&) = default;
};

// What follows from an attempt. A pure function: equal arguments, equal answers.
// `policy`: one that validates. `now`: wall time, when the attempt ended; all times within the years 0000 to 9999.
// `random`: one uniform number, for the jitter.
// A wait that the peer asked for lengthens the delay, never shortens it, and uses a step like any other. An exhausted
// delivery disables only when its last failure counts towards the streak: if it was ours, the endpoint is not to blame.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT RetryDecision decide(const RetryPolicy& policy, const RetryState& state,
                                                              const AttemptOutcome& outcome, Timestamp now,
                                                              std::uint64_t random);

// For logs and tests: "retry at 2026-06-10T12:01:00.000Z", "exhausted (window), disables the subscription".
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT std::string to_string(const RetryDecision& decision);
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT std::string_view to_string(RetryAction action) noexcept;
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT std::string_view to_string(RetryReason reason) noexcept;

}  // namespace fpt_webhooks::inline v0_1
