#include <fpt_webhooks/core/sha256.hpp>

#include <openssl/sha.h>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

static_assert(sizeof(Sha256) == SHA256_DIGEST_LENGTH);

Sha256 sha256(ByteView bytes) {
    Sha256 digest{};
    if (!SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                reinterpret_cast<unsigned char*>(digest.data()))) {
        detail::throw_bad_result_access(Error(Errc::crypto_failed, "SHA-256"));
    }
    return digest;
}

}  // namespace fpt_webhooks::inline v0_1
