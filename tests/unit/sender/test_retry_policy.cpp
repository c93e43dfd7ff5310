#include <fpt_webhooks/sender/retry_policy.hpp>

#include <limits>
#include <random>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

const fw::Timestamp start = fw::parse_timestamp("2026-06-10T12:00:00Z").value();

fw::AttemptOutcome status(int code) { return {.status = code}; }

fw::RetryPolicy without_jitter(fw::RetryPolicy policy) {
    policy.jitter_percent = 0;
    return policy;
}

fw::TransportOutcome answer(int code, fw::Headers headers = {}) {
    return {.response = fw::HttpResponse{.status = code, .headers = std::move(headers)}};
}

std::string decided(const fw::RetryPolicy& policy, const fw::RetryState& state, const fw::AttemptOutcome& outcome,
                    fw::Timestamp now = start, std::uint64_t random = 0) {
    return fw::to_string(fw::decide(policy, state, outcome, now, random));
}

// Attempts that each fail after `lasting`, one at each due time, until the policy gives up.
struct Life {
    std::vector<milliseconds> gaps;  // from the end of an attempt to the start of the next
    fw::RetryDecision last;
    fw::Timestamp last_start;
};

template <class Random, class MakeOutcome>
Life live(const fw::RetryPolicy& policy, Random& random, milliseconds lasting, MakeOutcome make_outcome) {
    Life life;
    fw::Timestamp at = start;
    for (fw::RetryState state{.attempts = 1, .first_attempt_started = start};; ++state.attempts) {
        REQUIRE(state.attempts <= policy.delays.size() + 1);
        const fw::Timestamp now = at + lasting;
        life.last_start = at;
        life.last = fw::decide(policy, state, make_outcome(now), now, random());
        if (life.last.action != fw::RetryAction::retry) return life;
        REQUIRE(life.last.retry_at > now);
        life.gaps.push_back(life.last.retry_at - now);
        at = life.last.retry_at;
    }
}

}  // namespace

TEST_CASE("retry policy: FPT makes nine attempts along its table, then gives up") {
    const auto policy = without_jitter(fw::RetryPolicy::fpt());
    std::mt19937_64 random(1);
    const auto life = live(policy, random, 0ms, [](fw::Timestamp) { return status(500); });
    CHECK(life.gaps == std::vector<milliseconds>{1min, 5min, 30min, 1h, 2h, 4h, 6h, 10h});
    CHECK(fw::to_string(life.last) == "exhausted (attempts)");
}

TEST_CASE("retry policy: UFP makes four attempts within a day, then disables") {
    const auto policy = without_jitter(fw::RetryPolicy::ufp());
    std::mt19937_64 random(1);
    const auto life = live(policy, random, 0ms, [](fw::Timestamp) { return status(404); });
    CHECK(life.gaps == std::vector<milliseconds>{1h, 6h, 16h});
    CHECK(fw::to_string(life.last) == "exhausted (attempts), disables the subscription");
}

TEST_CASE("retry policy: any 2xx delivers and nothing else does") {
    for (int code = 100; code <= 599; ++code) {
        const auto decision = fw::decide(fw::RetryPolicy::fpt(), {1, start}, status(code), start, 0);
        CHECK((decision.action == fw::RetryAction::delivered) == (code >= 200 && code <= 299));
    }
    CHECK(decided(fw::RetryPolicy::fpt(), {1, start}, {}) == "retry at 2026-06-10T12:00:54.000Z");
    // at the last attempt, past the window, and whatever the headers say
    CHECK(decided(fw::RetryPolicy::ufp(), {4, start},
                  {.status = 204, .retry_after = 1h, .directive = fw::PeerDirective::disable},
                  start + 25h) == "delivered");
}

