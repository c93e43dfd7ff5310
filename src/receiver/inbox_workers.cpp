#include <fpt_webhooks/receiver/inbox_workers.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "receiver/guarded.hpp"
#include "receiver/lease_keeper.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using detail::guarded;
using SteadyTime = chr::steady_clock::time_point;

// Each thread takes one event at a time: none waits behind a slow one while another thread is idle.
constexpr std::size_t items_per_take = 1;

// Only bounds what an interrupt that comes just before the wait can cost.
constexpr chr::milliseconds take_wait = chr::seconds(5);

// An inbox that is locked for a moment is back soon; one whose disk is full is not to be hammered.
constexpr chr::milliseconds backoff_min{100};
constexpr chr::milliseconds backoff_max = chr::seconds(10);

// How often stop() wakes those that wait in the inbox: an interrupt may come just before the wait.
constexpr chr::milliseconds interrupt_period{20};

// Adding it to a time cannot overflow; nobody waits a day.
constexpr chr::milliseconds patience_max = chr::hours(24);

Result<void> check_options(const InboxWorkersOptions& options) {
    const auto invalid = [](const char* text) { return Error(Errc::invalid_argument, text); };
    if (!options.receiver) return invalid("receiver: none given");
    if (options.receiver->mode() != DedupeMode::lease) {
        return invalid("receiver: its mode has no meaning here, an inbox is at-least-once; leave it at the default");
    }
    if (!options.inbox) return invalid("inbox: none given");
    if (options.threads == 0 || options.threads > inbox_threads_max) return invalid("threads: 1 to 256 are needed");
    if (options.retry_delays.empty() || options.retry_delays.size() > inbox_retry_delays_max) {
        return invalid("retry_delays: 1 to 64 are needed");
    }
    for (const auto delay : options.retry_delays) {
        if (delay < chr::milliseconds::zero() || delay > inbox_retry_delay_max) {
            return invalid("retry_delays: each zero to 24 h");
        }
    }
    return detail::check_lease_limits({options.lease, options.lease_total_max});
}

}  // namespace

std::string_view name_of(InboxOutcome outcome) noexcept {
    switch (outcome) {
        case InboxOutcome::processed: return "processed";
        case InboxOutcome::unhandled: return "unhandled";
        case InboxOutcome::failed: return "failed";
        case InboxOutcome::buried: return "buried";
        case InboxOutcome::lease_lost: return "lease_lost";
        case InboxOutcome::store_unavailable: return "store_unavailable";
    }
    return "unknown";
}

class InboxWorkers::State {
  public:
    explicit State(InboxWorkersOptions options)
        : options_(std::move(options)),
          waiting_clock_(system_clock()),
          keeper_({options_.lease, options_.lease_total_max}, options_.clock,
                  [inbox = options_.inbox](ClaimToken token, chr::milliseconds lease) {
                      return inbox->renew(token, lease);
                  }) {}

    Result<void> start() {
        const std::lock_guard lock(mutex_);
        if (started_) return Error(Errc::wrong_state, "the workers were started before");
        if (stopping_) return Error(Errc::wrong_state, "the workers were stopped");
        if (auto started = keeper_.start(); !started) return started;
        started_ = true;
        try {
            threads_.reserve(options_.threads);
            while (threads_.size() < options_.threads) {
                threads_.emplace_back([this]() noexcept { run(); });
                ++running_;
            }
        } catch (const std::system_error& error) {
            stopping_ = true;
            return Error(Errc::local_failure, std::string("no thread for a worker: ") + error.what());
        }
        return {};
    }

    bool stop(chr::milliseconds patience) {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        const auto deadline = waiting_clock_->steady_now() + std::min(patience, patience_max);
        patience_end_ = std::max(patience_end_, deadline);
        changed_.notify_all();
        while (running_ > 0) {
            lock.unlock();
            options_.inbox->interrupt();
            lock.lock();
            if (changed_.wait_for(lock, interrupt_period, [this] { return running_ == 0; })) break;
            if (waiting_clock_->steady_now() >= deadline) return false;
        }
        return true;
    }

