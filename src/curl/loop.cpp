#include "curl/loop.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <system_error>

#include "core/fork.hpp"
#include "curl/quiet_thread.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr unsigned slot_bits = 16;  // of a token: the slot's number; the rest counts the attempts
constexpr Transport::Token slot_mask = (Transport::Token{1} << slot_bits) - 1;

// So often a turn may go on with what its own completions started before it looks at the sockets again.
constexpr int rounds_max = 4;

// Nobody waits a day for a webhook; it also keeps the limits far from the ends of their types.
constexpr milliseconds timeout_limit = std::chrono::hours(24);

TransportOutcome failed(Error error) { return TransportOutcome{.response = std::move(error)}; }

bool is_token(std::string_view text) { return check_header(text, {}).has_value(); }

// Fields that say how the message is framed or routed. A second opinion in them is how requests are smuggled.
bool is_framing_header(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 10> names = {
        "Host", "Content-Length", "Transfer-Encoding", "Connection",          "Expect",
        "TE",   "Trailer",        "Upgrade",           "Proxy-Authorization", "Proxy-Connection"};
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

Result<void> check_request(const TransportRequest& request) {
    const HttpRequest& http = request.http;
    if (!request.policy) return Error(Errc::invalid_argument, "policy: is null");
    if (!is_token(http.method)) return Error(Errc::invalid_argument, "method: not a token");
    if (http.method == "HEAD" || http.method == "CONNECT") {
        return Error(Errc::invalid_argument, "method: HEAD and CONNECT are not carried");
    }
    if (request.timeout < milliseconds(1) || request.timeout > timeout_limit) {
        return Error(Errc::invalid_argument, "timeout: must be 1 ms to 24 h");
    }
    if (request.connect_timeout < milliseconds(1) || request.connect_timeout > timeout_limit) {
        return Error(Errc::invalid_argument, "connect_timeout: must be 1 ms to 24 h");
    }
    for (const Headers::Field& field : http.headers) {
        if (auto good = check_header(field.name, field.value); !good) return good;
        if (is_framing_header(field.name)) {
            return Error(Errc::invalid_argument, "header " + field.name + " is set by the transport alone");
        }
    }
    return {};
}

// A resolver's trouble is ours; only a name that does not resolve is the endpoint's.
Error error_of_answer(const Error& error) {
    if (error == Errc::resolve_failed) return error;
    return Error(Errc::local_failure, "resolver: " + error.message());
}

}  // namespace

// What libcurl calls. Nothing may be thrown through its frames.
struct Loop::Callbacks {
    static int socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
        std::uint32_t events = 0;
        if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN;
        if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
        try {
            // A refusal for lack of memory leaves the attempt to its time limit; -1 would end every transfer.
            (void)static_cast<Loop*>(self)->poller_.want(socket, events);
        } catch (...) {
        }
        return 0;
    }

    static int timer(CURLM*, long timeout_ms, void* self) noexcept {
        Loop& loop = *static_cast<Loop*>(self);
        if (timeout_ms < 0) {
            loop.timer_.reset();
        } else if (timeout_ms == 0) {
            loop.timer_ = TimePoint::min();
        } else {
            loop.timer_ = std::chrono::steady_clock::now() + milliseconds(timeout_ms);
        }
        return 0;
    }
};

Loop::Loop(LoopOptions options) : options_(std::move(options)) {}

bool Loop::abandoned() const noexcept { return fork_generation() != generation_; }

Loop::~Loop() {
    slots_.clear();  // easy handles first
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
}

Result<std::shared_ptr<Loop>> Loop::create(LoopOptions options) {
    const std::shared_ptr<Loop> loop(new Loop(std::move(options)));
    if (auto opened = loop->open(); !opened) return opened.error();
    try {
        loop->thread_ = start_quiet_thread([loop]() noexcept { loop->run(); });
    } catch (const std::system_error&) {
        return Error(Errc::local_failure, "no thread for the transport's loop");
    }
    return loop;
}

