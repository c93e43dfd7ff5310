#include <fpt_webhooks/core/fpt_catalogue.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fpt_webhooks/core/contact_events.hpp>
#include <fpt_webhooks/core/event_type.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("FPT catalogue: holds every event of every version, each once") {
    std::map<std::string, std::vector<std::string>> by_version;
    std::set<std::string_view> names;
    for (const fw::FptEventInfo& event : fw::fpt_events()) {
        CHECK(names.insert(event.name).second);
        by_version[std::string(event.since)].emplace_back(event.name);
    }
    const std::map<std::string, std::vector<std::string>> expected = {
        {"v1.1",
         {"contact.created", "contact.updated", "contact.deleted", "contact.status_changed",
          "contact.sub_group_changed"}},
        {"v1.2",
         {"membership.started", "membership.renewed", "membership.cancelled", "membership.frozen", "membership.expired",
          "payment.succeeded", "payment.failed", "payment.refunded", "subscription.created", "subscription.updated",
          "subscription.cancelled"}},
        {"v1.3",
         {"appointment.scheduled", "appointment.rescheduled", "appointment.completed", "appointment.cancelled",
          "appointment.no_show", "class.attended", "class.cancelled", "class.waitlisted", "message.sms_received",
          "message.sms_failed", "message.email_received", "message.call_received"}},
        {"later", {"task.*", "note.*", "tag.*", "campaign.*"}}};
    CHECK(by_version == expected);
}

TEST_CASE("FPT catalogue: exactly what is shipped has fields") {
    for (const fw::FptEventInfo& event : fw::fpt_events()) {
        INFO(event.name);
        CHECK(event.shipped == (event.since == "v1.1"));
        CHECK(event.fields.empty() == !event.shipped);
        CHECK_FALSE(event.description.empty());
        CHECK(event.name.substr(0, event.name.find('.')) == event.family);
        const bool is_family = event.name.ends_with(".*");
        CHECK(fw::EventType::parse(event.name).has_value() == !is_family);
        CHECK(is_family == (event.since == "later"));
        for (const fw::FptFieldInfo& field : event.fields) {
            CHECK((field.type == "int32" || field.type == "string"));
            CHECK_FALSE(field.description.empty());
        }
    }
}

TEST_CASE("FPT catalogue: names the fields that the typed events write") {
    const auto check_fields = [](const auto& event) {
        const fw::FptEventInfo* info = fw::find_fpt_event(event.event_type);
        REQUIRE(info != nullptr);
        std::string rest = event.to_data().text();
        for (const fw::FptFieldInfo& field : info->fields) {
            const std::string key = "\"" + std::string(field.name) + "\":";
            const std::size_t at = rest.find(key);
            REQUIRE(at != std::string::npos);
            CHECK((rest[at + key.size()] == '"') == (field.type == "string"));
            rest.erase(at, key.size());
        }
        CHECK(rest.find("\":") == std::string::npos);
    };
    check_fields(fw::ContactCreated{});
    check_fields(fw::ContactUpdated{});
    check_fields(fw::ContactDeleted{});
    check_fields(fw::ContactStatusChanged{});
    check_fields(fw::ContactSubGroupChanged{{}, fw::SubGroupId(1), fw::SubGroupId(2)});
}

TEST_CASE("FPT catalogue: requires exactly the fields that the typed events require") {
    const fw::FptEventInfo* status = fw::find_fpt_event("contact.status_changed");
    REQUIRE(status->fields.size() == 3);
    for (const fw::FptFieldInfo& field : status->fields) CHECK(field.required);
    const fw::FptEventInfo* sub_group = fw::find_fpt_event("contact.sub_group_changed");
    REQUIRE(sub_group->fields.size() == 3);
    CHECK(sub_group->fields[0].required);
    CHECK_FALSE(sub_group->fields[1].required);
    CHECK_FALSE(sub_group->fields[2].required);
    CHECK(fw::ContactCreated::from_data(fw::JsonObject::parse(R"({"contactId":1})").value()));
    CHECK_FALSE(fw::find_fpt_event("contact.created")->fields[1].required);
}

TEST_CASE("FPT catalogue: finds an event by its exact name") {
    for (const fw::FptEventInfo& event : fw::fpt_events()) CHECK(fw::find_fpt_event(event.name) == &event);
    for (const std::string_view name : {"", "contact", "contact.*", "Contact.created", "task.created"}) {
        CHECK(fw::find_fpt_event(name) == nullptr);
    }
}

TEST_CASE("FPT catalogue: knows the default category of each family's fields") {
    for (const fw::FptEventInfo& event : fw::fpt_events()) {
        INFO(event.name);
        const bool financial =
            event.family == "payment" || event.family == "membership" || event.family == "subscription";
        const auto expected = financial                   ? fw::PiiCategory::financial
                              : event.family == "message" ? fw::PiiCategory::message_content
                                                          : fw::PiiCategory::identity;
        CHECK(fw::pii_default_of(event.family) == expected);
        CHECK(fw::pii_category(event.name, "anything") == expected);
        CHECK(fw::pii_categories_of(event.name) == fw::PiiCategories::none().with(expected));
    }
}

TEST_CASE("FPT catalogue: gives every field its category, and none to ids and operations") {
    struct Case {
        std::string_view event_type;
        std::string_view field;
        std::optional<fw::PiiCategory> category;
    };
    const auto none = std::nullopt;
    const Case cases[] = {
        {"contact.created", "contactId", none},
        {"contact.created", "operation", none},
        {"contact.restored", "operation", none},  // as its family declares it
        {"contact.status_changed", "newStatusId", none},
        {"contact.sub_group_changed", "previousSubGroupId", none},
        {"contact.created", "email", fw::PiiCategory::identity},
        {"contact.created", "Operation", fw::PiiCategory::identity},
        {"contact.created", "", fw::PiiCategory::identity},
        {"payment.succeeded", "operation", fw::PiiCategory::financial},
        {"payment.succeeded", "id", none},
        {"payment.succeeded", "invoiceIds", none},
        {"payment.succeeded", "amount", fw::PiiCategory::financial},
        {"payment.not_invented_yet", "amount", fw::PiiCategory::financial},
        {"payment.succeeded", "paid", fw::PiiCategory::financial},
        {"payment.succeeded", "ID", fw::PiiCategory::financial},
        {"payment.succeeded", "contactID", fw::PiiCategory::financial},
        {"payment.succeeded", "contactid", fw::PiiCategory::financial},
        {"payment.succeeded", "contactIdText", fw::PiiCategory::financial},
        {"message.sms_received", "text", fw::PiiCategory::message_content},
        {"message.sms_received", "messageId", none},
        {"class.attended", "note", fw::PiiCategory::identity},
        {"unheard.of", "name", fw::PiiCategory::identity},
        {"payments.made", "amount", fw::PiiCategory::identity},
        {"", "name", fw::PiiCategory::identity},
    };
    for (const Case& c : cases) {
        INFO(c.event_type << ' ' << c.field);
        CHECK(fw::pii_category(c.event_type, c.field) == c.category);
        if (c.category) CHECK(fw::pii_categories_of(c.event_type).contains(*c.category));
    }
}

TEST_CASE("FPT catalogue: declares a field's category the same in all events of a family") {
    for (const fw::FptEventInfo& event : fw::fpt_events()) {
        for (const fw::FptFieldInfo& field : event.fields) {
            INFO(event.name << ' ' << field.name);
            CHECK(fw::pii_category(event.name, field.name) == field.pii);
        }
    }
}
