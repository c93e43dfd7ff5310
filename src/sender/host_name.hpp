// Host names as they may stand in a URL or in a policy (RFC 1123 section 2.1).
#pragma once

#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// Would some parser take this host for an IPv4 address? The last label decides, as in the WHATWG URL standard: all
// digits, or "0x" and hex digits. It covers every shape that inet_aton() reads: "127.1", "0177.0.0.1", "2130706433".
[[nodiscard]] bool ends_like_ipv4(std::string_view host) noexcept;

// A name in lower case. Errors: malformed, limit_exceeded; offsets count from the start of `text`.
[[nodiscard]] Result<std::string> parse_host_name(std::string_view text);

// The same error, `base` bytes further on.
[[nodiscard]] Error shifted(const Error& error, std::size_t base);

}  // namespace fpt_webhooks::inline v0_1::detail
