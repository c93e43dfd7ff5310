#include <fpt_webhooks/sender/url.hpp>

#include <algorithm>

#include <fpt_webhooks/core/headers.hpp>

#include "core/hex.hpp"
#include "sender/host_name.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

constexpr std::uint16_t port_of_http = 80;
constexpr std::uint16_t port_of_https = 443;

Error malformed(const char* detail, std::size_t offset) {
    return {Errc::malformed, std::string("URL: ") + detail, offset};
}

constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alphanumeric(char c) noexcept { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z'); }

// What no part of a URL may hold. Some parsers drop these bytes, some turn them into others: either way two of them
// would disagree on the host.
Result<void> check_bytes(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == '\\') return malformed("a backslash", i);
        if (byte <= ' ' || byte == 0x7f) return malformed("white space or a control byte", i);
        if (byte > 0x7f) return malformed("not ASCII: write a name in its punycode form (xn--)", i);
    }
    return {};
}

// RFC 3986: pchar, "/" and "?"
Result<void> check_target(std::string_view text, std::size_t at) {
    for (std::size_t i = at; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '#') return malformed("a fragment is never sent", i);
        if (c == '%') {
            if (i + 2 >= text.size() || detail::hex_value(text[i + 1]) < 0 || detail::hex_value(text[i + 2]) < 0) {
                return malformed("'%' needs two hex digits", i);
            }
            i += 2;
            continue;
        }
        if (!is_alphanumeric(c) && std::string_view("-._~!$&'()*+,;=:@/?").find(c) == std::string_view::npos) {
            return malformed("a byte that must be %-encoded", i);
        }
    }
    return {};
}

Result<std::uint16_t> parse_port(std::string_view digits, std::size_t at) {
    unsigned port = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (!is_digit(digits[i])) return malformed("a port is a decimal number", at + i);
        port = port * 10 + static_cast<unsigned>(digits[i] - '0');
        if (port > 65535) return malformed("a port is at most 65535", at);
    }
    if (digits.empty()) return malformed("no port after ':'", at);
    if (digits.front() == '0') return malformed("a port starts with 1 to 9", at);
    return static_cast<std::uint16_t>(port);
}

// An authority cut in two: host (with brackets, if any) and what follows it.
struct Authority {
    std::string_view host;
    std::string_view rest;  // "" or ":" and a port
};

Result<Authority> split_authority(std::string_view authority, std::size_t at) {
    if (const auto user = authority.find('@'); user != std::string_view::npos) {
        return malformed("user information before '@'", at + user);
    }
    if (authority.empty() || authority.front() == ':') return malformed("no host", at);
    std::size_t end = std::min(authority.find(':'), authority.size());
    if (authority.front() == '[') {
        end = authority.find(']');
        if (end == std::string_view::npos) return malformed("no ']' after '['", at);
        ++end;
        if (end < authority.size() && authority[end] != ':') return malformed("only a port may follow ']'", at + end);
    }
    return Authority{authority.substr(0, end), authority.substr(end)};
}

}  // namespace

namespace detail {

Error shifted(const Error& error, std::size_t base) {
    return {static_cast<Errc>(error.code().value()), error.detail(), error.offset().value_or(0) + base};
}

bool ends_like_ipv4(std::string_view host) noexcept {
    const std::size_t dot = host.rfind('.');
    std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
    if (last.starts_with("0x") || last.starts_with("0X")) {
        last.remove_prefix(2);
        return std::all_of(last.begin(), last.end(), [](char c) { return hex_value(c) >= 0; });
    }
    return !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
}

Result<std::string> parse_host_name(std::string_view text) {
    if (text.empty()) return malformed("no host", 0);
    if (text.size() > host_bytes_max) {
        return Error(Errc::limit_exceeded, "URL: a host is at most " + std::to_string(host_bytes_max) + " bytes",
                     host_bytes_max);
    }
    std::size_t label = 0;  // where the current one starts
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] != '.') {
            // '_' is no host name by RFC 1123, but endpoints under wildcard certificates have it
            if (!is_alphanumeric(text[i]) && text[i] != '-' && text[i] != '_') {
                return malformed("a host has letters, digits, '-', '_' and '.' only", i);
            }
            continue;
        }
        if (i == label && i == text.size()) return malformed("a dot at the end of the host", i - 1);
        if (i == label) return malformed("an empty part of the host", i);
        if (i - label > host_label_bytes_max) {
            return Error(Errc::limit_exceeded,
                         "URL: a part of a host is at most " + std::to_string(host_label_bytes_max) + " bytes", label);
        }
        if (text[label] == '-' || text[i - 1] == '-') return malformed("'-' at an end of a part of the host", label);
        label = i + 1;
    }
    if (ends_like_ipv4(text)) return malformed("a host whose last part is a number is no name", 0);
    std::string name(text);
    std::transform(name.begin(), name.end(), name.begin(), to_lower);
    return name;
}

}  // namespace detail

Result<Url> Url::parse(std::string_view text) {
    if (text.size() > url_bytes_max) {
        return Error(Errc::limit_exceeded, "URL: at most " + std::to_string(url_bytes_max) + " bytes", url_bytes_max);
    }
    if (auto clean = check_bytes(text); !clean) return clean.error();

    Url url;
    const std::size_t scheme_end = text.find("://");
    const std::string_view scheme = text.substr(0, std::min(scheme_end, text.size()));
    url.https_ = equals_ignoring_case(scheme, "https");
    if (scheme_end == std::string_view::npos || !(url.https_ || equals_ignoring_case(scheme, "http"))) {
        return malformed("it starts with https:// (or http://)", 0);
    }

    const std::size_t at = scheme_end + 3;
    const std::size_t target = std::min(text.find_first_of("/?#", at), text.size());
    const auto authority = split_authority(text.substr(at, target - at), at);
    if (!authority) return authority.error();
    if (auto read = url.read_host(authority->host); !read) return detail::shifted(read.error(), at);

    url.port_ = url.https_ ? port_of_https : port_of_http;
    if (!authority->rest.empty()) {
        const auto port = parse_port(authority->rest.substr(1), at + authority->host.size() + 1);
        if (!port) return port.error();
        url.port_ = *port;
    }

    if (auto clean = check_target(text, target); !clean) return clean.error();
    url.target_ = text.substr(target);
    if (!url.target_.starts_with('/')) url.target_.insert(0, 1, '/');
    return url;
}

Result<void> Url::read_host(std::string_view host) {
    if (host.find('%') != std::string_view::npos) {
        return malformed(host.front() == '[' ? "a zone id means nothing to another machine" : "'%' in the host",
                         host.find('%'));
    }
    if (host.front() == '[') {
        auto address = IpAddress::parse(host.substr(1, host.size() - 2));
        if (!address) return detail::shifted(address.error(), 1);
        if (address->is_v4()) return malformed("only IPv6 stands in brackets", 1);
        address_ = *address;
    } else if (detail::ends_like_ipv4(host)) {
        auto address = IpAddress::parse(host);
        if (!address) return std::move(address).error();
        address_ = *address;
    } else {
        auto name = detail::parse_host_name(host);
        if (!name) return std::move(name).error();
        host_ = *std::move(name);
        return {};
    }
    host_ = address_->to_string();
    return {};
}

std::string Url::to_string() const {
    std::string text = https_ ? "https://" : "http://";
    const bool bracketed = address_ && !address_->is_v4();
    text += bracketed ? '[' + host_ + ']' : host_;
    if (port_ != (https_ ? port_of_https : port_of_http)) text += ':' + std::to_string(port_);
    return text + target_;
}

}  // namespace fpt_webhooks::inline v0_1
