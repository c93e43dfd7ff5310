// The characters of a JSON string (RFC 8259 section 7), for reading and for writing.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fpt_webhooks::inline v0_1::detail {

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20; }
constexpr bool is_plain(char c) noexcept {
    return !is_control(c) && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\';
}

// The end of the run of bytes at `at` that stand for themselves in a JSON string: ASCII, no control character, quote
// or backslash. Sixteen or eight at a time: this is where a decoder spends its time.
inline const char* plain_end(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
    while (end - at >= 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        // Signed, so that what is not ASCII counts as less than a space too.
        const __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        const auto hits = static_cast<unsigned>(_mm_movemask_epi8(special));
        if (hits != 0) return at + std::countr_zero(hits);
        at += 16;
    }
#endif
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = ones * 0x80;
    while (end - at >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        const std::uint64_t quote = word ^ (ones * '"');
        const std::uint64_t backslash = word ^ (ones * '\\');
        // In each term the lowest byte with its high bit set is a true hit; a borrow can only spoil those above it.
        const std::uint64_t hits =
            (word | ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) &
            highs;
        if (hits != 0) {
            if constexpr (std::endian::native == std::endian::little) return at + std::countr_zero(hits) / 8;
            break;
        }
        at += 8;
    }
    while (at != end && is_plain(*at)) ++at;
    return at;
}

}  // namespace fpt_webhooks::inline v0_1::detail
