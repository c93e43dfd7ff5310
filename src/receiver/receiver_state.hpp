// What a Receiver holds, and what becomes of one event in it.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/receiver/receiver.hpp>

#include "receiver/lease_keeper.hpp"
#include "receiver/read_event.hpp"

namespace fpt_webhooks::inline v0_1 {

class Receiver::State {
  public:
    using Binders = std::vector<Binder>;
    using Routes = std::map<std::string, Binders, std::less<>>;
    using BoundHandlers = std::vector<BoundHandler>;

    State(ReceiverOptions options_, Verifier verifier_)
        : options(std::move(options_)),
          verifier(std::move(verifier_)),
          keeper({options.lease, options.lease_total_max}, options.clock,
                 [store = options.dedupe](ClaimToken token, std::chrono::milliseconds lease) {
                     return store->renew(token, lease);
                 }) {}

    // The handlers of the most specific level that has any; null when nobody takes the event.
    [[nodiscard]] const Binders* route(const EventView& event) const;

    // All typed data is read before the claim: what one handler cannot read must not fail after another has run.
    [[nodiscard]] static Result<BoundHandlers> bind(const Binders& binders, const EventView& event);

    // clock, dedupe and failures_max set; secrets moved into the verifier
    const ReceiverOptions options;
    const Verifier verifier;
    mutable detail::LeaseKeeper keeper;
    Routes exact;
    Routes by_family;
    Binders any;
    std::atomic<bool> frozen{false};
    std::array<std::atomic<std::uint64_t>, handle_outcome_count> counts{};
};

// How one request, or the run of one event's handlers, ended.
struct Receiver::Verdict {
    HandleOutcome outcome;
    int status;
    std::optional<Error> error = {};

    // An error of a handler; its text is passed on as it is.
    [[nodiscard]] static Verdict handler_failed(Error error);

    // Code of the user's takes part in reading; where it threw, the event may be as good as any.
    [[nodiscard]] static Verdict not_read(Error error);
};

// One event from its claim to its mark. Belongs to one thread at a time; state, event and body outlive it.
class Receiver::Run {
  public:
    Run(const State& state, const detail::ReadEvent& event, ByteView body, State::BoundHandlers handlers)
        : state_(state), event_(event), body_(body), handlers_(std::move(handlers)) {}

    // Nothing: it is ours, and handle() is next.
    [[nodiscard]] std::optional<Verdict> claim();

    // Runs the handlers, and marks the event done, gives it back, or makes a dead letter of it.
    [[nodiscard]] Verdict handle();

    [[nodiscard]] const Claim& claimed() const noexcept { return claim_; }

    // The handlers of one event in their order, up to the first failure.
    [[nodiscard]] static Result<void> call(const State::BoundHandlers& handlers);

  private:
    [[nodiscard]] Verdict fail(Error error);
    [[nodiscard]] Result<void> add_dead_letter(const Error& error) const;
    [[nodiscard]] Verdict complete(Verdict success);
    void release(ReleaseAs how);

    const State& state_;
    const detail::ReadEvent& event_;
    const ByteView body_;
    const State::BoundHandlers handlers_;
    Claim claim_;
    std::optional<detail::LeaseKeeper::Kept> kept_;
};

}  // namespace fpt_webhooks::inline v0_1
