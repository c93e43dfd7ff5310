// IP addresses and ranges of them (RFC 4291, RFC 4632).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// A regular value: IPv4 or IPv6, without port or zone.
class FPT_WEBHOOKS_SENDER_EXPORT IpAddress {
  public:
    // Strict: four decimal numbers without leading zeros, or RFC 4291 section 2.2 text without brackets or zone. The
    // shapes that some resolvers also take (octal, hex, "127.1") are malformed. Errors: malformed with offset.
    [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

    [[nodiscard]] static IpAddress v4(const std::array<std::byte, 4>& bytes) noexcept;
    [[nodiscard]] static IpAddress v6(const std::array<std::byte, 16>& bytes) noexcept;

    [[nodiscard]] bool is_v4() const noexcept { return size_ == 4; }

    // 4 or 16 bytes in network order. Valid while this object lives unchanged.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::span(bytes_).first(size_); }

    // Dotted decimal, or RFC 5952 text without brackets.
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;

  private:
    IpAddress() noexcept = default;

    std::size_t size_ = 4;
    std::array<std::byte, 16> bytes_{};  // unused bytes are zero
};

// All addresses of one family that share the first `prefix_bits` bits.
struct FPT_WEBHOOKS_SENDER_EXPORT IpRange {
    IpAddress base;
    unsigned prefix_bits = 0;

    // "10.0.0.0/8", "fc00::/7", or a single address. Bits of the base past the prefix must be zero.
    // Errors: malformed with offset.
    [[nodiscard]] static Result<IpRange> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const IpRange&, const IpRange&) noexcept = default;
};

}  // namespace fpt_webhooks::inline v0_1
