// Sample events of both vendors' catalogues, for sending by hand.
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/profile.hpp>

namespace fpt_webhooks::cli {

// --location, --organization and --contact: where an event happens, and to whom.
struct PlaceOptions {
    std::int32_t location = 1234;
    std::int32_t organization = 5678;
    std::int32_t contact = 9876;

    void add_to(CLI::App& app);
};

struct Sample {
    std::string event_type = {};
    std::string event_id = {};  // the idempotency key
    std::string body = {};
};

// A new event that happens now, another one each time. `event_type`: catalogued; "": contact.updated or, of UFP, the
// one in its documentation. Throws Failure(usage).
[[nodiscard]] Sample make_sample(Profile profile, std::string event_type, const PlaceOptions& place);

}  // namespace fpt_webhooks::cli
