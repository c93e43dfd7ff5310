// Randomness that a test can repeat.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/testing/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// The same bytes for the same seed, on every machine: splitmix64, little-endian. Never for secrets or ids in
// production. May be shared between threads; their order of calls then decides who gets which bytes.
class FPT_WEBHOOKS_TESTING_EXPORT SequenceRandom final : public RandomSource {
  public:
    explicit SequenceRandom(std::uint64_t seed) noexcept : state_(seed) {}
    ~SequenceRandom() override;

    // Each started block of eight bytes takes one number of the sequence. Errors: crypto_failed after set_failing.
    [[nodiscard]] Result<void> fill(std::span<std::byte> out) override;

    // From now on fill fails, or works again.
    void set_failing(bool failing) noexcept { failing_ = failing; }

  private:
    std::atomic<std::uint64_t> state_;
    std::atomic<bool> failing_{false};
};

}  // namespace fpt_webhooks::inline v0_1::testing
