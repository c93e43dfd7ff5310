// The options of `fpt-webhooks run`: from its command line, and for what is not there from a config file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/sender/dispatcher.hpp>

#include "cli/log.hpp"
#include "cli/store_access.hpp"

namespace fpt_webhooks::cli {

struct RunOptions {
    StoreAccess store = {};
    std::string config_file = {};

    std::string ca_file = {};
    std::string proxy = {};
    std::vector<std::string> allow = {};
    std::vector<std::string> deny = {};
    bool allow_http = false;

    std::size_t in_flight = DispatcherOptions().in_flight_max;
    std::chrono::milliseconds timeout = DispatcherOptions().timeout;
    std::chrono::milliseconds connect_timeout = DispatcherOptions().connect_timeout;
    RetryPolicy retry = RetryPolicy::fpt();
    std::chrono::milliseconds disable_after = DispatcherOptions().disable_after;
    std::chrono::milliseconds poll_interval = DispatcherOptions().poll_interval;
    Retention retention = {};

    std::optional<std::uint16_t> metrics_port = {};
    std::string log_level = "info";
    // Longer than a lane may hold itself, or a peer's Retry-After may: ten minutes.
    std::chrono::milliseconds stalled_after = std::chrono::minutes(15);
    std::chrono::milliseconds stop_patience = std::chrono::seconds(30);

    void add_to(CLI::App& app);

    // For an app that is parsed before the config file is read: nothing is required of it.
    void add_to_command_line(CLI::App& app);

    // Everything in effect now: what `command_line` was given, and the config file that it names for the rest.
    // Throws Failure: input for what is wrong in the file, usage for what is missing or cannot go together.
    [[nodiscard]] static RunOptions read(const CLI::App& command_line);

    [[nodiscard]] LogLevel least_level() const;
};

}  // namespace fpt_webhooks::cli
