// The URL of a webhook endpoint (RFC 3986), read strictly: what two parsers could read differently is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/ip_address.hpp>

namespace fpt_webhooks::inline v0_1 {

inline constexpr std::size_t url_bytes_max = 2048;       // what common servers and proxies accept
inline constexpr std::size_t host_bytes_max = 253;       // RFC 1035 section 2.3.4, without the root dot
inline constexpr std::size_t host_label_bytes_max = 63;  // likewise

// An immutable value that holds a well-formed absolute http or https URL. Whether it may be called is for
// EndpointPolicy to say.
class FPT_WEBHOOKS_SENDER_EXPORT Url {
  public:
    // Refused, with the offset: user information, a fragment, an empty or overlong host, a trailing dot, non-ASCII
    // (give the punycode form), %-encoding in the host, IPv4 in any shape but dotted decimal, a zone id, a backslash,
    // white space or control bytes anywhere, port 0 or above 65535, bytes that RFC 3986 does not allow.
    // Errors: malformed, limit_exceeded.
    [[nodiscard]] static Result<Url> parse(std::string_view text);

    [[nodiscard]] bool is_https() const noexcept { return https_; }
    [[nodiscard]] const std::string& host() const noexcept { return host_; }      // lower case; IPv6 without brackets
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }           // the scheme's own if none was given
    [[nodiscard]] const std::string& target() const noexcept { return target_; }  // path and query, at least "/"

    // The host as an address, if it is one and not a name.
    [[nodiscard]] const std::optional<IpAddress>& address() const noexcept { return address_; }

    // The same URL in one canonical text: scheme and host in lower case, no default port.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Url&, const Url&) = default;

  private:
    Url() = default;
    Result<void> read_host(std::string_view host);

    bool https_ = true;
    std::string host_;
    std::optional<IpAddress> address_;
    std::uint16_t port_ = 443;
    std::string target_;
};

}  // namespace fpt_webhooks::inline v0_1
