// The address inside a sockaddr.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <optional>

#include <fpt_webhooks/sender/ip_address.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// Nothing for another family than IPv4 and IPv6, or a size that does not fit the family.
[[nodiscard]] inline std::optional<IpAddress> address_of(const sockaddr& address, std::size_t size) noexcept {
    if (address.sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
        std::array<std::byte, 4> bytes;
        const auto* at = reinterpret_cast<const std::byte*>(&address) + offsetof(sockaddr_in, sin_addr);
        std::memcpy(bytes.data(), at, bytes.size());
        return IpAddress::v4(bytes);
    }
    if (address.sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
        std::array<std::byte, 16> bytes;
        const auto* at = reinterpret_cast<const std::byte*>(&address) + offsetof(sockaddr_in6, sin6_addr);
        std::memcpy(bytes.data(), at, bytes.size());
        return IpAddress::v6(bytes);
    }
    return std::nullopt;
}

}  // namespace fpt_webhooks::inline v0_1::detail