Result<void> Loop::open() {
    if (auto opened = poller_.open(); !opened) return opened;
    multi_ = curl_multi_init();
    if (multi_ == nullptr) return Error(Errc::local_failure, "no memory for a libcurl multi handle");
    // libcurl's limit counts the connections in use too, and closes a kept one for each above it.
    const auto connections_max = static_cast<long>(options_.in_flight_max + options_.idle_connections_max);
    const bool set = curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, Callbacks::socket) == CURLM_OK &&
                     curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this) == CURLM_OK &&
                     curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, Callbacks::timer) == CURLM_OK &&
                     curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this) == CURLM_OK &&
                     curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections_max) == CURLM_OK;
    if (!set) return Error(Errc::local_failure, "libcurl refused a setting");

    slots_.resize(options_.in_flight_max);
    free_.reserve(options_.in_flight_max);
    failed_.reserve(options_.in_flight_max);
    for (Inbox* inbox : {&inbox_, &reading_}) {
        inbox->submitted.reserve(options_.in_flight_max);
        inbox->cancelled.reserve(options_.in_flight_max);
    }
    for (std::size_t i = options_.in_flight_max; i-- > 0;) {
        slots_[i] = std::make_unique<Slot>();
        free_.push_back(static_cast<SlotNumber>(i));
    }
    return equip(*slots_.front());  // a libcurl that lacks a setting is found out now
}

// Gives the slot its libcurl handle, which it keeps.
Result<void> Loop::equip(Slot& slot) {
    if (slot.exchange) return {};
    auto created = Exchange::create(options_.exchange, poller_);
    if (!created) return created.error();
    slot.exchange = *std::move(created);
    curl_easy_setopt(slot.exchange->handle(), CURLOPT_PRIVATE, &slot);
    return {};
}

bool Loop::on_loop_thread() const noexcept {
    return thread_id_.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

Result<Loop::SlotNumber> Loop::take_slot() {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error(Errc::cancelled, "the transport is being destroyed");
    if (free_.empty()) return Error(Errc::overloaded, "in_flight_max reached");
    const SlotNumber number = free_.back();  // the last one freed: a lane's next attempt finds its URL still set
    free_.pop_back();
    return number;
}

void Loop::return_slot(SlotNumber number) noexcept {
    const std::lock_guard lock(mutex_);
    free_.push_back(number);  // room was reserved for all
}

// Judges the URL; a slot that went to the same URL under the same policy remembers the verdict.
Result<void> Loop::aim(Slot& slot, const TransportRequest& request) {
    if (slot.target && slot.target->policy == request.policy && slot.target->text == request.http.url) return {};
    auto url = request.policy->check_url(request.http.url);
    if (!url) return url.error();
    if (!url->is_https() && !url->address() && !options_.exchange.proxy.empty()) {
        return Error(Errc::refused_by_policy, "plain HTTP to a name that the proxy resolves: nobody could judge it");
    }
    std::string canonical = url->to_string();
    slot.target.emplace(Target{request.http.url, request.policy, *std::move(url), std::move(canonical)});
    return {};
}

Result<Loop::Token> Loop::start(TransportRequest request, Completion done) {
    if (auto good = check_request(request); !good) return good.error();
    if (!done) return Error(Errc::invalid_argument, "done: is empty");
    auto taken = take_slot();
    if (!taken) return taken.error();
    const SlotNumber number = *taken;
    Slot& slot = *slots_[number];
    if (auto aimed = aim(slot, request); !aimed) {
        return_slot(number);
        return aimed.error();
    }
    const Token token = (++next_token_ << slot_bits) | number;
    slot.request = std::move(request);
    slot.done = std::move(done);
    slot.started = options_.clock->steady_now();
    slot.stage = Stage::submitted;
    if (on_loop_thread()) {
        slot.token.store(token, std::memory_order_release);
        begin(number);
        return token;
    }
    if (!submit(number, token)) return Error(Errc::cancelled, "the transport is being destroyed");
    wake();
    return token;
}

bool Loop::submit(SlotNumber number, Token token) {
    Slot& slot = *slots_[number];
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_) {
            slot.token.store(token, std::memory_order_release);  // from here on the attempt will be completed
            inbox_.submitted.push_back(number);                  // room was reserved for all
            return true;
        }
    }
    slot.done = nullptr;
    slot.request = {};
    return false;
}

