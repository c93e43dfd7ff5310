#include <fpt_webhooks/sender/endpoint_policy.hpp>

#include <array>
#include <bitset>
#include <fstream>
#include <iterator>
#include <random>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

std::shared_ptr<const fw::EndpointPolicy> policy_of(fw::EndpointPolicyOptions options) {
    return fw::EndpointPolicy::create(std::move(options)).value();
}

fw::IpAddress address(std::string_view text) { return fw::IpAddress::parse(text).value(); }

const fw::Url& any_url() {
    static const fw::Url url = fw::Url::parse("https://partner.example/").value();
    return url;
}

bool allows(const fw::EndpointPolicy& policy, const fw::IpAddress& dialled) {
    const auto judged = policy.check_address(any_url(), dialled);
    if (!judged) {
        CHECK(judged.error() == fw::Errc::refused_by_policy);
        CHECK(judged.error().detail().find(dialled.to_string()) != std::string::npos);
    }
    return judged.has_value();
}

bool allows(const fw::EndpointPolicy& policy, std::string_view dialled) { return allows(policy, address(dialled)); }

std::string why_not(const fw::Result<void>& judged) { return judged ? "" : judged.error().detail(); }
std::string why_not(const fw::Result<fw::Url>& judged) { return judged ? "" : judged.error().detail(); }

// A second opinion that shares nothing with the library: the ranges by themselves, compared bit by bit.
struct Refused {
    const char* range;  // as the documentation writes it
    const char* first;
    const char* last;
    bool never = false;
};

constexpr Refused refused_v4[] = {
    {"0.0.0.0/8", "0.0.0.0", "0.255.255.255", true},
    {"10.0.0.0/8", "10.0.0.0", "10.255.255.255"},
    {"100.64.0.0/10", "100.64.0.0", "100.127.255.255"},
    {"100.100.100.200", "100.100.100.200", "100.100.100.200", true},
    {"127.0.0.0/8", "127.0.0.0", "127.255.255.255"},
    {"168.63.129.16", "168.63.129.16", "168.63.129.16", true},
    {"169.254.0.0/16", "169.254.0.0", "169.254.255.255"},
    {"169.254.169.254", "169.254.169.254", "169.254.169.254", true},
    {"169.254.170.2", "169.254.170.2", "169.254.170.2", true},
    {"169.254.170.23", "169.254.170.23", "169.254.170.23", true},
    {"172.16.0.0/12", "172.16.0.0", "172.31.255.255"},
    {"192.0.0.0/24", "192.0.0.0", "192.0.0.255"},
    {"192.0.0.192", "192.0.0.192", "192.0.0.192", true},
    {"192.0.2.0/24", "192.0.2.0", "192.0.2.255"},
    {"192.88.99.0/24", "192.88.99.0", "192.88.99.255"},
    {"192.168.0.0/16", "192.168.0.0", "192.168.255.255"},
    {"198.18.0.0/15", "198.18.0.0", "198.19.255.255"},
    {"198.51.100.0/24", "198.51.100.0", "198.51.100.255"},
    {"203.0.113.0/24", "203.0.113.0", "203.0.113.255"},
    {"224.0.0.0/4", "224.0.0.0", "239.255.255.255", true},
    {"240.0.0.0/4", "240.0.0.0", "255.255.255.255", true},
};

