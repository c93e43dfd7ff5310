#include "testing/course.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "testing/vendor_request.hpp"

namespace fpt_webhooks::inline v0_1::testing {
namespace {

namespace chr = std::chrono;

constexpr chr::hours late_by{23};          // within FPT's 24 h of retries
constexpr chr::seconds slow_body_for{29};  // FPT gives up after 30 s

// What a server may say to a request whose event another one is processing.
bool says_come_again(int status) noexcept { return status == 409 || status == 425 || status == 429 || status == 503; }

Result<Signer> make_signer(const std::optional<Secret>& secret, std::string_view name, RandomSource& random) {
    auto used = secret ? Result<Secret>(*secret) : Secret::generate(random);
    if (!used) return used.error().in(name);
    auto signer = Signer::create(Scheme::fpt, *used);
    if (!signer) return signer.error().in(name);
    return signer;
}

std::string_view name_of(Expected expected) noexcept {
    switch (expected) {
        case Expected::accepted: return "2xx";
        case Expected::refused: return "401";
        case Expected::not_accepted: return "anything but 2xx";
        case Expected::answered: return "any answer";
        case Expected::rejected: return "4xx";
        case Expected::anything: return "anything";
    }
    return "";
}

bool meets(int status, Expected expected) noexcept {
    const bool accepted = status / 100 == 2;
    switch (expected) {
        case Expected::accepted: return accepted;
        case Expected::refused: return status == 401;
        case Expected::not_accepted: return !accepted;
        case Expected::answered: return true;
        case Expected::rejected: return status / 100 == 4;
        case Expected::anything: return true;
    }
    return false;
}

void reorder(Course& course, const Envelope& event) {
    auto id = EventId::generate(*course.side().clock, *course.side().random);
    if (!id) return course.complain("no id could be made: " + id.error().message());
    Envelope older = event;
    older.event_id = *id;
    older.timestamp -= chr::seconds(1);
    older.timestamp_text.clear();
    course.send(event, Expected::accepted, "the event");
    course.send(older, Expected::accepted, "an older event, which came after it,");
    course.expect_effects(event, 1);
    course.expect_effects(older, 1);
}

// Nothing is wrong with this one: where it is refused, the two sides do not have the same secret.
void deliver(Course& course, const Envelope& event) {
    course.send(event, Expected::accepted, "the event");
    FaultyDelivery& result = course.result();
    if (!result.answers.empty() && result.answers.back().status == 401) {
        result.complaint += ": has the receiver another secret, or a wrong clock?";
    }
    course.expect_effects(event, 1);
}

void cut(Course& course, const Envelope& event) {
    const auto halve = [](HttpRequest& request) { request.body.resize(request.body.size() / 2); };
    course.send(event, Expected::not_accepted, "half of the body", {.alter = halve});
    course.send(event, Expected::accepted, "the whole event");
    course.send(event, Expected::accepted, "the event again, after its answer got lost,");
    course.expect_effects(event, 1);
}

// In the middle: neither a length nor an end gives it away.
void tamper(HttpRequest& request) {
    char& byte = request.body[request.body.size() / 2];
    byte = byte == '1' ? '2' : '1';
}

}  // namespace

Result<SendingSide> SendingSide::create(const Secret& secret, const std::optional<Secret>& old_secret,
                                        const std::optional<Secret>& future_secret, std::shared_ptr<const Clock> clock,
                                        std::shared_ptr<RandomSource> random) {
    if (!clock) clock = system_clock();
    if (!random) random = system_random();
    auto current = make_signer(secret, "secret", *random);
    if (!current) return current.error();
    auto old = make_signer(old_secret, "old_secret", *random);
    if (!old) return old.error();
    auto future = make_signer(future_secret, "future_secret", *random);
    if (!future) return future.error();
    return SendingSide{.current = *std::move(current),
                       .old = *std::move(old),
                       .future = *std::move(future),
                       .clock = std::move(clock),
                       .random = std::move(random)};
}

bool is_accepted(const HttpResponse& answer) noexcept { return meets(answer.status, Expected::accepted); }

std::string complaint_about(const Result<HttpResponse>& answer, Expected expected, std::string_view what) {
    std::string text(what);
    if (!answer) {
        if (expected == Expected::not_accepted || expected == Expected::anything) return {};
        return text + " got no answer (" + answer.error().message() + "), where " + std::string(name_of(expected)) +
               " is expected";
    }
    if (meets(answer->status, expected)) return {};
    return text + " was answered " + std::to_string(answer->status) + ", where " + std::string(name_of(expected)) +
           " is expected";
}

void replace_header(HttpRequest& request, std::string_view name, std::string value) {
    Headers headers;
    for (const auto& field : request.headers) {
        headers.add(field.name, equals_ignoring_case(field.name, name) ? value : field.value);
    }
    request.headers = std::move(headers);
}

void Course::complain(std::string text) {
    if (good()) result_.complaint = std::move(text);
}

void Course::expect_effects(const Envelope& event, std::uint64_t times) {
    result_.effects.push_back({event.event_id, times});
}

std::optional<std::string> Course::encode(const Envelope& event) {
    auto body = encode_envelope(event);
    if (body) return *std::move(body);
    complain("the event cannot be written: " + body.error().message());
    return std::nullopt;
}

std::optional<HttpRequest> Course::request(const std::string& body, const Manner& manner) {
    const Signer& signer = manner.signer ? *manner.signer : side_.current;
    auto request = vendor_request(signer, Profile::fpt, body, side_.clock->now() - manner.signed_ago);
    if (!request) {
        complain("the event cannot be signed: " + request.error().message());
        return std::nullopt;
    }
    request->url = side_.url;
    if (manner.alter) manner.alter(*request);
    return *std::move(request);
}

Result<HttpResponse> Course::exchange(const HttpRequest& request) const {
    try {
        return side_.exchange(request);
    } catch (const std::exception& exception) {
        return Error(Errc::handler_failed, std::string("exception: ") + exception.what());
    } catch (...) {
        return Error(Errc::handler_failed, "exception that is no std::exception");
    }
}

void Course::take(Result<HttpResponse> answer, Expected expected, std::string_view what) {
    complain(complaint_about(answer, expected, what));
    if (answer) result_.answers.push_back(*std::move(answer));
}

void Course::send_body(const std::string& body, Expected expected, std::string_view what, const Manner& manner) {
    if (!good()) return;
    if (const auto made = request(body, manner)) take(exchange(*made), expected, what);
}

void Course::send(const Envelope& event, Expected expected, std::string_view what, const Manner& manner) {
    if (!good()) return;
    if (const auto body = encode(event)) send_body(*body, expected, what, manner);
}

void Course::send_together(const Envelope& event, std::size_t times) {
    if (!good()) return;
    const auto body = encode(event);
    const auto made = body ? request(*body) : std::nullopt;
    if (!made) return;

    std::vector<Result<HttpResponse>> answers(times, Error(Errc::cancelled, "not sent"));
    std::atomic<bool> all_there{false};
    std::vector<std::thread> threads;
    threads.reserve(times);
    try {
        for (auto& answer : answers) {
            threads.emplace_back([&, slot = &answer] {
                all_there.wait(false);
                *slot = exchange(*made);
            });
        }
    } catch (const std::system_error& error) {
        complain(std::string("no thread for a concurrent duplicate: ") + error.what());
    }
    all_there = true;
    all_there.notify_all();
    for (auto& thread : threads) thread.join();

    bool again = false;
    for (auto& answer : answers) {
        const bool put_off = answer && says_come_again(answer->status);
        again = again || put_off;
        take(std::move(answer), put_off ? Expected::answered : Expected::accepted,
             "one of several concurrent duplicates");
    }
    if (again) send(event, Expected::accepted, "the event again, after one of its duplicates was told to come again,");
}

void fail_first(Course& course, const Envelope& event, std::optional<chr::milliseconds> lasts_if_stored) {
    const auto& failure_hook = course.side().failure_hook;
    if (failure_hook) failure_hook(true);
    course.send(event, lasts_if_stored ? Expected::anything : Expected::not_accepted,
                "the event, whose processing was to fail,");
    const auto& answers = course.result().answers;
    const bool stored = lasts_if_stored && !answers.empty() && is_accepted(answers.back());
    if (stored) std::this_thread::sleep_for(*lasts_if_stored);
    if (failure_hook) failure_hook(false);
    if (!stored) course.send(event, Expected::accepted, "the retry after a failure");
    course.expect_effects(event, 1);
}

void run_fault(Course& course, const Envelope& event, Fault fault) {
    switch (fault) {
        case Fault::none: return deliver(course, event);
        case Fault::duplicate:
            course.send(event, Expected::accepted, "the event");
            course.send(event, Expected::accepted, "its duplicate");
            return course.expect_effects(event, 1);
        case Fault::concurrent_duplicates:
            course.send_together(event, concurrent_duplicates);
            return course.expect_effects(event, 1);
        case Fault::reordered: return reorder(course, event);
        case Fault::late: {
            Envelope old = event;
            old.timestamp = std::min(old.timestamp, course.side().clock->now() - late_by);
            old.timestamp_text.clear();
            course.send(old, Expected::accepted, "an event that happened 23 hours ago and is signed now");
            return course.expect_effects(event, 1);
        }
        case Fault::stale:
            course.send(event, Expected::refused, "an event signed ten minutes ago", {.signed_ago = beyond_tolerance});
            return course.expect_effects(event, 0);
        case Fault::old_secret:
            course.send(event, Expected::refused, "an event signed with the old secret",
                        {.signer = &course.side().old});
            return course.expect_effects(event, 0);
        case Fault::future_secret:
            course.send(event, Expected::refused, "an event signed with a future secret",
                        {.signer = &course.side().future});
            course.send(event, Expected::accepted, "the same event, signed with the receiver's secret,");
            return course.expect_effects(event, 1);
        case Fault::tampered:
            course.send(event, Expected::refused, "an event changed after signing", {.alter = tamper});
            return course.expect_effects(event, 0);
        case Fault::slow_body:
            course.send(event, Expected::accepted, "an event signed 29 s ago", {.signed_ago = slow_body_for});
            return course.expect_effects(event, 1);
        case Fault::cut_connection: return cut(course, event);
        case Fault::retry_after_500: return fail_first(course, event, std::nullopt);
    }
}

}  // namespace fpt_webhooks::inline v0_1::testing
