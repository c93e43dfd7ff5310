// The dispatcher's inside: the glue between the engine, which decides, and the store and transports, which do.
//
// The threads call write_step and pump_step in loops; a simulation calls them itself, on one thread and in virtual
// time.
#pragma once

#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <fpt_webhooks/sender/dispatcher.hpp>

#include "sender/engine.hpp"

namespace fpt_webhooks::inline v0_1 {

struct Dispatcher::Impl {
    struct Publishing {
        NewEvent event;
        PublishDone done;
    };

    explicit Impl(DispatcherOptions given)
        : options(std::move(given)), start_wall(options.clock->now()), start_steady(options.clock->steady_now()) {}

    // A time line that never goes back: the wall's at creation, the steady clock's from then on. Everything is decided
    // on it; a clock that is set by an hour moves no retry.
    [[nodiscard]] Timestamp now() const {
        return start_wall +
               std::chrono::duration_cast<std::chrono::milliseconds>(options.clock->steady_now() - start_steady);
    }

    [[nodiscard]] bool forked() const noexcept { return getpid() != process; }

    // Becomes the store's dispatcher; run_pump or pump_step then does the work.
    Result<void> begin();

    // One commit, if there is something to write; false: there was not.
    bool write_step(std::unique_lock<std::mutex>& lock);
    // Reads and starts what can be read and started now.
    enum class Pumped { idle, worked, store_failed };
    Pumped pump_step(std::unique_lock<std::mutex>& lock);
    // What happens every poll_interval though nothing is known to have happened.
    void look_around(std::unique_lock<std::mutex>& lock);

    void run_writer();
    void run_pump();
    void run_notifier();
    Result<void> obey(const detail::EngineWants& wants);  // the first read that failed
    Result<void> read_changes();
    Result<detail::LaneRecord> read_lane(SubscriptionId id);
    void close_windows();
    void give_up(const Error& fenced);  // another dispatcher owns the store
    void launch_ready();
    void launch(const detail::AttemptPlan& plan);
    void complete(SubscriptionId id, Timestamp wall_started, TransportOutcome outcome);
    void collect_notices();
    void add_notice(Notice notice);
    [[nodiscard]] bool outcomes_wait() const { return owns && (has_unwritten || engine->has_outcomes()); }
    [[nodiscard]] bool writes_wait() const { return owns && (has_unwritten || engine->has_writes()); }
    [[nodiscard]] bool store_failing() const { return writes_failing || reads_failing; }
    void set_failing(bool& which, const Error* failure);
    void wake_pump() {
        pump_work = true;
        pump_wake.notify_one();
    }

    template <class MakeEdit>
    Result<SubscriptionRecord> edit(const Actor& actor, SubscriptionId id, MakeEdit make);
    void warn_of_same_url(const Subscription& subscription);
    Result<SubscriptionRecord> find(const Actor& actor, SubscriptionId id);
    Result<SubscriptionRecord> change_status(const Actor& actor, SubscriptionId id, SubscriptionStatus from,
                                             SubscriptionStatus to);

    const DispatcherOptions options;
    const Timestamp start_wall;
    const std::chrono::steady_clock::time_point start_steady;
    const pid_t process = getpid();

    std::mutex mutex;  // of everything below
    std::condition_variable writer_wake;
    std::condition_variable pump_wake;
    std::condition_variable notifier_wake;
    std::condition_variable idle;  // an attempt came back, a commit was made: stop() looks

    std::unique_ptr<detail::Engine> engine;  // while started
    std::uint64_t epoch = 0;
    std::uint64_t seen_changes = 0;
    std::chrono::steady_clock::time_point next_look = {};
    bool recount = false;  // subscriptions have changed: how many are active?
    std::chrono::steady_clock::time_point next_maintain = {};
    bool pump_work = false;
    bool writer_idle = false;  // it waits for anything at all: notify it
    bool stopping = false;     // nothing new
    bool finishing = false;    // threads end when they are done
    bool writes_failing = false;
    bool reads_failing = false;
    bool owns = false;  // the store is ours to write outcomes to

    std::deque<Publishing> publishes;
    StoreBatch unwritten;  // of the engine: to be repeated until it is written
    bool has_unwritten = false;
    std::unordered_map<SubscriptionId, std::pair<Transport*, Transport::Token>> tokens;
    bool cancelling = false;

    std::deque<Notice> notices;
    DispatcherMetrics counts;

    std::thread writer;
    std::thread pump;
    std::thread notifier;
};

}  // namespace fpt_webhooks::inline v0_1