void Loop::cancel(Token token) {
    const auto number = static_cast<SlotNumber>(token & slot_mask);
    if (token == 0 || number >= slots_.size()) return;
    Slot& slot = *slots_[number];
    if (slot.token.load(std::memory_order_acquire) != token) return;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || slot.cancel_asked.exchange(token) == token) return;
        inbox_.cancelled.push_back(token);
    }
    wake();
}

void Loop::wake() {
    if (!wake_pending_.exchange(true)) poller_.wake();
}

// The resolver's completion, on any thread, maybe inside the call to it.
void Loop::receive(std::string host, Result<std::vector<IpAddress>> addresses) noexcept {
    try {
        if (on_loop_thread() && asking_ != nullptr && *asking_ == host) {
            answered_at_once_.emplace(std::move(addresses));
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
            inbox_.answers.push_back({std::move(host), std::move(addresses)});
        }
        wake();
    } catch (...) {
        // no memory for the answer: who waits for it ends at its time limit
    }
}

void Loop::run() noexcept {
    thread_id_ = std::this_thread::get_id();
    while (!abandoned()) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) break;
        }
        try {
            turn();
        } catch (...) {
            // out of memory somewhere: what was under way is still in its slot, and ends at its time limit
        }
    }
    if (!abandoned()) end_all();
}

void Loop::turn() {
    int running = 0;
    for (const Poller::Ready& ready : poller_.wait(wait_ms())) {
        int events = 0;
        if ((ready.events & (EPOLLIN | EPOLLHUP)) != 0) events |= CURL_CSELECT_IN;
        if ((ready.events & EPOLLOUT) != 0) events |= CURL_CSELECT_OUT;
        if ((ready.events & EPOLLERR) != 0) events |= CURL_CSELECT_IN | CURL_CSELECT_OUT;  // reading tells which error
        curl_multi_socket_action(multi_, ready.socket, events, &running);
    }
    read_inbox();
    expire_questions();
    // Completions start new attempts, and sending those may complete some at once: whatever libcurl was called for, its
    // results are read afterwards, since no event would come for them.
    for (int round = 0; round < rounds_max; ++round) {
        if (!run_due_timer() && round > 0) break;
        reap();
        complete_failed();
    }
}

bool Loop::run_due_timer() {
    if (abandoned() || !timer_ || (*timer_ != TimePoint::min() && *timer_ > std::chrono::steady_clock::now())) {
        return false;
    }
    timer_.reset();
    int running = 0;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    return true;
}

int Loop::wait_ms() const {
    std::optional<TimePoint> next = timer_;
    if (next == TimePoint::min() || !failed_.empty()) return 0;
    auto wait = next ? *next - std::chrono::steady_clock::now() : TimePoint::duration::max();
    if (!question_deadlines_.empty()) {
        wait = std::min(wait, question_deadlines_.begin()->first - options_.clock->steady_now());
    }
    if (wait == TimePoint::duration::max()) return -1;
    const auto rounded = std::chrono::ceil<milliseconds>(wait).count();
    return static_cast<int>(std::clamp<std::int64_t>(rounded, 0, std::numeric_limits<int>::max()));
}

void Loop::read_inbox() {
    if (!wake_pending_.load()) return;
    wake_pending_.store(false);  // before the inbox is taken: what comes later wakes again
    {
        const std::lock_guard lock(mutex_);
        std::swap(inbox_, reading_);
    }
    for (const SlotNumber number : reading_.submitted) begin(number);
    for (Answer& answer : reading_.answers) take_answer(std::move(answer));
    for (const Token token : reading_.cancelled) {
        const auto number = static_cast<SlotNumber>(token & slot_mask);
        if (slots_[number]->token.load(std::memory_order_relaxed) == token) {
            abort(number, Error(Errc::cancelled, "by its owner"));
        }
    }
    reading_.submitted.clear();
    reading_.answers.clear();
    reading_.cancelled.clear();
}

