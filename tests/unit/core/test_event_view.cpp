#include <fpt_webhooks/core/event_view.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

fw::Envelope envelope() {
    return {.event_id = fw::EventId::parse("9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e").value(),
            .event_type = fw::EventType::parse("contact.updated").value(),
            .timestamp = fw::parse_timestamp("2026-06-10T23:45:00Z").value(),
            .location_id = fw::LocationId(-7),
            .data = fw::JsonObject::parse(R"({"contactId":1})").value()};
}

}  // namespace

TEST_CASE("event view: shows an FPT event") {
    const fw::Envelope event = envelope();
    const std::string key = event.event_id.to_string();
    const fw::EventView view(event, key);
    CHECK(view.profile() == fw::Profile::fpt);
    CHECK(view.type() == "contact.updated");
    CHECK(view.time() == event.timestamp);
    CHECK(view.location() == -7);
    CHECK(view.organization() == 0);
    CHECK(view.idempotency_key().data() == key.data());
    CHECK(&view.payload() == &event.data);
    CHECK(view.envelope() == &event);
    CHECK(view.ufp() == nullptr);
}

TEST_CASE("event view: shows a UFP event under its catalogue key and without a time") {
    fw::UfpEvent event{.event_key = "new_lead_created",
                       .created_at = "11/06/2025 17:22",
                       .tenant_id = fw::TenantId(9'000'000'000),
                       .payload = fw::JsonObject::parse(R"({"phone":""})").value()};
    const fw::EventView view(event, "key");
    CHECK(view.profile() == fw::Profile::ufp);
    CHECK(view.type() == "newlead_created");
    CHECK_FALSE(view.time().has_value());
    CHECK(view.location() == 9'000'000'000);
    CHECK_FALSE(view.organization().has_value());
    CHECK(view.idempotency_key() == "key");
    CHECK(&view.payload() == &event.payload);
    CHECK(view.envelope() == nullptr);
    CHECK(view.ufp() == &event);

    event.company_id = fw::CompanyId(1);
    event.event_key = "never_heard_of";
    CHECK(fw::EventView(event, "key").organization() == 1);
    CHECK(fw::EventView(event, "key").type() == "never_heard_of");
}
