// One attempt: signs the body at this moment and hands the request to a Transport (docs/schemes.md).
//
// No retry, no record: those are the dispatcher's. Useful by itself for a test delivery.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/sender/endpoint_policy.hpp>
#include <fpt_webhooks/sender/transport.hpp>

namespace fpt_webhooks::inline v0_1 {

struct DeliveryRequest {
    Profile profile = Profile::fpt;                     // decides the Content-Type
    std::string url = {};                               // absolute
    std::string body = {};                              // the encoded event: these very bytes are signed and sent
    std::string message_id = {};                        // for schemes with an id header; unused otherwise
    std::shared_ptr<const EndpointPolicy> policy = {};  // needed
    std::chrono::milliseconds timeout{30'000};          // see TransportRequest
    std::chrono::milliseconds connect_timeout{10'000};  // likewise
    std::string user_agent{default_user_agent};         // empty: no such header of ours
};

// Signs with the time that `clock` shows now, and starts the attempt. Nothing waits in between: receivers refuse a
// signature that has aged.
// Errors, `done` then not called: invalid_argument (no policy, or what Signer::sign refuses), and those of
// Transport::start.
// `done`: as in Transport::start. May be called from any thread, completions included.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<Transport::Token> start_delivery(Transport& transport,
                                                                                 const Signer& signer,
                                                                                 const Clock& clock,
                                                                                 DeliveryRequest request,
                                                                                 Transport::Completion done);

// The same, and waits for the outcome; an error of start_delivery is the outcome's. The wait ends because a transport
// always completes. Never call it on a thread of the transport: it would wait for itself.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT TransportOutcome deliver_once(Transport& transport, const Signer& signer,
                                                                       const Clock& clock, DeliveryRequest request);

}  // namespace fpt_webhooks::inline v0_1
