// A Transport as the conformance runner's way to a receiver: with CurlTransport, https:// and all that goes with it.
//
//   testing::run_conformance({.url = "https://partner.example/hooks", .secret = secret,
//                             .exchange = testing::transport_exchange(transport, policy)});
#pragma once

#include <chrono>
#include <memory>

#include <fpt_webhooks/sender/endpoint_policy.hpp>
#include <fpt_webhooks/sender/transport.hpp>
#include <fpt_webhooks/testing/exchange.hpp>
#include <fpt_webhooks/testing_sender/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// `timeout`: see TransportRequest. Both pointers are needed, and shared by the function that is returned. Never call
// that on a thread of the transport: it waits.
[[nodiscard]] FPT_WEBHOOKS_TESTING_SENDER_EXPORT Exchange
transport_exchange(std::shared_ptr<Transport> transport, std::shared_ptr<const EndpointPolicy> policy,
                   std::chrono::milliseconds timeout = std::chrono::seconds(30));

}  // namespace fpt_webhooks::inline v0_1::testing
