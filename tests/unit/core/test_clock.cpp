#include <fpt_webhooks/core/clock.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<fw::Clock>);

TEST_CASE("clock: the system's clock shows the machine's time") {
    const auto clock = fw::system_clock();
    const auto before = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto now = clock->now();
    const auto after = std::chrono::system_clock::now();
    CHECK(before <= now);
    CHECK(now <= after);
}

TEST_CASE("clock: steady time moves forward with the machine's") {
    const auto clock = fw::system_clock();
    const auto before = std::chrono::steady_clock::now();
    const auto first = clock->steady_now();
    auto second = clock->steady_now();
    while (second == first) second = clock->steady_now();
    CHECK(before <= first);
    CHECK(first < second);
    CHECK(second <= std::chrono::steady_clock::now());
}
