// Categories of personal data, and sets of them: what a subscription may see of an event (SPEC 2.1).
#pragma once

#include <cstdint>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

enum class PiiCategory : std::uint8_t { identity, contact_details, demographics, financial, message_content };

// A small regular value. Default: identity, contact details and demographics.
class PiiCategories {
  public:
    constexpr PiiCategories() noexcept = default;
    [[nodiscard]] static constexpr PiiCategories all() noexcept { return PiiCategories(all_bits); }
    [[nodiscard]] static constexpr PiiCategories none() noexcept { return PiiCategories(0); }

    // For stores. Errors: out_of_range.
    [[nodiscard]] static Result<PiiCategories> from_bits(std::uint32_t bits) {
        if (bits > all_bits) return Error(Errc::out_of_range, "PII categories: unknown bits");
        return PiiCategories(static_cast<std::uint8_t>(bits));
    }
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }

    friend constexpr PiiCategories operator&(PiiCategories a, PiiCategories b) noexcept {
        return PiiCategories(static_cast<std::uint8_t>(a.bits_ & b.bits_));
    }
    friend constexpr bool operator==(PiiCategories, PiiCategories) noexcept = default;

  private:
    static constexpr std::uint8_t all_bits = 0x1f;
    constexpr explicit PiiCategories(std::uint8_t bits) noexcept : bits_(bits) {}

    std::uint8_t bits_ = 0x07;
};

}  // namespace fpt_webhooks::inline v0_1
