// The five shipped FPT events as types (FPT event catalogue v1.1): `contact.*`.
//
// Each has `event_type`, `from_data` and `to_data`: the TypedEvent concept. A type of yours with the same three works
// wherever these do.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/json_object.hpp>
#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// A C++ type for the `data` of one event type.
template <class T>
concept TypedEvent = requires(const T& event, const JsonObject& data) {
    { T::event_type } -> std::convertible_to<std::string_view>;
    { T::from_data(data) } -> std::same_as<Result<T>>;
    { event.to_data() } -> std::same_as<JsonObject>;
};

// An open set: a value without a name here is kept as it is.
enum class ContactStatus : std::int32_t {
    leads = 1,
    prospects = 2,
    members = 3,
    past_members = 4,
    non_members = 5,
    other = 6,
    staff = 7,
};

// In all of these: `from_data` ignores unknown fields and treats null as absent; a field of the event's own that stands
// twice is refused. Errors are malformed or out_of_range, name the field, and have its offset in data.text(). `to_data`
// leaves absent fields out.

struct FPT_WEBHOOKS_CORE_EXPORT ContactCreated {
    static constexpr std::string_view event_type = "contact.created";
    ContactId contact_id = {};

    // {"contactId": 9876, "operation": "create"}. `operation` may be absent; another operation is malformed.
    [[nodiscard]] static Result<ContactCreated> from_data(const JsonObject& data);
    [[nodiscard]] JsonObject to_data() const;
    friend bool operator==(const ContactCreated&, const ContactCreated&) = default;
};

struct FPT_WEBHOOKS_CORE_EXPORT ContactUpdated {
    static constexpr std::string_view event_type = "contact.updated";
    ContactId contact_id = {};

    // {"contactId": 9876, "operation": "update"}
    [[nodiscard]] static Result<ContactUpdated> from_data(const JsonObject& data);
    [[nodiscard]] JsonObject to_data() const;
    friend bool operator==(const ContactUpdated&, const ContactUpdated&) = default;
};

struct FPT_WEBHOOKS_CORE_EXPORT ContactDeleted {
    static constexpr std::string_view event_type = "contact.deleted";
    ContactId contact_id = {};

    // {"contactId": 9876, "operation": "delete"}
    [[nodiscard]] static Result<ContactDeleted> from_data(const JsonObject& data);
    [[nodiscard]] JsonObject to_data() const;
    friend bool operator==(const ContactDeleted&, const ContactDeleted&) = default;
};

struct FPT_WEBHOOKS_CORE_EXPORT ContactStatusChanged {
    static constexpr std::string_view event_type = "contact.status_changed";
    ContactId contact_id = {};
    ContactStatus previous_status = {};
    ContactStatus new_status = {};

    // {"contactId": 9876, "previousStatusId": 1, "newStatusId": 3}
    [[nodiscard]] static Result<ContactStatusChanged> from_data(const JsonObject& data);
    [[nodiscard]] JsonObject to_data() const;
    friend bool operator==(const ContactStatusChanged&, const ContactStatusChanged&) = default;
};

struct FPT_WEBHOOKS_CORE_EXPORT ContactSubGroupChanged {
    static constexpr std::string_view event_type = "contact.sub_group_changed";
    ContactId contact_id = {};
    std::optional<SubGroupId> previous_sub_group = {};  // nothing: the contact was in none
    std::optional<SubGroupId> new_sub_group = {};       // nothing: the contact left its sub-group

    // {"contactId": 9876, "previousSubGroupId": 3, "newSubGroupId": 7}. Both absent is malformed.
    [[nodiscard]] static Result<ContactSubGroupChanged> from_data(const JsonObject& data);
    [[nodiscard]] JsonObject to_data() const;
    friend bool operator==(const ContactSubGroupChanged&, const ContactSubGroupChanged&) = default;
};

// The contact that an event of any type is about: `contactId` of its data, if it stands there once and is a 32-bit
// number. Together with the event's locationId it names one contact.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::optional<ContactId> contact_of(const JsonObject& data);

}  // namespace fpt_webhooks::inline v0_1
