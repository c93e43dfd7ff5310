#include <fpt_webhooks/core/ufp_event.hpp>

#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::string_literals;

namespace {

// The sample body of the vendor's page, as it stands there.
constexpr std::string_view sample_page = R"({
  "webhook_event_type": "new_lead_created",
  "created_at": "11/06/2025 17:22",
  "company_id": 1,
  "tenant_id": 2,
  "payload": {
    "tenant_name": "DEMO TENANT - T1",
    "client_name": "Campaign",
    "phone": "+10000000000",
    "email": "lead@example.com",
    "gender": "Male",
    "dob": "11/06/2000",
    "source": "Referral",
    "channel": "WalkIn",
    "client_rep_name": "Staff Member",
    "created_date_time": "11/06/2025 17.22",
    "client_status": "Prospect",
    "external_id": "",
    "migration_id": "",
    "created_by": 858,
    "track_mode": "StaffWebApp",
    "is_child": "False",
    "relation": "None",
    "parent_id": 0,
    "clt_cp_client_id": ""
  }
})";

fw::Result<fw::UfpEvent> decode(std::string_view body) { return fw::decode_ufp_event(fw::bytes_of(body)); }

// A body with all that is needed, and `fields` between the braces before it.
std::string with(const std::string& fields) {
    return "{" + fields + R"("webhook_event_type":"a","created_at":"x","tenant_id":2,"payload":{}})";
}

void check_refused(const std::string& body, fw::Errc code, std::size_t offset, const std::string& detail) {
    INFO(body);
    const auto event = decode(body);
    REQUIRE_FALSE(event);
    CHECK(event.error() == code);
    CHECK(event.error().offset() == offset);
    CHECK(event.error().detail() == detail);
}

}  // namespace

TEST_CASE("UFP event: reads the vendor's sample body and leaves its loose types alone") {
    const auto event = decode(sample_page).value();
    CHECK(event.event_key == "new_lead_created");
    CHECK(event.created_at == "11/06/2025 17:22");
    CHECK(event.created_at_time() == fw::parse_ufp_time("11/06/2025 17:22").value());
    CHECK(event.company_id == fw::CompanyId(1));
    CHECK(event.tenant_id == fw::TenantId(2));
    const std::size_t payload = sample_page.find("{\n    \"tenant_name\"");
    CHECK(event.payload.text() == sample_page.substr(payload, sample_page.size() - 2 - payload));
    CHECK(event.extra.empty());
}

TEST_CASE("UFP event: is written in the documented order without white space") {
    fw::UfpEvent event{.event_key = "tour_booked",
                       .created_at = "11/06/2025 17.22",
                       .company_id = fw::CompanyId(1),
                       .tenant_id = fw::TenantId(std::numeric_limits<std::int64_t>::min()),
                       .payload = fw::JsonObject::parse(R"({"is_child":"False"})").value(),
                       .extra = {{"event", "[]"}}};
    CHECK(fw::encode_ufp_event(event).value() ==
          R"({"webhook_event_type":"tour_booked","created_at":"11/06/2025 17.22","company_id":1,)"
          R"("tenant_id":-9223372036854775808,"payload":{"is_child":"False"},"event":[]})");
    event.company_id.reset();
    event.extra.clear();
    event.created_at = "\"\n";
    CHECK(fw::encode_ufp_event(event).value() == R"({"webhook_event_type":"tour_booked","created_at":"\"\n",)"
                                                 R"("tenant_id":-9223372036854775808,"payload":{"is_child":"False"}})");
}

TEST_CASE("UFP event: survives writing and reading") {
    for (const std::string& body :
         {std::string(sample_page), with(""), with(R"("company_id":-5,)"), with(R"("x":[1,{}],"\u0000":"é",)"),
          R"({"event_type":"\u00e9","created_at":"","tenant_id":9223372036854775807,"payload":{"a":{}}})"s}) {
        const auto event = decode(body).value();
        CHECK(decode(fw::encode_ufp_event(event).value()).value() == event);
    }
}

TEST_CASE("UFP event: takes the event's key under either of its documented names") {
    CHECK(decode(R"({"event_type":"b","created_at":"x","tenant_id":2,"payload":{}})")->event_key == "b");
    CHECK(decode(with(R"("event_type":"a",)"))->event_key == "a");
    CHECK(decode(with(R"("event_type":null,)"))->event_key == "a");
    CHECK(decode(R"({"webhook_event_type":null,"event_type":"b","created_at":"x","tenant_id":2,"payload":{}})")
              ->event_key == "b");
    check_refused(with(R"("event_type":"b",)"), fw::Errc::malformed, 39,
                  "webhook_event_type: differs from the event's key given before");
    check_refused(with(R"("event_type":"",)"), fw::Errc::malformed, 14, "event_type: empty");
    check_refused(with(R"("event_type":7,)"), fw::Errc::malformed, 14, "event_type: a string is needed");
    const std::string none = R"({"event_type":null,"created_at":"x","tenant_id":2,"payload":{}})";
    check_refused(none, fw::Errc::malformed, none.size() - 1, "webhook_event_type: missing");
}

