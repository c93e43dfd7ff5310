// Signing secrets as they lie in the database: AES-256-GCM (NIST SP 800-38D), each bound to its subscription and
// number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/secret.hpp>

namespace fpt_webhooks::inline v0_1::detail {

struct SealedSecret {
    std::array<std::byte, 12> nonce = {};  // fresh and random for each
    std::vector<std::byte> bytes = {};     // ciphertext, then the tag
};

// Stateless but for its key; const access may be shared between threads.
class SecretBox {
  public:
    // `key`: 32 bytes, or their 64 hex digits. Errors: invalid_argument.
    [[nodiscard]] static Result<SecretBox> create(const Secret& key);

    // Errors: crypto_failed.
    [[nodiscard]] Result<SealedSecret> seal(const Secret& secret, SubscriptionId subscription, std::uint32_t number,
                                            RandomSource& random) const;

    // Errors: crypto_failed (another key, another place, or changed bytes; which one cannot be told).
    [[nodiscard]] Result<Secret> open(ByteView nonce, ByteView bytes, SubscriptionId subscription,
                                      std::uint32_t number) const;

  private:
    explicit SecretBox(Secret key) : key_(std::move(key)) {}

    Secret key_;  // its bytes
};

}  // namespace fpt_webhooks::inline v0_1::detail
