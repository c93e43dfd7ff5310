#include <fpt_webhooks/sender/pii_projection.hpp>

#include <random>

#include <fpt_webhooks/core/fpt_catalogue.hpp>

#include "support/catch.hpp"
#include "unit/sender/events.hpp"

namespace fw = fpt_webhooks;
using fw::PiiCategories;
using fw::PiiCategory;

namespace {

const PiiCategories no_identity = PiiCategories::all().without(PiiCategory::identity);

fw::Envelope event(const char* type, std::string_view data) {
    auto envelope = fpt_event(type);
    envelope.data = fw::JsonObject::parse(data).value();
    return envelope;
}

std::string projected(const char* type, std::string_view data, PiiCategories allowed) {
    return fw::project(event(type, data), allowed).value().data.text();
}

PiiCategories random_categories(std::mt19937_64& random) {
    return PiiCategories::from_bits(static_cast<std::uint32_t>(random() % 32)).value();
}

// Valid data with names that are personal, are not, and only look like one or the other.
std::string random_fields(std::mt19937_64& random) {
    const auto pick = [&](const auto& from) { return std::string(from[random() % std::size(from)]); };
    const char* const names[] = {"contactId",       "operation",       "id", "tagIds", "email",
                                 "em\\u0061il",     "contact\\u0049d", "",   "paid",   "Operation",
                                 "oper\\u0061tion", "\\ud83d\\ude00"};
    const char* const values[] = {"1", "null", "\"x\"", "{ \"email\" : [1, {\"id\":2}] }", "[ ]", "-0.50", "\"\\n\""};
    const char* const spaces[] = {"", "", " ", "\n", "\t "};
    std::string text = "{" + pick(spaces);
    for (std::size_t i = 0, count = random() % 6; i < count; ++i) {
        if (i != 0) text += ',';
        text.append(pick(spaces)).append(1, '"').append(pick(names)).append(1, '"').append(pick(spaces));
        text.append(1, ':').append(pick(spaces)).append(pick(values)).append(pick(spaces));
    }
    return text + "}";
}

}  // namespace

TEST_CASE("PII projection: removes the fields of excluded categories and keeps the text of the others") {
    struct Case {
        const char* type;
        std::string_view data;
        PiiCategories allowed;
        std::string_view rest;
    };
    const PiiCategories usual;
    const auto all = PiiCategories::all();
    const Case cases[] = {
        {"contact.updated", R"({"contactId":1,"operation":"update"})", PiiCategories::none(),
         R"({"contactId":1,"operation":"update"})"},
        {"contact.updated", R"({ "contactId": 1, "email": "e" })", usual, R"({ "contactId": 1, "email": "e" })"},
        {"contact.updated", R"({ "contactId": 1, "email": "e" })", no_identity, R"({"contactId": 1})"},
        {"contact.sub_group_changed", R"({"contactId":1,"previousSubGroupId":null,"newSubGroupId":7})",
         PiiCategories::none(), R"({"contactId":1,"previousSubGroupId":null,"newSubGroupId":7})"},
        {"payment.failed", R"({"paymentId":5,"amount":12.50,"currency":"USD","contactId":1})", usual,
         R"({"paymentId":5,"contactId":1})"},
        {"payment.failed", R"({"paymentId":5,"amount":12.50})", no_identity, R"({"paymentId":5,"amount":12.50})"},
        {"membership.frozen", R"({"until":"2026"})", usual, "{}"},
        {"subscription.updated", R"({"price":1})", usual, "{}"},
        {"message.sms_received", R"({"text":"hello","messageId":9})", usual, R"({"messageId":9})"},
        {"message.sms_received", R"({"text":"hello"})", all, R"({"text":"hello"})"},
        {"unheard.of", R"({"a":1,"bId":2})", no_identity, R"({"bId":2})"},
        {"unheard.of", R"({"a":1,"bId":2})", usual, R"({"a":1,"bId":2})"},
        // names are judged as decoded, each time they stand there; a null too
        {"contact.updated", R"({"em\u0061il":1,"email":2,"contact\u0049d":3})", no_identity, R"({"contact\u0049d":3})"},
        {"contact.updated", R"({"email":null,"contactId":null})", no_identity, R"({"contactId":null})"},
        // what is nested goes or stays with the field that it is in
        {"contact.updated", R"({"person":{"contactId":1},"relatedIds":[{"email":"e"}]})", no_identity,
         R"({"relatedIds":[{"email":"e"}]})"},
        {"contact.updated", "{}", PiiCategories::none(), "{}"},
        {"contact.updated", "{ }", PiiCategories::none(), "{ }"},
        {"payment.failed", R"({"a":1, "b":2})", usual, "{}"},
    };
    for (const Case& c : cases) {
        INFO(c.type << ' ' << c.data << " allowed: " << c.allowed.to_string());
        CHECK(projected(c.type, c.data, c.allowed) == c.rest);
    }
}

