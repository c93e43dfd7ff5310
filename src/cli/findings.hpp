// What is wrong with a signature, as JSON.
#pragma once

#include <fpt_webhooks/core/explain.hpp>

#include "cli/json.hpp"

namespace fpt_webhooks::cli {

// The member "findings" of an object that is begun.
void write_findings(JsonText& json, const Explanation& explanation);

}  // namespace fpt_webhooks::cli
