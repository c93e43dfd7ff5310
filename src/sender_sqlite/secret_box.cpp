#include "sender_sqlite/secret_box.hpp"

#include <memory>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include "core/hex.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr std::size_t tag_bytes = 16;
constexpr std::size_t secret_bytes_max = 64 * 1024;  // far beyond any scheme's; keeps every length an int

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

// Plain text that is wiped, whatever happens.
struct Plain {
    explicit Plain(std::size_t size) : bytes(size) {}
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    ~Plain() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

    [[nodiscard]] Secret secret() const { return Secret({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); }

    std::vector<unsigned char> bytes;
};

const unsigned char* raw(ByteView bytes) noexcept { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// What a secret is bound to: elsewhere it does not open.
std::vector<unsigned char> place(SubscriptionId subscription, std::uint32_t number) {
    constexpr std::string_view purpose = "fpt_webhooks signing secret 1";
    std::vector<unsigned char> bytes(purpose.begin(), purpose.end());
    for (const std::uint32_t value : {static_cast<std::uint32_t>(subscription.value()), number}) {
        for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<unsigned char>(value >> shift));
    }
    return bytes;
}

Error failed(const char* what) { return {Errc::crypto_failed, what}; }

Error bad_key() { return {Errc::invalid_argument, "encryption_key: 32 bytes, or their 64 hex digits"}; }

}  // namespace

Result<SecretBox> SecretBox::create(const Secret& key) {
    if (key.size() == store_key_bytes) return SecretBox(key);
    if (key.size() != 2 * store_key_bytes) return bad_key();
    Plain bytes(store_key_bytes);
    const std::string_view digits = key.reveal();
    for (std::size_t i = 0; i < store_key_bytes; ++i) {
        const int high = hex_value(digits[2 * i]);
        const int low = hex_value(digits[2 * i + 1]);
        if (high < 0 || low < 0) return bad_key();
        bytes.bytes[i] = static_cast<unsigned char>(high * 16 + low);
    }
    return SecretBox(bytes.secret());
}

Result<SealedSecret> SecretBox::seal(const Secret& secret, SubscriptionId subscription, std::uint32_t number,
                                     RandomSource& random) const {
    if (secret.size() > secret_bytes_max) return Error(Errc::limit_exceeded, "secret: at most 64 KiB");
    SealedSecret sealed;
    if (auto filled = random.fill(sealed.nonce); !filled) return filled.error();
    sealed.bytes.resize(secret.size() + tag_bytes);
    auto* const out = reinterpret_cast<unsigned char*>(sealed.bytes.data());
    const auto bound_to = place(subscription, number);
    const Context context(EVP_CIPHER_CTX_new());
    int length = 0;
    const bool done =
        context != nullptr &&
        EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(bytes_of(key_.reveal())),
                           raw(sealed.nonce)) == 1 &&
        EVP_EncryptUpdate(context.get(), nullptr, &length, bound_to.data(), static_cast<int>(bound_to.size())) == 1 &&
        EVP_EncryptUpdate(context.get(), out, &length, raw(bytes_of(secret.reveal())),
                          static_cast<int>(secret.size())) == 1 &&
        EVP_EncryptFinal_ex(context.get(), out + secret.size(), &length) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, out + secret.size()) == 1;
    if (!done) return failed("a secret could not be encrypted");
    return sealed;
}

Result<Secret> SecretBox::open(ByteView nonce, ByteView bytes, SubscriptionId subscription,
                               std::uint32_t number) const {
    const Error refused = failed("the secret was kept under another key, or it is damaged");
    if (nonce.size() != SealedSecret{}.nonce.size() || bytes.size() < tag_bytes ||
        bytes.size() > secret_bytes_max + tag_bytes) {
        return refused;
    }
    const std::size_t size = bytes.size() - tag_bytes;
    Plain plain(size + 1);  // one more: data() of nothing may be null, which OpenSSL takes for associated data
    std::vector<unsigned char> tag(raw(bytes) + size, raw(bytes) + bytes.size());
    const auto bound_to = place(subscription, number);
    const Context context(EVP_CIPHER_CTX_new());
    int length = 0;
    const bool done =
        context != nullptr &&
        EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(bytes_of(key_.reveal())), raw(nonce)) == 1 &&
        EVP_DecryptUpdate(context.get(), nullptr, &length, bound_to.data(), static_cast<int>(bound_to.size())) == 1 &&
        EVP_DecryptUpdate(context.get(), plain.bytes.data(), &length, raw(bytes), static_cast<int>(size)) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1 &&
        EVP_DecryptFinal_ex(context.get(), plain.bytes.data() + size, &length) == 1;
    if (!done) return refused;
    OPENSSL_cleanse(plain.bytes.data() + size, 1);
    plain.bytes.resize(size);
    return plain.secret();
}

}  // namespace fpt_webhooks::inline v0_1::detail
