// Categories of personal data, from which a subscription chooses what it is sent (FPT subscriptions page, "PII
// categories"). The vendor does not publish its categories: these five are ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// Numbers are stable and never reused: a stored set is bits of them.
enum class PiiCategory : std::uint8_t {
    identity = 0,         // who somebody is: names, photographs, and all that has no other category
    contact_details = 1,  // how to reach them: addresses, telephone, email
    demographics = 2,     // date of birth, gender and the like
    financial = 3,        // what they pay, owe and have bought
    message_content = 4,  // what they write and say
};

inline constexpr std::array pii_category_values = {PiiCategory::identity, PiiCategory::contact_details,
                                                   PiiCategory::demographics, PiiCategory::financial,
                                                   PiiCategory::message_content};

[[nodiscard]] constexpr std::string_view name_of(PiiCategory category) noexcept {
    switch (category) {
        case PiiCategory::identity: return "identity";
        case PiiCategory::contact_details: return "contact_details";
        case PiiCategory::demographics: return "demographics";
        case PiiCategory::financial: return "financial";
        case PiiCategory::message_content: return "message_content";
    }
    return "unknown";
}

// By its exact name. Errors: invalid_argument, with the names that there are.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<PiiCategory> parse_pii_category(std::string_view name);

// A set of categories: a small regular value. Const access may be shared between threads.
class FPT_WEBHOOKS_CORE_EXPORT PiiCategories {
  public:
    // What a subscription gets that does not choose: all but financial and message_content.
    constexpr PiiCategories() noexcept = default;

    [[nodiscard]] static constexpr PiiCategories all() noexcept { return PiiCategories(bits_all); }
    [[nodiscard]] static constexpr PiiCategories none() noexcept { return PiiCategories(0); }

    // For storage: what bits() gave. Errors: out_of_range for a bit that stands for no category, as a later version of
    // this library may have written it: to guess would be to send too much or too little.
    [[nodiscard]] static Result<PiiCategories> from_bits(std::uint32_t bits);
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }

    [[nodiscard]] constexpr bool contains(PiiCategory category) const noexcept { return (bits_ & bit(category)) != 0; }
    // Is every category of `others` in this set?
    [[nodiscard]] constexpr bool contains(PiiCategories others) const noexcept { return (others.bits_ & ~bits_) == 0; }

    [[nodiscard]] constexpr PiiCategories with(PiiCategory category) const noexcept {
        return PiiCategories(bits_ | bit(category));
    }
    [[nodiscard]] constexpr PiiCategories without(PiiCategory category) const noexcept {
        return PiiCategories(bits_ & ~bit(category));
    }

    // What both allow: tightening a subscription narrows what is pending, loosening it does not widen it.
    [[nodiscard]] friend constexpr PiiCategories operator&(PiiCategories a, PiiCategories b) noexcept {
        return PiiCategories(a.bits_ & b.bits_);
    }
    friend constexpr bool operator==(PiiCategories, PiiCategories) noexcept = default;

    // For logs: "identity, demographics"; "none".
    [[nodiscard]] std::string to_string() const;

  private:
    [[nodiscard]] static constexpr std::uint32_t bit(PiiCategory category) noexcept {
        return std::uint32_t{1} << static_cast<unsigned>(category);
    }
    static constexpr std::uint32_t bits_all = (std::uint32_t{1} << pii_category_values.size()) - 1;

    constexpr explicit PiiCategories(std::uint32_t bits) noexcept : bits_(bits) {}

    std::uint32_t bits_ =
        bit(PiiCategory::identity) | bit(PiiCategory::contact_details) | bit(PiiCategory::demographics);
};

}  // namespace fpt_webhooks::inline v0_1
