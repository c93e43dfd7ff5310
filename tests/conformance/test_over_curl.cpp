// The runner over a real transport instead of its own sockets.
#include <fpt_webhooks/testing_sender/transport_exchange.hpp>

#include <set>

#include <fpt_webhooks/curl/curl_transport.hpp>
#include <fpt_webhooks/testing/conformance.hpp>

#include "conformance/flaw.hpp"
#include "conformance/receiver_under_test.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
namespace testing = fpt_webhooks::testing;

TEST_CASE("conformance: our receiver passes over CurlTransport but for two that need a hand on the socket") {
    conformance_test::ReceiverUnderTest receiver(conformance_test::our_receiver);
    auto options = receiver.options();
    options.exchange =
        testing::transport_exchange(fw::CurlTransport::create().value(),
                                    fw::EndpointPolicy::create({.allow = {"127.0.0.1"}, .allow_http = true}).value());
    const auto report = testing::run_conformance(options).value();
    std::set<std::string> not_checked;
    for (const auto& result : report.results) {
        INFO(result.name << ": " << result.reason);
        CHECK(result.verdict != testing::Verdict::failed);
        if (result.verdict == testing::Verdict::not_checked) not_checked.insert(result.name);
    }
    CHECK(not_checked == std::set<std::string>{"slow_body", "cut_connection", "crash_after_effect"});
}
