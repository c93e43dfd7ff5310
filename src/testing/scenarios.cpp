#include "testing/scenarios.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace fpt_webhooks::inline v0_1::testing {
namespace {

namespace chr = std::chrono;

constexpr chr::milliseconds poll_step{10};
constexpr chr::milliseconds redelivery_step{100};

// Under a malicious sender's header; four times what an honest one has.
constexpr std::size_t long_header_bytes = 5000;

// Deeper than a recursive parser's stack.
constexpr std::size_t deep_nesting = 200'000;

constexpr std::string_view signature_header = Scheme::fpt.signature_header;

template <Fault fault>
void play_fault(Trial& trial) {
    if (const auto event = trial.make_event()) run_fault(trial.course(), *event, fault);
}

std::string signature_of(const HttpRequest& request) {
    return std::string(request.headers.find(signature_header).value_or(""));
}

// Alters the 64 digits behind "v1=".
auto alter_digits(std::string (*change)(std::string digits)) {
    return [change](HttpRequest& request) {
        std::string value = signature_of(request);
        const auto digits = value.find("v1=") + 3;
        replace_header(request, signature_header, value.substr(0, digits) + change(value.substr(digits)));
    };
}

char other_digit(char digit) noexcept { return digit == '0' ? '1' : '0'; }

std::string wrong_digits(std::string digits) {
    for (char& digit : digits) digit = other_digit(digit);
    return digits;
}

void drop_signature(HttpRequest& request) {
    Headers headers;
    for (const auto& field : request.headers) {
        if (!equals_ignoring_case(field.name, signature_header)) headers.add(field.name, field.value);
    }
    request.headers = std::move(headers);
}

void play_unsigned(Trial& trial) {
    const auto event = trial.make_event();
    if (!event) return;
    trial.course().send(*event, Expected::refused, "an event without a signature", {.alter = drop_signature});
    trial.course().expect_effects(*event, 0);
}

void play_from_the_future(Trial& trial) {
    const auto event = trial.make_event();
    if (!event) return;
    trial.course().send(*event, Expected::refused, "an event signed ten minutes in the future",
                        {.signed_ago = -beyond_tolerance});
    trial.course().expect_effects(*event, 0);
}

void play_partial_signature(Trial& trial) {
    const auto event = trial.make_event();
    if (!event) return;
    const auto send = [&](std::string_view what, std::string (*change)(std::string)) {
        trial.course().send(*event, Expected::refused, what, {.alter = alter_digits(change)});
    };
    send("a signature whose last digit is wrong", [](std::string digits) {
        digits.back() = other_digit(digits.back());
        return digits;
    });
    send("a signature whose first digit is wrong", [](std::string digits) {
        digits.front() = other_digit(digits.front());
        return digits;
    });
    send("a signature whose second half is wrong",
         [](std::string digits) { return digits.substr(0, 32) + wrong_digits(digits.substr(32)); });
    send("the first half of a signature", [](std::string digits) { return digits.substr(0, 32); });
    send("an empty signature", [](std::string) { return std::string(); });
    trial.course().expect_effects(*event, 0);
}

void play_appended_bytes(Trial& trial) {
    const auto event = trial.make_event();
    if (!event) return;
    const auto send = [&](std::string_view what, std::string_view more) {
        trial.course().send(*event, Expected::refused, what,
                            {.alter = [more](HttpRequest& request) { request.body += more; }});
    };
    send("an event with an object after the signed bytes", "{}");
    send("an event with a NUL and more after the signed bytes", std::string_view("\0{}", 3));
    trial.course().expect_effects(*event, 0);
}

void play_raw_bytes(Trial& trial) {
    const auto event = trial.make_event();
    const auto respaced = trial.make_event();
    if (!event || !respaced) return;
    // Valid, and nothing that a serialiser would write.
    const std::string body = "{ \"data\": {\"contactId\" : " + std::to_string(trial.options().contact.value()) +
                             " , \"operation\":\"\\u0075pdate\"},\n  \"apiVersion\":\"v1\",\r\n\t\"organizationId\":" +
                             std::to_string(event->organization_id.value()) +
                             ",\"locationId\":" + std::to_string(event->location_id.value()) +
                             ", \"eventTimestamp\":\"" + format_timestamp(event->timestamp).value() +
                             "\", \"eventType\":\"contact\\u002eupdated\", \"eventId\":\"" +
                             event->event_id.to_string() + "\" }";
    trial.course().send_body(body, Expected::accepted, "a signed event in unusual JSON");
    trial.course().send(*respaced, Expected::refused, "an event with a blank put in after signing",
                        {.alter = [](HttpRequest& request) { request.body.insert(request.body.begin() + 1, ' '); }});
    trial.course().send(*respaced, Expected::refused, "an event with a line break after the signed bytes",
                        {.alter = [](HttpRequest& request) { request.body += '\n'; }});
    trial.course().expect_effects(*event, 1);
    trial.course().expect_effects(*respaced, 0);
}

void play_several_signatures(Trial& trial) {
    const auto send = [&](std::string_view what, auto&& arrange) {
        const auto event = trial.make_event();
        if (!event) return;
        trial.course().send(*event, Expected::accepted, what, {.alter = [&](HttpRequest& request) {
            std::string value = signature_of(request);
            const auto comma = value.find(',');
            const std::string good = value.substr(comma);
            const std::string wrong = ",v1=" + wrong_digits(good.substr(4));
            replace_header(request, signature_header, value.substr(0, comma) + arrange(good, wrong));
        }});
    };
    using Part = const std::string&;
    send("a right signature before a wrong one", [](Part good, Part wrong) { return good + wrong; });
    send("a right signature after a wrong one", [](Part good, Part wrong) { return wrong + good; });
    send("a right signature after one of another version", [](Part good, Part) { return ",v0=abc" + good; });
}

void play_header_names(Trial& trial) {
    const auto send = [&](std::string_view what, char from, char to, int by) {
        const auto event = trial.make_event();
        if (!event) return;
        trial.course().send(*event, Expected::accepted, what, {.alter = [&](HttpRequest& request) {
            Headers headers;
            for (auto field : request.headers) {
                for (char& c : field.name) {
                    if (c >= from && c <= to) c = static_cast<char>(c + by);
                }
                headers.add(field.name, field.value);
            }
            request.headers = std::move(headers);
        }});
    };
    send("an event with header names in lower case", 'A', 'Z', 'a' - 'A');
    send("an event with header names in upper case", 'a', 'z', 'A' - 'a');
}

void play_content_type(Trial& trial) {
    for (const char* const type : {"application/json", "Application/JSON;charset=UTF-8"}) {
        const auto event = trial.make_event();
        if (!event) return;
        trial.course().send(*event, Expected::accepted, std::string("an event of Content-Type ") + type,
                            {.alter = [&](HttpRequest& request) { replace_header(request, "Content-Type", type); }});
    }
}

void play_unknown_event(Trial& trial) {
    auto event = trial.make_event();
    if (!event) return;
    event->extra.push_back({.name = "traceId", .json = R"("4bf92f35")"});
    trial.course().send(*event, Expected::accepted, "an event with a top-level field that v1 did not have");
    event = trial.make_event();
    if (!event) return;
    event->event_type = EventType::parse("contact.merged").value();
    event->data = JsonObject::parse(R"({"contactId":9876,"mergedInto":{"contactId":9877}})").value();
    trial.course().send(*event, Expected::accepted, "an event of a type that v1.1 does not have");
}

void play_same_refusal(Trial& trial) {
    struct Cause {
        std::string_view what;
        Manner manner;
    };
    const std::array causes{
        Cause{"no signature", {.alter = drop_signature}},
        Cause{"a malformed header",
              {.alter = [](HttpRequest& request) { replace_header(request, signature_header, "t=now,v1=none"); }}},
        Cause{"a wrong signature", {.alter = alter_digits(wrong_digits)}},
        Cause{"an old signature", {.signed_ago = beyond_tolerance}},
        Cause{"a future signature", {.signed_ago = -beyond_tolerance}},
    };
    std::optional<HttpResponse> first;
    std::string_view first_what;
    bool compared = false;
    for (const Cause& cause : causes) {
        const auto event = trial.make_event();
        if (!event) return;
        trial.course().send(*event, Expected::answered, cause.what, cause.manner);
        if (!trial.course().good()) return;
        HttpResponse& answer = trial.course().result().answers.back();
        if (answer.status / 100 != 4) continue;  // not refused: another scenario's matter
        if (!first) {
            first = std::move(answer);
            first_what = cause.what;
            continue;
        }
        compared = true;
        if (answer.status != first->status || answer.body != first->body) {
            trial.course().complain("the answer to " + std::string(cause.what) + " differs from that to " +
                                    std::string(first_what) + ": it tells a forger what to mend");
        }
    }
    if (!compared) trial.leave_undecided("fewer than two causes of refusal were refused");
}

void send_honest(Trial& trial, std::string_view what) {
    const auto event = trial.make_event();
    if (!event) return;
    trial.course().send(*event, Expected::accepted, what);
    trial.course().expect_effects(*event, 1);
}

void play_malformed_requests(Trial& trial) {
    const std::string digits(64, 'a');
    const std::array<std::string, 8> signatures{
        "",
        "garbage",
        "t=,v1=",
        "v1=" + digits,
        "t=1717023600",
        "t=99999999999999999999999999,v1=" + digits,
        "t=1717023600,v1=" + std::string(64, 'g'),
        "t=1717023600,v1=" + digits + ",x=" + std::string(long_header_bytes, 'x')};
    for (const auto& signature : signatures) {
        trial.course().send_body(
            "{}", Expected::rejected, "a malformed signature header",
            {.alter = [&](auto& request) { replace_header(request, signature_header, signature); }});
    }
    trial.course().send_body("", Expected::rejected, "an empty body without a signature", {.alter = drop_signature});
    trial.course().send_body("\xff\xfe{", Expected::rejected, "bytes that are no text, with a wrong signature",
                             {.alter = alter_digits(wrong_digits)});
    send_honest(trial, "an honest event after malformed requests");
}

void play_unreadable_event(Trial& trial) {
    const auto send = [&](std::string_view what, const std::string& body) {
        trial.course().send_body(body, Expected::answered, what);
    };
    send("a signed body that is empty", "");
    send("a signed body that is no JSON", "contact=9876");
    send("a signed body that is no UTF-8", "{\"eventId\":\"\xff\xfe\"}");
    send("a signed body that ends in the middle", R"({"eventId":"9f1c7e2a)");
    send("a signed array", "[]");
    send("a signed object without fields", "{}");
    send("a signed body of 200,000 brackets", std::string(deep_nesting, '['));
    send_honest(trial, "an honest event after unreadable ones");
}

void play_slow_body(Trial& trial) {
    const auto event = trial.make_event();
    const auto body = event ? trial.course().encode(*event) : std::nullopt;
    const auto request = body ? trial.course().request(*body) : std::nullopt;
    if (!request) return;
    trial.course().take(trial.options().raw_exchange(*request, {.pieces = 5, .pause = trial.options().slow_body_pause}),
                        Expected::accepted, "an event whose body came in pieces");
    trial.course().expect_effects(*event, 1);
}

// What arrives is complete JSON and well signed; but the sender had announced more, so the request is not complete. One
// event stays so, since what comes late of it could not be told from its repetition.
void play_cut_connection(Trial& trial) {
    const auto send_cut = [&]() -> std::optional<Envelope> {
        const auto event = trial.make_event();
        const auto body = event ? trial.course().encode(*event) : std::nullopt;
        const auto request = body ? trial.course().request(*body) : std::nullopt;
        if (!request) return std::nullopt;
        trial.course().take(trial.options().raw_exchange(*request, {.missing_bytes = 16}), Expected::not_accepted,
                            "a request that was cut off before the end that its Content-Length announced");
        return event;
    };
    const auto lost = send_cut();
    const auto repeated = lost ? send_cut() : std::nullopt;
    if (!repeated) return;
    trial.course().send(*repeated, Expected::accepted, "the same event, whole,");
    trial.course().expect_effects(*lost, 0);
    trial.course().expect_effects(*repeated, 1);
}

void play_retry_after_500(Trial& trial) {
    const auto event = trial.make_event();
    if (!event) return;
    fail_first(trial.course(), *event, trial.options().settle_time);
    const auto& answers = trial.course().result().answers;
    const bool stored = trial.course().good() && !answers.empty() && is_accepted(answers.front());
    if (!stored || !trial.options().effect_probe || trial.await_effects(event->event_id, 1) > 0) return;
    trial.course().complain("an event was answered " + std::to_string(answers.front().status) +
                            " while its processing failed, and took no effect when that worked again");
}

void play_acknowledges_after_work(Trial& trial) {
    const auto event = trial.make_event();
    if (!event) return;
    const auto answer = trial.deliver_and_kill(*event, KillMoment::before_effect);
    if (!answer) return;
    if (*answer && is_accepted(**answer)) {
        if (trial.await_effects(event->event_id, 1) > 0) return;
        return trial.course().complain("an event was answered " + std::to_string((*answer)->status) +
                                       " and then lost in a crash: it was acknowledged before it was processed or "
                                       "stored");
    }
    // It promised nothing. That the crash was the reason shows only if the same event takes effect without one.
    const auto again = trial.deliver_until_accepted(*event);
    if (!again || !is_accepted(*again) || trial.await_effects(event->event_id, 1) == 0) {
        trial.leave_undecided("the event was not accepted before the crash, and took no effect when redelivered");
    }
}

void play_crash(Trial& trial, KillMoment moment, std::string_view what) {
    const auto event = trial.make_event();
    if (!event || !trial.deliver_and_kill(*event, moment)) return;
    trial.course().take(trial.deliver_until_accepted(*event), Expected::accepted, what);
    trial.course().expect_effects(*event, 1);
}

void play_crash_before_effect(Trial& trial) {
    play_crash(trial, KillMoment::before_effect, "the event, redelivered after a crash before its effect,");
}

void play_crash_after_effect(Trial& trial) {
    play_crash(trial, KillMoment::after_effect, "the event, redelivered after a crash after its effect,");
}

constexpr Needs effects_only{.effects = true};
constexpr Needs hand_on_socket{.effects = true, .raw = true};

constexpr std::array table{
    Scenario{{"accepted", "a signed event is accepted and takes effect"}, effects_only, play_fault<Fault::none>},
    Scenario{{"unsigned", "an event without a signature is refused with 401"}, {}, play_unsigned},
    Scenario{
        {"tampered", "an event that was changed after signing is refused with 401"}, {}, play_fault<Fault::tampered>},
    Scenario{
        {"partial_signature", "a signature counts only if all of its digits are right"}, {}, play_partial_signature},
    Scenario{{"appended_bytes", "bytes after the signed ones are refused with 401"}, {}, play_appended_bytes},
    Scenario{{"raw_bytes", "the signature is checked over the bytes as they arrived"}, {}, play_raw_bytes},
    Scenario{{"stale", "a signature of ten minutes ago is refused with 401"}, {}, play_fault<Fault::stale>},
    Scenario{{"from_the_future", "a signature ten minutes ahead is refused with 401"}, {}, play_from_the_future},
    Scenario{{"old_secret", "a signature with the secret before the rotation is refused with 401"},
             {},
             play_fault<Fault::old_secret>},
    Scenario{{"future_secret", "a refused event is accepted and takes effect once it is signed well"},
             effects_only,
             play_fault<Fault::future_secret>},
    Scenario{{"same_refusal", "every refusal looks the same, whatever its cause"}, {}, play_same_refusal},
    Scenario{{"several_signatures", "one right signature is enough, in any position"}, {}, play_several_signatures},
    Scenario{{"header_names", "header names are read without case"}, {}, play_header_names},
    Scenario{{"content_type", "Content-Type is read without case and without its parameters"}, {}, play_content_type},
    Scenario{{"unknown_event", "event types and fields of later catalogues are accepted"}, {}, play_unknown_event},
    Scenario{
        {"late", "an event of 23 hours ago is accepted when it is signed now"}, effects_only, play_fault<Fault::late>},
    Scenario{{"reordered", "an older event is accepted after a newer one"}, effects_only, play_fault<Fault::reordered>},
    Scenario{
        {"duplicate", "a duplicate is accepted and has no second effect"}, effects_only, play_fault<Fault::duplicate>},
    Scenario{{"concurrent_duplicates", "duplicates at the same time have one effect"},
             effects_only,
             play_fault<Fault::concurrent_duplicates>},
    Scenario{{"malformed_requests", "malformed requests are refused with 4xx, and the receiver lives on"},
             {},
             play_malformed_requests},
    Scenario{{"unreadable_event", "signed nonsense is answered, and the receiver lives on"}, {}, play_unreadable_event},
    Scenario{{"slow_body", "a body that comes in pieces is read to its end"}, hand_on_socket, play_slow_body},
    Scenario{{"cut_connection", "a request that was cut off is not taken for a whole one"},
             hand_on_socket,
             play_cut_connection},
    Scenario{
        {"retry_after_500", "an event whose processing failed takes effect by a retry: the sender's or an inbox's"},
        {.effects = true, .failure = true},
        play_retry_after_500},
    Scenario{{"acknowledges_after_work", "what was accepted is not lost in a crash"},
             {.effects = true, .kill = true},
             play_acknowledges_after_work},
    Scenario{{"crash_before_effect", "after a crash before its effect, a redelivery takes effect"},
             {.effects = true, .kill = true},
             play_crash_before_effect},
    Scenario{{"crash_after_effect", "after a crash between effect and mark, a redelivery has no second effect"},
             {.effects = true, .kill = true, .exactly_once = true},
             play_crash_after_effect},
};

}  // namespace

