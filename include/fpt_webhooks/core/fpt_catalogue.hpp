// Every FPT event that the vendor's event catalogue names, shipped or on the roadmap (SPEC 2.10).
#pragma once

#include <span>
#include <string_view>

#include <fpt_webhooks/core/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// One field of an event's `data`.
struct FptFieldInfo {
    std::string_view name;  // "contactId"
    std::string_view type;  // "int32" or "string"
    bool required = true;
    std::string_view description;
};

struct FptEventInfo {
    std::string_view name;    // "contact.created"; "task.*" for a family whose events are not named yet
    std::string_view family;  // "contact"
    std::string_view since;   // "v1.1"; "later" when no version is promised
    bool shipped = false;     // false: on the roadmap; it can be subscribed to, its `data` stays raw
    std::string_view description;
    std::span<const FptFieldInfo> fields;  // empty for what is not shipped
};

// In the catalogue's order. Static data: valid for ever, free of locks.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::span<const FptEventInfo> fpt_events() noexcept;

// By exact name; null when it is not catalogued (which says nothing against it: the catalogue grows).
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT const FptEventInfo* find_fpt_event(std::string_view name) noexcept;

}  // namespace fpt_webhooks::inline v0_1
