#include <fpt_webhooks/core/timestamp.hpp>

#include <random>
#include <string>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

struct Refused {
    std::string_view text;
    std::size_t offset;
};

template <class Parse>
void check_refused(Parse parse, std::initializer_list<Refused> cases) {
    for (const Refused& c : cases) {
        INFO(c.text);
        const auto parsed = parse(c.text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error() == fw::Errc::malformed);
        CHECK(parsed.error().offset() == c.offset);
        CHECK_FALSE(parsed.error().detail().empty());
    }
}

}  // namespace

TEST_CASE("timestamp: reads milliseconds since 1970 in UTC") {
    CHECK(fw::parse_timestamp("1970-01-01T00:00:00Z").value() == fw::Timestamp());
    CHECK(fw::parse_timestamp("2026-06-10T23:45:00.123Z").value() == fw::Timestamp(1781135100123ms));
    CHECK(fw::parse_timestamp("1969-12-31T23:59:59.999Z").value() == fw::Timestamp(-1ms));
    CHECK(fw::parse_timestamp("2024-02-29T12:00:00Z").value() == fw::Timestamp(1709208000000ms));
}

TEST_CASE("timestamp: takes no to nine fractional digits and drops those past the third") {
    const auto second = fw::parse_timestamp("2026-06-10T23:45:00Z").value();
    CHECK(fw::parse_timestamp("2026-06-10T23:45:00.1Z").value() == second + 100ms);
    CHECK(fw::parse_timestamp("2026-06-10T23:45:00.12Z").value() == second + 120ms);
    CHECK(fw::parse_timestamp("2026-06-10T23:45:00.001Z").value() == second + 1ms);
    CHECK(fw::parse_timestamp("2026-06-10T23:45:00.0009Z").value() == second);
    CHECK(fw::parse_timestamp("2026-06-10T23:45:00.123999999Z").value() == second + 123ms);
    CHECK(fw::parse_timestamp("1969-12-31T23:59:59.9999Z").value() == fw::Timestamp(-1ms));
}

TEST_CASE("timestamp: refuses every other form at its first wrong byte") {
    check_refused(fw::parse_timestamp, {{"", 0},
                                        {"2026", 4},
                                        {"x026-06-10T23:45:00Z", 0},
                                        {"+026-06-10T23:45:00Z", 0},
                                        {"2026/06-10T23:45:00Z", 4},
                                        {"2026-00-10T23:45:00Z", 5},
                                        {"2026-13-10T23:45:00Z", 5},
                                        {"2026-6-10T23:45:00Z", 6},
                                        {"2026-06-00T23:45:00Z", 8},
                                        {"2026-06-31T23:45:00Z", 8},
                                        {"2023-02-29T23:45:00Z", 8},
                                        {"1900-02-29T23:45:00Z", 8},
                                        {"2026-06-10 23:45:00Z", 10},
                                        {"2026-06-10t23:45:00Z", 10},
                                        {"2026-06-10T24:00:00Z", 11},
                                        {"2026-06-10T23:60:00Z", 14},
                                        {"2026-06-10T23:45:60Z", 17},
                                        {"2026-06-10T23:45Z", 16},
                                        {"2026-06-10T23:45:00", 19},
                                        {"2026-06-10T23:45:00z", 19},
                                        {"2026-06-10T23:45:00,1Z", 19},
                                        {"2026-06-10T23:45:00.Z", 20},
                                        {"2026-06-10T23:45:00.1234567890Z", 29},
                                        {"2026-06-10T23:45:00+00:00", 19},
                                        {"2026-06-10T23:45:00.123+00:00", 23},
                                        {"2026-06-10T23:45:00Z ", 20},
                                        {" 2026-06-10T23:45:00Z", 0}});
}

TEST_CASE("timestamp: writes three fractional digits") {
    CHECK(fw::format_timestamp(fw::Timestamp()).value() == "1970-01-01T00:00:00.000Z");
    CHECK(fw::format_timestamp(fw::Timestamp(1781135100123ms)).value() == "2026-06-10T23:45:00.123Z");
    CHECK(fw::format_timestamp(fw::Timestamp(-1ms)).value() == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("timestamp: reaches from the year 0000 to the year 9999 and no further") {
    const auto first = fw::parse_timestamp("0000-01-01T00:00:00.000Z").value();
    const auto last = fw::parse_timestamp("9999-12-31T23:59:59.999Z").value();
    CHECK(fw::format_timestamp(first).value() == "0000-01-01T00:00:00.000Z");
    CHECK(fw::format_timestamp(last).value() == "9999-12-31T23:59:59.999Z");
    // Year 67562 is 2026 in the 16 bits that a calendar's year has.
    const auto wraps =
        fw::Timestamp(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)) + std::chrono::days(23'936'166);
    for (const auto time : {first - 1ms, last + 1ms, wraps, fw::Timestamp::min(), fw::Timestamp::max()}) {
        CHECK(fw::format_timestamp(time).error() == fw::Errc::out_of_range);
    }
}

TEST_CASE("timestamp: any moment survives writing and reading") {
    std::mt19937_64 engine(3);
    const auto first = fw::parse_timestamp("0000-01-01T00:00:00Z").value();
    const auto last = fw::parse_timestamp("9999-12-31T23:59:59.999Z").value();
    const auto span = static_cast<std::uint64_t>((last - first).count());
    for (int i = 0; i < 2000; ++i) {
        const auto time = first + std::chrono::milliseconds(engine() % span);
        const std::string text = fw::format_timestamp(time).value();
        CHECK(text.size() == 24);
        CHECK(fw::parse_timestamp(text).value() == time);
    }
}

TEST_CASE("UFP time: reads day before month, with a colon or a point") {
    const auto expected = std::chrono::local_days(std::chrono::year(2025) / 6 / 11) + 17h + 22min;
    CHECK(fw::parse_ufp_time("11/06/2025 17:22").value() == expected);
    CHECK(fw::parse_ufp_time("11/06/2025 17.22").value() == expected);
    CHECK(fw::parse_ufp_time("29/02/2024 00:00"));
    CHECK(fw::parse_ufp_time("31/12/9999 23:59"));
}

TEST_CASE("UFP time: refuses every other form at its first wrong byte") {
    check_refused(fw::parse_ufp_time, {{"", 0},
                                       {"11/06/2000", 10},
                                       {"11-06-2025 17:22", 2},
                                       {"00/06/2025 17:22", 0},
                                       {"32/06/2025 17:22", 0},
                                       {"31/06/2025 17:22", 0},
                                       {"29/02/2023 17:22", 0},
                                       {"06/13/2025 17:22", 3},
                                       {"1/06/2025 17:22", 1},
                                       {"11/06/25 17:22", 8},
                                       {"11/06/2025T17:22", 10},
                                       {"11/06/2025  17:22", 11},
                                       {"11/06/2025 24:00", 11},
                                       {"11/06/2025 17-22", 13},
                                       {"11/06/2025 17:60", 14},
                                       {"11/06/2025 17:2", 15},
                                       {"11/06/2025 17:22:00", 16}});
}
