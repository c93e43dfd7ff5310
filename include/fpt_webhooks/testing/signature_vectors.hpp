// Signature vectors: requests with the verdict that a verifier must reach, for this library and for others.
//
// Made with tools outside this library: one with npm stripe, one from the Standard Webhooks libraries, the rest with
// `openssl dgst -sha256 -mac HMAC`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <fpt_webhooks/core/error.hpp>
#include <fpt_webhooks/core/headers.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/testing/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

struct FPT_WEBHOOKS_TESTING_EXPORT SignatureVector {
    std::string_view name;
    Scheme scheme;
    std::string_view secret;
    std::string_view body;         // raw bytes, not always UTF-8
    std::string_view signature;    // the signature header's value
    std::string_view timestamp;    // the timestamp header's value, where the scheme has that header
    std::string_view id;           // likewise
    std::int64_t verified_at = 0;  // the verifier's clock, unix seconds
    std::optional<Errc> refusal;   // nothing: it verifies
    bool canonical = false;        // a signer with this secret at `verified_at` writes exactly these headers

    // The headers of the request.
    [[nodiscard]] Headers headers() const;
    [[nodiscard]] Timestamp verified_at_time() const noexcept { return Timestamp(std::chrono::seconds(verified_at)); }
};

// Static data: valid for ever, free of locks.
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT std::span<const SignatureVector> signature_vectors() noexcept;

}  // namespace fpt_webhooks::inline v0_1::testing
