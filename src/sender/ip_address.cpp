#include <fpt_webhooks/sender/ip_address.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "core/hex.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

using V6Groups = std::array<std::uint16_t, 8>;

Error malformed(const char* expected, std::size_t offset) {
    return {Errc::malformed, std::string("IP address: expected ") + expected, offset};
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// `at`: where `text` stands in what the caller was given, for the offsets.
Result<std::array<std::byte, 4>> parse_v4(std::string_view text, std::size_t at) {
    std::array<std::byte, 4> bytes{};
    std::size_t i = 0;
    for (std::size_t part = 0; part < bytes.size(); ++part) {
        if (part > 0) {
            if (i >= text.size() || text[i] != '.') return malformed("four decimal numbers joined by dots", at + i);
            ++i;
        }
        const std::size_t start = i;
        unsigned value = 0;
        for (; i < text.size() && is_digit(text[i]); ++i) {
            value = value * 10 + static_cast<unsigned>(text[i] - '0');
            if (value > 255) return malformed("a number from 0 to 255", at + start);
        }
        if (i == start) return malformed("a decimal number", at + i);
        // "010" is ten to some and eight to others
        if (i - start > 1 && text[start] == '0') return malformed("a number without leading zeros", at + start);
        bytes[part] = static_cast<std::byte>(value);
    }
    if (i != text.size()) return malformed("nothing after the fourth number", at + i);
    return bytes;
}

V6Groups groups_of(std::span<const std::byte> bytes) noexcept {
    V6Groups groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups[i] = static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[2 * i]) << 8 |
                                               std::to_integer<unsigned>(bytes[2 * i + 1]));
    }
    return groups;
}

// Up to four hex digits; none is an error.
Result<std::uint16_t> parse_group(std::string_view text, std::size_t& i) {
    const std::size_t start = i;
    unsigned value = 0;
    for (; i < text.size() && detail::hex_value(text[i]) >= 0; ++i) {
        if (i - start == 4) return malformed("at most four hex digits", i);
        value = value << 4 | static_cast<unsigned>(detail::hex_value(text[i]));
    }
    if (i == start) return malformed("hex digits", i);
    return static_cast<std::uint16_t>(value);
}

Result<std::array<std::byte, 16>> parse_v6(std::string_view text) {
    V6Groups groups{};
    std::size_t count = 0;
    std::optional<std::size_t> gap;  // the group before which "::" stands
    std::size_t i = 0;
    if (text.starts_with("::")) {
        gap = 0;
        i = 2;
    }
    while (i < text.size()) {
        if (count == groups.size()) return malformed("eight groups at most", i);
        const std::string_view rest = text.substr(i);
        if (rest.find(':') == std::string_view::npos && rest.find('.') != std::string_view::npos) {
            if (count > groups.size() - 2) return malformed("room for 32 bits before the IPv4 part", i);
            auto v4 = parse_v4(rest, i);
            if (!v4) return v4.error();
            for (const std::size_t half : {0U, 2U}) {
                groups[count++] = static_cast<std::uint16_t>(std::to_integer<unsigned>((*v4)[half]) << 8 |
                                                             std::to_integer<unsigned>((*v4)[half + 1]));
            }
            i = text.size();
            break;
        }
        auto group = parse_group(text, i);
        if (!group) return group.error();
        groups[count++] = *group;
        if (i == text.size()) break;
        if (text[i] != ':') return malformed("':' between groups", i);
        if (++i == text.size()) return malformed("a group after ':'", i);
        if (text[i] == ':') {
            if (gap) return malformed("'::' only once", i);
            gap = count;
            ++i;
        }
    }
    if (!gap && count != groups.size()) return malformed("eight groups, or '::'", text.size());
    if (gap && count == groups.size()) return malformed("seven groups at most beside '::'", text.size());
    // what was read after "::" belongs at the end; the rest of `groups` is zero still
    if (gap)
        std::rotate(groups.begin() + static_cast<std::ptrdiff_t>(*gap),
                    groups.begin() + static_cast<std::ptrdiff_t>(count), groups.end());
    std::array<std::byte, 16> bytes{};
    for (std::size_t g = 0; g < groups.size(); ++g) {
        bytes[2 * g] = static_cast<std::byte>(groups[g] >> 8);
        bytes[2 * g + 1] = static_cast<std::byte>(groups[g] & 0xff);
    }
    return bytes;
}

