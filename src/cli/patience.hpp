// Trying again what a store refuses for now: it is full, or busy, or its disk is.
#pragma once

#include <chrono>
#include <optional>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/core/error.hpp>

#include "cli/console.hpp"
#include "cli/stop.hpp"

namespace fpt_webhooks::cli {

// --patience TIME; 0s: gives up at once
struct PatienceOption {
    std::chrono::milliseconds limit{30'000};

    void add_to(CLI::App& app);
};

// May the same call succeed, or have succeeded, when it is repeated?
[[nodiscard]] inline bool is_passing(const Error& error) {
    return error == Condition::transient || error == Condition::in_doubt;
}

class Patience {
  public:
    Patience(const PatienceOption& option, const Stop& stop, Console& console)
        : limit_(option.limit), stop_(stop), console_(console) {}

    // Waits a moment after a failure; the first one is told. False: nothing succeeded for too long, or it was
    // interrupted, or waiting cannot help.
    [[nodiscard]] bool again(const Error& error);
    void succeeded() { failing_since_.reset(); }

  private:
    std::chrono::milliseconds limit_;
    const Stop& stop_;
    Console& console_;
    std::optional<std::chrono::steady_clock::time_point> failing_since_ = {};
};

}  // namespace fpt_webhooks::cli
