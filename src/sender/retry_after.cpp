#include <fpt_webhooks/sender/retry_after.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "core/field_reader.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;

constexpr std::array<std::string_view, 7> day_names = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                            "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct HttpDate {
    int weekday = 0;
    int year = 0;
    int month = 0;  // 1 to 12
    int day = 0;
    chr::seconds time{};
};

using detail::FieldReader;

// "08:49:37"; a leap second may stand there.
chr::seconds read_time_of_day(FieldReader& read) {
    const int hour = read.number(2, 0, 23, "an hour from 00 to 23");
    read.literal(":", "':'");
    const int minute = read.number(2, 0, 59, "a minute from 00 to 59");
    read.literal(":", "':'");
    const int second = read.number(2, 0, 60, "a second from 00 to 60");
    return chr::hours(hour) + chr::minutes(minute) + chr::seconds(second);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
HttpDate read_imf_fixdate(FieldReader& read) {
    HttpDate date;
    date.weekday = read.name(day_names, "seconds, or a day name");
    read.literal(", ", "', '");
    date.day = read.number(2, 1, 31, "a day of that month");
    read.literal(" ", "' '");
    date.month = read.name(month_names, "a month's name") + 1;
    read.literal(" ", "' '");
    date.year = read.number(4, 0, 9999, "a year of four digits");
    read.literal(" ", "' '");
    date.time = read_time_of_day(read);
    read.literal(" GMT", "' GMT'");
    return date;
}

// "Sunday, 06-Nov-94 08:49:37 GMT". A date that would lie over 50 years ahead is of the century before.
HttpDate read_rfc850_date(FieldReader& read, Timestamp now) {
    HttpDate date;
    date.weekday = read.name(long_day_names, "seconds, or a day name");
    read.literal(", ", "', '");
    date.day = read.number(2, 1, 31, "a day of that month");
    read.literal("-", "'-'");
    date.month = read.name(month_names, "a month's name") + 1;
    read.literal("-", "'-'");
    const int this_year = static_cast<int>(chr::year_month_day(chr::floor<chr::days>(now)).year());
    date.year = this_year - this_year % 100 + read.number(2, 0, 99, "a year of two digits");
    if (date.year > this_year + 50) date.year -= 100;
    if (date.year <= this_year - 50) date.year += 100;
    read.literal(" ", "' '");
    date.time = read_time_of_day(read);
    read.literal(" GMT", "' GMT'");
    return date;
}

// "Sun Nov  6 08:49:37 1994"
HttpDate read_asctime_date(FieldReader& read) {
    HttpDate date;
    date.weekday = read.name(day_names, "seconds, or a day name");
    read.literal(" ", "' '");
    date.month = read.name(month_names, "a month's name") + 1;
    read.literal(" ", "' '");
    const bool padded = read.at(' ');
    if (padded) read.literal(" ", "' '");
    date.day = read.number(padded ? 1 : 2, 1, 31, "a day of that month");
    read.literal(" ", "' '");
    date.time = read_time_of_day(read);
    read.literal(" ", "' '");
    date.year = read.number(4, 0, 9999, "a year of four digits");
    return date;
}

Result<Timestamp> parse_http_date(std::string_view text, Timestamp now) {
    FieldReader read(text);
    const std::size_t comma = text.find(',');
    const HttpDate date = comma == std::string_view::npos ? read_asctime_date(read)
                          : comma == 3                    ? read_imf_fixdate(read)
                                                          : read_rfc850_date(read, now);
    read.end();
    if (auto error = read.error("Retry-After")) return *std::move(error);
    const chr::year_month_day calendar{chr::year(date.year), chr::month(static_cast<unsigned>(date.month)),
                                       chr::day(static_cast<unsigned>(date.day))};
    if (!calendar.ok())
        read.fail(0, "a date of the calendar");
    else if (chr::weekday(chr::sys_days(calendar)).c_encoding() != static_cast<unsigned>(date.weekday))
        read.fail(0, "that date's day name");
    if (auto error = read.error("Retry-After")) return *std::move(error);
    return chr::sys_days(calendar) + date.time;
}

chr::milliseconds parse_seconds(std::string_view digits) noexcept {
    chr::seconds total{};
    for (const char c : digits) total = std::min<chr::seconds>(total * 10 + chr::seconds(c - '0'), retry_after_max);
    return total;
}

}  // namespace

Result<std::chrono::milliseconds> parse_retry_after(std::string_view value, Timestamp now) {
    const std::size_t digits =
        static_cast<std::size_t>(std::find_if_not(value.begin(), value.end(), detail::is_digit) - value.begin());
    if (digits > 0 && digits == value.size()) return parse_seconds(value);
    if (digits > 0) return Error(Errc::malformed, "Retry-After: expected digits alone", digits);
    const auto date = parse_http_date(value, now);
    if (!date) return date.error();
    // compared before subtracting: `now` may be any time
    if (*date <= now) return chr::milliseconds(0);
    if (now < *date - retry_after_max) return retry_after_max;
    return *date - now;
}

}  // namespace fpt_webhooks::inline v0_1
