#include <fpt_webhooks/testing/signed_request.hpp>

#include <utility>

#include "testing/vendor_request.hpp"

namespace fpt_webhooks::inline v0_1::testing {

Result<HttpRequest> signed_request(const Secret& secret, Profile profile, std::string body,
                                   const SignedRequestOptions& options) {
    const auto signer = Signer::create(profile == Profile::fpt ? Scheme::fpt : Scheme::ufp, secret);
    if (!signer) return signer.error();
    return vendor_request(*signer, profile, std::move(body), options.signed_at.value_or(system_clock()->now()));
}

Result<HttpRequest> signed_request(const Secret& secret, const Envelope& event, const SignedRequestOptions& options) {
    auto body = encode_envelope(event);
    if (!body) return std::move(body).error();
    return signed_request(secret, Profile::fpt, *std::move(body), options);
}

Result<HttpRequest> signed_request(const Secret& secret, const UfpEvent& event, const SignedRequestOptions& options) {
    auto body = encode_ufp_event(event);
    if (!body) return std::move(body).error();
    return signed_request(secret, Profile::ufp, *std::move(body), options);
}

Result<HttpRequest> vendor_request(const Signer& signer, Profile profile, std::string body, Timestamp signed_at) {
    auto headers = signer.sign(bytes_of(body), signed_at);
    if (!headers) return std::move(headers).error();
    HttpRequest request;
    request.headers.add("Content-Type", std::string(content_type_of(profile)));
    request.headers.add("User-Agent", std::string(default_user_agent));
    for (const auto& field : *headers) request.headers.add(field.name, field.value);
    request.body = std::move(body);
    return request;
}

}  // namespace fpt_webhooks::inline v0_1::testing
