#include <fpt_webhooks/sender/endpoint_policy.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "sender/host_name.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

enum class Tier {
    by_list,  // refused unless an entry of `allow` is at least as specific
    never,    // refused whatever the lists say
};

// Addresses that hold an IPv4 address in their last 32 bits, or, for 6to4, after the first 16.
enum class Embeds {
    nothing,
    same,     // dialling it dials that IPv4 address: judged as that one
    carried,  // refused itself; when a list allows it, the IPv4 address must still not be of the tier `never`
    carried_6to4,
};

struct Reserved {
    std::string_view range;
    std::string_view reason;
    Tier tier = Tier::by_list;
    Embeds embeds = Embeds::nothing;
};

// The most specific row counts. docs/endpoint-policy.md shows the same table to users.
constexpr Reserved reserved_table[] = {
    {"0.0.0.0/8", "\"this network\" (RFC 791); 0.0.0.0 reaches the machine itself", Tier::never},
    {"10.0.0.0/8", "private network (RFC 1918)"},
    {"100.64.0.0/10", "carrier-grade NAT (RFC 6598)"},
    {"100.100.100.200/32", "cloud metadata (Alibaba)", Tier::never},
    {"127.0.0.0/8", "loopback (RFC 1122)"},
    {"168.63.129.16/32", "cloud host agent (Azure), in public space", Tier::never},
    {"169.254.0.0/16", "link-local (RFC 3927)"},
    {"169.254.169.254/32", "cloud metadata", Tier::never},
    {"169.254.170.2/32", "cloud credentials (Amazon ECS)", Tier::never},
    {"169.254.170.23/32", "cloud credentials (Amazon EKS)", Tier::never},
    {"172.16.0.0/12", "private network (RFC 1918)"},
    {"192.0.0.0/24", "IETF protocol assignments (RFC 6890)"},
    {"192.0.0.192/32", "cloud metadata (Oracle)", Tier::never},
    {"192.0.2.0/24", "documentation (RFC 5737)"},
    {"192.88.99.0/24", "6to4 relay anycast, deprecated (RFC 7526)"},
    {"192.168.0.0/16", "private network (RFC 1918)"},
    {"198.18.0.0/15", "benchmarking (RFC 2544)"},
    {"198.51.100.0/24", "documentation (RFC 5737)"},
    {"203.0.113.0/24", "documentation (RFC 5737)"},
    {"224.0.0.0/4", "multicast (RFC 5771)", Tier::never},
    {"240.0.0.0/4", "reserved, and broadcast (RFC 1112, RFC 919)", Tier::never},

    {"::/128", "unspecified (RFC 4291); it reaches the machine itself", Tier::never},
    {"::1/128", "loopback (RFC 4291)"},
    {"::/96", "IPv4-compatible, deprecated (RFC 4291)", Tier::by_list, Embeds::carried},
    {"::ffff:0.0.0.0/96", "IPv4-mapped (RFC 4291)", Tier::by_list, Embeds::same},
    {"::ffff:0:0:0/96", "IPv4-translated (RFC 2765)", Tier::by_list, Embeds::carried},
    {"64:ff9b::/96", "NAT64 (RFC 6052)", Tier::by_list, Embeds::same},
    {"64:ff9b:1::/48", "local-use NAT64 (RFC 8215)", Tier::by_list, Embeds::carried},
    {"100::/64", "discard only (RFC 6666)"},
    {"2001::/23", "IETF protocol assignments, Teredo among them (RFC 2928, RFC 4380)"},
    {"2001:db8::/32", "documentation (RFC 3849)"},
    {"2002::/16", "6to4, deprecated (RFC 7526)", Tier::by_list, Embeds::carried_6to4},
    {"3fff::/20", "documentation (RFC 9637)"},
    {"5f00::/16", "segment routing (RFC 9602)"},
    {"fc00::/7", "unique local (RFC 4193)"},
    {"fd00:ec2::23/128", "cloud credentials (Amazon EKS)", Tier::never},
    {"fd00:ec2::254/128", "cloud metadata (Amazon)", Tier::never},
    {"fd20:ce::254/128", "cloud metadata (Google)", Tier::never},
    {"fe80::/10", "link-local (RFC 4291)"},
    {"fec0::/10", "site-local, deprecated (RFC 3879)"},
    {"ff00::/8", "multicast (RFC 4291)", Tier::never},
};

struct ForbiddenName {
    std::string_view suffix;  // the name itself and every name below it
    std::string_view reason;
};

constexpr ForbiddenName forbidden_names[] = {
    {"localhost", "the machine itself (RFC 6761)"},
    {"internal", "private use (reserved by ICANN); cloud metadata lives there"},
    {"local", "the local link (RFC 6762)"},
    {"home.arpa", "a home network (RFC 8375)"},
};

