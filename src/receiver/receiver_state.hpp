// What a Receiver holds, and what becomes of one event in it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/receiver/receiver.hpp>

#include "receiver/contact_order.hpp"
#include "receiver/handler_pool.hpp"
#include "receiver/lease_keeper.hpp"
#include "receiver/read_event.hpp"

namespace fpt_webhooks::inline v0_1 {

// The handlers of one name, family or category, in the order of their registration.
struct Receiver::Route {
    std::vector<Binder> binders;
    std::chrono::milliseconds deadline{0};  // the shortest that any of them asks for; zero: none does
    BusyAnswer on_overrun = BusyAnswer::retry_later;
};

class Receiver::State {
  public:
    using Routes = std::map<std::string, Route, std::less<>>;
    using BoundHandlers = std::vector<BoundHandler>;

    State(ReceiverOptions options_, Verifier verifier_)
        : options(std::move(options_)),
          verifier(std::move(verifier_)),
          keeper({options.lease, options.lease_total_max}, options.clock,
                 [store = options.dedupe](ClaimToken token, std::chrono::milliseconds lease) {
                     return store->renew(token, lease);
                 }),
          order(options.contact_order_capacity),
          pool(options.deadline_threads) {}

    // Those of the most specific level that has any; null when nobody takes the event.
    [[nodiscard]] const Route* route(const EventView& event) const;

    // All typed data is read before the claim: what one handler cannot read must not fail after another has run.
    [[nodiscard]] static Result<BoundHandlers> bind(const Route& route, const EventView& event);

    // clock, dedupe and failures_max set; secrets and key ring moved into the verifier
    const ReceiverOptions options;
    const Verifier verifier;
    mutable detail::LeaseKeeper keeper;
    mutable detail::ContactOrder order;
    Routes exact;
    Routes by_family;
    Routes by_category;
    Route any;
    std::atomic<bool> frozen{false};
    std::array<std::atomic<std::uint64_t>, handle_outcome_count> counts{};
    mutable detail::HandlerPool pool;  // last: its handlers use all of the above
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

    // `wait`: see DedupeStore. Nothing: it is ours, and handle() is next.
    [[nodiscard]] std::optional<Verdict> claim(std::chrono::milliseconds wait);

    // Runs the handlers, and marks the event done, gives it back, or makes a dead letter of it.
    [[nodiscard]] Verdict handle();

    // Instead of handle(): the event goes back untried.
    void abandon() { release(ReleaseAs::abandoned); }

    [[nodiscard]] const Claim& claimed() const noexcept { return claim_; }

    // The handlers of one event in their order, up to the first failure.
    [[nodiscard]] static Result<void> call(const State& state, const EventView& event,
                                           const State::BoundHandlers& handlers, std::uint32_t failures);

    // The same for process() under DedupeMode::in_transaction.
    [[nodiscard]] static Processed call_in_transaction(const State& state, const detail::ReadEvent& event,
                                                       const State::BoundHandlers& handlers, std::uint32_t failures);

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

// A Run on a thread of the pool, with all that it needs: whoever waits for it may leave at the deadline.
class Receiver::DetachedRun final : public detail::PoolJob {
  public:
    // `report` as far as it is known; `entered`: when handle() was, by the receiver's clock.
    DetachedRun(const State& state, detail::ReadEvent&& event, std::string_view body, HandleReport report,
                std::chrono::steady_clock::time_point entered);

    // Errors: those of State::bind.
    [[nodiscard]] Result<void> bind(const Route& route);

    // Once bound.
    [[nodiscard]] Run& run() noexcept { return *run_; }

    // Of the deadline. Never negative.
    [[nodiscard]] std::chrono::milliseconds time_left(const Route& route) const;

    // Once submitted.
    [[nodiscard]] Verdict wait(const Route& route);
    void work() noexcept override;

    [[nodiscard]] HandleReport& report() noexcept { return report_; }

  private:
    const State& state_;
    const detail::ReadEvent event_;
    const std::string body_;
    HandleReport report_;  // its views point into this object
    const std::chrono::steady_clock::time_point entered_;
    std::optional<Run> run_;

    std::mutex mutex_;
    std::condition_variable finished_;
    std::optional<Verdict> verdict_;
    bool waited_for_ = true;
};

}  // namespace fpt_webhooks::inline v0_1