void Loop::begin(SlotNumber number) noexcept {
    Slot& slot = *slots_[number];
    try {
        if (slot.target->url.address() || !options_.exchange.proxy.empty()) {
            transfer(number, {});
        } else {
            resolve(number);
        }
    } catch (...) {
        fail_later(number, Error(Errc::local_failure));
    }
}

void Loop::resolve(SlotNumber number) {
    Slot& slot = *slots_[number];
    const std::string& host = slot.target->url.host();
    slot.stage = Stage::resolving;
    slot.resolve_deadline = slot.started + std::min(slot.request.timeout, slot.request.connect_timeout);
    auto question = questions_.find(host);
    if (question == questions_.end()) {
        asking_ = &host;
        answered_at_once_.reset();
        try {
            options_.resolver->resolve(host, [weak = weak_from_this(), host](Result<std::vector<IpAddress>> addresses) {
                if (const auto loop = weak.lock()) loop->receive(host, std::move(addresses));
            });
        } catch (...) {
            asking_ = nullptr;
            return fail_later(number, Error(Errc::local_failure, "the resolver threw"));
        }
        asking_ = nullptr;
        if (answered_at_once_) return use_addresses(number, *answered_at_once_);
        question = questions_.try_emplace(host).first;
    }
    question->second.push_back(number);
    question_deadlines_.emplace(slot.resolve_deadline, number);
}

void Loop::take_answer(Answer answer) {
    auto question = questions_.extract(answer.host);
    if (question.empty()) return;
    for (const SlotNumber number : question.mapped()) {
        question_deadlines_.erase({slots_[number]->resolve_deadline, number});
        use_addresses(number, answer.addresses);
    }
}

void Loop::use_addresses(SlotNumber number, const Result<std::vector<IpAddress>>& addresses) noexcept {
    Slot& slot = *slots_[number];
    try {
        if (!addresses) return fail_later(number, error_of_answer(addresses.error()));
        if (auto allowed = slot.target->policy->check_answer(slot.target->url, *addresses); !allowed) {
            return fail_later(number, std::move(allowed).error());
        }
        std::vector<std::string> lines;
        slot.pin = &pins_.acquire(slot.target->url, *addresses, lines);
        slot.pin_version = slot.pin->version;
        transfer(number, std::move(lines));
    } catch (...) {
        fail_later(number, Error(Errc::local_failure));
    }
}

void Loop::transfer(SlotNumber number, std::vector<std::string> pins) {
    Slot& slot = *slots_[number];
    slot.transfer_started = slot.stage == Stage::resolving ? options_.clock->steady_now() : slot.started;
    slot.stage = Stage::submitted;
    const auto elapsed = std::chrono::floor<milliseconds>(slot.transfer_started - slot.started);
    const TimeLimits limits{.total = slot.request.timeout - elapsed, .connect = slot.request.connect_timeout - elapsed};
    if (limits.total.count() < 1 || limits.connect.count() < 1) {  // zero would mean none to libcurl
        return fail_later(number, Error(Errc::timed_out, "the name was not resolved within the time limit"));
    }
    if (auto equipped = equip(slot); !equipped) return fail_later(number, equipped.error());
    CURL* const easy = slot.exchange->handle();
    if (!slot.exchange->begin(*slot.target, slot.request.http, limits, std::move(pins)) ||
        curl_multi_add_handle(multi_, easy) != CURLM_OK) {
        return fail_later(number, Error(Errc::local_failure, "libcurl did not take the request"));
    }
    slot.stage = Stage::transferring;
}

void Loop::expire_questions() {
    if (question_deadlines_.empty()) return;
    const TimePoint now = options_.clock->steady_now();
    while (!question_deadlines_.empty() && question_deadlines_.begin()->first <= now) {
        const SlotNumber number = question_deadlines_.begin()->second;
        abort(number, Error(Errc::timed_out, "the name was not resolved within the time limit"));
    }
}