    void join() {
        while (!stop(patience_max)) continue;
        for (std::thread& thread : threads_) thread.join();
    }

  private:
    // The end of one event's turn, and how the inbox is told of it.
    struct Finish {
        InboxReport report;
        std::function<Result<void>()> write;
    };

    void run() noexcept {
        auto backoff = backoff_min;
        while (!stopping()) {
            try {
                auto items = guarded(Errc::local_failure, [&] {
                    return options_.inbox->take(options_.receiver->endpoint(), options_.lease, items_per_take,
                                                take_wait);
                });
                if (items) {
                    backoff = backoff_min;
                    for (const InboxItem& item : *items) process(item);
                    continue;
                }
                report({.outcome = InboxOutcome::store_unavailable, .error = items.error(), .retry_after = backoff});
            } catch (...) {  // no memory: the lease's end gives back what was taken
            }
            pause(backoff);
        }
        const std::lock_guard lock(mutex_);
        --running_;
        changed_.notify_all();
    }

    void process(const InboxItem& item) {
        if (stopping()) {
            static_cast<void>(guarded(Errc::local_failure, [&] {
                return options_.inbox->release(item.token, ReleaseAs::abandoned, chr::milliseconds::zero());
            }));
            return;
        }
        const detail::LeaseKeeper::Kept kept(keeper_, item.token);
        const Processed processed = options_.receiver->process(bytes_of(item.body), item.failures);
        Finish finish = finish_of(item, processed);
        finish.report.endpoint = options_.receiver->endpoint();
        finish.report.event_type = item.event_type;
        finish.report.idempotency_key = item.idempotency_key;
        write(item.token, std::move(finish));
    }

    Finish finish_of(const InboxItem& item, const Processed& processed) const {
        InboxStore& inbox = *options_.inbox;
        if (!processed.error) {
            const bool unhandled = processed.outcome == HandleOutcome::unhandled;
            return {
                {.outcome = unhandled ? InboxOutcome::unhandled : InboxOutcome::processed, .failures = item.failures},
                [&inbox, token = item.token] { return inbox.complete(token); }};
        }
        const bool unreadable = processed.outcome == HandleOutcome::unreadable;
        const std::uint32_t failures = unreadable ? item.failures : item.failures + 1;
        if (unreadable || failures >= options_.failures_max) {
            return {{.outcome = InboxOutcome::buried, .error = processed.error, .failures = failures},
                    [this, &item, &processed, failures] { return bury(item, processed, failures); }};
        }
        const auto& delays = options_.retry_delays;
        const auto delay = delays[std::min<std::size_t>(item.failures, delays.size() - 1)];
        return {{.outcome = InboxOutcome::failed, .error = processed.error, .failures = failures, .retry_after = delay},
                [&inbox, token = item.token, delay] { return inbox.release(token, ReleaseAs::failed, delay); }};
    }

    Result<void> bury(const InboxItem& item, const Processed& processed, std::uint32_t failures) const {
        const bool unreadable = processed.outcome == HandleOutcome::unreadable;
        const ByteView body = bytes_of(item.body);
        const std::string key = unreadable ? ufp_idempotency_key(body) : item.idempotency_key;
        const std::string detail = processed.error->message();
        return options_.inbox->bury(
            item.token, {.key = {options_.receiver->endpoint(), key},
                         .profile = options_.receiver->profile(),
                         .event_type = item.event_type,
                         .reason = unreadable ? DeadLetterReason::unreadable : DeadLetterReason::handler_failed,
                         .detail = detail,
                         .failures = failures,
                         .received_at = item.received_at,
                         .body = body});
    }

