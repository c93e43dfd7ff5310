#include <algorithm>
#include <chrono>

#include "receiver/guarded.hpp"
#include "receiver/receiver_state.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

// An event whose deadline passed while it waited for its claim still gets a thread, if one is free: it takes a moment
// to begin.
constexpr std::chrono::milliseconds begin_wait{20};

}  // namespace

Receiver::DetachedRun::DetachedRun(const State& state, detail::ReadEvent&& event, std::string_view body,
                                   HandleReport report, std::chrono::steady_clock::time_point entered)
    : state_(state), event_(std::move(event)), body_(body), report_(std::move(report)), entered_(entered) {
    report_.event_type = event_.view().type();
    report_.idempotency_key = event_.key();
}

Result<void> Receiver::DetachedRun::bind(const Route& route) {
    auto handlers = State::bind(route, event_.view());
    if (!handlers) return std::move(handlers).error();
    run_.emplace(state_, event_, bytes_of(body_), *std::move(handlers));
    return {};
}

std::chrono::milliseconds Receiver::DetachedRun::time_left(const Route& route) const {
    const auto left = entered_ + route.deadline - state_.options.clock->steady_now();
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds::zero());
}

Receiver::Verdict Receiver::DetachedRun::wait(const Route& route) {
    const auto time = std::max(time_left(route), std::min(begin_wait, route.deadline));
    std::unique_lock lock(mutex_);
    if (finished_.wait_for(lock, time, [this] { return verdict_.has_value(); })) return *std::move(verdict_);
    lock.unlock();
    if (state_.pool.withdraw(*this)) {
        run_->abandon();
        return {HandleOutcome::overrun, 503, Error(Errc::overloaded, "no thread was free before the deadline")};
    }
    lock.lock();
    if (verdict_) return *std::move(verdict_);  // just in time
    waited_for_ = false;
    return {HandleOutcome::overrun, route.on_overrun == BusyAnswer::accepted ? 200 : 503};
}

void Receiver::DetachedRun::work() noexcept {
    Verdict verdict{HandleOutcome::handler_failed, 500};
    try {
        verdict = run_->handle();
    } catch (...) {  // no memory: the lease's end gives the event back
        verdict.error = Error(Errc::local_failure);
    }
    {
        const std::lock_guard lock(mutex_);
        if (waited_for_) {
            verdict_ = std::move(verdict);
            finished_.notify_one();
            return;
        }
    }
    report_.outcome = verdict.outcome;
    report_.status = verdict.status;
    report_.error = std::move(verdict.error);
    report_.late = true;
    try {
        if (state_.options.observer) state_.options.observer(report_);
    } catch (...) {
    }
}

}  // namespace fpt_webhooks::inline v0_1
