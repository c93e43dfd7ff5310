#include <fpt_webhooks/sender/retry_policy.hpp>

#include <algorithm>

#include <fpt_webhooks/sender/retry_after.hpp>

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using namespace std::chrono_literals;

constexpr int status_gone = 410;

// A failure that the endpoint, its network or its name is answerable for. All others are this machine's.
bool is_the_peers(Errc code) noexcept {
    switch (code) {
        case Errc::refused_by_policy:
        case Errc::resolve_failed:
        case Errc::connect_failed:
        case Errc::tls_failed:
        case Errc::certificate_rejected:
        case Errc::timed_out:
        case Errc::no_response:
        case Errc::bad_response: return true;
        default: return false;
    }
}

// The field's value when it stands there exactly once.
std::optional<std::string_view> single(const Headers& headers, std::string_view name) noexcept {
    return headers.count(name) == 1 ? headers.find(name) : std::nullopt;
}

PeerDirective directive_in(const Headers& headers) noexcept {
    const auto value = single(headers, "webhook-delivery");
    if (!value) return PeerDirective::none;
    if (equals_ignoring_case(*value, "disable")) return PeerDirective::disable;
    if (equals_ignoring_case(*value, "abort-message")) return PeerDirective::abort_message;
    return PeerDirective::none;
}

chr::milliseconds with_jitter(chr::milliseconds delay, unsigned percent, std::uint64_t random) noexcept {
    const chr::milliseconds reach = delay * percent / 100;
    // The remainder's bias is below 2^-31: no reach exceeds 2^32 ms.
    const auto spread = static_cast<std::uint64_t>(reach.count()) * 2 + 1;
    return delay - reach + chr::milliseconds(static_cast<std::int64_t>(random % spread));
}

RetryDecision exhausted(const RetryPolicy& policy, const AttemptOutcome& outcome, RetryReason reason) noexcept {
    return {.action = RetryAction::exhausted,
            .reason = reason,
            .disables_subscription = policy.exhausted_disables && outcome.counts_towards_streak};
}

Error bad(const char* detail) { return {Errc::invalid_argument, detail}; }

}  // namespace

RetryPolicy RetryPolicy::fpt() { return {.delays = {1min, 5min, 30min, 1h, 2h, 4h, 6h, 10h}}; }

RetryPolicy RetryPolicy::ufp() { return {.delays = {1h, 6h, 16h}, .exhausted_disables = true}; }

Result<void> RetryPolicy::validate() const {
    if (window <= 0ms || window > retry_window_max) return bad("retry window: more than zero, at most 30 days");
    if (jitter_percent > retry_jitter_percent_max) return bad("retry jitter_percent: at most 50");
    if (delays.size() > retry_delays_max) return bad("retry delays: at most 64");
    for (std::size_t i = 0; i < delays.size(); ++i) {
        if (delays[i] > 0ms && delays[i] <= window) continue;
        return Error(Errc::invalid_argument,
                     "retry delays[" + std::to_string(i) + "]: more than zero, at most the window");
    }
    return {};
}

AttemptOutcome outcome_of(const Error& error) {
    return {.error = error, .counts_towards_streak = is_the_peers(static_cast<Errc>(error.code().value()))};
}

AttemptOutcome outcome_of(const TransportOutcome& outcome, Timestamp now) {
    if (!outcome.response) return outcome_of(outcome.response.error());
    const HttpResponse& response = *outcome.response;
    AttemptOutcome result{.status = response.status, .directive = directive_in(response.headers)};
    if (const auto value = single(response.headers, "Retry-After")) {
        if (const auto wait = parse_retry_after(*value, now)) result.retry_after = *wait;
    }
    return result;
}

RetryDecision decide(const RetryPolicy& policy, const RetryState& state, const AttemptOutcome& outcome, Timestamp now,
                     std::uint64_t random) {
    if (outcome.succeeded()) return {.action = RetryAction::delivered};
    if (policy.honour_peer_directive && outcome.directive == PeerDirective::disable) {
        return {.action = RetryAction::disable, .reason = RetryReason::peer, .disables_subscription = true};
    }
    if (policy.honour_peer_directive && outcome.directive == PeerDirective::abort_message) {
        return {.action = RetryAction::drop, .reason = RetryReason::peer};
    }
    if (policy.gone_disables && outcome.status == status_gone) {
        return {.action = RetryAction::disable, .reason = RetryReason::gone, .disables_subscription = true};
    }
    const std::size_t step = std::max(state.attempts, 1U) - 1;
    if (step >= policy.delays.size()) return exhausted(policy, outcome, RetryReason::attempts);
    const Timestamp window_end = state.first_attempt_started + policy.window;
    if (now >= window_end) return exhausted(policy, outcome, RetryReason::window);

    const auto scheduled = with_jitter(policy.delays[step], policy.jitter_percent, random);
    const auto wait = std::max(scheduled, outcome.retry_after.value_or(0ms));
    // cut before it is added: a peer's wait may be any number
    return {.action = RetryAction::retry, .retry_at = now + std::min(wait, window_end - now)};
}

std::string_view to_string(RetryAction action) noexcept {
    switch (action) {
        case RetryAction::delivered: return "delivered";
        case RetryAction::retry: return "retry";
        case RetryAction::exhausted: return "exhausted";
        case RetryAction::disable: return "disable";
        case RetryAction::drop: return "drop";
    }
    return "unknown action";
}

std::string_view to_string(RetryReason reason) noexcept {
    switch (reason) {
        case RetryReason::none: return "none";
        case RetryReason::attempts: return "attempts";
        case RetryReason::window: return "window";
        case RetryReason::peer: return "peer";
        case RetryReason::gone: return "gone";
    }
    return "unknown reason";
}

std::string to_string(const RetryDecision& decision) {
    std::string text(to_string(decision.action));
    if (decision.reason != RetryReason::none) text += " (" + std::string(to_string(decision.reason)) + ')';
    if (decision.action == RetryAction::retry) {
        text += " at " + format_timestamp(decision.retry_at).value_or(std::string("a time out of range"));
    }
    if (decision.action == RetryAction::exhausted && decision.disables_subscription) {
        text += ", disables the subscription";
    }
    return text;
}

}  // namespace fpt_webhooks::inline v0_1
