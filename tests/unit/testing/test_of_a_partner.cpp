// What a partner's own test looks like: docs/testing.md shows it.
#include "support/catch.hpp"

// [partner_test]
#include <fpt_webhooks/receiver.hpp>
#include <fpt_webhooks/testing.hpp>

namespace fw = fpt_webhooks;

TEST_CASE("a status change that comes twice moves the contact once") {
    const fw::Secret secret("whsec_a_secret_for_this_test_only_0000");
    const fw::ContactStatusChanged change{.contact_id = fw::ContactId(9876),
                                          .previous_status = fw::ContactStatus::leads,
                                          .new_status = fw::ContactStatus::members};
    int moves = 0;
    const auto receiver = fw::Receiver::create({.endpoint = "crm", .secrets = {secret}}).value();
    receiver->on<fw::ContactStatusChanged>([&](const auto&, const auto&) { ++moves; });

    auto fpt = fw::testing::InProcessSender::create(
                   {.secret = secret, .handler = [&](const auto& request) { return receiver->handle(request); }})
                   .value();
    CHECK(fpt.deliver(change, fw::testing::Fault::duplicate).complaint == "");
    CHECK(moves == 1);
}
// [partner_test]