constexpr Refused refused_v6[] = {
    {"::", "::", "::", true},
    {"::1", "::1", "::1"},
    {"::/96", "::2", "::ffff:ffff"},
    {"::ffff:0:0:0/96", "::ffff:0:0:0", "::ffff:0:ffff:ffff"},
    {"64:ff9b:1::/48", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
    {"100::/64", "100::", "100::ffff:ffff:ffff:ffff"},
    {"2001::/23", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2002::/16", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"3fff::/20", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"5f00::/16", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fd00:ec2::23", "fd00:ec2::23", "fd00:ec2::23", true},
    {"fd00:ec2::254", "fd00:ec2::254", "fd00:ec2::254", true},
    {"fd20:ce::254", "fd20:ce::254", "fd20:ce::254", true},
    {"fe80::/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fec0::/10", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"ff00::/8", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
};

std::string bits_of(const fw::IpAddress& of) {
    std::string bits;
    for (const std::byte byte : of.bytes()) bits += std::bitset<8>(std::to_integer<unsigned>(byte)).to_string();
    return bits;
}

struct Interval {
    std::string first;
    std::string last;

    // Texts of equal length compare as the numbers they write.
    bool holds(const std::string& bits) const { return bits.size() == first.size() && first <= bits && bits <= last; }
};

Interval interval(const char* first, const char* last) { return {bits_of(address(first)), bits_of(address(last))}; }

bool naive_allows(const std::string& bits) {
    static const std::vector<Interval> refused = [] {
        std::vector<Interval> rows;
        for (const auto& row : refused_v4) rows.push_back(interval(row.first, row.last));
        for (const auto& row : refused_v6) rows.push_back(interval(row.first, row.last));
        return rows;
    }();
    static const Interval mapped = interval("::ffff:0:0", "::ffff:ffff:ffff");
    static const Interval nat64 = interval("64:ff9b::", "64:ff9b::ffff:ffff");
    for (const Interval& row : refused) {
        if (row.holds(bits)) return false;
    }
    if (bits.size() == 32) return true;
    const std::string v4 = bits.substr(96);
    if (mapped.holds(bits) || nat64.holds(bits)) return naive_allows(v4);
    const std::string id = bits.substr(64, 32);
    const bool isatap = id.substr(0, 6) == "000000" && id.substr(7) == "0000000000101111011111110";
    return !isatap || naive_allows(v4);
}

template <class Random>
fw::IpAddress random_v4(Random& random) {
    std::array<std::byte, 4> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    return fw::IpAddress::v4(bytes);
}

fw::IpAddress with_tail(std::string_view prefix, const fw::IpAddress& v4, std::size_t at = 12) {
    std::array<std::byte, 16> bytes{};
    const auto head = address(prefix);
    std::copy(head.bytes().begin(), head.bytes().end(), bytes.begin());
    std::copy(v4.bytes().begin(), v4.bytes().end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return fw::IpAddress::v6(bytes);
}

fw::IpAddress next_to(const fw::IpAddress& of, int step) {
    std::array<std::byte, 16> bytes{};
    const auto from = of.bytes();
    std::copy(from.begin(), from.end(), bytes.begin());
    for (std::size_t i = from.size(); i-- > 0;) {
        const int sum = std::to_integer<int>(bytes[i]) + step;
        bytes[i] = static_cast<std::byte>(sum & 0xff);
        if (sum >= 0 && sum <= 255) break;
    }
    return of.is_v4() ? fw::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : fw::IpAddress::v6(bytes);
}

void check_row(const fw::EndpointPolicy& policy, const Refused& row) {
    INFO(row.range);
    CHECK_FALSE(allows(policy, row.first));
    CHECK_FALSE(allows(policy, row.last));
    const auto before = next_to(address(row.first), -1);
    const auto after = next_to(address(row.last), +1);
    INFO(before.to_string() << " and " << after.to_string());
    CHECK(allows(policy, before) == naive_allows(bits_of(before)));
    CHECK(allows(policy, after) == naive_allows(bits_of(after)));

    const bool single = std::string_view(row.first) == row.last;
    const auto opened = fw::EndpointPolicy::create({.allow = {row.range}});
    CHECK(opened.has_value() == !row.never);
    if (!opened) {
        CHECK(opened.error() == fw::Errc::invalid_argument);
        CHECK(opened.error().detail().find("never allowed") != std::string::npos);
    } else {
        CHECK((single || allows(**opened, row.last)));
        CHECK(allows(**opened, row.first));
    }
}

}  // namespace

TEST_CASE("endpoint policy: refuses both ends of every range, and allows by list what the tier permits") {
    const auto policy = policy_of({});
    for (const auto& row : refused_v4) check_row(*policy, row);
    for (const auto& row : refused_v6) {
        // its ends embed addresses of the tier `never`, which stay refused: tested below
        if (std::string_view(row.range) != "::/96" && std::string_view(row.range) != "::ffff:0:0:0/96" &&
            std::string_view(row.range) != "64:ff9b:1::/48" && std::string_view(row.range) != "2002::/16") {
            check_row(*policy, row);
        } else {
            CHECK_FALSE(allows(*policy, row.first));
            CHECK_FALSE(allows(*policy, row.last));
        }
    }
}

TEST_CASE("endpoint policy: allows the public internet") {
    const auto policy = policy_of({});
    for (const char* text : {"1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "223.255.255.255",
                             "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "2001:200::1", "2001:4860:4860::8888"}) {
        INFO(text);
        CHECK(allows(*policy, text));
    }
}

TEST_CASE("endpoint policy: judges 60,000 random addresses as a naive comparison of bits does") {
    std::mt19937_64 random(7);
    const auto policy = policy_of({});
    const std::array<std::string_view, 9> heads = {
        "::",     "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2a00::5efe:0:0", "2a00::200:5efe:0:0",
        "fd00::", "2001:1ff::"};
    int allowed = 0;
    for (int round = 0; round < 60'000; ++round) {
        fw::IpAddress candidate = random_v4(random);
        if (round % 3 == 1) candidate = with_tail(heads[random() % heads.size()], candidate);
        if (round % 3 == 2) {
            std::array<std::byte, 16> bytes{};
            for (auto& byte : bytes) byte = static_cast<std::byte>(random() % 4 ? random() : 0);
            if (random() % 2) bytes[0] = static_cast<std::byte>(random() % 2 ? 0x20 : 0xfc + random() % 4);
            candidate = fw::IpAddress::v6(bytes);
        }
        const bool verdict = policy->check_address(any_url(), candidate).has_value();
        if (verdict != naive_allows(bits_of(candidate))) FAIL_CHECK(candidate.to_string());
        allowed += verdict;
    }
    CHECK(allowed > 15'000);
    CHECK(allowed < 54'000);
}

TEST_CASE("endpoint policy: NAT64, mapped and ISATAP addresses share the verdict of their IPv4 address") {
    std::mt19937_64 random(11);
    const auto policy = policy_of({.allow = {"10.0.0.0/9", "192.168.7.0/24", "169.254.0.0/16"},
                                   .deny = {"10.1.0.0/16", "64.0.0.0/2", "8.8.8.8"}});
    int allowed = 0;
    for (int round = 0; round < 10'000; ++round) {
        fw::IpAddress v4 = random_v4(random);
        if (round % 4 == 0) {
            v4 = fw::IpAddress::v4({std::byte{10}, static_cast<std::byte>(random()), v4.bytes()[2], v4.bytes()[3]});
        }
        const bool verdict = policy->check_address(any_url(), v4).has_value();
        allowed += verdict;
        for (const char* head : {"64:ff9b::", "::ffff:0:0", "2a00:1:2:3:0:5efe::", "2a00:1:2:3:200:5efe::"}) {
            const auto embedding = with_tail(head, v4);
            if (policy->check_address(any_url(), embedding).has_value() != verdict) FAIL_CHECK(embedding.to_string());
        }
        if (policy->check_address(any_url(), with_tail("2002::", v4, 2))) FAIL_CHECK(v4.to_string() + " as 6to4");
    }
    CHECK(allowed > 1'000);
}

TEST_CASE("endpoint policy: metadata addresses stay closed behind every embedding and every list") {
    const auto policy = policy_of({.allow = {"::/0", "0.0.0.0/0", "169.254.0.0/16", "::/96", "::ffff:0:0:0/96",
                                             "64:ff9b:1::/48", "2002::/16", "fd00::/8", "2a00::/16", "100.64.0.0/10"}});
    for (const char* text : {"169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254",
                             "64:ff9b:1::169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254",
                             "2002:a9fe:a9fe::1", "2a00::5efe:169.254.169.254", "fd00:ec2::254", "100.100.100.200"}) {
        INFO(text);
        CHECK_FALSE(allows(*policy, text));
    }
    for (const char* text : {"169.254.1.1", "64:ff9b:1::a00:1", "::8.8.8.8", "2002:0808:0808::1", "fd00:ec2::1"}) {
        INFO(text);
        CHECK(allows(*policy, text));
    }
}

TEST_CASE("endpoint policy: the most specific entry wins, and deny wins a tie") {
    const auto policy = policy_of({.allow = {"10.0.0.0/8", "10.1.2.0/24", "127.0.0.1", "192.168.0.0/16", "fd00::/8"},
                                   .deny = {"10.1.0.0/16", "192.168.0.0/16", "8.0.0.0/8", "10.1.2.3", "::/0"}});
    CHECK(allows(*policy, "10.2.0.1"));
    CHECK_FALSE(allows(*policy, "10.1.0.1"));
    CHECK(allows(*policy, "10.1.2.4"));
    CHECK_FALSE(allows(*policy, "10.1.2.3"));
    CHECK(allows(*policy, "127.0.0.1"));
    CHECK_FALSE(allows(*policy, "127.0.0.2"));
    CHECK_FALSE(allows(*policy, "192.168.1.1"));
    CHECK_FALSE(allows(*policy, "8.8.8.8"));
    CHECK(allows(*policy, "9.9.9.9"));
    CHECK(allows(*policy, "fd12::1"));
    CHECK_FALSE(allows(*policy, "2606:4700::1111"));
    CHECK_FALSE(allows(*policy, "64:ff9b::9.9.9.9"));
}

TEST_CASE("endpoint policy: a wide allow entry does not open the table's narrower ranges") {
    const auto policy = policy_of({.allow = {"0.0.0.0/0", "::/0"}});
    CHECK_FALSE(allows(*policy, "10.0.0.1"));
    CHECK_FALSE(allows(*policy, "::1"));
    CHECK(allows(*policy, "9.9.9.9"));
}

TEST_CASE("endpoint policy: an answer with one forbidden address is refused whole") {
    const auto policy = policy_of({});
    const std::vector<fw::IpAddress> mixed = {address("93.184.216.34"), address("10.0.0.1")};
    CHECK(why_not(policy->check_answer(any_url(), mixed)) == "10.0.0.1 is in 10.0.0.0/8: private network (RFC 1918)");
    CHECK(policy->check_answer(any_url(), std::span(mixed).first(1)));
    CHECK(why_not(policy->check_answer(any_url(), {})) == "host partner.example has no address");
    const std::vector<fw::IpAddress> hidden = {address("64:ff9b::10.0.0.1")};
    CHECK(why_not(policy->check_answer(any_url(), hidden)) ==
          "64:ff9b::a00:1 leads to 10.0.0.1 is in 10.0.0.0/8: private network (RFC 1918)");
}

TEST_CASE("endpoint policy: refuses URLs by scheme, port, name and literal address") {
    const auto policy = policy_of({.deny = {"Blocked.example"}});
    CHECK(policy->check_url("https://partner.example/hooks").value().host() == "partner.example");
    CHECK(policy->check_url("https://partner.example:8443/"));
    CHECK(policy->check_url("https://notlocalhost/"));
    CHECK(policy->check_url("https://localhost.example/"));
    CHECK(policy->check_url("https://93.184.216.34/"));
    for (const char* url :
         {"http://partner.example/", "https://partner.example:80/", "https://localhost/", "https://LOCALHOST:8443/",
          "https://a.localhost/", "https://metadata.google.internal/", "https://internal/", "https://printer.local/",
          "https://nas.home.arpa/", "https://blocked.example/", "https://10.0.0.1/", "https://[::1]/", "https://[::]/",
          "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/", "https://169.254.169.254/"}) {
        INFO(url);
        const auto judged = policy->check_url(url);
        REQUIRE_FALSE(judged);
        CHECK(judged.error() == fw::Errc::refused_by_policy);
    }
    CHECK(policy->check_url("https://2130706433/").error() == fw::Errc::malformed);
    CHECK(why_not(policy->check_url("https://api.internal/")) ==
          "host api.internal is under internal: private use (reserved by ICANN); cloud metadata lives there");
}

TEST_CASE("endpoint policy: a name in allow opens that name only, and its addresses need entries of their own") {
    const auto policy = policy_of({.allow = {"hooks.internal", "localhost", "127.0.0.1"}, .deny = {"localhost"}});
    const auto url = policy->check_url("https://HOOKS.internal/x").value();
    CHECK_FALSE(policy->check_url("https://other.internal/"));
    CHECK_FALSE(policy->check_url("https://a.hooks.internal/"));
    CHECK_FALSE(policy->check_url("https://localhost/"));
    CHECK(policy->check_address(url, address("127.0.0.1")));
    CHECK_FALSE(policy->check_address(url, address("10.0.0.1")));
}

TEST_CASE("endpoint policy: plain HTTP only by option and only to listed addresses") {
    const auto policy = policy_of({.allow = {"127.0.0.1", "9.9.9.9"}, .allow_http = true});
    CHECK(policy->check_url("http://127.0.0.1:8080/"));
    CHECK(policy->check_url("http://9.9.9.9/"));
    CHECK_FALSE(policy->check_url("http://1.1.1.1/"));
    const auto named = policy->check_url("http://partner.example/").value();
    CHECK(policy->check_address(named, address("127.0.0.1")));
    CHECK(policy->check_address(named, address("::ffff:127.0.0.1")));
    CHECK_FALSE(policy->check_address(named, address("1.1.1.1")));
    const std::vector<fw::IpAddress> mixed = {address("127.0.0.1"), address("1.1.1.1")};
    CHECK_FALSE(policy->check_answer(named, mixed));
    CHECK_FALSE(policy_of({.allow = {"127.0.0.1"}})->check_url("http://127.0.0.1/"));
}

TEST_CASE("endpoint policy: names the entry that it cannot use") {
    for (const char* entry : {"10.0.0.1/8", "10.0.0.0/33", "256.0.0.1", "127.1", "", "two words", "-a.example", "*.x",
                              "host:80", "::ffff:10.0.0.1", "64:ff9b::/96", "64:ff9b::a00:1", "224.0.0.0/3",
                              "254.0.0.0/7", "ff02::/16", "169.254.169.254/32"}) {
        INFO(entry);
        const auto policy = fw::EndpointPolicy::create({.allow = {"127.0.0.1", entry}});
        REQUIRE_FALSE(policy);
        CHECK(policy.error() == fw::Errc::invalid_argument);
        CHECK(policy.error().detail().starts_with("allow \""));
    }
    CHECK(fw::EndpointPolicy::create({.deny = {"1.2.3"}}).error().detail().starts_with("deny \"1.2.3\": "));
    CHECK(fw::EndpointPolicy::create({.deny = {"224.0.0.0/4", "64:ff9b::/96"}}));
    CHECK(fw::EndpointPolicy::create({.allow = {"192.0.0.0/2"}}));
}

TEST_CASE("endpoint policy: its documentation lists every range") {
    std::ifstream file(FPT_WEBHOOKS_POLICY_DOC);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    REQUIRE_FALSE(text.empty());
    for (const auto& row : refused_v4) CHECK(text.find('`' + std::string(row.range) + '`') != std::string::npos);
    for (const auto& row : refused_v6) CHECK(text.find('`' + std::string(row.range) + '`') != std::string::npos);
    for (const char* range : {"`::ffff:0:0/96`", "`64:ff9b::/96`"}) CHECK(text.find(range) != std::string::npos);
}
