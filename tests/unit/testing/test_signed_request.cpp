#include <fpt_webhooks/testing/signed_request.hpp>

#include <fpt_webhooks/core/verifier.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
namespace testing = fpt_webhooks::testing;

namespace {

const fw::Secret secret("whsec_fpt_test_secret_32_chars_min!!");

}  // namespace

TEST_CASE("signed request: a typed event becomes what FPT would send") {
    const auto request = testing::signed_request(secret, fw::ContactUpdated{.contact_id = fw::ContactId(9876)}).value();
    CHECK(request.method == "POST");
    CHECK(request.headers.find("Content-Type") == "application/json; charset=utf-8");
    CHECK(request.headers.find("User-Agent") == "FitProTracker-Webhooks/1.1");

    const auto verifier = fw::Verifier::create({.secrets = {secret}}).value();
    CHECK(verifier.verify(request).has_value());
    const auto envelope = fw::decode_envelope(fw::bytes_of(request.body)).value();
    CHECK(envelope.event_type == "contact.updated");
    CHECK(envelope.location_id == fw::LocationId(1234));
    CHECK(envelope.data_as<fw::ContactUpdated>().value().contact_id == fw::ContactId(9876));
}

TEST_CASE("signed request: two of one event type are two events") {
    const fw::ContactUpdated event{.contact_id = fw::ContactId(9876)};
    const auto id = [&] {
        const auto request = testing::signed_request(secret, event).value();
        return fw::decode_envelope(fw::bytes_of(request.body)).value().event_id;
    };
    CHECK(id() != id());
}

TEST_CASE("signed request: place and time of the event, and the time of the signature, are the caller's") {
    const fw::Timestamp happened(std::chrono::milliseconds(1'717'000'000'123));
    const auto request = testing::signed_request(secret, fw::ContactDeleted{.contact_id = fw::ContactId(1)},
                                                 {.signed_at = fw::Timestamp(std::chrono::seconds(1'717'023'600)),
                                                  .origin = {.location = fw::LocationId(7), .happened = happened}})
                             .value();
    CHECK(request.headers.find("X-FPT-Signature").value().starts_with("t=1717023600,v1="));
    const auto envelope = fw::decode_envelope(fw::bytes_of(request.body)).value();
    CHECK(envelope.location_id == fw::LocationId(7));
    CHECK(envelope.organization_id == fw::OrganizationId(0));
    CHECK(envelope.timestamp == happened);
}

TEST_CASE("signed request: a UFP event carries UFP's signature") {
    const fw::UfpEvent event{
        .event_key = "newlead_created", .created_at = "11/06/2025 17:22", .tenant_id = fw::TenantId(42)};
    const fw::Secret short_secret("gym");
    const auto request = testing::signed_request(short_secret, event).value();
    CHECK(request.headers.find("Content-Type") == "application/json");
    CHECK(request.headers.count("X-FPT-Signature") == 0);
    const auto verifier = fw::Verifier::create({.scheme = fw::Scheme::ufp, .secrets = {short_secret}}).value();
    CHECK(verifier.verify(request).has_value());
    CHECK(fw::decode_ufp_event(fw::bytes_of(request.body)).value() == event);
}

TEST_CASE("signed request: any bytes can be signed") {
    const std::string body("not JSON \0\xff", 11);
    const auto request = testing::signed_request(secret, fw::Profile::fpt, body).value();
    CHECK(request.body == body);
    CHECK(fw::Verifier::create({.secrets = {secret}}).value().verify(request).has_value());
}

TEST_CASE("signed request: a secret that is too short is refused and not shown") {
    const auto request = testing::signed_request(fw::Secret("too short"), fw::ContactUpdated{});
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error() == fw::Errc::invalid_argument);
    CHECK(request.error().message().find("too short") == std::string::npos);
}
