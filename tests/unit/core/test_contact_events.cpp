#include <fpt_webhooks/core/contact_events.hpp>

#include <limits>
#include <string>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

template <class T>
fw::Result<T> read(std::string_view json) {
    return T::from_data(fw::JsonObject::parse(json).value());
}

template <class T>
void check_refused(std::string_view json, fw::Errc code, std::size_t offset, const std::string& detail) {
    INFO(json);
    const auto event = read<T>(json);
    REQUIRE_FALSE(event);
    CHECK(event.error() == code);
    CHECK(event.error().offset() == offset);
    CHECK(event.error().detail() == detail);
}

static_assert(fw::TypedEvent<fw::ContactCreated> && fw::TypedEvent<fw::ContactUpdated> &&
              fw::TypedEvent<fw::ContactDeleted> && fw::TypedEvent<fw::ContactStatusChanged> &&
              fw::TypedEvent<fw::ContactSubGroupChanged>);
static_assert(!fw::TypedEvent<fw::JsonObject>);

}  // namespace

TEST_CASE("contact events: write the documented JSON") {
    const fw::ContactId contact(9876);
    CHECK(fw::ContactCreated{contact}.to_data().text() == R"({"contactId":9876,"operation":"create"})");
    CHECK(fw::ContactUpdated{contact}.to_data().text() == R"({"contactId":9876,"operation":"update"})");
    CHECK(fw::ContactDeleted{contact}.to_data().text() == R"({"contactId":9876,"operation":"delete"})");
    CHECK(fw::ContactStatusChanged{contact, fw::ContactStatus::leads, fw::ContactStatus::members}.to_data().text() ==
          R"({"contactId":9876,"previousStatusId":1,"newStatusId":3})");
    CHECK(fw::ContactSubGroupChanged{contact, fw::SubGroupId(3), fw::SubGroupId(7)}.to_data().text() ==
          R"({"contactId":9876,"previousSubGroupId":3,"newSubGroupId":7})");
}

TEST_CASE("contact events: leave an absent field out") {
    const fw::ContactId contact(std::numeric_limits<std::int32_t>::min());
    CHECK(fw::ContactSubGroupChanged{contact, {}, fw::SubGroupId(7)}.to_data().text() ==
          R"({"contactId":-2147483648,"newSubGroupId":7})");
    CHECK(fw::ContactSubGroupChanged{contact, fw::SubGroupId(3), {}}.to_data().text() ==
          R"({"contactId":-2147483648,"previousSubGroupId":3})");
}

TEST_CASE("contact events: read what they write") {
    const fw::ContactId contact(9876);
    CHECK(fw::ContactCreated::from_data(fw::ContactCreated{contact}.to_data()).value().contact_id == contact);
    CHECK(fw::ContactDeleted::from_data(fw::ContactDeleted{contact}.to_data()).value().contact_id == contact);
    const fw::ContactStatusChanged status{contact, fw::ContactStatus::staff, static_cast<fw::ContactStatus>(-99)};
    CHECK(fw::ContactStatusChanged::from_data(status.to_data()).value() == status);
    const fw::ContactSubGroupChanged left{contact, fw::SubGroupId(0), {}};
    CHECK(fw::ContactSubGroupChanged::from_data(left.to_data()).value() == left);
}

TEST_CASE("contact events: ignore unknown fields and treat null as absent") {
    const auto joined = read<fw::ContactSubGroupChanged>(
        R"({"x":{"contactId":1},"previousSubGroupId":null,"newSubGroupId":7,"contactId":9876,"y":[1],"y":"\n"})");
    CHECK(joined.value() == fw::ContactSubGroupChanged{fw::ContactId(9876), {}, fw::SubGroupId(7)});
    CHECK(read<fw::ContactUpdated>(R"({"contactId":1})"));
    CHECK(read<fw::ContactUpdated>(R"({"contactId":1,"operation":null})"));
    CHECK(read<fw::ContactUpdated>(R"({"cont\u0061ctId":1,"operation":"up\u0064ate"})"));
}

