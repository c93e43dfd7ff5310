#include <fpt_webhooks/receiver/receiver.hpp>

#include <memory>
#include <stdexcept>

#include "receiver_fixture.hpp"
#include "support/catch.hpp"

using namespace receiver_test;

namespace {

using Calls = std::vector<std::string>;

// A handler by name that writes down that it ran.
auto note(Calls& calls, std::string who) {
    return [&calls, who = std::move(who)](const fw::EventView& event) {
        calls.push_back(who + " " + std::string(event.type()));
    };
}

void ignore(const fw::EventView&) {}

// An event of the user's own, beside the shipped ones.
struct MembershipFrozen {
    static constexpr std::string_view event_type = "membership.frozen";
    static fw::Result<MembershipFrozen> from_data(const fw::JsonObject& data) {
        if (data.text() == "{}") throw std::runtime_error("from_data threw");
        return MembershipFrozen{};
    }
    fw::JsonObject to_data() const { return {}; }
};

}  // namespace

TEST_CASE("receiver handlers: a typed handler gets the envelope and the data as its type") {
    Fixture f;
    int calls = 0;
    f.receiver->on<fw::ContactStatusChanged>([&](const fw::Envelope& event, const fw::ContactStatusChanged& change) {
        ++calls;
        CHECK(event.location_id == fw::LocationId(1234));
        CHECK(event.timestamp == fw::parse_timestamp("2026-06-10T23:45:00.123Z").value());
        CHECK(change.contact_id == fw::ContactId(9876));
        CHECK(change.previous_status == fw::ContactStatus::leads);
        CHECK(change.new_status == fw::ContactStatus::members);
    });
    CHECK(f.send({}) == 200);
    CHECK(calls == 1);
}

TEST_CASE("receiver handlers: a handler by name gets a view of the event") {
    Fixture f;
    int calls = 0;
    f.receiver->on("membership.started", [&](const fw::EventView& event) {
        ++calls;
        CHECK(event.profile() == fw::Profile::fpt);
        CHECK(event.type() == "membership.started");
        CHECK(event.location() == 1234);
        CHECK(event.idempotency_key() == "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e");
        CHECK(event.payload().text() == R"({"plan":7})");
    });
    CHECK(f.send({.type = "membership.started", .data = R"({"plan":7})"}) == 200);
    CHECK(calls == 1);
}

TEST_CASE("receiver handlers: the most specific ones run, and only those") {
    Fixture f;
    Calls calls;
    f.receiver->on_any(note(calls, "any"));
    f.receiver->on("contact.*", note(calls, "family"));
    f.receiver->on("contact.deleted", note(calls, "exact"));
    f.receiver->on<fw::ContactStatusChanged>(
        [&](const fw::Envelope&, const fw::ContactStatusChanged&) { calls.push_back("typed"); });
    int id = 10;
    for (const char* type : {"contact.deleted", "contact.created", "contact.status_changed", "contacts.created",
                             "contact.note.added", "task.created"}) {
        FptEvent event{.id = std::string(30, '0') + std::to_string(++id), .type = type};
        CHECK(f.send(event) == 200);
    }
    CHECK(calls == Calls{"exact contact.deleted", "family contact.created", "typed", "any contacts.created",
                         "family contact.note.added", "any task.created"});
}

TEST_CASE("receiver handlers: several of one level run in the order of their registration") {
    Fixture f;
    Calls calls;
    f.receiver->on("contact.status_changed", note(calls, "first"));
    f.receiver->on<fw::ContactStatusChanged>(
        [&](const fw::Envelope&, const fw::ContactStatusChanged&) { calls.push_back("second"); });
    f.receiver->on("contact.status_changed", note(calls, "third"));
    CHECK(f.send({}) == 200);
    CHECK(calls == Calls{"first contact.status_changed", "second", "third contact.status_changed"});
}

TEST_CASE("receiver handlers: the first failure stops, and the retry runs them all again") {
    Fixture f;
    Calls calls;
    bool fails = true;
    f.receiver->on("contact.*", note(calls, "first"));
    f.receiver->on("contact.*", [&](const fw::EventView&) -> fw::Result<void> {
        if (fails) return fw::Error(fw::Errc::local_failure, "CRM is down");
        return {};
    });
    f.receiver->on("contact.*", note(calls, "third"));
    CHECK(f.send({}) == 500);
    CHECK(calls.size() == 1);
    fails = false;
    CHECK(f.send({}) == 200);
    CHECK(calls.size() == 3);
}

