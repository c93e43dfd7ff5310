// The scenarios of the conformance runner, as a table.
#pragma once

#include <fpt_webhooks/testing/conformance.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "testing/course.hpp"

namespace fpt_webhooks::inline v0_1::testing {

// "" or that the event did not take effect as often as it should.
[[nodiscard]] std::string complaint_about(const ExpectedEffect& expected, std::uint64_t seen);

// One scenario on its way. `undecided`: why it can neither pass nor fail; empty: it can.
class Trial {
  public:
    Trial(const ConformanceOptions& options, const SendingSide& side) noexcept : options_(options), course_(side) {}

    [[nodiscard]] Course& course() noexcept { return course_; }
    [[nodiscard]] const ConformanceOptions& options() const noexcept { return options_; }

    // A new event of the options' contact; nothing, and a complaint, if it cannot be made.
    [[nodiscard]] std::optional<Envelope> make_event();

    // How often the event took effect, once that is `times` or patience is over. With an effect probe only.
    [[nodiscard]] std::uint64_t await_effects(const EventId& event, std::uint64_t times) const;

    // Complains unless it takes effect just so often; without an effect probe never. What comes later is seen when the
    // runner looks again, settle_time after.
    void check_effects(const ExpectedEffect& expected);

    // Sends the event until it is accepted or patience is over; the last answer.
    [[nodiscard]] Result<HttpResponse> deliver_until_accepted(const Envelope& event);

    // The event's answer while the receiver is killed at `moment`, or the error of a connection that was cut after
    // sending. Nothing, and undecided: the hook failed, the event was not sent, or the receiver plainly lived on.
    [[nodiscard]] std::optional<Result<HttpResponse>> deliver_and_kill(const Envelope& event, KillMoment moment);

    [[nodiscard]] const std::string& undecided() const noexcept { return undecided_; }
    void leave_undecided(std::string why) { undecided_ = std::move(why); }

  private:
    const ConformanceOptions& options_;
    Course course_;
    std::string undecided_;
};

// What a scenario cannot do without.
struct Needs {
    bool effects = false;  // it is played all the same, but cannot pass
    bool raw = false;
    bool failure = false;
    bool kill = false;
    bool exactly_once = false;
};

struct Scenario {
    ScenarioInfo info;
    Needs needs;
    void (*play)(Trial& trial);
};

[[nodiscard]] std::span<const Scenario> scenarios() noexcept;

}  // namespace fpt_webhooks::inline v0_1::testing
