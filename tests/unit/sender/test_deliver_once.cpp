#include <fpt_webhooks/sender/deliver_once.hpp>

#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>
#include <fpt_webhooks/testing_sender/scripted_transport.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using fw::testing::ManualClock;
using fw::testing::ScriptedTransport;
using namespace std::chrono_literals;

namespace {

const fw::Secret secret("whsec_fpt_test_secret_32_chars_min!!");

struct Fixture {
    std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
    fw::Signer signer = fw::Signer::create(fw::Scheme::fpt, secret).value();

    fw::DeliveryRequest request() const {
        return {.url = "https://partner.example/hooks",
                .body = R"({"eventId":"1"})",
                .policy = fw::EndpointPolicy::create().value()};
    }
    bool verifies(const fw::HttpRequest& http, const fw::Scheme& scheme = fw::Scheme::fpt) const {
        return fw::Verifier::create({.scheme = scheme, .secrets = {secret}, .clock = clock})
            .value()
            .verify(http)
            .has_value();
    }
};

ScriptedTransport::Script always(int status) {
    return [status](const fw::TransportRequest&) { return ScriptedTransport::respond(status); };
}

}  // namespace

TEST_CASE("deliver once: sends the body as it is with the documented headers, and returns the response") {
    Fixture f;
    ScriptedTransport transport(always(202));
    const auto outcome = fw::deliver_once(transport, f.signer, *f.clock, f.request());
    CHECK(outcome.response.value().status == 202);

    const auto sent = transport.requests().at(0);
    CHECK(sent.http.method == "POST");
    CHECK(sent.http.url == "https://partner.example/hooks");
    CHECK(sent.http.body == R"({"eventId":"1"})");
    CHECK(sent.http.headers.find("Content-Type") == "application/json; charset=utf-8");
    CHECK(sent.http.headers.find("User-Agent") == "FitProTracker-Webhooks/1.1");
    CHECK(sent.http.headers.size() == 3);
    CHECK(sent.timeout == 30s);
    CHECK(sent.connect_timeout == 10s);
    CHECK(f.verifies(sent.http));
}

TEST_CASE("deliver once: each attempt is signed at its own start") {
    Fixture f;
    ScriptedTransport transport(always(500));
    const auto first = fw::deliver_once(transport, f.signer, *f.clock, f.request());
    f.clock->advance(1h);
    const auto second = fw::deliver_once(transport, f.signer, *f.clock, f.request());
    CHECK(first.response.value().status == 500);
    CHECK(second.response.value().status == 500);
    CHECK_FALSE(f.verifies(transport.requests().at(0).http));
    CHECK(f.verifies(transport.requests().at(1).http));
}

TEST_CASE("deliver once: UFP has its own media type and signature") {
    Fixture f;
    ScriptedTransport transport(always(200));
    auto request = f.request();
    request.profile = fw::Profile::ufp;
    const auto signer = fw::Signer::create(fw::Scheme::ufp, secret).value();
    CHECK(fw::deliver_once(transport, signer, *f.clock, request).response);
    const auto sent = transport.requests().at(0);
    CHECK(sent.http.headers.find("Content-Type") == "application/json");
    CHECK(f.verifies(sent.http, fw::Scheme::ufp));
}

TEST_CASE("deliver once: passes on the message id, the limits, and another or no user agent") {
    Fixture f;
    ScriptedTransport transport(always(200));
    const fw::Secret standard_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const auto signer = fw::Signer::create(fw::Scheme::standard_webhooks, standard_secret).value();
    auto request = f.request();
    request.message_id = "msg_1";
    request.timeout = 5s;
    request.connect_timeout = 2s;
    request.user_agent = "Gym/2";
    CHECK(fw::deliver_once(transport, signer, *f.clock, request).response);
    request.user_agent = "";
    CHECK(fw::deliver_once(transport, signer, *f.clock, request).response);
    const auto sent = transport.requests();
    CHECK(sent.at(0).http.headers.find("webhook-id") == "msg_1");
    CHECK(sent.at(0).http.headers.find("User-Agent") == "Gym/2");
    CHECK(sent.at(0).timeout == 5s);
    CHECK(sent.at(0).connect_timeout == 2s);
    CHECK(sent.at(1).http.headers.count("User-Agent") == 0);
}

TEST_CASE("deliver once: what cannot be signed or started is the outcome, and nothing is sent") {
    Fixture f;
    ScriptedTransport transport(always(200));
    auto request = f.request();
    request.policy = nullptr;
    CHECK(fw::deliver_once(transport, f.signer, *f.clock, request).response.error() == fw::Errc::invalid_argument);
    request = f.request();
    request.url = "http://partner.example/";
    CHECK(fw::deliver_once(transport, f.signer, *f.clock, request).response.error() == fw::Errc::refused_by_policy);
    request = f.request();
    f.clock->set_wall(fw::Timestamp(-1s));
    CHECK(fw::deliver_once(transport, f.signer, *f.clock, request).response.error() == fw::Errc::invalid_argument);
    CHECK(transport.requests().empty());
}

TEST_CASE("deliver once: a failure on the way is the outcome") {
    Fixture f;
    ScriptedTransport transport(
        [](const fw::TransportRequest&) { return ScriptedTransport::fail(fw::Errc::connect_failed); });
    CHECK(fw::deliver_once(transport, f.signer, *f.clock, f.request()).response.error() == fw::Errc::connect_failed);
}

TEST_CASE("start delivery: returns before the outcome, which comes by the completion") {
    Fixture f;
    ScriptedTransport transport(always(200), ScriptedTransport::Mode::by_run);
    int status = 0;
    const auto token =
        fw::start_delivery(transport, f.signer, *f.clock, f.request(),
                           [&](const fw::TransportOutcome& outcome) { status = outcome.response.value().status; });
    CHECK(token);
    CHECK(status == 0);
    CHECK(transport.run() == 1);
    CHECK(status == 200);
}