TEST_CASE("receiver handlers: an error, an exception and a thrown anything are all a failure with its text") {
    Fixture f;
    f.receiver->on("a.error",
                   [](const fw::EventView&) -> fw::Result<void> { return fw::Error(fw::Errc::timed_out, "CRM"); });
    f.receiver->on("a.failure", [](const fw::EventView&) -> fw::Result<void> {
        return fw::Error(fw::Errc::handler_failed, "my words");
    });
    f.receiver->on("a.exception", [](const fw::EventView&) { throw std::runtime_error("CRM is down"); });
    f.receiver->on("a.number", [](const fw::EventView&) { throw 42; });
    const auto failure = [&](const char* type) {
        const fw::HttpResponse response = f.handle(f.sign(FptEvent{.type = type}.body()));
        CHECK(response.status == 500);
        CHECK(response.body == "handler_failed");
        CHECK(f.last().outcome == fw::HandleOutcome::handler_failed);
        CHECK(*f.last().error == fw::Errc::handler_failed);
        return f.last().error->message();
    };
    CHECK(failure("a.error") == "handler failed: timed out before the request was sent: CRM");
    CHECK(failure("a.failure") == "handler failed: my words");
    CHECK(failure("a.exception") == "handler failed: exception: CRM is down");
    CHECK(failure("a.number") == "handler failed: exception that is no std::exception");
}

TEST_CASE("receiver handlers: an event of another apiVersion goes to the catch-all only") {
    Fixture f;
    Calls calls;
    f.receiver->on("contact.*", note(calls, "family"));
    f.receiver->on<fw::ContactStatusChanged>(
        [&](const fw::Envelope&, const fw::ContactStatusChanged&) { calls.push_back("typed"); });
    SECTION("where there is one") {
        f.receiver->on_any(note(calls, "any"));
        CHECK(f.send({.api_version = "v2"}) == 200);
        CHECK(calls == Calls{"any contact.status_changed"});
    }
    SECTION("where there is none it is unhandled") {
        CHECK(f.send({.api_version = "v2"}) == 200);
        CHECK(f.last().outcome == fw::HandleOutcome::unhandled);
        CHECK(calls.empty());
    }
}

TEST_CASE("receiver handlers: an event that nobody takes is answered 200, every time") {
    Fixture f;
    f.receiver->on<fw::ContactCreated>([](const fw::Envelope&, const fw::ContactCreated&) {});
    for (int i = 0; i < 2; ++i) {
        const fw::HttpResponse response = f.handle(f.sign(FptEvent{}.body()));
        CHECK(response.status == 200);
        CHECK(response.body == "unhandled");
        CHECK(f.last().event_type == "contact.status_changed");
    }
}

TEST_CASE("receiver handlers: data that a typed handler cannot read is answered 400 before any handler runs") {
    Fixture f;
    Calls calls;
    f.receiver->on("contact.status_changed", note(calls, "raw"));
    f.receiver->on<fw::ContactStatusChanged>(
        [&](const fw::Envelope&, const fw::ContactStatusChanged&) { calls.push_back("typed"); });
    CHECK(f.send({.data = R"({"contactId":9876,"newStatusId":3})"}) == 400);
    CHECK(f.last().outcome == fw::HandleOutcome::unreadable);
    CHECK_THAT(f.last().error->message(), Catch::Matchers::Contains("previousStatusId"));
    CHECK(calls.empty());
    CHECK(f.send({}) == 200);  // the key was not claimed, and no failure was counted
    CHECK(f.last().failures == 0);
    CHECK(calls.size() == 2);
}

TEST_CASE(
    "receiver handlers: an event type of the user's own is a typed one; when its reader throws, that is a failure") {
    Fixture f;
    int calls = 0;
    f.receiver->on<MembershipFrozen>([&](const fw::Envelope&, const MembershipFrozen&) { ++calls; });
    CHECK(f.send({.type = "membership.frozen", .data = R"({"x":1})"}) == 200);
    CHECK(calls == 1);
    CHECK(f.send({.id = std::string(32, '1'), .type = "membership.frozen", .data = "{}"}) == 500);
    CHECK(f.last().error->detail() == "exception: from_data threw");
}

