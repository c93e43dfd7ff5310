// One seed: a dispatcher's life in virtual time, on one thread, with everything that may happen happening.
//
// The dispatcher's threads are replaced by turns: the writer's, the pump's, the network's, the host's. Whose turn it is
// decides the seed; inside a store call, where the dispatcher holds no lock, the others get turns too.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rng.hpp"
#include "sender/dispatcher_impl.hpp"
#include "world.hpp"

namespace simulation {

class Scenario final : public StoreGate {
  public:
    Scenario(std::uint64_t seed, bool traces);
    ~Scenario() override;

    // The first broken rule; "": all held.
    std::string run();

    [[nodiscard]] const std::deque<std::string>& trace() const noexcept { return trace_; }

    struct Counts {
        std::size_t events = 0, attempts = 0, faults = 0, crashes = 0, edits = 0, replays = 0, steps = 0;
    };
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

  private:
    enum class Happening { publish, burst, edit, mood, outage, fault, crash, stop, replay, subscribe, count };
    struct Planned {
        Ms at = 0;
        Happening what = Happening::publish;
    };
    struct Offer {
        Event event;
        fw::NewEvent as_new;
        Ms not_before = 0;
        bool waits = false;  // for its answer
        bool done = false;
    };

    StoreFate before(StoreCall call) override;
    void after(StoreCall call) override;

    void plan();
    void start_process();
    void end_process();
    void stop_gracefully();
    void restart_later(Ms delay);
    void jump();

    bool take_turn();  // false: nobody had anything to do
    void others_take_turns();
    void happen(const Planned& what);
    void write();
    void pump();
    void deliver_answer();
    void offer_events();
    void tell_notices();
    void pass_time();
    void heal();

    [[nodiscard]] bool writer_has_work();
    [[nodiscard]] bool pump_has_work();

    void publish(std::size_t count, std::optional<std::int32_t> location);
    void offer(Offer& offer);
    void subscribe();
    void edit(fw::SubscriptionId id, Edit edit);
    void edit_something();
    void replay();
    Event make_event(std::optional<std::int32_t> location);
    std::optional<std::pair<Ms, Answer>> fate_of_attempt(fw::SubscriptionId id);
    Answer answer_in(Mood mood, Ms& takes);

    [[nodiscard]] Ms now() const { return ms(clock_->now()); }
    void advance(Ms by) { clock_->advance(std::chrono::milliseconds(by)); }
    template <class MakeText>
    void note(MakeText make) {
        if (!traces_ || !oracle_->broken().empty()) return;
        trace_.push_back(std::to_string(now()) + " " + make());
        if (trace_.size() > trace_max) trace_.pop_front();
    }
    static constexpr std::size_t trace_max = 80;

    Rng rng_;
    const bool traces_;
    std::deque<std::string> trace_;
    Counts counts_;

    std::shared_ptr<fw::testing::ManualClock> clock_ = std::make_shared<fw::testing::ManualClock>();
    std::shared_ptr<const fw::Clock> dispatcher_clock_;
    std::shared_ptr<SimRandom> random_;
    std::shared_ptr<fw::MemoryStore> memory_;
    std::unique_ptr<Oracle> oracle_;
    std::shared_ptr<FaultyStore> store_;
    std::shared_ptr<SimTransport> transport_;
    std::shared_ptr<const fw::EndpointPolicy> policy_;
    OracleOptions limits_;
    std::unique_ptr<fw::Dispatcher> dispatcher_;
    fw::Dispatcher::Impl* impl_ = nullptr;

    bool many_ = false;         // so many subscriptions that failures of all are likelier the sender's fault
    bool clock_jumps_ = false;  // between two processes

    Ms begun_at_ = 0;
    Ms horizon_ = 0;
    std::deque<Planned> plan_;
    std::deque<Offer> offers_;
    std::vector<fw::SubscriptionId> subscriptions_;
    std::vector<Mood> moods_;
    std::size_t urls_ = 0;
    std::uint64_t bodies_ = 0;
    std::size_t open_offers_ = 0;

    bool begun_ = false;
    bool healed_ = false;
    bool others_run_ = true;
    int depth_ = 0;
    bool writer_busy_ = false;
    bool pump_busy_ = false;
    bool host_busy_ = false;
    bool pump_again_ = false;
    bool blind_ = false;  // something failed since the dispatcher last looked around
    Ms writer_blocked_ = 0;
    Ms pump_blocked_ = 0;
    std::optional<Ms> starts_wait_since_;
    Ms restart_at_ = 0;
    Ms outage_until_ = 0;
    unsigned outage_per_thousand_ = 0;
    int fail_next_ = 0;
    int lose_next_ = 0;
    std::optional<int> crash_in_;  // store calls
    std::optional<std::size_t> busy_stop_;
};

}  // namespace simulation
