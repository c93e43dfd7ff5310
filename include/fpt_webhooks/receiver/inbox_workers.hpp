// Processes what a Receiver has stored in its inbox: takes, runs the receiver's handlers, finishes; retries what fails
// and buries what fails too often (docs/receiver.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/error.hpp>
#include <fpt_webhooks/receiver/inbox_store.hpp>
#include <fpt_webhooks/receiver/receiver.hpp>

namespace fpt_webhooks::inline v0_1 {

// Handlers wait for databases and peers rather than compute; a host with more than this wants another design.
inline constexpr std::size_t inbox_threads_max = 256;

// More steps than anybody can reason about.
inline constexpr std::size_t inbox_retry_delays_max = 64;

// A day after its failure an event is no longer news; a longer delay is a mistaken unit.
inline constexpr std::chrono::milliseconds inbox_retry_delay_max = std::chrono::hours(24);

enum class InboxOutcome {
    processed,         // and done
    unhandled,         // no handler takes it; done
    failed,            // its handlers failed; due again after `retry_after`
    buried,            // unreadable, or failed too often: now a dead letter of the inbox
    lease_lost,        // it ran longer than its lease, and another worker has it now
    store_unavailable  // the inbox failed or is full; tried again after `retry_after` (zero: given up, see stop())
};

// "processed" and so on: for logs and metric labels.
[[nodiscard]] FPT_WEBHOOKS_RECEIVER_EXPORT std::string_view name_of(InboxOutcome outcome) noexcept;

// Views are valid during the observer's call only. Of store_unavailable while nothing was taken only `error` and
// `retry_after` are set.
struct InboxReport {
    InboxOutcome outcome = InboxOutcome::processed;
    std::optional<Error> error = {};  // safe to log as long as what your handlers throw and return is
    std::string_view endpoint = {};
    std::string_view event_type = {};
    std::string_view idempotency_key = {};
    std::uint32_t failures = 0;  // of this event, the one reported here included
    std::chrono::milliseconds retry_after{0};
};

struct InboxWorkersOptions {
    // Whose handlers run, whose endpoint's events are taken. May be another object than the one that accepts, in
    // another process even: same endpoint (under another name nothing is ever taken), same profile, default mode.
    std::shared_ptr<const Receiver> receiver = nullptr;

    std::shared_ptr<InboxStore> inbox = nullptr;

    // How many events are processed at once; 1 to inbox_threads_max.
    std::size_t threads = 4;

    // How long a failed event waits: the first delay after its first failure, the last one after all that have none of
    // their own. 1 to inbox_retry_delays_max, each zero to inbox_retry_delay_max. Taken as they are, without jitter:
    // the number of threads bounds what comes back at once.
    std::vector<std::chrono::milliseconds> retry_delays = {std::chrono::seconds(5),  std::chrono::seconds(30),
                                                           std::chrono::minutes(2),  std::chrono::minutes(10),
                                                           std::chrono::minutes(30), std::chrono::hours(1)};

    // After so many failures an event is buried. Zero: one more than there are delays.
    std::uint32_t failures_max = 0;

    // See ReceiverOptions: renewed while the handler runs.
    std::chrono::milliseconds lease = std::chrono::seconds(60);
    std::chrono::milliseconds lease_total_max = std::chrono::minutes(10);

    // What the leases' longest time is measured by. Nothing: the system's.
    std::shared_ptr<const Clock> clock = nullptr;

    // Called for each event that came to an end or failed, and for each failure of the inbox, on the worker's thread;
    // must be safe to call from several at once. What it throws is dropped.
    std::function<void(const InboxReport&)> observer = nullptr;
};

// At-least-once: an event whose handlers have run and whose mark was not written before a crash is processed again.
//
// Threads of their own. Every function may be called from any thread, but not from a handler or the observer.
//
// An inbox that fails is tried again after 100 ms, then after twice as long each time up to 10 s; an event that was
// handled meanwhile is not handled again: its mark is repeated until the inbox takes it, or stop() ends that. One that
// should be buried while the inbox has no room for dead letters goes back into it for the last of `retry_delays`, at
// least 10 s, and the others pass: store_unavailable with the error store_full, each time, until there is room.
class FPT_WEBHOOKS_RECEIVER_EXPORT InboxWorkers {
  public:
    // Errors: invalid_argument that names the option.
    [[nodiscard]] static Result<std::unique_ptr<InboxWorkers>> create(InboxWorkersOptions options);

    // Stops, and waits for handlers that run, however long they take, and then up to a lease for their marks.
    ~InboxWorkers();
    InboxWorkers(const InboxWorkers&) = delete;
    InboxWorkers& operator=(const InboxWorkers&) = delete;

    // Once. Errors: wrong_state when it was called before, or stop() was; local_failure when there is no thread to
    // have.
    [[nodiscard]] Result<void> start();

    // Takes nothing more, and waits up to `patience` for handlers that run and for their results to be recorded. What
    // was taken and not begun goes back at once. False: some still run, or try to record; a handler that ends later is
    // still recorded, with one try. A result that the inbox does not take is tried again until `patience` or a lease's
    // length has passed; then it is given up, and the event is processed again once its lease has ended. May be
    // repeated.
    bool stop(std::chrono::milliseconds patience);

  private:
    class State;
    explicit InboxWorkers(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
