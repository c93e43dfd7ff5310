// Where randomness comes from. Everything that needs it is given a RandomSource.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// Implementations may be called from any thread at once.
class FPT_WEBHOOKS_CORE_EXPORT RandomSource {
  public:
    RandomSource() = default;
    RandomSource(const RandomSource&) = delete;
    RandomSource& operator=(const RandomSource&) = delete;
    virtual ~RandomSource();

    // Fills `out` with unpredictable bytes. Errors: crypto_failed; `out` is then unspecified and must not be used.
    [[nodiscard]] virtual Result<void> fill(std::span<std::byte> out) = 0;
};

// OpenSSL's generator, unbuffered on our side: a forked child never repeats its parent's bytes.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::shared_ptr<RandomSource> system_random();

// One uniform 64-bit number.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<std::uint64_t> random_u64(RandomSource& random);

}  // namespace fpt_webhooks::inline v0_1
