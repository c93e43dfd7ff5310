#include <fpt_webhooks/core/secret.hpp>

#include <array>

#include <openssl/crypto.h>

namespace fpt_webhooks::inline v0_1 {

Secret::Secret(std::string_view text) : bytes_(text.begin(), text.end()) {}

Result<Secret> Secret::generate(RandomSource& random) {
    constexpr std::string_view prefix = "whsec_";
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    constexpr std::size_t key_bytes = 32;
    constexpr std::size_t key_characters = 43;  // 256 bits in characters of 6 bits

    std::array<std::byte, key_bytes + 1> key{};  // one zero byte more, so that the last character has bits to read
    if (auto filled = random.fill(std::span(key).first<key_bytes>()); !filled) return filled.error();

    Secret secret{std::string_view{}};
    secret.bytes_.reserve(prefix.size() + key_characters);
    secret.bytes_.assign(prefix.begin(), prefix.end());
    for (std::size_t i = 0; i < key_characters; ++i) {
        const std::size_t bit = i * 6;
        const auto window =
            (std::to_integer<unsigned>(key[bit / 8]) << 8) | std::to_integer<unsigned>(key[bit / 8 + 1]);
        secret.bytes_.push_back(alphabet[(window >> (10 - bit % 8)) & 0x3f]);
    }
    OPENSSL_cleanse(key.data(), key.size());
    return secret;
}

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) {
        Secret copy(other);
        *this = std::move(copy);
    }
    return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        bytes_ = std::move(other.bytes_);
        other.bytes_.clear();
    }
    return *this;
}

Secret::~Secret() { wipe(); }

std::string_view Secret::reveal() const noexcept { return {bytes_.data(), bytes_.size()}; }

void Secret::wipe() noexcept {
    if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

bool operator==(const Secret& a, const Secret& b) noexcept {
    return a.bytes_.size() == b.bytes_.size() && CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), a.bytes_.size()) == 0;
}

}  // namespace fpt_webhooks::inline v0_1
