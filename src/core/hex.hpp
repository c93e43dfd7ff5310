// Hex digits, both ways. Decoding is for public data only: it is not constant-time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fpt_webhooks::inline v0_1::detail {

// 255 for a byte that is no hex digit. In bytes and by choice of values, not by a table or by branches: a compiler
// turns a loop over it into vector code, and the verifier's path has 64 digits.
constexpr std::uint8_t hex_nibble(char c) noexcept {
    const auto digit = static_cast<std::uint8_t>(c - '0');
    const auto letter = static_cast<std::uint8_t>((c | 0x20) - 'a');
    const auto letter_value = static_cast<std::uint8_t>(letter < 6 ? letter + 10 : 255);
    return digit < 10 ? digit : letter_value;
}

// -1 for a byte that is no hex digit.
constexpr int hex_value(char c) noexcept { return static_cast<std::int8_t>(hex_nibble(c)); }

// `out` holds half as many bytes as `digits` has characters. False when one is no hex digit; it does not stop there,
// which is faster for what is well-formed.
inline bool decode_hex(std::string_view digits, std::span<std::byte> out) noexcept {
    std::uint8_t all = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::uint8_t high = hex_nibble(digits[2 * i]);
        const std::uint8_t low = hex_nibble(digits[2 * i + 1]);
        all = static_cast<std::uint8_t>(all | high | low);
        out[i] = static_cast<std::byte>(high << 4 | low);
    }
    return all < 16;
}

// Lower case; `out` has room for twice as many characters as `bytes` has bytes.
inline void encode_hex(std::span<const std::byte> bytes, char* out) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte byte : bytes) {
        *out++ = digits[std::to_integer<std::size_t>(byte >> 4)];
        *out++ = digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
}

}  // namespace fpt_webhooks::inline v0_1::detail
