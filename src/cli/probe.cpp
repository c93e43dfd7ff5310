#include "cli/probe.hpp"

#include <utility>

#include <fmt/core.h>

#include "cli/duration.hpp"

namespace fpt_webhooks::cli {
namespace {

// Does nothing but the dispatcher itself keep this subscription's deliveries back? Under fifo_per_contact an earlier
// one of the same contact may, for as long as a day.
bool is_open(const SubscriptionRecord& record) {
    return !record.deleted && record.secret_number != 0 && record.subscription.status() == SubscriptionStatus::active &&
           !record.subscription.fifo_per_contact();
}

// Is there a delivery that could have gone before `time` and is still there?
Result<bool> is_overdue(Store& store, Timestamp time) {
    const auto fresh = store.take_fresh({}, 1);
    if (!fresh) return fresh.error();
    if (!fresh->empty() && fresh->front().queued_at < time) return true;
    const auto wakes = store.wakes();
    if (!wakes) return wakes.error();
    for (const SubscriptionWake& wake : *wakes) {
        if (!wake.due || *wake.due >= time) continue;
        const auto record = store.subscription(wake.subscription);
        if (!record) return record.error();
        if (is_open(*record)) return true;
    }
    return false;
}

}  // namespace

Probe::Probe(std::shared_ptr<Store> store) : store_(std::move(store)), thread_([this] { run(); }) {}

Probe::~Probe() {
    {
        const std::lock_guard lock(mutex_);
        leaving_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Probe::watch(std::shared_ptr<Dispatcher> dispatcher, std::chrono::milliseconds stalled_after) {
    auto watched = std::make_shared<Watched>(Watched{.dispatcher = std::move(dispatcher),
                                                     .stalled_after = stalled_after,
                                                     .finished_at = system_clock()->steady_now()});
    const std::lock_guard lock(mutex_);
    watched_ = std::move(watched);
    held_.clear();
}

void Probe::hold(std::string why) {
    const std::lock_guard lock(mutex_);
    held_ = std::move(why);
}

Probe::Answer Probe::ask() {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++asked_;
    changed_.notify_all();
    if (!changed_.wait_for(lock, probe_answer_max, [&] { return answered_ >= mine; })) {
        return {.trouble = fmt::format("no answer from the dispatcher or its store within {}",
                                       duration_text(probe_answer_max))};
    }
    Answer answer = answer_;
    if (!held_.empty()) answer.trouble = held_;
    return answer;
}

void Probe::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return leaving_ || (watched_ && asked_ > answered_); });
        if (leaving_) return;
        const std::uint64_t upto = asked_;
        const std::shared_ptr<Watched> watched = watched_;
        lock.unlock();
        Answer answer = examine(*watched);
        lock.lock();
        answer_ = std::move(answer);
        answered_ = upto;
        changed_.notify_all();
    }
}

Probe::Answer Probe::examine(Watched& watched) const {
    const auto metrics = watched.dispatcher->metrics();
    if (!metrics) return {.trouble = metrics.error().message()};
    Answer answer{.metrics = *metrics};
    if (metrics->store_failing) answer.trouble = "the store takes no writes, or does not give what is asked";

    const auto now = system_clock()->steady_now();
    const std::uint64_t finished =
        metrics->delivered + metrics->failed_attempts + metrics->exhausted + metrics->dropped;
    if (finished != watched.finished) {
        watched.finished = finished;
        watched.finished_at = now;
    }
    const bool moves = metrics->pending == 0 || now - watched.finished_at < watched.stalled_after;
    if (moves || !answer.trouble.empty()) return answer;

    const auto overdue = is_overdue(*store_, system_clock()->now() - watched.stalled_after);
    if (!overdue) {
        answer.trouble = overdue.error().message();
    } else if (*overdue) {
        answer.trouble =
            fmt::format("deliveries are due, and nothing has moved for {}", duration_text(watched.stalled_after));
    }
    return answer;
}

}  // namespace fpt_webhooks::cli
