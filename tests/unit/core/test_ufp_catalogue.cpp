#include <fpt_webhooks/core/ufp_catalogue.hpp>

#include <map>
#include <set>
#include <string>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("UFP catalogue: holds the page's 52 keys, each once, under its category") {
    std::map<std::string, int> categories;
    std::set<std::string_view> keys;
    for (const fw::UfpEventInfo& event : fw::ufp_events()) {
        INFO(event.key);
        CHECK(keys.insert(event.key).second);
        CHECK_FALSE(event.description.empty());
        ++categories[std::string(event.category)];
    }
    CHECK(keys.size() == 52);
    const std::map<std::string, int> expected = {{"Sales", 6},        {"Subscriptions", 8}, {"Billing & Payment", 10},
                                                 {"Appointments", 8}, {"Classes", 8},       {"Client Management", 3},
                                                 {"Retention", 1},    {"Notifications", 8}};
    CHECK(categories == expected);
    CHECK(fw::ufp_events().front().key == "newlead_created");
    CHECK(fw::ufp_events().back().key == "class_session_date");
}

TEST_CASE("UFP catalogue: finds an event by its key") {
    for (const fw::UfpEventInfo& event : fw::ufp_events()) CHECK(fw::find_ufp_event(event.key) == &event);
    CHECK(fw::find_ufp_event("flagged_clt_at_risk")->category == "Retention");
    CHECK(fw::find_ufp_event("app_booking_restricted")->category == "Client Management");
    CHECK(fw::find_ufp_event("refund_processed")->category == "Billing & Payment");
    for (const std::string_view key : {"", "newlead", "NEWLEAD_CREATED", "newlead_created "}) {
        CHECK(fw::find_ufp_event(key) == nullptr);
    }
}

TEST_CASE("UFP catalogue: the sample body's spelling means the catalogue's event") {
    CHECK(fw::canonical_ufp_key("new_lead_created") == "newlead_created");
    CHECK(fw::find_ufp_event("new_lead_created") == &fw::ufp_events().front());
    const std::string other = "tour_booked";
    CHECK(fw::canonical_ufp_key(other).data() == other.data());
    CHECK(fw::canonical_ufp_key("").empty());
}
