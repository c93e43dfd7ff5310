#include <fpt_webhooks/core/event_id.hpp>

#include <set>
#include <string>
#include <unordered_set>

#include "doubles.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

TEST_CASE("event id: reads 32 hex digits of either case and writes lower case") {
    const std::string text = "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e";
    const auto id = fw::EventId::parse(text).value();
    CHECK(id.to_string() == text);
    CHECK(id == fw::EventId::parse("9F1C7E2A8C4D4B1B9E3F5A6D7C8B9A0E").value());
    CHECK(id.bytes().front() == std::byte{0x9f});
    CHECK(id.bytes().back() == std::byte{0x0e});
}

TEST_CASE("event id: is all zero by default and reads any 128 bits") {
    CHECK(fw::EventId().to_string() == std::string(32, '0'));
    CHECK(fw::EventId::parse(std::string(32, '0')).value() == fw::EventId());
    CHECK(fw::EventId::parse(std::string(32, 'f')).value().to_string() == std::string(32, 'f'));
}

TEST_CASE("event id: refuses another length and other characters at the first wrong byte") {
    const std::string good = "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e";
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char wrong : {'g', 'G', '-', ' ', '/', ':', '@', '`', '\0', '\xff'}) {
            std::string text = good;
            text[i] = wrong;
            const auto id = fw::EventId::parse(text);
            REQUIRE_FALSE(id);
            CHECK(id.error() == fw::Errc::malformed);
            CHECK(id.error().offset() == i);
        }
    }
    CHECK(fw::EventId::parse("").error().offset() == 0);
    CHECK(fw::EventId::parse(good.substr(1)).error().offset() == 31);
    CHECK(fw::EventId::parse(good + "0").error().offset() == 32);
    CHECK_FALSE(fw::EventId::parse("9f1c7e2a-8c4d-4b1b-9e3f-5a6d7c8b9a0e"));
}

TEST_CASE("event id: a fresh one is a UUID of version 7 with the clock's milliseconds in front") {
    // RFC 9562, appendix A.6: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00 is 017F22E279B0
    const doubles::FixedClock clock(fw::Timestamp(0x017F22E279B0ms));
    doubles::ConstantRandom ones(0xff);
    CHECK(fw::EventId::generate(clock, ones)->to_string() == "017f22e279b07fffbfffffffffffffff");
    doubles::ConstantRandom zeros(0x00);
    CHECK(fw::EventId::generate(clock, zeros)->to_string() == "017f22e279b070008000000000000000");
    doubles::CountingRandom counting;
    CHECK(fw::EventId::generate(clock, counting)->to_string() == "017f22e279b070018203040506070809");
}

TEST_CASE("event id: those made later sort later") {
    doubles::ConstantRandom high(0xff);
    doubles::ConstantRandom low(0x00);
    auto time = fw::Timestamp(1'700'000'000'000ms);
    for (const auto step : {1ms, 255ms, 256ms, 65'536ms, 86'400'000ms}) {
        const auto earlier = fw::EventId::generate(doubles::FixedClock(time), high).value();
        const auto later = fw::EventId::generate(doubles::FixedClock(time + step), low).value();
        CHECK(earlier < later);
        CHECK(earlier.to_string() < later.to_string());
        time += step;
    }
}

TEST_CASE("event id: no randomness, no id") {
    doubles::FailingRandom random;
    CHECK(fw::EventId::generate(doubles::FixedClock({}), random).error() == fw::Errc::crypto_failed);
}

TEST_CASE("event id: real ones do not repeat, nor do their hashes pile up") {
    const auto clock = fw::system_clock();
    const auto random = fw::system_random();
    std::set<fw::EventId> ids;
    std::unordered_set<std::size_t> hashes;
    for (int i = 0; i < 1000; ++i) {
        const auto id = fw::EventId::generate(*clock, *random).value();
        CHECK(fw::EventId::parse(id.to_string()).value() == id);
        ids.insert(id);
        hashes.insert(std::hash<fw::EventId>{}(id));
    }
    CHECK(ids.size() == 1000);
    CHECK(hashes.size() == 1000);
}
