#include <fpt_webhooks/testing/manual_clock.hpp>

#include <algorithm>

namespace fpt_webhooks::inline v0_1::testing {

namespace {
// Not zero, so that a test which forgets the steady clock's start is found out.
constexpr std::int64_t steady_start_ms = 3'600'000;
}  // namespace

ManualClock::ManualClock(Timestamp wall) noexcept
    : wall_ms_(wall.time_since_epoch().count()), steady_ms_(steady_start_ms) {}

ManualClock::~ManualClock() = default;

Timestamp ManualClock::now() const noexcept { return Timestamp(std::chrono::milliseconds(wall_ms_.load())); }

std::chrono::steady_clock::time_point ManualClock::steady_now() const noexcept {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(steady_ms_.load()));
}

void ManualClock::advance(std::chrono::milliseconds by) noexcept {
    const std::int64_t step = std::max<std::int64_t>(by.count(), 0);
    steady_ms_ += step;
    wall_ms_ += step;
}

void ManualClock::set_wall(Timestamp wall) noexcept { wall_ms_ = wall.time_since_epoch().count(); }

}  // namespace fpt_webhooks::inline v0_1::testing