TEST_CASE("UFP event: company_id may be absent or null") {
    CHECK_FALSE(decode(with(""))->company_id.has_value());
    CHECK_FALSE(decode(with(R"("company_id":null,)"))->company_id.has_value());
    CHECK(decode(with(R"("company_id":0,)"))->company_id == fw::CompanyId(0));
    check_refused(with(R"("company_id":"1",)"), fw::Errc::malformed, 14, "company_id: an integer is needed");
}

TEST_CASE("UFP event: refuses a needed field that is missing, null or of another type, and names it") {
    const std::string head = R"({"webhook_event_type":"a")";
    const std::string no_time = head + R"(,"tenant_id":2,"payload":{}})";
    check_refused(no_time, fw::Errc::malformed, no_time.size() - 1, "created_at: missing");
    const std::string no_tenant = head + R"(,"created_at":"","payload":{}})";
    check_refused(no_tenant, fw::Errc::malformed, no_tenant.size() - 1, "tenant_id: missing");
    const std::string no_payload = head + R"(,"created_at":"","tenant_id":2} )";
    check_refused(no_payload, fw::Errc::malformed, no_payload.size() - 2, "payload: missing");
    check_refused(head + R"(,"created_at":null)", fw::Errc::malformed, 39, "created_at: a string is needed");
    check_refused(head + R"(,"tenant_id":null)", fw::Errc::malformed, 38, "tenant_id: an integer is needed");
    check_refused(head + R"(,"tenant_id":2.5)", fw::Errc::malformed, 38, "tenant_id: an integer is needed");
    check_refused(head + R"(,"payload":[])", fw::Errc::malformed, 36, "payload: an object is needed");
    check_refused(head + R"(,"payload":{},"payload":{})", fw::Errc::malformed, 39, "payload: stands twice");
}

TEST_CASE("UFP event: reads ids of 64 bits and never cuts one") {
    CHECK(decode(with(R"("company_id":9223372036854775807,)"))->company_id->value() ==
          std::numeric_limits<std::int64_t>::max());
    check_refused(with(R"("company_id":9223372036854775808,)"), fw::Errc::out_of_range, 14,
                  "company_id: 9223372036854775808 does not fit 64 bits");
}

TEST_CASE("UFP event: keeps unknown fields, refuses those that stand twice") {
    const auto event = decode(with(R"("source":"app","n":1e2,)")).value();
    CHECK(event.extra == std::vector<fw::ExtraField>{{"source", "\"app\""}, {"n", "1e2"}});
    check_refused(with(R"("n":1,"n":2,)"), fw::Errc::malformed, 7, "an extra field stands twice");
}

TEST_CASE("UFP event: refuses broken JSON and a body over its limit") {
    check_refused("", fw::Errc::malformed, 0, "JSON: a value is needed");
    check_refused(with("") + "\0"s, fw::Errc::malformed, with("").size(), "JSON: nothing may follow the value");
    check_refused(std::string(200'000, '['), fw::Errc::malformed, 0, "a JSON object is needed");
    CHECK(fw::decode_ufp_event(fw::bytes_of(sample_page), sample_page.size() - 1).error() == fw::Errc::limit_exceeded);
    CHECK(fw::decode_ufp_event(fw::bytes_of(sample_page), sample_page.size()));
}

TEST_CASE("UFP event: what cannot be read again is not written") {
    const fw::UfpEvent good = decode(sample_page).value();
    const auto refuses = [&](auto change) {
        fw::UfpEvent event = good;
        change(event);
        return fw::encode_ufp_event(event).error() == fw::Errc::malformed;
    };
    CHECK(refuses([](auto& event) { event.event_key.clear(); }));
    CHECK(refuses([](auto& event) { event.event_key = "\xff"; }));
    CHECK(refuses([](auto& event) { event.created_at = "\xed\xa0\x80"; }));
    CHECK(refuses([](auto& event) { event.extra = {{"event_type", "\"b\""}}; }));
    CHECK(refuses([](auto& event) { event.extra = {{"a", "1"}, {"a", "1"}}; }));
    CHECK(refuses([](auto& event) { event.extra = {{"a", "{"}}; }));
}

TEST_CASE("UFP event: a time in another form is kept as text and is no reading") {
    fw::UfpEvent event{.event_key = "a", .created_at = "2025-06-11T17:22:00Z"};
    CHECK_FALSE(event.created_at_time().has_value());
    event.created_at = "";
    CHECK_FALSE(event.created_at_time().has_value());
}

TEST_CASE("UFP event: the idempotency key is the SHA-256 of the raw body") {
    // FIPS 180-2, appendix B, and the well-known value for no bytes at all
    CHECK(fw::ufp_idempotency_key(fw::bytes_of("abc")) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(fw::ufp_idempotency_key({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(fw::ufp_idempotency_key(fw::bytes_of("{}")) != fw::ufp_idempotency_key(fw::bytes_of("{ }")));
}
