#include <fpt_webhooks/testing_sender/transport_exchange.hpp>

#include <fpt_webhooks/testing_sender/scripted_transport.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
namespace testing = fpt_webhooks::testing;
using testing::ScriptedTransport;

TEST_CASE("transport exchange: passes the request on as it is, and brings back any status") {
    const auto transport =
        std::make_shared<ScriptedTransport>([](const auto&) { return ScriptedTransport::respond(503, {}, "busy"); });
    const auto policy = fw::EndpointPolicy::create().value();
    const auto exchange = testing::transport_exchange(transport, policy, std::chrono::seconds(7));
    const fw::HttpRequest request{.url = "https://partner.example/hooks", .headers = {{"a", "b"}}, .body = "{}"};
    const auto response = exchange(request).value();
    CHECK(response.status == 503);
    CHECK(response.body == "busy");
    REQUIRE(transport->requests().size() == 1);
    const auto sent = transport->requests().front();
    CHECK(sent.http.url == request.url);
    CHECK(sent.http.headers == request.headers);
    CHECK(sent.http.body == request.body);
    CHECK(sent.timeout == std::chrono::seconds(7));
}

TEST_CASE("transport exchange: an attempt that fails, and one that is refused, are errors") {
    const auto transport = std::make_shared<ScriptedTransport>(
        [](const auto&) { return ScriptedTransport::fail(fw::Errc::connect_failed); });
    const auto exchange = testing::transport_exchange(transport, fw::EndpointPolicy::create().value());
    CHECK(exchange({.url = "https://partner.example/hooks"}).error() == fw::Errc::connect_failed);
    CHECK(exchange({.url = "http://partner.example/hooks"}).error() == fw::Errc::refused_by_policy);
}
