// Every FPT event that the vendor's event catalogue names, shipped or on the roadmap, and which personal
// data its fields hold.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <fpt_webhooks/core/export.hpp>
#include <fpt_webhooks/core/pii.hpp>

namespace fpt_webhooks::inline v0_1 {

// One field of an event's `data`.
struct FptFieldInfo {
    std::string_view name;  // "contactId"
    std::string_view type;  // "int32" or "string"
    bool required = true;
    std::string_view description;
    std::optional<PiiCategory> pii = std::nullopt;  // nothing: not personal, never removed
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

// Is it the name of an id by the vendor's convention: "id", or one that ends in "Id" or "Ids"? Ids are never removed:
// without them an event says nothing.
[[nodiscard]] constexpr bool is_id_field(std::string_view field) noexcept {
    return field == "id" || field.ends_with("Id") || field.ends_with("Ids");
}

// The category of all fields of a family ("contact") that the catalogue does not declare: financial for payment,
// membership and subscription; message_content for message; identity for all others, known or not.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT PiiCategory pii_default_of(std::string_view family) noexcept;

// The category of a field of `data`; nothing for what is never removed (ids, and what is declared as not personal).
// What one event of a family declares holds for the others of that family too, also for those not invented yet.
// `event_type`: any text, its family is the part before the first dot. `field`: its name, decoded.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::optional<PiiCategory> pii_category(std::string_view event_type,
                                                                               std::string_view field) noexcept;

// Every category that a field of this event can have. Subscriptions that allow the same of these get the same body.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT PiiCategories pii_categories_of(std::string_view event_type) noexcept;

}  // namespace fpt_webhooks::inline v0_1
