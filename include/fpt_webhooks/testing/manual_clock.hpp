// A clock that moves only when a test says so.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/testing/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// May be shared between threads; each of the two clocks is consistent by itself.
class FPT_WEBHOOKS_TESTING_EXPORT ManualClock final : public Clock {
  public:
    // Starts at `wall`, 2026-06-10T12:00:00Z if nothing else is said.
    explicit ManualClock(Timestamp wall = Timestamp(std::chrono::milliseconds(1'781'092'800'000))) noexcept;
    ~ManualClock() override;

    [[nodiscard]] Timestamp now() const noexcept override;
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override;

    // Time passes: both clocks move on. `by` is not negative; a negative one counts as zero.
    void advance(std::chrono::milliseconds by) noexcept;

    // Somebody sets the wall clock, forward or back. The steady clock does not notice.
    void set_wall(Timestamp wall) noexcept;

  private:
    std::atomic<std::int64_t> wall_ms_;
    std::atomic<std::int64_t> steady_ms_;
};

}  // namespace fpt_webhooks::inline v0_1::testing
