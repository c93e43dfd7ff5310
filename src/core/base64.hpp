// Base64 with padding (RFC 4648 section 4), without tables or branches that depend on the contents, since keys pass
// through it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace fpt_webhooks::inline v0_1::detail {

// 0 to 63, or a value with bit 8 set for a character outside the alphabet.
constexpr unsigned base64_value(char c) noexcept {
    const auto u = static_cast<unsigned>(static_cast<unsigned char>(c));
    // All ones when low <= u <= high, else zero: both differences are non-negative, so neither has its top bit set.
    const auto within = [u](unsigned low, unsigned high) { return (((u - low) | (high - u)) >> 31) - 1; };
    return (within('A', 'Z') & (u - 'A')) | (within('a', 'z') & (u - 'a' + 26)) | (within('0', '9') & (u - '0' + 52)) |
           (within('+', '+') & 62U) | (within('/', '/') & 63U) |
           (~(within('A', 'Z') | within('a', 'z') | within('0', '9') | within('+', '+') | within('/', '/')) & 0x100U);
}

// The number of bytes that `text` decodes to, by its length and padding alone; 0 when that cannot be base64.
constexpr std::size_t base64_decoded_size(std::string_view text) noexcept {
    if (text.empty() || text.size() % 4 != 0) return 0;
    const auto last = static_cast<std::size_t>(text[text.size() - 1] == '=');
    const auto last_but_one = static_cast<std::size_t>(text[text.size() - 2] == '=');
    return text.size() / 4 * 3 - last - (last & last_but_one);
}

// Fills `out`, whose size is base64_decoded_size(text) and not 0. False when a character is outside the alphabet or
// the unused bits of the last one are not zero.
constexpr bool decode_base64(std::string_view text, std::span<std::byte> out) noexcept {
    unsigned bad = 0;
    std::size_t written = 0;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const std::size_t bytes_here = std::min<std::size_t>(3, out.size() - written);
        unsigned group = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const bool padding = k > bytes_here;  // told by the length, not by the contents
            const unsigned value = padding ? 0 : base64_value(text[i + k]);
            bad |= value & 0x100U;
            group = group << 6 | (value & 0x3fU);
        }
        for (std::size_t k = 0; k < bytes_here; ++k) out[written++] = static_cast<std::byte>(group >> (16 - 8 * k));
        if (bytes_here < 3) bad |= group & (bytes_here == 1 ? 0xffffU : 0xffU);
    }
    return bad == 0;
}

inline std::string encode_base64(std::span<const std::byte> bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t here = std::min<std::size_t>(3, bytes.size() - i);
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < here ? std::to_integer<unsigned>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) text += k > here ? '=' : alphabet[group >> (18 - 6 * k) & 0x3fU];
    }
    return text;
}

}  // namespace fpt_webhooks::inline v0_1::detail
