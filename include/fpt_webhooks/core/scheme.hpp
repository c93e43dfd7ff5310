// A signature scheme as data: which headers, which grammar, which text is signed, how it is encoded.
//
// `fpt` and `ufp` are the vendors' schemes, `standard_webhooks` is the Standard Webhooks specification 1.0. Another
// vendor's HMAC-SHA256 scheme is usually one more value of this type. See docs/schemes.md for worked examples.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include <fpt_webhooks/core/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// How the value of the signature header is built around signatures and `label`.
enum class SignatureGrammar {
    keyed_list,      // "t=<seconds>,<label>=<sig>[,<label>=<sig>...]", unknown keys skipped
    single,          // "<label><sig>": nothing else
    versioned_list,  // "<label>,<sig>[ <label>,<sig>...]", unknown versions skipped
};

enum class SignatureEncoding {
    hex,     // lower case written, either case read, exactly 64 digits
    base64,  // RFC 4648 section 4 with padding, exactly 44 characters
};

// The bytes under the HMAC. Timestamp and id are taken as the text that travels.
enum class SignedText {
    body,
    timestamp_dot_body,
    id_dot_timestamp_dot_body,
};

enum class SecretForm {
    text,    // every byte of the secret's text is the key, any prefix included
    base64,  // the key is what follows an optional "whsec_", decoded
};

// An immutable value of views: whoever makes one keeps its texts alive as long as any Signer or Verifier made from it
// (string literals, normally).
struct Scheme {
    std::string_view name;              // for logs
    std::string_view signature_header;  // e.g. "X-FPT-Signature"
    std::string_view id_header;         // "" when the scheme has none
    std::string_view timestamp_header;  // "" when the timestamp travels in the signature header, or not at all
    SignatureGrammar grammar = SignatureGrammar::single;
    std::string_view label;  // "v1", or a literal prefix such as "sha256="; may be "" for `single`
    SignatureEncoding encoding = SignatureEncoding::hex;
    SignedText signed_text = SignedText::body;
    SecretForm secret_form = SecretForm::text;
    std::size_t key_bytes_min = 1;        // of the key, after decoding
    std::size_t key_bytes_max = 4096;     // a limit only, so that a whole file is not taken for a secret
    std::chrono::seconds tolerance{300};  // either way; unused when nothing signed carries a time

    friend bool operator==(const Scheme&, const Scheme&) = default;

    // X-FPT-Signature: t=<seconds>,v1=<hex of HMAC-SHA256(secret, t "." body)>; 32 characters or more.
    static const Scheme fpt;
    // X-UFP-Signature: <hex of HMAC-SHA256(secret, body)>. No timestamp: a captured request verifies for ever, and
    // only deduplication stands against a replay.
    static const Scheme ufp;
    // webhook-signature: v1,<base64 of HMAC-SHA256(key, id "." timestamp "." body)>; key of 24 to 64 bytes.
    static const Scheme standard_webhooks;
};

inline constexpr Scheme Scheme::fpt{
    .name = "fpt",
    .signature_header = "X-FPT-Signature",
    .id_header = "",
    .timestamp_header = "",
    .grammar = SignatureGrammar::keyed_list,
    .label = "v1",
    .encoding = SignatureEncoding::hex,
    .signed_text = SignedText::timestamp_dot_body,
    .secret_form = SecretForm::text,
    .key_bytes_min = 32,
};

inline constexpr Scheme Scheme::ufp{
    .name = "ufp",
    .signature_header = "X-UFP-Signature",
    .id_header = "",
    .timestamp_header = "",
    .grammar = SignatureGrammar::single,
    .label = "",
    .encoding = SignatureEncoding::hex,
    .signed_text = SignedText::body,
    .secret_form = SecretForm::text,
    .key_bytes_min = 1,
};

inline constexpr Scheme Scheme::standard_webhooks{
    .name = "standard_webhooks",
    .signature_header = "webhook-signature",
    .id_header = "webhook-id",
    .timestamp_header = "webhook-timestamp",
    .grammar = SignatureGrammar::versioned_list,
    .label = "v1",
    .encoding = SignatureEncoding::base64,
    .signed_text = SignedText::id_dot_timestamp_dot_body,
    .secret_form = SecretForm::base64,
    .key_bytes_min = 24,
    .key_bytes_max = 64,
};

}  // namespace fpt_webhooks::inline v0_1
