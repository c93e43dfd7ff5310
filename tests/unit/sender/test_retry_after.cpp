#include <fpt_webhooks/sender/retry_after.hpp>

#include <random>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

const fw::Timestamp now = fw::parse_timestamp("2026-06-10T12:00:00.250Z").value();

std::chrono::milliseconds wait(std::string_view value) { return fw::parse_retry_after(value, now).value(); }

std::size_t offset_of_fault(std::string_view value) {
    INFO(value);
    const auto parsed = fw::parse_retry_after(value, now);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() == fw::Errc::malformed);
    return parsed.error().offset().value_or(999);
}

}  // namespace

TEST_CASE("retry-after: reads seconds") {
    CHECK(wait("0") == 0s);
    CHECK(wait("120") == 120s);
    CHECK(wait("007") == 7s);
}

TEST_CASE("retry-after: reads a date in all three forms") {
    CHECK(wait("Wed, 10 Jun 2026 12:01:00 GMT") == 59'750ms);
    CHECK(wait("Wednesday, 10-Jun-26 12:01:00 GMT") == 59'750ms);
    CHECK(wait("Wed Jun 10 12:01:00 2026") == 59'750ms);
    CHECK(wait("Thu Jul  2 12:00:00 2026") == 22 * 24h - 250ms);
    CHECK(wait("Wed, 10 Jun 2026 12:00:60 GMT") == 59'750ms);  // a leap second is the next minute's first
}

TEST_CASE("retry-after: a date that has passed means now") {
    CHECK(wait("Sun, 06 Nov 1994 08:49:37 GMT") == 0s);
    CHECK(wait("Sunday, 06-Nov-94 08:49:37 GMT") == 0s);
    CHECK(wait("Sun Nov  6 08:49:37 1994") == 0s);
    CHECK(wait("Wed, 10 Jun 2026 12:00:00 GMT") == 0s);
    CHECK(wait("Sat, 01 Jan 0000 00:00:00 GMT") == 0s);
}

TEST_CASE("retry-after: a two-digit year lies within 50 years of now") {
    const auto late = fw::parse_timestamp("2099-12-31T23:59:00Z").value();
    CHECK(fw::parse_retry_after("Friday, 01-Jan-00 00:00:00 GMT", late).value() == 60s);
    const auto early = fw::parse_timestamp("2000-01-01T00:00:00Z").value();
    CHECK(fw::parse_retry_after("Friday, 31-Dec-99 23:59:59 GMT", early).value() == 0s);
    CHECK(wait("Wednesday, 10-Jun-76 12:00:00 GMT") == fw::retry_after_max);  // 2076
    CHECK(wait("Friday, 10-Jun-77 12:00:00 GMT") == 0s);                      // 1977
}

TEST_CASE("retry-after: never exceeds its bound, whatever the peer asks for") {
    CHECK(wait("31536000") == fw::retry_after_max);
    CHECK(wait("31536001") == fw::retry_after_max);
    CHECK(wait("18446744073709551617") == fw::retry_after_max);
    CHECK(wait(std::string(10'000, '9')) == fw::retry_after_max);
    CHECK(wait("Fri, 31 Dec 9999 23:59:59 GMT") == fw::retry_after_max);
    CHECK(fw::parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", fw::Timestamp::min()).value() == fw::retry_after_max);
    CHECK(fw::parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", fw::Timestamp::max()).value() == 0s);
}

TEST_CASE("retry-after: refuses everything else and says where") {
    CHECK(offset_of_fault("") == 0);
    CHECK(offset_of_fault(" 120") == 0);
    CHECK(offset_of_fault("120 ") == 3);
    CHECK(offset_of_fault("1.5") == 1);
    CHECK(offset_of_fault("-1") == 0);
    CHECK(offset_of_fault("+1") == 0);
    CHECK(offset_of_fault("120s") == 3);
    CHECK(offset_of_fault("soon") == 0);
    CHECK(offset_of_fault("Wed, 10 Jun 2026 12:01:00 UTC") == 25);
    CHECK(offset_of_fault("Wed, 10 Jun 2026 12:01:00") == 25);
    CHECK(offset_of_fault("Wed, 10 Jun 2026 12:01:00 GMT ") == 29);
    CHECK(offset_of_fault("wed, 10 Jun 2026 12:01:00 GMT") == 0);
    CHECK(offset_of_fault("Wed, 1 Jun 2026 12:01:00 GMT") == 6);
    CHECK(offset_of_fault("Wed, 10 June 2026 12:01:00 GMT") == 11);
    CHECK(offset_of_fault("Wed, 10 Jun 2026 24:01:00 GMT") == 17);
    CHECK(offset_of_fault("Wed, 10 Jun 2026 12:60:00 GMT") == 20);
    CHECK(offset_of_fault("Wed, 10 Jun 2026 12:01:61 GMT") == 23);
    CHECK(offset_of_fault("Wed, 10-Jun-2026 12:01:00 GMT") == 7);
    CHECK(offset_of_fault("Wednesday, 10-Jun-2026 12:01:00 GMT") == 20);
    CHECK(offset_of_fault("Wed Jun 10 12:01:00 26") == 22);
    CHECK(offset_of_fault("Wed Jun 10 12:01:00 2026 GMT") == 24);
}

TEST_CASE("retry-after: refuses dates that the calendar does not have, and the wrong day name") {
    CHECK(offset_of_fault("Mon, 30 Feb 2026 12:00:00 GMT") == 0);
    CHECK(offset_of_fault("Tue, 10 Jun 2026 12:00:00 GMT") == 0);
    CHECK(offset_of_fault("Tuesday, 10-Jun-26 12:00:00 GMT") == 0);
    CHECK(wait("Thu, 29 Feb 2024 12:00:00 GMT") == 0s);
    CHECK(offset_of_fault("Wed, 29 Feb 2023 12:00:00 GMT") == 0);
}

TEST_CASE("retry-after: 100,000 mutated dates give a bounded wait or an offset inside the text") {
    std::mt19937 random(3);
    const std::string_view seeds[] = {"Wed, 10 Jun 2026 12:01:00 GMT", "Wednesday, 10-Jun-26 12:01:00 GMT",
                                      "Wed Jun  3 12:01:00 2027", "120"};
    int accepted = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string text(seeds[random() % 4]);
        for (auto edits = random() % 3; edits > 0 && !text.empty(); --edits) {
            const auto at = random() % text.size();
            if (random() % 3 == 0)
                text.erase(at, 1);
            else
                text[at] = "0123456789 ,-:JunWedGMT"[random() % 23];
        }
        const auto parsed = fw::parse_retry_after(text, now);
        INFO(text);
        if (parsed) {
            ++accepted;
            REQUIRE(*parsed >= 0ms);
            REQUIRE(*parsed <= fw::retry_after_max);
        } else {
            REQUIRE(parsed.error().offset().value_or(999) <= text.size());
        }
    }
    CHECK(accepted > 30'000);
    CHECK(accepted < 80'000);
}
