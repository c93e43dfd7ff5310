#include "cli/arrival.hpp"

#include <string_view>

#include <fmt/core.h>

#include <fpt_webhooks/core/json_object.hpp>

#include "cli/findings.hpp"
#include "cli/http_status.hpp"
#include "cli/json.hpp"

namespace fpt_webhooks::cli {
namespace {

// "verified by "new", fresh", and so on.
std::string verdict_of(const Arrival& arrival, const Console& console) {
    if (!arrival.is_verified()) {
        const bool judged = arrival.outcome == HandleOutcome::unauthorized;
        return console.paint(Colour::red, judged ? "not verified" : name_of(arrival.outcome));
    }
    std::string words = console.paint(Colour::green, fmt::format("verified by \"{}\"", *arrival.secret));
    switch (arrival.outcome) {
        case HandleOutcome::processed:
        case HandleOutcome::handler_failed: words += ", fresh"; break;
        case HandleOutcome::duplicate: {
            words += ", " + console.paint(Colour::yellow, "duplicate");
            if (arrival.completed_ago)
                words += fmt::format(", {:.1f} s after the first",
                                     std::chrono::duration<double>(*arrival.completed_ago).count());
            break;
        }
        case HandleOutcome::unreadable: words += ", " + console.paint(Colour::red, "unreadable"); break;
        default: words += fmt::format(", {}", name_of(arrival.outcome));
    }
    if (arrival.failures > 0) words += fmt::format(", {} failed before", arrival.failures);
    return words;
}

// What stands below the first line, but for the body.
std::string reasons_of(const Arrival& arrival) {
    if (arrival.explanation) return arrival.explanation->to_string();
    if (arrival.outcome == HandleOutcome::handler_failed) return {};  // we made it fail, or the forward says why
    return arrival.error ? arrival.error->message() : std::string();
}

std::string shown_body(const std::string& body) {
    const auto json = JsonObject::parse(body);
    const std::string text = json ? pretty_json(json->text()) : body;
    std::string out = printable(std::string_view(text).substr(0, shown_body_bytes_max), true);
    if (text.size() > shown_body_bytes_max)
        out += fmt::format("\n... and {} bytes more", text.size() - shown_body_bytes_max);
    return out;
}

std::string json_of(const Arrival& arrival) {
    JsonText json;
    json.begin_object().field("time", arrival.time).field("status", arrival.status);
    json.field("outcome", name_of(arrival.outcome)).field("verified", arrival.is_verified());
    json.field("secret", arrival.secret).field("duplicate", arrival.outcome == HandleOutcome::duplicate);
    json.field("event_type", printable(arrival.event_type)).field("event_id", printable(arrival.event_id));
    json.field("bytes", arrival.request.body.size()).field("failures", arrival.failures);
    if (arrival.error) json.field("error", printable(arrival.error->message()));
    if (arrival.explanation) write_findings(json, *arrival.explanation);
    if (arrival.forwarded) json.field("forwarded", printable(*arrival.forwarded));
    if (!arrival.file.empty()) json.field("file", printable(arrival.file));
    const auto body = JsonObject::parse(arrival.request.body);
    body ? json.key("body").raw(compact_json(body->text())) : json.field("text", printable(arrival.request.body));
    return std::string(json.end_object().text());
}

}  // namespace

void print(const Arrival& arrival, Console& console) {
    if (console.json) return console.print(json_of(arrival));
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : printable(text); };
    const bool good = is_success(arrival.status);
    std::string lines = fmt::format("{}  {}  {}  {}  {} bytes  {}", console.time(arrival.time),
                                    console.paint(good ? Colour::green : Colour::red, std::to_string(arrival.status)),
                                    console.paint(Colour::bold, or_dash(arrival.event_type)), or_dash(arrival.event_id),
                                    arrival.request.body.size(), verdict_of(arrival, console));
    const auto add = [&lines](const std::string& text) {
        if (!text.empty()) lines += fmt::format("\n{}", indented(text));
    };
    if (arrival.forwarded) add("forwarded: " + printable(*arrival.forwarded));
    if (!arrival.file.empty()) add("recorded: " + printable(arrival.file));
    add(printable(reasons_of(arrival), true));
    add(shown_body(arrival.request.body));
    console.print(std::string_view(lines));
}

}  // namespace fpt_webhooks::cli
