// All chance of a simulation: one seed, one sequence.
#pragma once

#include <cstdint>
#include <span>

#include <fpt_webhooks/core/random.hpp>

namespace simulation {

// splitmix64
class Rng {
  public:
    explicit Rng(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    // 0 to n-1
    std::uint64_t below(std::uint64_t n) noexcept { return n == 0 ? 0 : next() % n; }
    std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
    }
    bool chance(unsigned per_thousand) noexcept { return below(1'000) < per_thousand; }
    template <class Container>
    auto& pick(Container& from) noexcept {
        return from[static_cast<std::size_t>(below(from.size()))];
    }

  private:
    std::uint64_t state_;
};

// For jitter, ids and secrets.
class SimRandom final : public fpt_webhooks::RandomSource {
  public:
    explicit SimRandom(std::uint64_t seed) noexcept : rng_(seed) {}
    fpt_webhooks::Result<void> fill(std::span<std::byte> out) override {
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (i % 8 == 0) bits = rng_.next();
            out[i] = static_cast<std::byte>(bits >> (i % 8 * 8));
        }
        return {};
    }

  private:
    Rng rng_;
};

}  // namespace simulation
