// One seed: two processes at one store, in virtual time, on one thread, with everything that may happen happening.
//
// One process dispatches, the other publishes and edits, and may take the store over. The dispatchers' threads are
// replaced by turns: the writers', the pumps', the network's, the hosts'. Whose turn it is decides the seed; inside a
// store call, where a dispatcher holds no lock, the others get turns too.
#pragma once

#include <array>
#include <deque>
#include <list>
#include <map>
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
        std::size_t events = 0, attempts = 0, faults = 0, crashes = 0, edits = 0, replays = 0, takeovers = 0,
                    changes = 0, steps = 0;
    };
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

  private:
    enum class Happening {
        publish,
        burst,
        edit,
        mood,
        outage,
        fault,
        crash,
        stop,
        contact,
        takeover,
        other_ends,
        jump,
        replay,
        subscribe,
        count
    };
    // All times here are ticks, but for what the oracle and the dispatchers say.
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
        std::size_t by = 0;  // the process that was asked
    };
    // A change to a contact, until its observe has succeeded.
    struct Seen {
        fw::ContactChange given = {};
        fw::ContactChange meant = {};  // the same, by the rule
        Ms not_before = 0;
        bool busy = false;
    };
    struct Process {
        std::size_t number = 0;
        std::shared_ptr<FaultyStore> store = {};
        std::shared_ptr<SimTransport> transport = {};
        std::unique_ptr<fw::Dispatcher> dispatcher = {};  // null: it is down
        fw::Dispatcher::Impl* impl = nullptr;
        Ms line = 0;                     // from ticks to its time line
        Ms starts_at = 0;                // when it is down
        std::optional<Ms> ends_at = {};  // ousted
        bool begun = false;              // it dispatches, or did until it was ousted
        bool writer_busy = false;
        bool pump_busy = false;
        bool host_busy = false;
        bool pump_again = false;
        bool blind = false;    // something failed since it last looked around
        bool foreign = false;  // another process wrote something since
        Ms writer_blocked = 0;
        Ms pump_blocked = 0;
        std::optional<Ms> starts_wait_since = {};

        [[nodiscard]] bool dispatches() const { return begun && impl->owns; }
        [[nodiscard]] bool misses_something() const { return blind || foreign; }
        [[nodiscard]] Ms next_look() const {
            return std::chrono::duration_cast<std::chrono::milliseconds>(impl->next_look.time_since_epoch()).count();
        }
        // The tick at which its engine wakes.
        [[nodiscard]] std::optional<Ms> wake() const {
            const auto at = impl->engine->next_wake();
            return at ? std::optional(ms(*at) - line) : std::nullopt;
        }
    };

    StoreFate before(StoreCall call, std::size_t process) override;
    void after(StoreCall call, std::size_t process) override;

    void plan();
    void start_process(Process& process);
    void begin();
    void end_process(Process& process);
    void owner_ends();
    void machine_ends();
    void leave(Process& process, Ms delay);
    void stop_gracefully();
    void take_over();
    void jump();

    bool take_turn();  // false: nobody had anything to do
    void others_take_turns();
    void happen(const Planned& what);
    void write(Process& process);
    void pump(Process& process);
    void look(Process& process);
    void deliver_answer(Process& process);
    void offer_events();
    void tell_notices();
    void pass_time();
    [[nodiscard]] bool add_what_lacks();
    void heal();
    [[nodiscard]] bool is_settled();
    [[nodiscard]] bool a_change_waits() const;
    // When a window is to be closed: the tick.
    [[nodiscard]] std::optional<Ms> next_closing();

    [[nodiscard]] bool writer_has_work(Process& process);
    [[nodiscard]] bool pump_has_work(const Process& process);
    [[nodiscard]] std::optional<Ms> looks_at(const Process& process);
    [[nodiscard]] Process& owner() { return processes_[owner_]; }
    [[nodiscard]] Process& other() { return processes_[1 - owner_]; }
    // One that can be asked; null: none.
    [[nodiscard]] Process* any_host();

    void publish(std::size_t count, std::optional<std::int32_t> location);
    void offer(Offer& offer, Process& by);
    void change_contact();
    void see(const fw::ContactChange& given, const fw::ContactChange& meant, Ms at);
    fw::ContactChange next_change(fw::ContactState& state, bool& exists);
    void observe_next(Process& by);
    void subscribe();
    void edit(Process& by, fw::SubscriptionId id, Edit edit);
    void edit_something(Process& by);
    void replay();
    Event make_event(std::optional<std::int32_t> location);
    std::optional<std::pair<Ms, Answer>> fate_of_attempt(fw::SubscriptionId id);
    Answer answer_in(Mood mood, Ms& takes);

    [[nodiscard]] Ms now() const { return time_.now(); }
    [[nodiscard]] Ms tick() const { return time_.tick(); }
    void advance(Ms by) { time_.advance(by); }
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
    Time time_{clock_};
    std::shared_ptr<const fw::Clock> dispatcher_clock_;
    std::shared_ptr<SimRandom> random_;
    std::shared_ptr<fw::MemoryStore> memory_;
    std::unique_ptr<Oracle> oracle_;
    std::shared_ptr<const fw::EndpointPolicy> policy_;
    OracleOptions limits_;
    std::array<Process, process_count> processes_;
    std::size_t owner_ = 0;  // that of the store, or who is to become it
    Ms begins_at_ = 0;

    bool many_ = false;  // so many subscriptions that failures of all are likelier the sender's fault
    bool clock_jumps_ = false;

    Ms begun_at_ = 0;
    Ms horizon_ = 0;
    std::deque<Planned> plan_;
    std::deque<Offer> offers_;
    std::list<Seen> seen_;
    struct Source {  // as the source of contacts has it
        fw::ContactState state = {};
        bool exists = false;
    };
    std::map<fw::ContactKey, Source> source_;
    std::vector<fw::SubscriptionId> subscriptions_;
    std::vector<Mood> moods_;
    std::size_t urls_ = 0;
    std::uint64_t bodies_ = 0;
    std::size_t open_offers_ = 0;

    bool healed_ = false;
    bool others_run_ = true;
    int depth_ = 0;
    Ms outage_until_ = 0;
    unsigned outage_per_thousand_ = 0;
    int fail_next_ = 0;
    int lose_next_ = 0;
    std::optional<int> crash_in_;  // store calls
};

}  // namespace simulation
