// The sender's tables.
#pragma once

#include <span>

#include "sqlite/schema.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// See Schema::steps.
[[nodiscard]] std::span<const char* const> migrations() noexcept;

// The schema with these steps.
[[nodiscard]] Schema schema_of(std::span<const char* const> steps) noexcept;

}  // namespace fpt_webhooks::inline v0_1::detail
