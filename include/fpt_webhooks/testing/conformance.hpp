// Does a receiver at some URL keep FPT's contract? Plays one scenario after another against it and says of each whether
// it passed, failed, or could not be checked (docs/testing.md).
//
//   const auto report = testing::run_conformance({.url = "http://127.0.0.1:8080/hooks", .secret = secret}).value();
//   CHECK(report.count(testing::Verdict::failed) == 0);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/event_id.hpp>
#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/testing/exchange.hpp>
#include <fpt_webhooks/testing/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

enum class KillMoment {
    before_effect,  // the event has been taken in, its effect has not happened
    after_effect,   // its effect has happened, but is neither marked as done nor answered
};

// The options whose names end in "probe" and "hook" are what HTTP alone cannot show: each may be left out, and the
// scenarios that need it are then `not_checked`. What they throw makes a scenario `not_checked` too.
struct ConformanceOptions {
    // Of the receiver. Scenarios send events of a contact at this place to it.
    std::string url = {};
    Secret secret{std::string_view{}};  // the receiver's only one; 32 characters or more
    EventOrigin origin = {.location = LocationId(1234), .organization = OrganizationId(5678)};
    ContactId contact = ContactId(9876);

    // Nothing: for an http:// URL a plain socket, where there are POSIX sockets. For https:// give yours.
    Exchange exchange = nullptr;

    // Likewise. Without one, and with an exchange of yours, what needs a hand on the socket is not checked.
    RawExchange raw_exchange = nullptr;

    // How often this event took effect so far, restarts included.
    std::function<std::uint64_t(const EventId& event)> effect_probe = nullptr;

    // Makes the receiver's own work fail (true), say its database, and succeed again (false). An inbox must still be
    // able to store: it may accept the event meanwhile, and is then to bring about its effect by itself, within
    // `patience`.
    std::function<void(bool failing)> failure_hook = nullptr;

    // Sees to it that the receiver's process is killed (as by SIGKILL) when it gets to `moment` with `event`; calls
    // `deliver` once, which sends it and returns with an answer or without one; waits for the death; starts the
    // receiver again at the same URL and returns when it listens. Needs the effect probe too. An exchange must
    // answer no_response when the connection is cut after sending: other errors mean that nothing was sent. Not
    // checked: a kill before the effect, when the effect is there before `deliver` returns.
    std::function<Result<void>(KillMoment moment, const EventId& event, const std::function<void()>& deliver)>
        kill_hook = nullptr;

    // Does the receiver promise that effect and mark stand or fall together? Else a crash between them may repeat the
    // effect, and `crash_after_effect` is not checked.
    bool promises_exactly_once = false;

    // Secrets that the receiver had before and will have next. Nothing: made up.
    std::optional<Secret> old_secret = std::nullopt;
    std::optional<Secret> future_secret = std::nullopt;

    // How long an effect, and the acceptance of a redelivery after a crash, are waited for: longer than the receiver's
    // lease, and than its inbox waits between attempts. Only what fails takes that long.
    std::chrono::milliseconds patience = std::chrono::seconds(90);

    // How long a further effect, or one that must not be, may still come after all that is expected was seen; then
    // every count is read once more. A receiver that works from a queue has taken up a duplicate by then. Waited for
    // once for all scenarios, and before each that makes the receiver fail or die. A failure lasts so long, too, after
    // an event was accepted in it.
    std::chrono::milliseconds settle_time = std::chrono::milliseconds(200);

    // The slow body comes in five pieces with this between them.
    std::chrono::milliseconds slow_body_pause = std::chrono::seconds(1);

    // Names of scenarios, in any order. Empty: all.
    std::vector<std::string> only = {};

    // Nothing: the system's.
    std::shared_ptr<const Clock> clock = nullptr;
    std::shared_ptr<RandomSource> random = nullptr;
};

enum class Verdict { passed, failed, not_checked };

// "passed", "failed", "not checked".
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT std::string_view name_of(Verdict verdict) noexcept;

// A regular value.
struct ScenarioResult {
    std::string name = {};     // "concurrent_duplicates"; stable
    std::string purpose = {};  // what a receiver should do, one sentence
    Verdict verdict = Verdict::not_checked;
    std::string reason = {};  // why it failed or was not checked. Nothing secret, no peer's bytes
    std::chrono::milliseconds took{0};

    friend bool operator==(const ScenarioResult&, const ScenarioResult&) = default;
};

// A regular value.
struct FPT_WEBHOOKS_TESTING_EXPORT ConformanceReport {
    std::vector<ScenarioResult> results = {};  // in the order in which they were played

    [[nodiscard]] std::size_t count(Verdict verdict) const noexcept;
    // Null: no such scenario was played. Valid while this object lives unchanged.
    [[nodiscard]] const ScenarioResult* find(std::string_view name) const noexcept;

    friend bool operator==(const ConformanceReport&, const ConformanceReport&) = default;
};

struct ScenarioInfo {
    std::string_view name;
    std::string_view purpose;
};

// All there are, in their order. Static data: valid for ever, free of locks.
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT std::span<const ScenarioInfo> conformance_scenarios() noexcept;

// Plays the scenarios one after the other on the calling thread (concurrent_duplicates on eight more). Each uses events
// of its own, so that it may be repeated against the same receiver. An unreachable receiver fails every scenario.
// Errors: invalid_argument that names the option.
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT Result<ConformanceReport> run_conformance(ConformanceOptions options);

}  // namespace fpt_webhooks::inline v0_1::testing
