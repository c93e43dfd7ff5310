// One request that reached `listen`, and how it is shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <fpt_webhooks/core/error.hpp>
#include <fpt_webhooks/core/explain.hpp>
#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/receiver/handle_report.hpp>

#include "cli/console.hpp"

namespace fpt_webhooks::cli {

// Of a body this much is shown to people; an honest event has a few hundred bytes. --json has all of it.
inline constexpr std::size_t shown_body_bytes_max = std::size_t{16} << 10;

struct Arrival {
    explicit Arrival(const HttpRequest& request_) : request(request_) {}

    const HttpRequest& request;  // outlives it
    Timestamp time = {};
    HandleOutcome outcome = HandleOutcome::processed;
    std::optional<Error> error = {};
    std::string event_type = {};
    std::string event_id = {};                                    // the idempotency key
    std::optional<std::string> secret = {};                       // the label of the one that signed; nothing: none did
    std::uint32_t failures = 0;                                   // of this event before
    std::optional<std::chrono::milliseconds> completed_ago = {};  // duplicates
    std::optional<Explanation> explanation = {};                  // of a signature that does not hold
    std::optional<int> answered_instead = {};                     // what the command line or the forward's target wants
    std::optional<std::string> forwarded = {};                    // "204", or why not
    std::optional<std::string> retry_after = {};                  // that target's
    int status = 0;                                               // of the answer
    std::string file = {};                                        // that it was recorded in

    [[nodiscard]] bool is_verified() const noexcept { return secret.has_value(); }
};

// As several lines, or with --json as one.
void print(const Arrival& arrival, Console& console);

}  // namespace fpt_webhooks::cli
