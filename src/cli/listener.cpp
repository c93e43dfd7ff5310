#include "cli/listener.hpp"

#include <utility>

#include <fmt/core.h>

#include <fpt_webhooks/receiver/http_limits.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>

#include "cli/command.hpp"
#include "cli/http_status.hpp"
#include "cli/output.hpp"

namespace fpt_webhooks::cli {
namespace {

// The request that this thread answers: a receiver calls its observer and its handlers on handle()'s own thread.
thread_local Arrival* current = nullptr;

// The one header of a target's answer that says what the sender is to do.
constexpr std::string_view retry_after = "Retry-After";

const Scheme& scheme_of(Profile profile) { return profile == Profile::fpt ? Scheme::fpt : Scheme::ufp; }

// With what does not belong there as "%1b".
template <class Belongs>
std::string encoded(std::string_view text, Belongs belongs) {
    std::string out;
    for (const char c : text) {
        out += belongs(c) ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
    return out;
}

bool belongs_in_line(char c) noexcept { return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t'; }
bool belongs_in_name(char c) { return check_header({&c, 1}, "").has_value(); }

// As it stood on the wire, but for what the server does not tell: the order of the headers, chunks, and which bytes of
// a header's value were percent-encoded, for httplib decodes them. What would then begin another line of the file, or
// belongs in no header's name, is encoded.
std::string raw_http(const HttpRequest& request) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, encoded(request.url, belongs_in_line));
    for (const auto& [name, value] : request.headers) {
        if (name.empty()) continue;  // which no file can say
        if (equals_ignoring_case(name, "Transfer-Encoding")) {
            text += fmt::format("Content-Length: {}\r\n", request.body.size());
        } else {
            text += fmt::format("{}: {}\r\n", encoded(name, belongs_in_name), encoded(value, belongs_in_line));
        }
    }
    return text + "\r\n" + request.body;
}

// What the target needs to verify the request; what else there is belongs to the connection it came by.
HttpRequest forwarded_request(const HttpRequest& request, const std::string& url) {
    HttpRequest out{.url = url, .body = request.body};
    for (const auto& [name, value] : request.headers) {
        for (const std::string_view kept : {std::string_view("Content-Type"), std::string_view("User-Agent"),
                                            Scheme::fpt.signature_header, Scheme::ufp.signature_header}) {
            if (equals_ignoring_case(name, kept)) out.headers.add(name, value);
        }
    }
    return out;
}

// A status without a body of its own is sent as it is.
HttpResponse answer_with(int status) {
    if (status == 204 || status == 304) return {.status = status};
    return refusal(status, is_success(status) ? "accepted" : "refused by fpt-webhooks listen");
}

}  // namespace

Listener::Listener(ListenerOptions options, Console& console, Stop& stop)
    : options_(std::move(options)), console_(console), stop_(stop) {
    receiver_ = need(Receiver::create({.endpoint = "listen",
                                       .profile = options_.profile,
                                       .secrets = options_.secrets,
                                       .dedupe = need(MemoryDedupe::create({}), "memory"),
                                       .observer = [this](const HandleReport& report) { observe(report); }}),
                     "receiver");
    receiver_->on_any([this](const EventView&) { return work(); });
}

HttpResponse Listener::answer(const HttpRequest& request) {
    try {
        Arrival arrival(request);
        HttpResponse response = receive(arrival);
        print(arrival, console_);
        if (options_.delay.count() > 0) (void)stop_.wait_for(options_.delay);
        if (++answered_ == options_.count) stop_.request();
        return response;
    } catch (const Failure&) {
        fail(std::current_exception());
        return answer_with(500);
    }
}

void Listener::fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    stop_.request();
}

HttpResponse Listener::receive(Arrival& arrival) {
    arrival.time = system_clock()->now();
    if (!options_.record_folder.empty()) record(arrival);
    current = &arrival;
    HttpResponse response = receiver_->handle(arrival.request);
    current = nullptr;
    if (arrival.outcome == HandleOutcome::duplicate && options_.forward) forward(arrival);
    if (is_success(response.status) && options_.status && is_success(*options_.status))
        arrival.answered_instead = options_.status;
    if (arrival.answered_instead) response = answer_with(*arrival.answered_instead);
    if (arrival.retry_after) response.headers.add(std::string(retry_after), *arrival.retry_after);
    arrival.status = response.status;
    if (arrival.outcome == HandleOutcome::unauthorized && may_explain()) {
        arrival.explanation =
            explain(arrival.request, {.scheme = scheme_of(options_.profile), .secrets = options_.secrets});
    }
    return response;
}

void Listener::record(Arrival& arrival) {
    std::string name = need(format_timestamp(arrival.time), "clock");
    std::erase_if(name, [](char c) { return c == '-' || c == ':'; });
    arrival.file = fmt::format("{}/{}-{:06}.http", options_.record_folder, name, ++arrived_);
    write_file(arrival.file, raw_http(arrival.request), 0600);
}

void Listener::observe(const HandleReport& report) const {
    current->outcome = report.outcome;
    current->error = report.error;
    current->event_type = report.event_type;
    current->event_id = report.idempotency_key;
    if (report.secret_index) current->secret = std::string(report.secret_label.text());
    current->failures = report.failures;
    current->completed_ago = report.completed_ago;
}

Result<void> Listener::work() {
    const bool always = options_.status && !is_success(*options_.status) && options_.fail_first == 0;
    if (always || ++worked_ <= options_.fail_first) {
        current->answered_instead = options_.status.value_or(500);
        return Error(Errc::handler_failed, "as told");
    }
    if (options_.forward) forward(*current);
    if (!current->answered_instead || is_success(*current->answered_instead)) return {};
    return Error(Errc::handler_failed, "forward");
}

void Listener::forward(Arrival& arrival) const {
    const auto response = options_.forward(forwarded_request(arrival.request, options_.forward_url));
    arrival.answered_instead = response ? response->status : 502;
    arrival.forwarded = response ? std::to_string(response->status) : response.error().message();
    if (!response) return;
    const auto when = response->headers.find(retry_after);
    if (when && check_header(retry_after, *when)) arrival.retry_after = std::string(*when);
}

bool Listener::may_explain() {
    const auto now = system_clock()->steady_now();
    const std::lock_guard lock(mutex_);
    if (now - explained_since_ > std::chrono::seconds(10)) {
        explained_since_ = now;
        explained_ = 0;
    }
    return ++explained_ <= explanations_max;
}

std::exception_ptr Listener::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

std::string Listener::summary() const {
    const ReceiverStats stats = receiver_->stats();
    const auto fresh = stats.count(HandleOutcome::processed) + stats.count(HandleOutcome::handler_failed);
    const auto duplicates = stats.count(HandleOutcome::duplicate);
    const auto forged = stats.count(HandleOutcome::unauthorized);
    return fmt::format("requests: {} ({} fresh, {} duplicate, {} not verified, {} otherwise refused)", stats.total(),
                       fresh, duplicates, forged, stats.total() - fresh - duplicates - forged);
}

}  // namespace fpt_webhooks::cli
