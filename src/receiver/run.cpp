#include "receiver/guarded.hpp"
#include "receiver/receiver_state.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

using detail::guarded;

// For the mark of a dead letter whose transaction was rolled back: other events take the connection in turn meanwhile.
// Without the mark the handler that failed so often runs again with each retry, so it is worth a duplicate's wait.
constexpr std::chrono::milliseconds mark_wait = std::chrono::seconds(25);

// The mark of process() is beside the event's own, which stands for handle(): that one is done when the event has
// become a dead letter. A hash: the key may be as long as keys can be.
std::string process_key(std::string_view key) { return "process " + ufp_idempotency_key(bytes_of(key)); }

}  // namespace

Receiver::Verdict Receiver::Verdict::handler_failed(Error error) {
    if (!(error == Errc::handler_failed)) error = Error(Errc::handler_failed, error.message());
    return {HandleOutcome::handler_failed, 500, std::move(error)};
}

Receiver::Verdict Receiver::Verdict::not_read(Error error) {
    if (error == Errc::handler_failed) return handler_failed(std::move(error));
    return {HandleOutcome::unreadable, 400, std::move(error)};
}

std::optional<Receiver::Verdict> Receiver::Run::claim(std::chrono::milliseconds wait) {
    const ReceiverOptions& options = state_.options;
    if (options.mode == DedupeMode::lease) {
        if (auto started = state_.keeper.start(); !started) {
            return Verdict{HandleOutcome::store_unavailable, 503, std::move(started).error()};
        }
    }
    auto claim = guarded(Errc::local_failure, [&] {
        return options.dedupe->claim({options.endpoint, event_.key()}, options.lease, wait);
    });
    if (!claim) return Verdict{HandleOutcome::store_unavailable, 503, std::move(claim).error()};
    claim_ = *claim;
    if (claim_.state == ClaimState::done) return Verdict{HandleOutcome::duplicate, 200};
    if (claim_.state == ClaimState::busy) {
        return Verdict{HandleOutcome::busy, options.busy_answer == BusyAnswer::accepted ? 200 : 503};
    }
    if (options.mode == DedupeMode::lease) kept_.emplace(state_.keeper, claim_.token);
    if (options.mode != DedupeMode::insert_first) return std::nullopt;

    auto completed = guarded(Errc::local_failure, [&] { return options.dedupe->complete(claim_.token); });
    if (completed) return std::nullopt;
    release(ReleaseAs::abandoned);
    return Verdict{HandleOutcome::store_unavailable, 503, std::move(completed).error()};
}

Receiver::Verdict Receiver::Run::handle() {
    auto handled = call(state_, event_.view(), handlers_, claim_.failures);
    if (!handled) return fail(std::move(handled).error());
    const Verdict processed{HandleOutcome::processed, 200};
    return state_.options.mode == DedupeMode::insert_first ? processed : complete(processed);
}

Result<void> Receiver::Run::call(const State& state, const EventView& event, const State::BoundHandlers& handlers,
                                 std::uint32_t failures) {
    const EventContext context{.failures = failures, .older_by = state.order.older_by(event)};
    for (const BoundHandler& handler : handlers) {
        auto handled = guarded(Errc::handler_failed, [&] { return handler(context); });
        if (!handled) return handled;
    }
    state.order.processed(event);
    return {};
}

Processed Receiver::Run::call_in_transaction(const State& state, const detail::ReadEvent& event,
                                             const State::BoundHandlers& handlers, std::uint32_t failures) {
    const ReceiverOptions& options = state.options;
    const std::string key = process_key(event.key());
    const auto claim = guarded(Errc::local_failure, [&] {
        return options.dedupe->claim({options.endpoint, key}, options.lease, options.busy_wait);
    });
    if (!claim) return {HandleOutcome::store_unavailable, claim.error()};
    if (claim->state == ClaimState::done) return {HandleOutcome::duplicate};
    if (claim->state == ClaimState::busy) {
        return {HandleOutcome::store_unavailable, Error(Errc::store_busy, "the event is being processed")};
    }
    auto handled = call(state, event.view(), handlers, failures);
    if (!handled) {
        // Abandoned: whoever called counts the failures.
        static_cast<void>(
            guarded(Errc::local_failure, [&] { return options.dedupe->release(claim->token, ReleaseAs::abandoned); }));
        return {HandleOutcome::handler_failed, Verdict::handler_failed(std::move(handled).error()).error};
    }
    auto completed = guarded(Errc::local_failure, [&] { return options.dedupe->complete(claim->token); });
    if (!completed) return {HandleOutcome::store_unavailable, std::move(completed).error()};
    return {HandleOutcome::processed};
}

Receiver::Verdict Receiver::Run::fail(Error error) {
    const ReceiverOptions& options = state_.options;
    Verdict failed = Verdict::handler_failed(std::move(error));
    const bool marked_before = options.mode == DedupeMode::insert_first;
    const bool in_transaction = options.mode == DedupeMode::in_transaction;
    // First, what the handler wrote must go; and the dead letters may be in the same file.
    if (in_transaction) release(ReleaseAs::failed);

    const bool was_last = marked_before || claim_.failures + 1 >= options.failures_max;
    if (options.dead_letters && was_last) {
        auto added = add_dead_letter(*failed.error);
        if (added) {
            failed.outcome = HandleOutcome::dead_lettered;
            failed.status = 200;
            return marked_before ? failed : complete(std::move(failed));
        }
        failed.error =
            Error(Errc::handler_failed, failed.error->detail() + "; dead letters: " + added.error().message());
    }
    if (!in_transaction && !marked_before) release(ReleaseAs::failed);
    return failed;
}

Result<void> Receiver::Run::add_dead_letter(const Error& error) const {
    const ReceiverOptions& options = state_.options;
    return guarded(Errc::local_failure, [&] {
        return options.dead_letters->add({.key = {options.endpoint, event_.key()},
                                          .profile = options.profile,
                                          .event_type = event_.view().type(),
                                          .reason = DeadLetterReason::handler_failed,
                                          .detail = error.message(),
                                          .failures = claim_.failures + 1,
                                          .received_at = options.clock->now(),
                                          .body = body_});
    });
}

// If the mark fails, the lease is kept: it holds off the retry as long as it can.
Receiver::Verdict Receiver::Run::complete(Verdict success) {
    const ReceiverOptions& options = state_.options;
    auto completed = guarded(Errc::local_failure, [&]() -> Result<void> {
        const bool rolled_back =
            success.outcome == HandleOutcome::dead_lettered && options.mode == DedupeMode::in_transaction;
        if (!rolled_back) return options.dedupe->complete(claim_.token);
        // The transaction is gone with what the handler wrote in it; the mark gets one of its own.
        const auto again = options.dedupe->claim({options.endpoint, event_.key()}, options.lease, mark_wait);
        if (!again) return again.error();
        if (again->state == ClaimState::busy) return Error(Errc::store_busy, "the key was taken by another request");
        return again->state == ClaimState::fresh ? options.dedupe->complete(again->token) : Result<void>();
    });
    if (completed) return success;
    return {HandleOutcome::store_unavailable, 500, std::move(completed).error()};
}

void Receiver::Run::release(ReleaseAs how) {
    // Should this fail as well, the lease's end gives the event back.
    static_cast<void>(guarded(Errc::local_failure, [&] { return state_.options.dedupe->release(claim_.token, how); }));
}

}  // namespace fpt_webhooks::inline v0_1
