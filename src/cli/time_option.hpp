// Moments as people type them: a date, or how long ago.
#pragma once

#include <string_view>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::cli {

// RFC 3339 with any offset ("2026-06-10T23:45:00Z", "2026-06-10T23:45:00.123+02:00"), also as Console::time writes it
// ("2026-06-10 23:45:00.123 +0200"); or how long before `now`: "45s", "30m", "2h", "3d".
// Errors: malformed, with the forms that there are.
[[nodiscard]] Result<Timestamp> read_time(std::string_view text, Timestamp now);

}  // namespace fpt_webhooks::cli
