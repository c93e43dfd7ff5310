#include <fpt_webhooks/sender/event_choice.hpp>

#include <fpt_webhooks/core/fpt_catalogue.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>

#include "support/catch.hpp"
#include "unit/sender/events.hpp"

namespace fw = fpt_webhooks;

namespace {

using Patterns = std::vector<std::string>;

fw::EventChoice fpt(const Patterns& patterns) { return fw::EventChoice::create(fw::Profile::fpt, patterns).value(); }
fw::EventChoice ufp(const Patterns& patterns) { return fw::EventChoice::create(fw::Profile::ufp, patterns).value(); }

}  // namespace

TEST_CASE("event choice: exact names match themselves only") {
    const auto choice = fpt({"contact.created", "payment.failed"});
    CHECK(choice.matches(fpt_event("contact.created")));
    CHECK(choice.matches(fpt_event("payment.failed")));
    CHECK_FALSE(choice.matches(fpt_event("contact.updated")));
    CHECK_FALSE(choice.matches(fpt_event("contact.created.twice")));
}

TEST_CASE("event choice: a family matches every event that begins with it as a part") {
    const auto choice = fpt({"contact.*", "x.*"});
    CHECK(choice.matches(fpt_event("contact.created")));
    CHECK(choice.matches(fpt_event("contact.not_invented_yet")));
    CHECK(choice.matches(fpt_event("contact.note.added")));
    CHECK_FALSE(choice.matches(fpt_event("contacts.created")));
    CHECK_FALSE(choice.matches(fpt_event("payment.failed")));
}

TEST_CASE("event choice: a star matches every event of its profile and none of the other") {
    CHECK(fpt({"*"}).matches(fpt_event("anything.at_all")));
    CHECK(ufp({"*"}).matches(ufp_event("anything")));
    CHECK_FALSE(fpt({"*"}).matches(ufp_event("anything")));
    CHECK_FALSE(ufp({"*"}).matches(fpt_event("anything.at_all")));
}

TEST_CASE("event choice: a UFP alias and its catalogued key are one event") {
    for (const char* chosen : {"new_lead_created", "newlead_created"}) {
        const auto choice = ufp({chosen});
        CHECK(choice.matches(ufp_event("new_lead_created")));
        CHECK(choice.matches(ufp_event("newlead_created")));
        CHECK_FALSE(choice.matches(ufp_event("clt_birthday")));
        CHECK(choice.patterns() == Patterns{"newlead_created"});
    }
}

TEST_CASE("event choice: keeps its patterns sorted and each once, and reads them back") {
    const auto choice = fpt({"payment.*", "contact.created", "*", "contact.created", "payment.*"});
    CHECK(choice.patterns() == Patterns{"*", "contact.created", "payment.*"});
    CHECK(fpt(choice.patterns()) == choice);
    CHECK(fpt({"a.b", "c.d"}) == fpt({"c.d", "a.b"}));
    CHECK_FALSE(fpt({"*"}) == ufp({"*"}));
}

TEST_CASE("event choice: every catalogued event can be chosen by its name") {
    for (const auto& event : fw::fpt_events()) {
        INFO(event.name);
        CHECK(fpt({std::string(event.name)}).patterns().size() == 1);
    }
    for (const auto& event : fw::ufp_events()) {
        INFO(event.key);
        CHECK(ufp({std::string(event.key)}).matches(ufp_event(std::string(event.key))));
    }
}

TEST_CASE("event choice: refuses what can never match, and names the pattern by its index") {
    for (const char* pattern :
         {"", "contact", "contact.", ".created", "Contact.created", "contact.created ", "*.created", "contact.*.x",
          "contact.note.*", "**", ".*", "contact.**", "contact*", "new-lead.x"}) {
        INFO(pattern);
        const auto choice = fw::EventChoice::create(fw::Profile::fpt, Patterns{"contact.created", pattern});
        REQUIRE_FALSE(choice);
        CHECK(choice.error() == fw::Errc::invalid_argument);
        CHECK(choice.error().detail().starts_with("events[1]: an event type such as"));
    }
    for (const char* pattern : {"", "contact.created", "contact.*", "class_*", "New", "a b"}) {
        INFO(pattern);
        const auto choice = fw::EventChoice::create(fw::Profile::ufp, Patterns{pattern});
        REQUIRE_FALSE(choice);
        CHECK(choice.error().detail().starts_with("events[0]: an event key"));
    }
    CHECK_FALSE(fw::EventChoice::create(fw::Profile::ufp, Patterns{std::string(129, 'a')}));
    CHECK_FALSE(fw::EventChoice::create(fw::Profile::fpt, Patterns{"a." + std::string(127, 'a')}));
}

TEST_CASE("event choice: needs a pattern, and not more than both catalogues could use") {
    CHECK(fw::EventChoice::create(fw::Profile::fpt, {}).error().detail() == "events: at least one pattern");
    const Patterns many(fw::event_choice_patterns_max, "contact.created");
    CHECK(fw::EventChoice::create(fw::Profile::fpt, many));
    const Patterns more(fw::event_choice_patterns_max + 1, "contact.created");
    CHECK(fw::EventChoice::create(fw::Profile::fpt, more).error().detail() == "events: at most 256 patterns");
}