struct ReservedRange {
    IpRange range;
    const Reserved* row;
};

// The lists as they are searched.
struct HostList {
    std::vector<IpRange> ranges;
    std::vector<std::string> names;

    [[nodiscard]] bool names_host(std::string_view host) const noexcept {
        return std::find(names.begin(), names.end(), host) != names.end();
    }
};

const IpRange& range_of(const IpRange& range) noexcept { return range; }
const IpRange& range_of(const ReservedRange& reserved) noexcept { return reserved.range; }

// The entry with the longest prefix that holds `address`, or null.
template <class Entry>
const Entry* most_specific(const std::vector<Entry>& entries, const IpAddress& address) noexcept {
    const Entry* best = nullptr;
    for (const Entry& entry : entries) {
        if (!range_of(entry).contains(address)) continue;
        if (!best || range_of(entry).prefix_bits > range_of(*best).prefix_bits) best = &entry;
    }
    return best;
}

IpAddress v4_at(const IpAddress& address, std::size_t offset) noexcept {
    const auto part = address.bytes().subspan(offset, 4);
    return IpAddress::v4({part[0], part[1], part[2], part[3]});
}

// RFC 5214 section 6.1: the interface identifier is 0000:5efe or 0200:5efe and the IPv4 address.
bool is_isatap(const IpAddress& address) noexcept {
    if (address.is_v4()) return false;
    const auto id = address.bytes().subspan(8, 4);
    return (id[0] | std::byte{2}) == std::byte{2} && id[1] == std::byte{0} && id[2] == std::byte{0x5e} &&
           id[3] == std::byte{0xfe};
}

std::string is_in(const IpAddress& address, const IpRange& range, std::string_view reason) {
    return address.to_string() + " is in " + range.to_string() + ": " + std::string(reason);
}

Error refused(std::string detail) { return {Errc::refused_by_policy, std::move(detail)}; }

Error bad_entry(const char* list, std::string_view entry, std::string_view why) {
    return {Errc::invalid_argument, std::string(list) + " \"" + std::string(entry) + "\": " + std::string(why)};
}

Result<HostList> read_list(const char* list, const std::vector<std::string>& entries) {
    HostList result;
    for (const std::string& entry : entries) {
        // by its form, so that a mistyped address is not taken for a name
        if (entry.find_first_of(":/") != std::string::npos || detail::ends_like_ipv4(entry)) {
            auto range = IpRange::parse(entry);
            if (!range) return bad_entry(list, entry, range.error().message());
            result.ranges.push_back(*range);
        } else {
            auto name = detail::parse_host_name(entry);
            if (!name) return bad_entry(list, entry, name.error().message());
            result.names.push_back(*std::move(name));
        }
    }
    return result;
}

}  // namespace

struct EndpointPolicy::Rules {
    std::vector<ReservedRange> reserved;
    HostList allow;
    HostList deny;
    bool allow_http = false;

    // Yes: is it by an entry of `allow`? No: why.
    struct Verdict {
        bool listed = false;
        std::string refusal = {};  // "" when allowed
    };

    [[nodiscard]] Verdict judge(const IpAddress& address) const;
    [[nodiscard]] Verdict judge_embedded(const IpAddress& address, const IpAddress& v4) const;
    [[nodiscard]] bool is_never(const IpAddress& address) const noexcept {
        const ReservedRange* reserved_range = most_specific(reserved, address);
        return reserved_range && reserved_range->row->tier == Tier::never;
    }

    // Why an entry of `allow` could never allow anything; "" when it can.
    [[nodiscard]] std::string why_useless(const IpRange& allowed) const;
};

EndpointPolicy::Rules::Verdict EndpointPolicy::Rules::judge(const IpAddress& address) const {
    const ReservedRange* table = most_specific(reserved, address);
    const IpRange* allowed = most_specific(allow.ranges, address);
    const IpRange* denied = most_specific(deny.ranges, address);
    const Embeds embeds = table ? table->row->embeds : Embeds::nothing;

    if (table && table->row->tier == Tier::never) return {false, is_in(address, table->range, table->row->reason)};
    if (denied && (!allowed || denied->prefix_bits >= allowed->prefix_bits)) {
        return {false, is_in(address, *denied, "named in `deny`")};
    }
    if (embeds == Embeds::same) return judge_embedded(address, v4_at(address, 12));
    if (table && (!allowed || allowed->prefix_bits < table->range.prefix_bits)) {
        return {false, is_in(address, table->range, table->row->reason)};
    }
    if (embeds == Embeds::carried || embeds == Embeds::carried_6to4) {
        const IpAddress v4 = v4_at(address, embeds == Embeds::carried ? 12 : 2);
        if (is_never(v4)) return judge_embedded(address, v4);
    }
    if (is_isatap(address)) {
        if (Verdict verdict = judge_embedded(address, v4_at(address, 12)); !verdict.refusal.empty()) return verdict;
    }
    return {allowed != nullptr};
}

