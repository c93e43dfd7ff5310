// The grammars of signature headers. Everything here is public data from the peer: strict, bounded, no allocation, not
// constant-time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <fpt_webhooks/core/headers.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/verifier.hpp>

#include "core/hmac_sha256.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// What the shortest signature takes of a list, its separator included: "s,<44 characters of base64> ".
inline constexpr std::size_t signature_item_bytes_min = 47;

// As many signatures as a header can hold; the last one has no separator behind it.
inline constexpr std::size_t signatures_max = (signature_header_bytes_max + 1) / signature_item_bytes_min;

// What a request presents, checked against the scheme's grammar; the texts are views of its headers.
struct PresentedSignature {
    std::string_view id;         // as received; "" when the scheme has none
    std::string_view timestamp;  // as received; "" when the scheme has none
    std::uint64_t seconds = 0;   // its value; any number of 19 digits fits
    std::size_t count = 0;       // of `signatures`, at least one when all is well
    std::array<Digest, signatures_max>
        signatures;  // unset past `count`: clearing them would cost more than reading one
};

// Fills `out`, which is new. Errors: signature_missing, signature_malformed with the offset in the header at fault.
// Their details have at most 15 characters, which std::string keeps without allocating.
Result<void> parse_signature(const Scheme& scheme, const Headers& headers, PresentedSignature& out);

}  // namespace fpt_webhooks::inline v0_1::detail
