// The Retry-After response header (RFC 9110 section 10.2.3): how long a peer asks us to wait.
#pragma once

#include <chrono>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// A longer wait is read as this one: far past every retry window, and small enough that adding it to a time of this
// century never overflows.
inline constexpr std::chrono::hours retry_after_max{365 * 24};

// The wait in a Retry-After field: "120", or the time from `now` to an HTTP-date in any of the three forms of RFC 9110
// section 5.6.7; zero when that date has passed. Never negative, never over retry_after_max.
// `value`: the field's value without white space around it.
// `now`: wall time, when the response came. It also decides the century of a two-digit year.
// Errors: malformed with the offset of the first wrong byte; a day name that is not that date's is malformed too.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                                                             Timestamp now);

}  // namespace fpt_webhooks::inline v0_1
