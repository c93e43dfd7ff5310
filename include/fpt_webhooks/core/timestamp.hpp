// Wall-clock times as the two vendors write them.
//
// FPT: RFC 3339 section 5.6, UTC with `Z`, millisecond precision (FPT envelope conventions).
// UFP: `dd/MM/yyyy HH:mm` or `dd/MM/yyyy HH.mm` without a zone (FitnessForce webhooks page).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// A moment in UTC, milliseconds.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// A wall-clock reading without a zone. It has no conversion to Timestamp: UFP does not say whose clock it was.
using WallClockTime = std::chrono::local_time<std::chrono::minutes>;

// Reads "2026-06-10T23:45:00Z" with 0 to 9 fractional digits; digits past the third are dropped (floored).
// Years 0000 to 9999, a real calendar date, seconds 00 to 59, upper-case T and Z.
// Errors: malformed with the offset of the first wrong byte.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<Timestamp> parse_timestamp(std::string_view text);

// Writes "2026-06-10T23:45:00.123Z", always three fractional digits, 24 bytes.
// Errors: out_of_range outside the years 0000 to 9999.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<std::string> format_timestamp(Timestamp time);

// Reads "11/06/2025 17:22" or "11/06/2025 17.22" as day/month/year hour:minute.
// Errors: malformed with the offset of the first wrong byte.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<WallClockTime> parse_ufp_time(std::string_view text);

}  // namespace fpt_webhooks::inline v0_1
