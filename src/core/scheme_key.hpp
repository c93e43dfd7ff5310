// What Signer and Verifier share: a scheme's consistency and a secret's way to a key.
#pragma once

#include <cstdint>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/secret.hpp>

#include "core/hmac_sha256.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// An id in a header stands before a dot in the signed text. 256 bytes hold any known form of id.
inline constexpr std::size_t message_id_bytes_max = 256;

// Digits of a timestamp: as many as a 64-bit count of seconds can have.
inline constexpr std::size_t timestamp_digits_max = 19;

constexpr bool has_timestamp(const Scheme& scheme) noexcept { return scheme.signed_text != SignedText::body; }

// Visible ASCII without a dot: with dots allowed, "a.1" + "2" and "a" + "1.2" would be signed alike.
bool is_message_id(std::string_view id) noexcept;

// Errors: invalid_argument that names the field of Scheme.
Result<void> check_scheme(const Scheme& scheme);

// Errors: invalid_argument that says what is wrong with the secret, without showing any of it.
Result<HmacKey> make_key(const Scheme& scheme, const Secret& secret);

}  // namespace fpt_webhooks::inline v0_1::detail