std::span<const Scenario> scenarios() noexcept { return table; }

std::span<const ScenarioInfo> conformance_scenarios() noexcept {
    static constexpr auto infos = [] {
        std::array<ScenarioInfo, table.size()> all{};
        for (std::size_t at = 0; at < all.size(); ++at) all[at] = table[at].info;
        return all;
    }();
    return infos;
}

std::string complaint_about(const ExpectedEffect& expected, std::uint64_t seen) {
    if (seen == expected.times) return {};
    return "the event took effect " + std::to_string(seen) + " times, where " + std::to_string(expected.times) +
           " is expected";
}

std::optional<Envelope> Trial::make_event() {
    const SendingSide& side = course_.side();
    auto event =
        make_envelope(ContactUpdated{.contact_id = options_.contact}, options_.origin, *side.clock, *side.random);
    if (event) return *std::move(event);
    course_.complain("no event could be made: " + event.error().message());
    return std::nullopt;
}

std::uint64_t Trial::await_effects(const EventId& event, std::uint64_t times) const {
    std::uint64_t seen = options_.effect_probe(event);
    for (auto waited = chr::milliseconds::zero(); seen < times && waited < options_.patience; waited += poll_step) {
        std::this_thread::sleep_for(poll_step);
        seen = options_.effect_probe(event);
    }
    return seen;
}