TEST_CASE("contact events: keep a status without a name") {
    const auto event = read<fw::ContactStatusChanged>(R"({"contactId":1,"previousStatusId":7,"newStatusId":42})");
    CHECK(event->previous_status == fw::ContactStatus::staff);
    CHECK(static_cast<std::int32_t>(event->new_status) == 42);
}

TEST_CASE("contact events: refuse a missing or null field at the closing brace, and name it") {
    const auto malformed = fw::Errc::malformed;
    check_refused<fw::ContactCreated>("{}", malformed, 1, "contactId: missing");
    check_refused<fw::ContactCreated>(R"({"contactId":null})", malformed, 17, "contactId: missing");
    check_refused<fw::ContactDeleted>(R"({"operation":"delete"})", malformed, 21, "contactId: missing");
    check_refused<fw::ContactStatusChanged>(R"({"contactId":1,"newStatusId":3})", malformed, 30,
                                            "previousStatusId: missing");
    check_refused<fw::ContactStatusChanged>(R"({"contactId":1,"previousStatusId":3})", malformed, 35,
                                            "newStatusId: missing");
    check_refused<fw::ContactSubGroupChanged>(R"({"newSubGroupId":3})", malformed, 18, "contactId: missing");
    check_refused<fw::ContactSubGroupChanged>(R"({"contactId":1,"newSubGroupId":null})", malformed, 35,
                                              "previousSubGroupId and newSubGroupId: missing");
}

TEST_CASE("contact events: refuse another type, another operation and a number that does not fit") {
    check_refused<fw::ContactCreated>(R"({"contactId":"1"})", fw::Errc::malformed, 13,
                                      "contactId: an integer is needed");
    check_refused<fw::ContactCreated>(R"({"contactId":1.0})", fw::Errc::malformed, 13,
                                      "contactId: an integer is needed");
    check_refused<fw::ContactCreated>(R"({"contactId":2147483648})", fw::Errc::out_of_range, 13,
                                      "contactId: 2147483648 does not fit 32 bits");
    check_refused<fw::ContactCreated>(R"({"contactId":1,"operation":"update"})", fw::Errc::malformed, 27,
                                      "operation: create is needed");
    check_refused<fw::ContactUpdated>(R"({"contactId":1,"operation":1})", fw::Errc::malformed, 27,
                                      "operation: update is needed");
    check_refused<fw::ContactSubGroupChanged>(R"({"contactId":1,"newSubGroupId":-2147483649})", fw::Errc::out_of_range,
                                              31, "newSubGroupId: -2147483649 does not fit 32 bits");
}

TEST_CASE("contact events: refuse a field of theirs that stands twice, at the second one") {
    check_refused<fw::ContactCreated>(R"({"contactId":1,"contactId":1})", fw::Errc::malformed, 15,
                                      "contactId: stands twice");
    check_refused<fw::ContactCreated>(R"({"contactId":null,"cont\u0061ctId":1})", fw::Errc::malformed, 18,
                                      "contactId: stands twice");
}

TEST_CASE("contact events: the contact that an event of any type is about") {
    const auto contact = [](const char* text) { return fw::contact_of(fw::JsonObject::parse(text).value()); };
    CHECK(contact(R"({"contactId":9876})") == fw::ContactId(9876));
    CHECK(contact(R"({"paymentId":1,"contactId":-2147483648,"x":{"contactId":5}})") ==
          fw::ContactId(std::numeric_limits<std::int32_t>::min()));
    CHECK_FALSE(contact("{}").has_value());
    CHECK_FALSE(contact(R"({"contactId":null})").has_value());
    CHECK_FALSE(contact(R"({"contactId":"9876"})").has_value());
    CHECK_FALSE(contact(R"({"contactId":2147483648})").has_value());
    CHECK_FALSE(contact(R"({"contactId":1,"contactId":1})").has_value());
    CHECK_FALSE(contact(R"({"x":{"contactId":5}})").has_value());
}
