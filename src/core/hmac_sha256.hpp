// HMAC-SHA256 (RFC 2104) with the key's two hash states computed once: no allocation and no key set-up per message.
//
// The states are plain values of OpenSSL's SHA256_* functions, so that an immutable key may be shared by threads; why
// these and not EVP is in docs/decisions/0003-low-level-sha256.md.
#pragma once

#define OPENSSL_SUPPRESS_DEPRECATED  // for the SHA256_* functions
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include <fpt_webhooks/core/bytes.hpp>

namespace fpt_webhooks::inline v0_1::detail {

using Digest = std::array<std::byte, SHA256_DIGEST_LENGTH>;

inline void sha256_update(SHA256_CTX& context, ByteView bytes) noexcept {
    SHA256_Update(&context, bytes.data(), bytes.size());
}

inline void sha256_final(SHA256_CTX& context, Digest& out) noexcept {
    SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), &context);
}

// A key's precomputed states; wiped when destroyed.
class HmacKey {
  public:
    explicit HmacKey(ByteView key) noexcept {
        std::array<std::byte, SHA256_CBLOCK> block{};
        if (key.size() > block.size()) {
            SHA256_CTX context;
            Digest digest;
            SHA256_Init(&context);
            sha256_update(context, key);
            sha256_final(context, digest);
            std::copy(digest.begin(), digest.end(), block.begin());
            OPENSSL_cleanse(digest.data(), digest.size());
            OPENSSL_cleanse(&context, sizeof context);
        } else {
            std::copy(key.begin(), key.end(), block.begin());
        }
        start(inner_, block, std::byte{0x36});
        start(outer_, block, std::byte{0x5c});
        OPENSSL_cleanse(block.data(), block.size());
    }
    HmacKey(const HmacKey&) noexcept = default;
    HmacKey& operator=(const HmacKey&) = delete;
    ~HmacKey() {
        OPENSSL_cleanse(&inner_, sizeof inner_);
        OPENSSL_cleanse(&outer_, sizeof outer_);
    }

    // In constant time.
    [[nodiscard]] bool has_same_key(const HmacKey& other) const noexcept {
        return CRYPTO_memcmp(inner_.h, other.inner_.h, sizeof inner_.h) == 0;
    }

    // The state to feed a message into with sha256_update, then to give to finish.
    [[nodiscard]] const SHA256_CTX& inner() const noexcept { return inner_; }

    void finish(SHA256_CTX& running, Digest& out) const noexcept {
        sha256_final(running, out);
        running = outer_;
        sha256_update(running, out);
        sha256_final(running, out);
    }

  private:
    static void start(SHA256_CTX& context, std::array<std::byte, SHA256_CBLOCK> block, std::byte pad) noexcept {
        for (std::byte& byte : block) byte ^= pad;
        SHA256_Init(&context);
        sha256_update(context, block);
        OPENSSL_cleanse(block.data(), block.size());
    }

    SHA256_CTX inner_;
    SHA256_CTX outer_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