EndpointPolicy::Rules::Verdict EndpointPolicy::Rules::judge_embedded(const IpAddress& address,
                                                                     const IpAddress& v4) const {
    Verdict verdict = judge(v4);
    if (!verdict.refusal.empty()) verdict.refusal.insert(0, address.to_string() + " leads to ");
    return verdict;
}

std::string EndpointPolicy::Rules::why_useless(const IpRange& allowed) const {
    double covered = 0;  // the part of it that is never allowed; the rows of that tier are disjoint
    for (const ReservedRange& entry : reserved) {
        const bool outer = entry.range.prefix_bits <= allowed.prefix_bits && entry.range.contains(allowed.base);
        const bool inner = entry.range.prefix_bits > allowed.prefix_bits && allowed.contains(entry.range.base);
        if (entry.row->tier == Tier::never && outer) covered = 1;
        if (entry.row->tier == Tier::never && inner) {
            covered +=
                std::ldexp(1.0, static_cast<int>(allowed.prefix_bits) - static_cast<int>(entry.range.prefix_bits));
        }
        if (entry.row->embeds == Embeds::same && outer) {
            return std::string(entry.row->reason) + " addresses are judged by their IPv4 address: allow that one";
        }
    }
    return covered >= 1 ? "never allowed: unspecified, multicast, reserved or cloud metadata" : "";
}

Result<std::shared_ptr<const EndpointPolicy>> EndpointPolicy::create(EndpointPolicyOptions options) {
    auto rules = std::make_unique<Rules>();
    for (const Reserved& row : reserved_table) rules->reserved.push_back({IpRange::parse(row.range).value(), &row});
    auto allow = read_list("allow", options.allow);
    if (!allow) return std::move(allow).error();
    auto deny = read_list("deny", options.deny);
    if (!deny) return std::move(deny).error();
    rules->allow = *std::move(allow);
    rules->deny = *std::move(deny);
    rules->allow_http = options.allow_http;
    for (const IpRange& range : rules->allow.ranges) {
        if (auto why = rules->why_useless(range); !why.empty()) return bad_entry("allow", range.to_string(), why);
    }
    return std::make_shared<const EndpointPolicy>(std::move(rules));
}

EndpointPolicy::EndpointPolicy(std::unique_ptr<const Rules> rules) noexcept : rules_(std::move(rules)) {}
EndpointPolicy::~EndpointPolicy() = default;

Result<Url> EndpointPolicy::check_url(std::string_view text) const {
    auto url = Url::parse(text);
    if (!url) return url;
    if (!url->is_https() && !rules_->allow_http) return refused("HTTPS only");
    if (url->is_https() && url->port() == 80) return refused("port 80 is that of plain HTTP, the URL says https");
    if (url->address()) {
        if (auto judged = check_address(*url, *url->address()); !judged) return std::move(judged).error();
        return url;
    }
    const std::string& host = url->host();
    if (rules_->deny.names_host(host)) return refused("host " + host + " is named in `deny`");
    for (const auto& [suffix, reason] : forbidden_names) {
        const bool below =
            host.ends_with(suffix) && (host.size() == suffix.size() || host[host.size() - suffix.size() - 1] == '.');
        if (below && !rules_->allow.names_host(host)) {
            return refused("host " + host + " is " + (host == suffix ? "" : "under ") + std::string(suffix) + ": " +
                           std::string(reason));
        }
    }
    return url;
}

Result<void> EndpointPolicy::check_answer(const Url& url, std::span<const IpAddress> addresses) const {
    if (addresses.empty()) return refused("host " + url.host() + " has no address");
    for (const IpAddress& address : addresses) {
        if (auto judged = check_address(url, address); !judged) return judged;
    }
    return {};
}

Result<void> EndpointPolicy::check_address(const Url& url, const IpAddress& address) const {
    const Rules::Verdict verdict = rules_->judge(address);
    if (!verdict.refusal.empty()) return refused(verdict.refusal);
    if (!url.is_https() && !(rules_->allow_http && verdict.listed)) {
        return refused(address.to_string() + ": plain HTTP only to addresses named in `allow`");
    }
    return {};
}

}  // namespace fpt_webhooks::inline v0_1