    // Repeated until the inbox takes it: to handle an event again because the disk was away for a moment would be a
    // second effect.
    void write(ClaimToken token, Finish finish) {
        auto backoff = backoff_min;
        std::optional<SteadyTime> lease_end;  // of a lease that cannot be renewed since the first failure
        for (;;) {
            const bool was_stopping = stopping();
            auto written = guarded(Errc::local_failure, finish.write);
            if (written) break;
            Error error = std::move(written).error();
            if (error == Errc::store_full && finish.report.outcome == InboxOutcome::buried) {
                finish = give_back(token, finish.report, std::move(error));
                continue;
            }
            if (!lease_end) lease_end = waiting_clock_->steady_now() + options_.lease;
            const bool may_repeat = error == Condition::transient || error == Condition::in_doubt;
            const auto wait = may_repeat ? time_to_repeat(backoff, *lease_end) : std::nullopt;
            InboxReport failure = finish.report;
            failure.outcome = error == Errc::lease_lost ? InboxOutcome::lease_lost : InboxOutcome::store_unavailable;
            failure.error = std::move(error);
            failure.retry_after = wait.value_or(chr::milliseconds::zero());
            report(failure);
            if (!wait) return;
            pause_to_repeat(*wait, was_stopping);
            backoff = std::min(backoff * 2, backoff_max);
        }
        report(finish.report);
    }

    // There is no room for its dead letter: it waits among the others, which go on.
    Finish give_back(ClaimToken token, const InboxReport& buried, Error full) const {
        Finish finish{buried, {}};
        finish.report.outcome = InboxOutcome::store_unavailable;
        finish.report.error = std::move(full);
        finish.report.retry_after = std::max(options_.retry_delays.back(), backoff_max);
        finish.write = [inbox = options_.inbox, token, delay = finish.report.retry_after] {
            return inbox->release(token, ReleaseAs::abandoned, delay);
        };
        return finish;
    }

    // Nothing: it is given up. Once stop() was called, as soon as its patience ends, or the lease: then another worker
    // may have the event in any case.
    std::optional<chr::milliseconds> time_to_repeat(chr::milliseconds backoff, SteadyTime lease_end) {
        const std::lock_guard lock(mutex_);
        if (!stopping_) return backoff;
        const auto left = std::min(patience_end_, lease_end) - waiting_clock_->steady_now();
        if (left <= SteadyTime::duration::zero()) return std::nullopt;
        return std::min(backoff, chr::ceil<chr::milliseconds>(left));
    }

    // A stop() that has come since the last try ends it.
    void pause_to_repeat(chr::milliseconds wait, bool was_stopping) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, wait, [&] { return stopping_ != was_stopping; });
    }

    void report(const InboxReport& report) const {
        if (!options_.observer) return;
        static_cast<void>(guarded(Errc::handler_failed, [&]() -> Result<void> {
            options_.observer(report);
            return {};
        }));
    }

    // Until then or until stop(); the next one is twice as long.
    void pause(chr::milliseconds& backoff) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, backoff, [this] { return stopping_; });
        backoff = std::min(backoff * 2, backoff_max);
    }

    bool stopping() {
        const std::lock_guard lock(mutex_);
        return stopping_;
    }

    const InboxWorkersOptions options_;  // clock and failures_max set
    const std::shared_ptr<const Clock>
        waiting_clock_;  // threads sleep in real time, whatever clock measures the leases
    detail::LeaseKeeper keeper_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::thread> threads_;
    std::size_t running_ = 0;
    bool started_ = false;
    bool stopping_ = false;
    SteadyTime patience_end_ = SteadyTime::min();  // of the most patient stop()
};

Result<std::unique_ptr<InboxWorkers>> InboxWorkers::create(InboxWorkersOptions options) {
    if (auto valid = check_options(options); !valid) return valid.error();
    if (!options.clock) options.clock = system_clock();
    if (options.failures_max == 0) options.failures_max = static_cast<std::uint32_t>(options.retry_delays.size() + 1);
    return std::unique_ptr<InboxWorkers>(new InboxWorkers(std::make_unique<State>(std::move(options))));
}

InboxWorkers::InboxWorkers(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
InboxWorkers::~InboxWorkers() { state_->join(); }

Result<void> InboxWorkers::start() { return state_->start(); }
bool InboxWorkers::stop(chr::milliseconds patience) { return state_->stop(patience); }

}  // namespace fpt_webhooks::inline v0_1
