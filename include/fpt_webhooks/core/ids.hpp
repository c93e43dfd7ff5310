// Integer ids as distinct types, so that a location cannot be passed where a contact is meant.
//
// FPT: every id is a 32-bit JSON number (FPT envelope conventions). UFP: integers; 64 bits are read.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace fpt_webhooks::inline v0_1 {

// A value type: regular, ordered, hashable; construction from a number is explicit.
template <class Tag, class Rep>
class Id {
  public:
    using rep = Rep;

    constexpr Id() noexcept = default;
    constexpr explicit Id(Rep value) noexcept : value_(value) {}

    [[nodiscard]] constexpr Rep value() const noexcept { return value_; }
    friend constexpr auto operator<=>(Id, Id) noexcept = default;

  private:
    Rep value_ = 0;
};

using LocationId = Id<struct LocationIdTag, std::int32_t>;
using OrganizationId = Id<struct OrganizationIdTag, std::int32_t>;  // 0: the location has no parent
using ContactId = Id<struct ContactIdTag, std::int32_t>;            // means something only with its LocationId
using SubGroupId = Id<struct SubGroupIdTag, std::int32_t>;          // likewise
using SubscriptionId = Id<struct SubscriptionIdTag, std::int32_t>;

using CompanyId = Id<struct CompanyIdTag, std::int64_t>;  // UFP: a brand with all its locations
using TenantId = Id<struct TenantIdTag, std::int64_t>;    // UFP: one location

}  // namespace fpt_webhooks::inline v0_1

template <class Tag, class Rep>
struct std::hash<fpt_webhooks::Id<Tag, Rep>> {
    std::size_t operator()(fpt_webhooks::Id<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
