// Hex digits, both ways. Decoding is for public data only: it is not constant-time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fpt_webhooks::inline v0_1::detail {

// -1 for a byte that is no hex digit. A table, not arithmetic: it is on the verifier's path 64 times a request.
inline constexpr std::array<std::int8_t, 256> hex_values = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
    for (int i = 0; i < 6; ++i) {
        values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
        values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
    }
    return values;
}();

inline int hex_value(char c) noexcept { return hex_values[static_cast<unsigned char>(c)]; }

// `out` holds half as many bytes as `digits` has characters. False when one is no hex digit; it does not stop there,
// which is faster for what is well-formed.
inline bool decode_hex(std::string_view digits, std::span<std::byte> out) noexcept {
    int all = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = hex_value(digits[2 * i]);
        const int low = hex_value(digits[2 * i + 1]);
        all |= high | low;
        out[i] = static_cast<std::byte>(high << 4 | low);
    }
    return all >= 0;
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