TEST_CASE("retry policy: jitter reaches a tenth either way and is even between") {
    const auto policy = fw::RetryPolicy::fpt();
    const auto delay = [&](std::uint64_t random) {
        return fw::decide(policy, {1, start}, status(500), start, random).retry_at - start;
    };
    CHECK(delay(0) == 54s);
    CHECK(delay(12'000) == 66s);
    CHECK(delay(12'001) == 54s);
    std::mt19937_64 random(5);
    std::array<int, 4> quarters{};
    for (int round = 0; round < 40'000; ++round) {
        const auto wait = delay(random());
        REQUIRE(wait >= 54s);
        REQUIRE(wait <= 66s);
        ++quarters[static_cast<std::size_t>(std::min((wait - 54s) / 3s, std::int64_t{3}))];
    }
    for (const int count : quarters) CHECK(std::abs(count - 10'000) < 500);
}

TEST_CASE("retry policy: what would be due past the window is due at its end, and nothing after it") {
    const auto policy = without_jitter(fw::RetryPolicy::fpt());
    CHECK(decided(policy, {8, start}, status(500), start + 14h) == "retry at 2026-06-11T12:00:00.000Z");
    CHECK(decided(policy, {8, start}, status(500), start + 13h) == "retry at 2026-06-11T11:00:00.000Z");
    CHECK(decided(policy, {8, start}, status(500), start + 24h) == "exhausted (window)");
    CHECK(decided(policy, {8, start}, status(500), start + 24h - 1ms) == "retry at 2026-06-11T12:00:00.000Z");
    CHECK(decided(policy, {2, start}, status(500), start + 1000h) == "exhausted (window)");
    CHECK(decided(policy, {9, start}, status(500), start + 1000h) == "exhausted (attempts)");
    CHECK(decided(fw::RetryPolicy::ufp(), {3, start}, status(500), start + 24h) ==
          "exhausted (window), disables the subscription");
}

TEST_CASE("retry policy: Retry-After lengthens a step, never shortens it, and ends with the window") {
    const auto policy = without_jitter(fw::RetryPolicy::fpt());
    const auto after = [](milliseconds wait) { return fw::AttemptOutcome{.status = 503, .retry_after = wait}; };
    CHECK(decided(policy, {2, start}, after(0s)) == "retry at 2026-06-10T12:05:00.000Z");
    CHECK(decided(policy, {2, start}, after(299s)) == "retry at 2026-06-10T12:05:00.000Z");
    CHECK(decided(policy, {2, start}, after(3h)) == "retry at 2026-06-10T15:00:00.000Z");
    CHECK(decided(policy, {2, start}, after(8760h)) == "retry at 2026-06-11T12:00:00.000Z");
    CHECK(decided(policy, {2, start}, after(milliseconds::max())) == "retry at 2026-06-11T12:00:00.000Z");
    CHECK(decided(policy, {9, start}, after(1s)) == "exhausted (attempts)");  // it adds no attempt
    CHECK(decided(without_jitter(fw::RetryPolicy::ufp()), {1, start}, after(2h)) ==
          "retry at 2026-06-10T14:00:00.000Z");
}

TEST_CASE("retry policy: a peer may stop a delivery or the subscription, if it is honoured") {
    auto policy = without_jitter(fw::RetryPolicy::fpt());
    const fw::AttemptOutcome disable{.status = 500, .directive = fw::PeerDirective::disable};
    const fw::AttemptOutcome abort{.status = 400, .directive = fw::PeerDirective::abort_message};
    CHECK(decided(policy, {1, start}, disable) == "disable (peer)");
    CHECK(fw::decide(policy, {1, start}, disable, start, 0).disables_subscription);
    CHECK(decided(policy, {9, start}, abort) == "drop (peer)");
    CHECK_FALSE(fw::decide(policy, {9, start}, abort, start, 0).disables_subscription);
    CHECK(decided(policy, {1, start}, status(410)) == "retry at 2026-06-10T12:01:00.000Z");

    policy.honour_peer_directive = false;
    policy.gone_disables = true;
    CHECK(decided(policy, {1, start}, disable) == "retry at 2026-06-10T12:01:00.000Z");
    CHECK(decided(policy, {1, start}, abort) == "retry at 2026-06-10T12:01:00.000Z");
    CHECK(decided(policy, {1, start}, status(410)) == "disable (gone)");
    CHECK(fw::decide(policy, {1, start}, status(410), start, 0).disables_subscription);
}

TEST_CASE("retry policy: a last failure of ours exhausts the delivery without blaming the endpoint") {
    const auto ours = fw::outcome_of(fw::Error(fw::Errc::local_failure));
    CHECK(decided(fw::RetryPolicy::ufp(), {4, start}, ours) == "exhausted (attempts)");
    CHECK(decided(without_jitter(fw::RetryPolicy::ufp()), {1, start}, ours) == "retry at 2026-06-10T13:00:00.000Z");
}

TEST_CASE("retry policy: 2,000 random lives stay in their window and end after exactly their attempts") {
    std::mt19937_64 random(99);
    int by_attempts = 0;
    int by_window = 0;
    for (int round = 0; round < 2'000; ++round) {
        fw::RetryPolicy policy = round % 2 ? fw::RetryPolicy::fpt() : fw::RetryPolicy::ufp();
        if (round % 5 == 0) {
            policy.delays.clear();
            for (auto steps = random() % 12; steps > 0; --steps) {
                policy.delays.push_back(milliseconds(1 + random() % 7'200'000));
            }
            policy.jitter_percent = static_cast<unsigned>(random() % 51);
            policy.window = milliseconds(7'200'000 + random() % 86'400'000);
        }
        REQUIRE(policy.validate());
        const bool polite = round % 3 == 0;
        const auto life = live(policy, random, milliseconds(1 + random() % 30'000), [&](fw::Timestamp) {
            return polite ? fw::AttemptOutcome{.status = 429, .retry_after = milliseconds(random() % 40'000'000)}
                          : status(500);
        });
        REQUIRE(life.last_start <= start + policy.window);
        REQUIRE(life.last.action == fw::RetryAction::exhausted);
        const auto attempts = life.gaps.size() + 1;
        if (life.last.reason == fw::RetryReason::attempts) {
            ++by_attempts;
            REQUIRE(attempts == policy.delays.size() + 1);
        } else {
            ++by_window;
            REQUIRE(life.last_start == start + policy.window);
        }
        for (std::size_t i = 0; i < life.gaps.size(); ++i) {
            const auto reach = policy.delays[i] * policy.jitter_percent / 100;
            const bool to_the_end = i + 1 == life.gaps.size() && life.last_start == start + policy.window;
            REQUIRE((to_the_end || life.gaps[i] >= policy.delays[i] - reach));
            REQUIRE((polite || life.gaps[i] <= policy.delays[i] + reach));
        }
    }
    CHECK(by_attempts > 500);
    CHECK(by_window > 100);
}

TEST_CASE("retry policy: the presets validate, and a mistake is named by its field") {
    CHECK(fw::RetryPolicy::fpt().validate());
    CHECK(fw::RetryPolicy::ufp().validate());
    CHECK(fw::RetryPolicy{}.validate());
    const auto fault_of = [](auto change) {
        fw::RetryPolicy policy = fw::RetryPolicy::fpt();
        change(policy);
        const auto valid = policy.validate();
        REQUIRE_FALSE(valid);
        CHECK(valid.error() == fw::Errc::invalid_argument);
        return valid.error().detail();
    };
    CHECK(fault_of([](auto& policy) { policy.window = 0ms; }).starts_with("retry window"));
    CHECK(fault_of([](auto& policy) { policy.window = fw::retry_window_max + 1ms; }).starts_with("retry window"));
    CHECK(fault_of([](auto& policy) { policy.jitter_percent = 51; }).starts_with("retry jitter_percent"));
    CHECK(fault_of([](auto& policy) { policy.delays[3] = 0ms; }).starts_with("retry delays[3]"));
    CHECK(fault_of([](auto& policy) { policy.delays[7] = 24h + 1ms; }).starts_with("retry delays[7]"));
    CHECK(fault_of([](auto& policy) { policy.delays.assign(65, 1s); }).starts_with("retry delays: at most 64"));
}

TEST_CASE("outcome: reads status, Retry-After and the peer's directive from a response") {
    const auto outcome = fw::outcome_of(
        answer(503, {{"retry-after", "Wed, 10 Jun 2026 12:02:00 GMT"}, {"Webhook-Delivery", "Abort-Message"}}), start);
    CHECK(outcome.status == 503);
    CHECK_FALSE(outcome.error);
    CHECK(outcome.retry_after == milliseconds(120'000));
    CHECK(outcome.directive == fw::PeerDirective::abort_message);
    CHECK(outcome.counts_towards_streak);
    CHECK_FALSE(outcome.succeeded());
    CHECK(fw::outcome_of(answer(500, {{"webhook-delivery", "disable"}}), start).directive ==
          fw::PeerDirective::disable);
}

TEST_CASE("outcome: malformed and repeated headers are as if they were not there") {
    CHECK_FALSE(fw::outcome_of(answer(503, {{"Retry-After", "soon"}}), start).retry_after);
    CHECK_FALSE(fw::outcome_of(answer(503, {{"Retry-After", "1"}, {"retry-after", "1"}}), start).retry_after);
    CHECK(fw::outcome_of(answer(503, {{"webhook-delivery", "stop"}}), start).directive == fw::PeerDirective::none);
    CHECK(fw::outcome_of(answer(503, {{"webhook-delivery", "disable"}, {"webhook-delivery", "disable"}}), start)
              .directive == fw::PeerDirective::none);
}

TEST_CASE("outcome: tells the endpoint's failures from our own") {
    const auto counts = [](fw::Errc code) {
        const auto outcome = fw::outcome_of(fw::TransportOutcome{.response = fw::Error(code)}, start);
        CHECK(outcome.status == 0);
        REQUIRE(outcome.error);
        CHECK(*outcome.error == code);
        return outcome.counts_towards_streak;
    };
    for (const auto code :
         {fw::Errc::refused_by_policy, fw::Errc::resolve_failed, fw::Errc::connect_failed, fw::Errc::tls_failed,
          fw::Errc::certificate_rejected, fw::Errc::timed_out, fw::Errc::no_response, fw::Errc::bad_response}) {
        CHECK(counts(code));
    }
    for (const auto code : {fw::Errc::local_failure, fw::Errc::overloaded, fw::Errc::cancelled, fw::Errc::forked,
                            fw::Errc::crypto_failed, fw::Errc::invalid_argument}) {
        CHECK_FALSE(counts(code));
    }
}