TEST_CASE("PII projection: keeps the envelope's own fields, whatever is excluded") {
    auto before = event("payment.failed", R"({"amount":1})");
    before.event_id = fw::EventId::parse("9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e").value();
    before.timestamp = fw::parse_timestamp("2026-06-10T23:45:00.123Z").value();
    before.timestamp_text = "2026-06-10T23:45:00.1234Z";
    before.api_version = "v2";
    auto after = fw::project(before, PiiCategories::none()).value();
    CHECK(after.data.text() == "{}");
    after.data = before.data;
    CHECK(after == before);
}

TEST_CASE("PII projection: gives an extra field the default category of the family") {
    auto before = event("contact.updated", R"({"contactId":1})");
    before.extra = {{"requestId", "\"r\""}, {"operation", "\"update\""}, {"editor", "{\"id\":1}"}, {"id", "7"}};
    CHECK(fw::project(before, PiiCategories()).value() == before);
    const auto after = fw::project(before, no_identity).value();
    CHECK(after.extra == std::vector<fw::ExtraField>{{"requestId", "\"r\""}, {"id", "7"}});
    CHECK(after.data == before.data);

    auto payment = event("payment.failed", "{}");
    payment.extra = {{"editor", "1"}};
    CHECK(fw::project(payment, no_identity).value().extra == payment.extra);
    CHECK(fw::project(payment, PiiCategories()).value().extra.empty());
}

TEST_CASE("PII projection: a typed event can still be read, whatever is excluded") {
    const fw::ContactStatusChanged change{fw::ContactId(9), fw::ContactStatus::leads, fw::ContactStatus::members};
    auto before = fpt_event("contact.status_changed");
    before.data = change.to_data();
    CHECK(fw::project(before, PiiCategories::none()).value().data_as<fw::ContactStatusChanged>().value() == change);
}

TEST_CASE("PII projection: a canary in an excluded field is nowhere in what goes out, nor in an error") {
    const std::string canary = "canary-7f3a";
    for (const fw::FptEventInfo& info : fw::fpt_events()) {
        std::string type(info.name);
        if (type.ends_with("*")) type.replace(type.size() - 1, 1, "happened");
        INFO(type);
        std::string data = R"({"contactId":1)";
        for (const char* name :
             {"name", "em\\u0061il", "birthDate", "amount", "text", "note", "paid", "", "contactID"}) {
            data.append(",\"").append(name).append("\":\"").append(canary).append("\",\"").append(name);
            data.append("\":{\"id\":[\"").append(canary).append("\"]}");
        }
        auto envelope = event(type.c_str(), data + "}");
        envelope.extra = {{"editor", "\"" + canary + "\""}, {canary, "1"}, {"traceId", "5"}};
        const auto allowed = PiiCategories::all().without(fw::pii_default_of(info.family));
        const auto body = fw::encode_envelope(fw::project(envelope, allowed).value()).value();
        CHECK(body.find(canary) == std::string::npos);
        CHECK(body.find(R"("data":{"contactId":1},"traceId":5})") != std::string::npos);

        const auto moved = std::move(envelope.data);
        const auto failed = fw::project(envelope, allowed);  // NOLINT(bugprone-use-after-move)
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message().find(canary) == std::string::npos);
    }
}

TEST_CASE("PII projection: of random events leaves exactly what is allowed, and nothing more the second time") {
    const char* const types[] = {"contact.updated", "payment.failed", "message.sms_received", "un.known"};
    for (unsigned seed = 1; seed <= 2000; ++seed) {
        std::mt19937_64 random(seed);
        const auto before = event(types[random() % 4], random_fields(random));
        const auto allowed = random_categories(random);
        INFO("seed " << seed << ": " << before.event_type.text() << ' ' << before.data.text()
                     << " allowed: " << allowed.to_string());
        const auto after = fw::project(before, allowed).value();
        CHECK(fw::JsonObject::parse(after.data.text()).value() == after.data);
        CHECK(fw::project(after, allowed).value() == after);
        CHECK(fw::project(before, PiiCategories::all()).value() == before);

        std::vector<std::string> expected;
        std::vector<std::string> names;
        before.data
            .without([&](std::string_view name) {
                const auto category = fw::pii_category(before.event_type.text(), name);
                if (!category || allowed.contains(*category)) expected.emplace_back(name);
                return false;
            })
            .value();
        after.data
            .without([&](std::string_view name) {
                names.emplace_back(name);
                return false;
            })
            .value();
        CHECK(names == expected);

        // narrower in two steps is narrower at once
        const auto narrower = random_categories(random);
        const auto twice = fw::project(after, narrower).value();
        const auto once = fw::project(before, allowed & narrower).value();
        CHECK(twice.data == once.data);
    }
}
