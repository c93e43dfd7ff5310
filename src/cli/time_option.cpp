#include "cli/time_option.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "cli/duration.hpp"

namespace fpt_webhooks::cli {
namespace {

// "+02:00" or "+0200" east of UTC.
std::optional<std::chrono::minutes> read_offset(std::string_view text) {
    std::string digits(text.substr(1));
    if (digits.size() == 5 && digits[2] == ':') digits.erase(2, 1);
    const bool all_digits = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits.size() != 4 || !all_digits) return std::nullopt;
    const int number = std::stoi(digits);
    if (number / 100 > 23 || number % 100 > 59) return std::nullopt;
    const std::chrono::minutes offset = std::chrono::hours(number / 100) + std::chrono::minutes(number % 100);
    return text.front() == '-' ? -offset : offset;
}

std::optional<Timestamp> read_date(std::string_view text) {
    constexpr std::size_t date_bytes = 10;  // "2026-06-10", whose dashes begin no offset
    if (text.size() <= date_bytes) return std::nullopt;
    std::string in_utc(text);
    if (in_utc[date_bytes] == ' ') in_utc[date_bytes] = 'T';
    std::chrono::minutes offset{0};
    if (in_utc.back() != 'Z') {
        const std::size_t sign = in_utc.find_first_of("+-", date_bytes);
        if (sign == std::string::npos) return std::nullopt;
        const auto read = read_offset(std::string_view(in_utc).substr(sign));
        if (!read) return std::nullopt;
        offset = *read;
        in_utc.erase(in_utc[sign - 1] == ' ' ? sign - 1 : sign);
        in_utc += 'Z';
    }
    const auto time = parse_timestamp(in_utc);
    if (!time) return std::nullopt;
    return *time - offset;
}

}  // namespace

Result<Timestamp> read_time(std::string_view text, Timestamp now) {
    if (const auto ago = parse_duration(text)) return now - *ago;
    if (const auto date = read_date(text)) return *date;
    return Error(Errc::malformed, "a time as 2026-06-10T23:45:00Z, or as long ago as 45s, 30m, 2h, 3d");
}

}  // namespace fpt_webhooks::cli
