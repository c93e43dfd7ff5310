#include <fpt_webhooks/testing/manual_clock.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

TEST_CASE("manual clock: stands still until it is told to move") {
    fw::testing::ManualClock clock;
    CHECK(fw::format_timestamp(clock.now()).value() == "2026-06-10T12:00:00.000Z");
    const auto steady = clock.steady_now();
    clock.advance(90s);
    CHECK(fw::format_timestamp(clock.now()).value() == "2026-06-10T12:01:30.000Z");
    CHECK(clock.steady_now() - steady == 90s);
}

TEST_CASE("manual clock: a wall clock that is set does not move the steady one") {
    fw::testing::ManualClock clock;
    const auto steady = clock.steady_now();
    clock.set_wall(clock.now() - 1h);
    CHECK(fw::format_timestamp(clock.now()).value() == "2026-06-10T11:00:00.000Z");
    CHECK(clock.steady_now() == steady);
}

TEST_CASE("manual clock: time that passes is never negative") {
    fw::testing::ManualClock clock;
    const auto steady = clock.steady_now();
    const auto wall = clock.now();
    clock.advance(-1h);
    CHECK(clock.steady_now() == steady);
    CHECK(clock.now() == wall);
}
