// Durations as people type them: 500ms, 30s, 5m, 24h, 7d.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace fpt_webhooks::cli {

inline constexpr std::chrono::hours duration_max{24 * 36'500};  // far from where adding to a time overflows

// One whole number and its unit. Nothing for other texts, and beyond duration_max.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// In the largest unit that keeps it whole: "24h" is "1d", 90 seconds are "90s".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

// The same as parse_duration, for an option: throws CLI::ValidationError that names it.
[[nodiscard]] std::chrono::milliseconds duration_of(const std::string& option, const std::string& text);

// The option `name` TIME; its default, which the help shows, is what `into` holds.
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& into,
                          const std::string& description);

// For an option that counts such units: "5m" is 300 of seconds. A number alone stays what it is.
[[nodiscard]] CLI::Validator count_of(std::chrono::milliseconds unit);

}  // namespace fpt_webhooks::cli
