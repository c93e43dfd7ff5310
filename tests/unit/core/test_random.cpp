#include <fpt_webhooks/core/random.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "doubles.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;

static_assert(!std::is_copy_constructible_v<fw::RandomSource>);

TEST_CASE("random: fills all of the buffer and nothing beside it") {
    const auto random = fw::system_random();
    // 32 zero bytes by chance: once in 2^256
    std::array<std::byte, 96> buffer{};
    REQUIRE(random->fill(std::span(buffer).subspan(32, 32)));
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    CHECK(std::all_of(buffer.begin(), buffer.begin() + 32, is_zero));
    CHECK_FALSE(std::all_of(buffer.begin() + 32, buffer.begin() + 64, is_zero));
    CHECK(std::all_of(buffer.begin() + 64, buffer.end(), is_zero));
    CHECK(random->fill({}));
}

TEST_CASE("random: fills a buffer that takes more than one request") {
    const auto random = fw::system_random();
    std::vector<std::byte> buffer((std::size_t{1} << 20) + 4096);
    REQUIRE(random->fill(buffer));
    const auto zeros = std::count(buffer.end() - 4096, buffer.end(), std::byte{0});
    CHECK(zeros < 200);  // 16 are expected
}

TEST_CASE("random: numbers do not repeat") {
    const auto random = fw::system_random();
    std::set<std::uint64_t> numbers;
    for (int i = 0; i < 1000; ++i) numbers.insert(fw::random_u64(*random).value());
    CHECK(numbers.size() == 1000);
}

TEST_CASE("random: a number is eight bytes of the source, and fails with it") {
    doubles::ConstantRandom constant(0xa5);
    CHECK(fw::random_u64(constant).value() == 0xa5a5a5a5a5a5a5a5U);
    doubles::FailingRandom failing;
    CHECK(fw::random_u64(failing).error() == fw::Errc::crypto_failed);
}
