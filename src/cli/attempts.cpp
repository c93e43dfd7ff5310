#include "cli/attempts.hpp"

#include <optional>
#include <string>

#include <fmt/core.h>

#include "cli/http_status.hpp"

namespace fpt_webhooks::cli {
namespace {

std::optional<std::string> error_of(const Attempt& attempt) {
    if (!attempt.error) return std::nullopt;
    return make_error_code(*attempt.error).message();
}

}  // namespace

void print_attempts(Console& console, const std::vector<Attempt>& attempts) {
    Table table{.heading = {"attempt", "started", "duration", "status", "error"}};
    for (const Attempt& attempt : attempts) {
        std::string error = error_of(attempt).value_or("-");
        if (!attempt.detail.empty()) error += ": " + attempt.detail;
        table.rows.push_back({std::to_string(attempt.number), console.time(attempt.started),
                              fmt::format("{} ms", attempt.duration.count()),
                              Cell(attempt.status == 0 ? "none" : std::to_string(attempt.status),
                                   is_success(attempt.status) ? Colour::green : Colour::red),
                              printable(error)});
    }
    console.print(table);
    for (const Attempt& attempt : attempts) {
        if (attempt.response_head.empty()) continue;
        console.print("\nThe response to attempt {} began:", attempt.number);
        console.print(printable(attempt.response_head, true));
    }
}

void write_json(JsonText& json, const Attempt& attempt) {
    json.begin_object();
    json.field("number", attempt.number);
    json.field("started", attempt.started);
    json.field("duration_ms", attempt.duration.count());
    json.field("status", attempt.status == 0 ? std::nullopt : std::optional(attempt.status));
    json.field("error", error_of(attempt));
    json.field("detail", std::string_view(attempt.detail));
    json.field("response_head", std::string_view(printable(attempt.response_head, true)));
    json.end_object();
}

}  // namespace fpt_webhooks::cli
