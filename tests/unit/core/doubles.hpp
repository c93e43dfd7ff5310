// A clock and random sources that do what the test says.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/random.hpp>

namespace doubles {

namespace fw = fpt_webhooks;

class FixedClock final : public fw::Clock {
  public:
    explicit FixedClock(fw::Timestamp time) : time_(time) {}
    [[nodiscard]] fw::Timestamp now() const noexcept override { return time_; }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override { return {}; }

  private:
    fw::Timestamp time_;
};

// The same byte for ever.
class ConstantRandom final : public fw::RandomSource {
  public:
    explicit ConstantRandom(unsigned char byte) : byte_(byte) {}
    fw::Result<void> fill(std::span<std::byte> out) override {
        std::fill(out.begin(), out.end(), std::byte{byte_});
        return {};
    }

  private:
    unsigned char byte_;
};

// 0, 1, 2, ...
class CountingRandom final : public fw::RandomSource {
  public:
    fw::Result<void> fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(next_++);
        return {};
    }

  private:
    unsigned char next_ = 0;
};

class FailingRandom final : public fw::RandomSource {
  public:
    fw::Result<void> fill(std::span<std::byte>) override { return fw::Error(fw::Errc::crypto_failed, "none left"); }
};

}  // namespace doubles
