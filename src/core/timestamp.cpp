#include <fpt_webhooks/core/timestamp.hpp>

#include "core/field_reader.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;

char* put_number(char* out, int value, int width) noexcept {
    for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
    return out + width;
}

}  // namespace

Result<Timestamp> parse_timestamp(std::string_view text) {
    detail::FieldReader read(text);
    const int year = read.number(4, 0, 9999, "a year of four digits");
    read.one('-', "'-'");
    const int month = read.number(2, 1, 12, "a month from 01 to 12");
    read.one('-', "'-'");
    const int day = read.number(2, 1, 31, "a day of that month");
    const chr::year_month_day date{chr::year(year), chr::month(static_cast<unsigned>(month)),
                                   chr::day(static_cast<unsigned>(day))};
    if (!read.failed() && !date.ok()) read.fail(8, "a day of that month");
    read.one('T', "'T'");
    const int hour = read.number(2, 0, 23, "an hour from 00 to 23");
    read.one(':', "':'");
    const int minute = read.number(2, 0, 59, "a minute from 00 to 59");
    read.one(':', "':'");
    const int second = read.number(2, 0, 59, "a second from 00 to 59");
    int milliseconds = 0;
    if (read.at('.')) {
        read.one('.', "'.'");
        milliseconds = read.fraction(9, 3, "one to nine fractional digits");
    }
    read.one('Z', "'Z' (UTC)");
    read.end();
    if (auto error = read.error("timestamp")) return *std::move(error);
    return chr::sys_days(date) + chr::hours(hour) + chr::minutes(minute) + chr::seconds(second) +
           chr::milliseconds(milliseconds);
}

Result<std::string> format_timestamp(Timestamp time) {
    // Compared as times: a calendar's year has 16 bits and would wrap round.
    if (time < chr::sys_days(chr::year(0) / 1 / 1) || time >= chr::sys_days(chr::year(10000) / 1 / 1)) {
        return Error(Errc::out_of_range, "timestamp: outside the years 0000 to 9999");
    }
    const auto day = chr::floor<chr::days>(time);
    const chr::year_month_day date(day);
    const int year = static_cast<int>(date.year());
    const chr::hh_mm_ss clock(time - day);
    std::string text(24, 'Z');
    char* out = text.data();
    out = put_number(out, year, 4);
    *out++ = '-';
    out = put_number(out, static_cast<int>(static_cast<unsigned>(date.month())), 2);
    *out++ = '-';
    out = put_number(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
    *out++ = 'T';
    out = put_number(out, static_cast<int>(clock.hours().count()), 2);
    *out++ = ':';
    out = put_number(out, static_cast<int>(clock.minutes().count()), 2);
    *out++ = ':';
    out = put_number(out, static_cast<int>(clock.seconds().count()), 2);
    *out++ = '.';
    put_number(out, static_cast<int>(clock.subseconds().count()), 3);
    return text;
}

Result<WallClockTime> parse_ufp_time(std::string_view text) {
    detail::FieldReader read(text);
    const int day = read.number(2, 1, 31, "a day of that month");
    read.one('/', "'/'");
    const int month = read.number(2, 1, 12, "a month from 01 to 12");
    read.one('/', "'/'");
    const int year = read.number(4, 0, 9999, "a year of four digits");
    const chr::year_month_day date{chr::year(year), chr::month(static_cast<unsigned>(month)),
                                   chr::day(static_cast<unsigned>(day))};
    if (!read.failed() && !date.ok()) read.fail(0, "a day of that month");
    read.one(' ', "' '");
    const int hour = read.number(2, 0, 23, "an hour from 00 to 23");
    read.one_of(":.", "':' or '.'");
    const int minute = read.number(2, 0, 59, "a minute from 00 to 59");
    read.end();
    if (auto error = read.error("UFP time")) return *std::move(error);
    return chr::local_days(date) + chr::hours(hour) + chr::minutes(minute);
}

}  // namespace fpt_webhooks::inline v0_1
