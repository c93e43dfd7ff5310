// The 52 event keys of the UFP webhooks page with their categories. The vendor calls the list not complete.
#pragma once

#include <span>
#include <string_view>

#include <fpt_webhooks/core/export.hpp>

namespace fpt_webhooks::inline v0_1 {

struct UfpEventInfo {
    std::string_view key;          // "newlead_created"
    std::string_view category;     // "Sales", as in the page's third column
    std::string_view description;  // what triggers it
};

// In the page's order. Static data: valid for ever, free of locks.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::span<const UfpEventInfo> ufp_events() noexcept;

// By key or alias; null when it is not catalogued (which says nothing against it).
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT const UfpEventInfo* find_ufp_event(std::string_view key) noexcept;

// The catalogue's spelling: "newlead_created" for the sample body's "new_lead_created"; any other key unchanged (and
// then the view is `key`'s).
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::string_view canonical_ufp_key(std::string_view key) noexcept;

}  // namespace fpt_webhooks::inline v0_1
