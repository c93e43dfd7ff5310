// The request that a vendor would send, signed: one line for a partner's unit test (docs/testing.md).
#pragma once

#include <optional>
#include <string>

#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/testing/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

struct SignedRequestOptions {
    // Wall time, sent in whole seconds. Nothing: now. Unused under UFP, whose signatures carry no time.
    std::optional<Timestamp> signed_at = std::nullopt;

    // Where and when a typed event happened; unused for what has an envelope already.
    EventOrigin origin = {.location = LocationId(1234), .organization = OrganizationId(5678)};
};

// POST with the vendor's Content-Type, User-Agent and signature. The `url` stays empty: a handler does not use it.
// Errors: those of Signer::create and sign (a secret that is too short, first of all), and of the event's encoder.
//
// `body`: raw bytes, signed as they are; they need not be an event.
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT Result<HttpRequest> signed_request(const Secret& secret, Profile profile,
                                                                             std::string body,
                                                                             const SignedRequestOptions& options = {});
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT Result<HttpRequest> signed_request(const Secret& secret,
                                                                             const Envelope& event,
                                                                             const SignedRequestOptions& options = {});
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT Result<HttpRequest> signed_request(const Secret& secret,
                                                                             const UfpEvent& event,
                                                                             const SignedRequestOptions& options = {});

// A new event with an id of its own:
//   receiver->handle(testing::signed_request(secret, ContactUpdated{.contact_id = ContactId(9876)}).value());
template <TypedEvent T>
[[nodiscard]] Result<HttpRequest> signed_request(const Secret& secret, const T& event,
                                                 const SignedRequestOptions& options = {}) {
    auto envelope = make_envelope(event, options.origin, *system_clock(), *system_random());
    if (!envelope) return std::move(envelope).error();
    return signed_request(secret, *envelope, options);
}

}  // namespace fpt_webhooks::inline v0_1::testing
