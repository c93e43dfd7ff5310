#include "cli/patience.hpp"

#include <fpt_webhooks/core/clock.hpp>

#include "cli/duration.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr std::chrono::milliseconds between_tries{500};

}  // namespace

void PatienceOption::add_to(CLI::App& app) {
    add_duration(app, "--patience", limit, "To wait for a store that is full or busy");
}

bool Patience::again(const Error& error) {
    if (!is_passing(error)) return false;
    const auto now = system_clock()->steady_now();
    if (!failing_since_) {
        failing_since_ = now;
        if (limit_ > limit_.zero()) console_.note("waiting: " + error.message());
    }
    return now - *failing_since_ < limit_ && !stop_.wait_for(between_tries);
}

}  // namespace fpt_webhooks::cli