std::string v4_text(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        if (!text.empty()) text += '.';
        text += std::to_string(std::to_integer<unsigned>(byte));
    }
    return text;
}

// RFC 5952 section 4.2: the longest run of two zero groups or more, the first of equals.
struct ZeroRun {
    std::size_t start = 0;
    std::size_t length = 0;
};

ZeroRun longest_zero_run(const V6Groups& groups) noexcept {
    ZeroRun best{};
    for (std::size_t i = 0; i < groups.size();) {
        std::size_t end = i;
        while (end < groups.size() && groups[end] == 0) ++end;
        if (end - i > best.length) best = {i, end - i};
        i = end + 1;
    }
    return best.length >= 2 ? best : ZeroRun{};
}

std::string v6_text(std::span<const std::byte> bytes) {
    const V6Groups groups = groups_of(bytes);
    const ZeroRun run = longest_zero_run(groups);
    // RFC 5952 section 5: a mapped address shows its IPv4 part as such
    if (run.start == 0 && run.length == 5 && groups[5] == 0xffff) return "::ffff:" + v4_text(bytes.last(4));
    std::string text;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (run.length > 0 && i == run.start) {
            text += "::";
            i += run.length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        std::array<char, 4> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16).ptr;
        text.append(digits.data(), end);
    }
    return text;
}

bool bit_at(std::span<const std::byte> bytes, std::size_t bit) noexcept {
    return (bytes[bit / 8] & (std::byte{0x80} >> (bit % 8))) != std::byte{0};
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find(':') == std::string_view::npos) {
        auto bytes = parse_v4(text, 0);
        if (!bytes) return bytes.error();
        return v4(*bytes);
    }
    auto bytes = parse_v6(text);
    if (!bytes) return bytes.error();
    return v6(*bytes);
}

IpAddress IpAddress::v4(const std::array<std::byte, 4>& bytes) noexcept {
    IpAddress address;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

IpAddress IpAddress::v6(const std::array<std::byte, 16>& bytes) noexcept {
    IpAddress address;
    address.size_ = bytes.size();
    address.bytes_ = bytes;
    return address;
}

std::string IpAddress::to_string() const { return is_v4() ? v4_text(bytes()) : v6_text(bytes()); }

Result<IpRange> IpRange::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    auto base = IpAddress::parse(text.substr(0, slash));
    if (!base) return base.error();
    const auto bits_max = static_cast<unsigned>(base->bytes().size() * 8);
    IpRange range{*base, bits_max};
    if (slash == std::string_view::npos) return range;

    const std::string_view digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (fault != std::errc{} || end != digits.data() + digits.size() || bits > bits_max ||
        (digits.size() > 1 && digits.front() == '0')) {
        return Error(Errc::malformed, "IP range: expected a prefix length from 0 to " + std::to_string(bits_max),
                     slash + 1);
    }
    range.prefix_bits = bits;
    for (std::size_t bit = bits; bit < bits_max; ++bit) {
        if (bit_at(range.base.bytes(), bit)) {
            return Error(Errc::malformed, "IP range: bits of the address past the prefix must be zero", 0);
        }
    }
    return range;
}

bool IpRange::contains(const IpAddress& address) const noexcept {
    const auto ours = base.bytes();
    const auto theirs = address.bytes();
    if (ours.size() != theirs.size() || prefix_bits > ours.size() * 8) return false;
    const std::size_t whole = prefix_bits / 8;
    if (!std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(whole), theirs.begin())) return false;
    const unsigned rest = prefix_bits % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<std::byte>(0xff00U >> rest);
    return ((ours[whole] ^ theirs[whole]) & mask) == std::byte{0};
}

std::string IpRange::to_string() const { return base.to_string() + '/' + std::to_string(prefix_bits); }

}  // namespace fpt_webhooks::inline v0_1
