// Attempts at deliveries as people and machines read them.
#pragma once

#include <vector>

#include <fpt_webhooks/sender/delivery.hpp>

#include "cli/console.hpp"
#include "cli/json.hpp"

namespace fpt_webhooks::cli {

// A table, and below it the heads of the responses that were kept.
void print_attempts(Console& console, const std::vector<Attempt>& attempts);

void write_json(JsonText& json, const Attempt& attempt);

}  // namespace fpt_webhooks::cli
