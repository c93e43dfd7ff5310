// One header and one target for everything that is installed; the doubles are for tests, and so a component apart.
// A delivery goes from the sender to the receiver without a network between them.
#include <fpt_webhooks/fpt_webhooks.hpp>
#include <fpt_webhooks/testing_sender.hpp>

#include <cstdio>
#include <string>

namespace fw = fpt_webhooks;

int main() {
    const fw::Secret secret("whsec_consumer_test_secret_of_32_characters");
    const auto receiver = fw::Receiver::create({.endpoint = "consumer", .secrets = {secret}});
    const auto signer = fw::Signer::create(fw::Scheme::fpt, secret);
    const auto policy = fw::EndpointPolicy::create();
    if (!receiver || !signer || !policy) return 1;

    fw::testing::ScriptedTransport transport([&](const fw::TransportRequest& request) {
        return fw::testing::ScriptedTransport::respond((*receiver)->handle(request.http).status);
    });
    const std::string event = R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated",)"
                              R"("eventTimestamp":"2026-06-10T23:45:00.000Z","locationId":1234,"organizationId":5678,)"
                              R"("apiVersion":"v1","data":{"contactId":9876,"operation":"update"}})";
    fw::DeliveryRequest delivery{.url = "https://partner.example/hooks", .body = event, .policy = *policy};
    const auto outcome = fw::deliver_once(transport, *signer, *fw::system_clock(), delivery);
    if (!outcome.response || outcome.response->status != 200) return 2;

    delivery.url = "https://192.168.0.1/hooks";
    const auto refused = fw::deliver_once(transport, *signer, *fw::system_clock(), delivery);
    if (refused.response || refused.response.error() != fw::Errc::refused_by_policy) return 3;
    if (!fw::CurlTransport::create()) return 4;
    if (fw::SqliteStore::open({}).has_value()) return 5;  // without a path and a key
    if (fw::SqliteDedupe::open({}).has_value() || fw::SqliteInbox::open({}).has_value()) return 6;
    std::puts(refused.response.error().message().c_str());
    return 0;
}
