#include <fpt_webhooks/testing/sequence_random.hpp>

#include <array>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("sequence random: gives the published numbers of splitmix64, little-endian") {
    fw::testing::SequenceRandom random(1234567);
    std::array<std::byte, 8> bytes{};
    for (const std::uint64_t expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U}) {
        REQUIRE(random.fill(bytes));
        std::uint64_t number = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) number |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
        CHECK(number == expected);
    }
}

TEST_CASE("sequence random: repeats itself from the same seed only, at any length") {
    const auto sequence = [](std::uint64_t seed) {
        fw::testing::SequenceRandom random(seed);
        std::array<std::byte, 21> bytes{};
        REQUIRE(random.fill(bytes));
        return bytes;
    };
    CHECK(sequence(1) == sequence(1));
    CHECK(sequence(1) != sequence(2));
}

TEST_CASE("sequence random: fails on demand") {
    fw::testing::SequenceRandom random(1);
    random.set_failing(true);
    CHECK(fw::random_u64(random).error() == fw::Errc::crypto_failed);
    random.set_failing(false);
    CHECK(fw::random_u64(random));
}
