// Signs a request's body under a Scheme: HMAC-SHA256 (RFC 2104, FIPS 180-4).
#pragma once

#include <memory>
#include <string_view>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/headers.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::inline v0_1 {

// Holds the key's precomputed state, wiped when the last copy goes. Immutable: may be shared between threads and
// copied cheaply.
class FPT_WEBHOOKS_CORE_EXPORT Signer {
  public:
    // Errors: invalid_argument when the scheme is inconsistent, or when the secret is shorter or longer than it
    // allows or does not decode; the text says which and never shows the secret.
    [[nodiscard]] static Result<Signer> create(const Scheme& scheme, const Secret& secret);

    // The headers to add to the request that carries exactly `body`.
    // `now`: the moment of signing, wall time; sent in whole seconds, floored. Sign each attempt afresh: receivers
    // refuse a timestamp that has aged past the tolerance. Unused by schemes without a timestamp.
    // `message_id`: only for schemes with an id header: 1 to 256 visible ASCII characters without a dot; unused
    // otherwise.
    // Errors: invalid_argument for a missing or unusable id or a time before 1970.
    [[nodiscard]] Result<Headers> sign(ByteView body, Timestamp now, std::string_view message_id = {}) const;

    [[nodiscard]] const Scheme& scheme() const noexcept;

    struct State;

  private:
    explicit Signer(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

    std::shared_ptr<const State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