void Trial::check_effects(const ExpectedEffect& expected) {
    if (!options_.effect_probe || !course_.good()) return;
    course_.complain(complaint_about(expected, await_effects(expected.event_id, expected.times)));
}

Result<HttpResponse> Trial::deliver_until_accepted(const Envelope& event) {
    const auto body = course_.encode(event);
    for (auto waited = chr::milliseconds::zero();; waited += redelivery_step) {
        const auto request = body ? course_.request(*body) : std::nullopt;
        if (!request) return Error(Errc::local_failure, "no request could be made");
        auto answer = course_.exchange(*request);
        const bool accepted = answer && is_accepted(*answer);
        if (accepted || waited >= options_.patience) return answer;
        std::this_thread::sleep_for(redelivery_step);
    }
}

std::optional<Result<HttpResponse>> Trial::deliver_and_kill(const Envelope& event, KillMoment moment) {
    const auto body = course_.encode(event);
    const auto request = body ? course_.request(*body) : std::nullopt;
    if (!request) return std::nullopt;
    std::optional<Result<HttpResponse>> answer;
    std::uint64_t effects = 0;         // before the hook starts the receiver again
    std::exception_ptr probe_failure;  // thrown on only when the hook has done that
    const auto killed = options_.kill_hook(moment, event.event_id, [&] {
        answer = course_.exchange(*request);
        if (moment != KillMoment::before_effect) return;
        if (*answer && is_accepted(**answer)) std::this_thread::sleep_for(options_.settle_time);
        try {
            effects = options_.effect_probe(event.event_id);
        } catch (...) {
            probe_failure = std::current_exception();
        }
    });
    if (probe_failure) std::rethrow_exception(probe_failure);
    if (!killed) {
        undecided_ = "the kill hook failed: " + killed.error().message();
    } else if (!answer) {
        undecided_ = "the kill hook did not deliver the event";
    } else if (!*answer && answer->error() != Condition::in_doubt) {
        undecided_ = "the event was not sent while the receiver was to be killed: " + answer->error().message();
    } else if (effects > 0) {
        undecided_ = "the event took effect before the receiver was started again: it was not killed before the effect";
    }
    if (!undecided_.empty()) return std::nullopt;
    return answer;
}

}  // namespace fpt_webhooks::inline v0_1::testing
