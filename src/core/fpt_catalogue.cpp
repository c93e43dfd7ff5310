#include <fpt_webhooks/core/fpt_catalogue.hpp>

#include <algorithm>
#include <array>

namespace fpt_webhooks::inline v0_1 {
namespace {

constexpr FptFieldInfo contact_id = {"contactId", "int32", true, "the contact, within the envelope's location"};

constexpr std::array created_fields = {contact_id, FptFieldInfo{"operation", "string", false, "\"create\""}};
constexpr std::array updated_fields = {contact_id, FptFieldInfo{"operation", "string", false, "\"update\""}};
constexpr std::array deleted_fields = {contact_id, FptFieldInfo{"operation", "string", false, "\"delete\""}};
constexpr std::array status_fields = {
    contact_id,
    FptFieldInfo{"previousStatusId", "int32", true,
                 "the status before: 1 Leads, 2 Prospects, 3 Members, 4 Past Members, "
                 "5 Non-members, 6 Other, 7 Staff; more may come"},
    FptFieldInfo{"newStatusId", "int32", true, "the status after"},
};
constexpr std::array sub_group_fields = {
    contact_id,
    FptFieldInfo{"previousSubGroupId", "int32", false, "the sub-group before; absent when the contact was in none"},
    FptFieldInfo{"newSubGroupId", "int32", false, "the sub-group after; absent when the contact is in none"},
};

constexpr auto events = std::to_array<FptEventInfo>({
    {"contact.created", "contact", "v1.1", true, "a contact is new", created_fields},
    {"contact.updated", "contact", "v1.1", true, "anything about a contact changed", updated_fields},
    {"contact.deleted", "contact", "v1.1", true, "a contact is deleted", deleted_fields},
    {"contact.status_changed", "contact", "v1.1", true, "a contact moved to another status", status_fields},
    {"contact.sub_group_changed", "contact", "v1.1", true, "a contact moved to another sub-group", sub_group_fields},
    {"membership.started", "membership", "v1.2", false, "a membership begins", {}},
    {"membership.renewed", "membership", "v1.2", false, "a membership is renewed", {}},
    {"membership.cancelled", "membership", "v1.2", false, "a membership is cancelled", {}},
    {"membership.frozen", "membership", "v1.2", false, "a membership is frozen", {}},
    {"membership.expired", "membership", "v1.2", false, "a membership runs out", {}},
    {"payment.succeeded", "payment", "v1.2", false, "a payment succeeds", {}},
    {"payment.failed", "payment", "v1.2", false, "a payment fails", {}},
    {"payment.refunded", "payment", "v1.2", false, "a payment is refunded", {}},
    {"subscription.created", "subscription", "v1.2", false, "a subscription is new", {}},
    {"subscription.updated", "subscription", "v1.2", false, "a subscription changes", {}},
    {"subscription.cancelled", "subscription", "v1.2", false, "a subscription is cancelled", {}},
    {"appointment.scheduled", "appointment", "v1.3", false, "an appointment is made", {}},
    {"appointment.rescheduled", "appointment", "v1.3", false, "an appointment moves", {}},
    {"appointment.completed", "appointment", "v1.3", false, "an appointment took place", {}},
    {"appointment.cancelled", "appointment", "v1.3", false, "an appointment is cancelled", {}},
    {"appointment.no_show", "appointment", "v1.3", false, "the contact did not come", {}},
    {"class.attended", "class", "v1.3", false, "a contact attended a class", {}},
    {"class.cancelled", "class", "v1.3", false, "a class booking is cancelled", {}},
    {"class.waitlisted", "class", "v1.3", false, "a contact is put on the waitlist of a class", {}},
    {"message.sms_received", "message", "v1.3", false, "an SMS comes in", {}},
    {"message.sms_failed", "message", "v1.3", false, "an SMS could not be delivered", {}},
    {"message.email_received", "message", "v1.3", false, "an email comes in", {}},
    {"message.call_received", "message", "v1.3", false, "a call comes in", {}},
    {"task.*", "task", "later", false, "tasks; events not named yet", {}},
    {"note.*", "note", "later", false, "notes; events not named yet", {}},
    {"tag.*", "tag", "later", false, "tags; events not named yet", {}},
    {"campaign.*", "campaign", "later", false, "campaigns; events not named yet", {}},
});

struct FamilyPii {
    std::string_view family;
    PiiCategory category;
};

// All others: identity.
constexpr auto family_pii = std::to_array<FamilyPii>({
    {"payment", PiiCategory::financial},
    {"membership", PiiCategory::financial},
    {"subscription", PiiCategory::financial},
    {"message", PiiCategory::message_content},
});

constexpr std::string_view family_of(std::string_view event_type) noexcept {
    return event_type.substr(0, event_type.find('.'));
}

}  // namespace

std::span<const FptEventInfo> fpt_events() noexcept { return events; }

const FptEventInfo* find_fpt_event(std::string_view name) noexcept {
    const auto found =
        std::find_if(events.begin(), events.end(), [&](const FptEventInfo& event) { return event.name == name; });
    return found != events.end() ? &*found : nullptr;
}

PiiCategory pii_default_of(std::string_view family) noexcept {
    for (const FamilyPii& entry : family_pii) {
        if (entry.family == family) return entry.category;
    }
    return PiiCategory::identity;
}

std::optional<PiiCategory> pii_category(std::string_view event_type, std::string_view field) noexcept {
    if (is_id_field(field)) return std::nullopt;
    const std::string_view family = family_of(event_type);
    for (const FptEventInfo& event : events) {
        if (event.fields.empty() || event.family != family) continue;
        for (const FptFieldInfo& declared : event.fields) {
            if (declared.name == field) return declared.pii;
        }
    }
    return pii_default_of(family);
}

PiiCategories pii_categories_of(std::string_view event_type) noexcept {
    const std::string_view family = family_of(event_type);
    PiiCategories categories = PiiCategories::none().with(pii_default_of(family));
    for (const FptEventInfo& event : events) {
        if (event.fields.empty() || event.family != family) continue;
        for (const FptFieldInfo& declared : event.fields) {
            if (declared.pii) categories = categories.with(*declared.pii);
        }
    }
    return categories;
}

}  // namespace fpt_webhooks::inline v0_1