// The question itself stays: whoever asks for the host next joins it, so that a hanging name is asked for once.
void Loop::stop_waiting(SlotNumber number) noexcept {
    Slot& slot = *slots_[number];
    question_deadlines_.erase({slot.resolve_deadline, number});
    if (const auto question = questions_.find(slot.target->url.host()); question != questions_.end()) {
        std::erase(question->second, number);
    }
}

// All that libcurl has finished, before anything new is sent.
void Loop::reap() {
    int left = 0;
    while (!abandoned()) {
        const CURLMsg* const message = curl_multi_info_read(multi_, &left);
        if (message == nullptr) break;
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;
        CURL* const easy = message->easy_handle;
        Slot* slot = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        curl_multi_remove_handle(multi_, easy);  // the message is gone with it
        const auto number = static_cast<SlotNumber>(slot->token.load(std::memory_order_relaxed) & slot_mask);
        try {
            finish(number, slot->exchange->finish(code));
        } catch (...) {
            finish(number, failed(Error(Errc::no_response)));
        }
    }
}

// Ends an attempt at whatever stage it is, and completes it at once: never inside start() or cancel().
void Loop::abort(SlotNumber number, Error error) noexcept {
    Slot& slot = *slots_[number];
    if (slot.stage == Stage::resolving) stop_waiting(number);
    if (slot.stage == Stage::transferring) curl_multi_remove_handle(multi_, slot.exchange->handle());
    std::erase_if(failed_, [number](const auto& entry) { return entry.first == number; });
    finish(number, failed(std::move(error)));
}

void Loop::fail_later(SlotNumber number, Error error) noexcept {
    slots_[number]->stage = Stage::submitted;
    failed_.emplace_back(number, std::move(error));  // room was reserved for all
}

void Loop::complete_failed() {
    for (std::size_t left = failed_.size(); left > 0 && !failed_.empty() && !abandoned(); --left) {
        auto [number, error] = std::move(failed_.front());
        failed_.erase(failed_.begin());
        finish(number, failed(std::move(error)));
    }
}

// The slot is free before the completion runs, so that it can start the lane's next attempt.
void Loop::finish(SlotNumber number, TransportOutcome outcome) noexcept {
    Slot& slot = *slots_[number];
    if (slot.stage == Stage::transferring) {
        const auto resolved = std::chrono::floor<microseconds>(slot.transfer_started - slot.started);
        for (auto* time : {&outcome.timings.connected, &outcome.timings.secured, &outcome.timings.first_byte}) {
            if (time->count() > 0) *time += resolved;
        }
        if (slot.pin != nullptr) outcome.timings.resolved = resolved;
    }
    outcome.timings.total = std::chrono::floor<microseconds>(options_.clock->steady_now() - slot.started);
    if (slot.pin != nullptr) {
        Pins::release(*slot.pin, slot.pin_version, slot.stage == Stage::transferring && slot.exchange->pins_loaded());
        slot.pin = nullptr;
    }
    Completion done = std::move(slot.done);
    slot.done = nullptr;
    slot.request = {};
    slot.stage = Stage::free;
    slot.token.store(0, std::memory_order_release);
    return_slot(number);
    try {
        done(std::move(outcome));
    } catch (...) {
        // the user's, and documented as ignored
    }
}

void Loop::end_all() noexcept {
    for (SlotNumber number = 0; number < slots_.size(); ++number) {
        if (slots_[number]->token.load(std::memory_order_acquire) == 0) continue;
        abort(number, Error(Errc::cancelled, "shutting down"));  // a text that needs no memory
    }
}

void Loop::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_pending_.store(true);
    poller_.wake();
    if (on_loop_thread()) {
        thread_.detach();  // it holds the loop, and ends after the completion that called this
    } else {
        thread_.join();
    }
}

}  // namespace fpt_webhooks::inline v0_1::detail
