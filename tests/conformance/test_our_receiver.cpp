// Our own Receiver, in a process of its own, over real HTTP.
#include <fpt_webhooks/testing/conformance.hpp>

#include "conformance/flaw.hpp"
#include "conformance/receiver_under_test.hpp"
#include "support/catch.hpp"

namespace testing = fpt_webhooks::testing;

TEST_CASE("conformance: our receiver passes every scenario over HTTP") {
    conformance_test::ReceiverUnderTest receiver(conformance_test::our_receiver);
    const auto report = testing::run_conformance(receiver.options()).value();
    for (const auto& result : report.results) {
        INFO(result.name << ": " << result.reason);
        // With its dedupe store in memory it promises at-least-once over a crash, and no more.
        const bool promised = result.name != "crash_after_effect";
        CHECK(result.verdict == (promised ? testing::Verdict::passed : testing::Verdict::not_checked));
    }
    CHECK(report.results.size() == testing::conformance_scenarios().size());
}
