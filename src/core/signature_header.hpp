// The grammars of signature headers. Everything here is public data from the peer: strict, bounded, no allocation, not
// constant-time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <fpt_webhooks/core/headers.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/scheme.hpp>

#include "core/hmac_sha256.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// What a request presents, as views of its headers, checked against the scheme's grammar.
struct PresentedSignature {
    std::string_view list;       // the whole value of the signature header
    std::string_view id;         // as received; "" when the scheme has none
    std::string_view timestamp;  // as received; "" when the scheme has none
    std::uint64_t seconds = 0;   // its value; any number of 19 digits fits
};

// Errors: signature_missing, signature_malformed with the offset in the header at fault. Their details have at most 15
// characters, which std::string keeps without allocating.
Result<PresentedSignature> parse_signature(const Scheme& scheme, const Headers& headers);

// The signatures of a list that parse_signature has accepted, one after another, decoded.
class Candidates {
  public:
    Candidates(const Scheme& scheme, std::string_view list) noexcept : scheme_(&scheme), rest_(list) {}

    // The next one into `out`; false at the end.
    bool next(Digest& out) noexcept;

  private:
    const Scheme* scheme_;
    std::string_view rest_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
