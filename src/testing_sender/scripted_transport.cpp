#include <fpt_webhooks/testing_sender/scripted_transport.hpp>

#include <algorithm>
#include <utility>

namespace fpt_webhooks::inline v0_1::testing {
namespace {

Result<void> check(const TransportRequest& request, const Transport::Completion& done) {
    if (!request.policy) return Error(Errc::invalid_argument, "request without an endpoint policy");
    if (!done) return Error(Errc::invalid_argument, "request without a completion");
    if (request.http.method.empty()) return Error(Errc::invalid_argument, "request without a method");
    for (const auto& field : request.http.headers) {
        if (auto sendable = check_header(field.name, field.value); !sendable) return sendable;
    }
    if (auto url = request.policy->check_url(request.http.url); !url) return std::move(url).error();
    return {};
}

}  // namespace

ScriptedTransport::ScriptedTransport(Script script, Mode mode) : script_(std::move(script)), mode_(mode) {
    if (mode_ == Mode::own_thread) thread_ = std::thread([this] { serve(); });
}

ScriptedTransport::~ScriptedTransport() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    lock.unlock();
    work_.notify_all();
    if (thread_.joinable()) thread_.join();
    // start() adds nothing any more, so the queues only shrink
    for (auto* queue : {&cancelled_, &waiting_, &hanging_}) {
        for (const Attempt& attempt : std::exchange(*queue, {})) attempt.done(fail(Errc::cancelled));
    }
}

TransportOutcome ScriptedTransport::respond(int status, Headers headers, std::string body) {
    return {.response = HttpResponse{.status = status, .headers = std::move(headers), .body = std::move(body)}};
}

TransportOutcome ScriptedTransport::fail(Errc code) { return {.response = Error(code, "scripted")}; }

Result<Transport::Token> ScriptedTransport::start(TransportRequest request, Completion done) {
    if (auto valid = check(request, done); !valid) return std::move(valid).error();
    const std::scoped_lock lock(mutex_);
    if (stopping_) return Error(Errc::cancelled, "the transport is being destroyed");
    if (waiting_.size() + hanging_.size() + cancelled_.size() + asking_.size() >= slots_) {
        return Error(Errc::overloaded, "all slots are in use");
    }
    requests_.push_back(request);
    const Token token = ++last_token_;
    waiting_.push_back({token, std::move(request), std::move(done)});
    work_.notify_one();
    return token;
}

void ScriptedTransport::cancel(Token token) {
    const std::scoped_lock lock(mutex_);
    if (const auto asked = asking_.find(token); asked != asking_.end()) asked->second = true;
    for (auto* queue : {&waiting_, &hanging_}) {
        const auto found =
            std::find_if(queue->begin(), queue->end(), [&](const Attempt& attempt) { return attempt.token == token; });
        if (found == queue->end()) continue;
        cancelled_.push_back(std::move(*found));
        queue->erase(found);
        work_.notify_one();
        return;
    }
}

ScriptedTransport::Step ScriptedTransport::take_step() {
    std::unique_lock lock(mutex_);
    if (!cancelled_.empty()) {
        const Attempt attempt = std::move(cancelled_.front());
        cancelled_.pop_front();
        lock.unlock();
        attempt.done(fail(Errc::cancelled));
        return Step::completed;
    }
    if (waiting_.empty()) return Step::idle;
    Attempt attempt = std::move(waiting_.front());
    waiting_.pop_front();
    asking_.emplace(attempt.token, false);
    lock.unlock();
    std::optional<TransportOutcome> outcome = script_(attempt.request);

    lock.lock();
    const bool cancelled = asking_.extract(attempt.token).mapped();
    if (cancelled) outcome = fail(Errc::cancelled);
    if (!outcome) {
        hanging_.push_back(std::move(attempt));
        return Step::hung;
    }
    lock.unlock();  // the slot is free before the completion, which may start the next attempt
    attempt.done(*std::move(outcome));
    return Step::completed;
}

void ScriptedTransport::serve() {
    // An exception from a script or a completion ends the program: in a test nothing should be swallowed.
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, [&] { return stopping_ || !waiting_.empty() || !cancelled_.empty(); });
            if (stopping_) return;
        }
        take_step();
    }
}

std::size_t ScriptedTransport::run() {
    if (mode_ != Mode::by_run) return 0;
    std::size_t completed = 0;
    for (;;) {
        const Step step = take_step();
        if (step == Step::idle) return completed;
        if (step == Step::completed) ++completed;
    }
}

void ScriptedTransport::set_slots(std::size_t slots) {
    const std::scoped_lock lock(mutex_);
    slots_ = slots;
}

std::vector<TransportRequest> ScriptedTransport::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::size_t ScriptedTransport::in_flight() const {
    const std::scoped_lock lock(mutex_);
    return waiting_.size() + hanging_.size() + cancelled_.size() + asking_.size();
}

}  // namespace fpt_webhooks::inline v0_1::testing