TEST_CASE("receiver handlers: UFP events go by key under either spelling, the rest to the catch-all") {
    Fixture f({.profile = fw::Profile::ufp});
    Calls calls;
    SECTION("registered by the catalogue's spelling") { f.receiver->on("newlead_created", note(calls, "lead")); }
    SECTION("registered by the sample's spelling") { f.receiver->on("new_lead_created", note(calls, "lead")); }
    f.receiver->on_any([&](const fw::EventView& event) {
        REQUIRE(event.ufp() != nullptr);
        CHECK(event.envelope() == nullptr);
        CHECK(event.location() == 42);
        calls.push_back("any " + event.ufp()->event_key);
    });
    for (const char* key : {"newlead_created", "new_lead_created", "invoice_paid", "Something Else"}) {
        CHECK(f.handle(f.sign(ufp_body(key))).status == 200);
        CHECK(f.last().outcome == fw::HandleOutcome::processed);
    }
    CHECK(calls == Calls{"lead newlead_created", "lead newlead_created", "any invoice_paid", "any Something Else"});
}

TEST_CASE("receiver handlers: any callable will do") {
    Fixture f;
    int calls = 0;
    f.receiver->on("a.a", ignore);
    f.receiver->on("a.a", &ignore);
    f.receiver->on("a.a", [](const fw::EventView&) {});
    f.receiver->on("a.a", [only = std::make_unique<int>(2), &calls](const fw::EventView&) { calls += *only; });
    f.receiver->on("a.a", std::function<void(const fw::EventView&)>([&](const fw::EventView&) { ++calls; }));
    f.receiver->on("a.a", std::function<fw::Result<void>(const fw::EventView&)>([&](const fw::EventView&) {
                       ++calls;
                       return fw::Result<void>();
                   }));
    CHECK(f.send({.type = "a.a"}) == 200);
    CHECK(calls == 4);
}

TEST_CASE("receiver handlers: a registration that could never work is a logic error that says why") {
    Fixture fpt;
    Fixture ufp({.profile = fw::Profile::ufp});
    const auto named = [](Fixture& f, std::string_view name) { return mistake([&] { f.receiver->on(name, ignore); }); };
    for (const char* good : {"contact.created", "contact.*", "class.no_show", "a.b.c"})
        CHECK(named(fpt, good) == "none");
    for (const char* good : {"invoice_paid", "Some-Key.2"}) CHECK(named(ufp, good) == "none");

    CHECK(named(fpt, "Contact.created") ==
          "fpt_webhooks: handler for \"Contact.created\": malformed input at byte 0: event type: a part starts with a "
          "lower-case letter");
    CHECK(named(fpt, "*") == "fpt_webhooks: handler for \"*\": for every event: on_any");
    for (const char* bad : {"", "contact", "contact.", "contact. created", "contact.*.x"}) {
        CHECK_THAT(named(fpt, bad), Catch::Matchers::Contains("event type"));
    }
    for (const char* bad : {".*", "Contact.*", "contact.note.*", "*.*"}) {
        CHECK_THAT(named(fpt, bad), Catch::Matchers::Contains("a family is one part of a name"));
    }
    const std::string long_key(129, 'k');
    for (std::string_view bad : {std::string_view(""), std::string_view("invoice.*"), std::string_view("*"),
                                 std::string_view("invoice paid"), std::string_view(long_key)}) {
        CHECK_THAT(named(ufp, bad), Catch::Matchers::Contains("a UFP key is"));
    }
    CHECK(mistake([&] {
              ufp.receiver->on<fw::ContactCreated>([](const fw::Envelope&, const fw::ContactCreated&) {});
          }) == "fpt_webhooks: handler for \"contact.created\": typed handlers are for the profile fpt");
}

TEST_CASE("receiver handlers: an empty function is a logic error") {
    Fixture f;
    const std::string text = "the function is empty";
    void (*no_function)(const fw::EventView&) = nullptr;
    CHECK_THAT(mistake([&] { f.receiver->on("a.a", no_function); }), Catch::Matchers::Contains(text));
    CHECK_THAT(mistake([&] { f.receiver->on_any(std::function<void(const fw::EventView&)>()); }),
               Catch::Matchers::Contains(text));
    CHECK_THAT(
        mistake([&] {
            f.receiver->on<fw::ContactCreated>(std::function<void(const fw::Envelope&, const fw::ContactCreated&)>());
        }),
        Catch::Matchers::Contains(text));
}

TEST_CASE("receiver handlers: after the first request they are frozen") {
    Fixture f;
    CHECK(f.handle({}).status == 415);
    const std::string text = "registered after the first handle()";
    CHECK_THAT(mistake([&] { f.receiver->on("a.a", ignore); }), Catch::Matchers::Contains(text));
    CHECK_THAT(mistake([&] { f.receiver->on_any(ignore); }), Catch::Matchers::Contains(text));
    CHECK_THAT(
        mistake([&] { f.receiver->on<fw::ContactCreated>([](const fw::Envelope&, const fw::ContactCreated&) {}); }),
        Catch::Matchers::Contains(text));
}
