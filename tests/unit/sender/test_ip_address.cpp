#include <fpt_webhooks/sender/ip_address.hpp>

#include <random>

#include <arpa/inet.h>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

std::size_t offset_of_fault(std::string_view text) {
    const auto address = fw::IpAddress::parse(text);
    REQUIRE_FALSE(address);
    CHECK(address.error() == fw::Errc::malformed);
    REQUIRE(address.error().offset());
    return *address.error().offset();
}

std::string round_trip(std::string_view text) { return fw::IpAddress::parse(text).value().to_string(); }

// The C library's opinion, as bytes; nothing when it refuses.
std::vector<std::byte> by_inet_pton(const std::string& text) {
    std::vector<std::byte> bytes(16);
    if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
        bytes.resize(4);
        return bytes;
    }
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
    return {};
}

}  // namespace

TEST_CASE("ip address: reads dotted decimal and nothing that only resembles it") {
    const auto address = fw::IpAddress::parse("192.0.2.255").value();
    CHECK(address.is_v4());
    CHECK(address.bytes().size() == 4);
    CHECK(address.bytes()[3] == std::byte{255});
    CHECK(address.to_string() == "192.0.2.255");

    CHECK(offset_of_fault("") == 0);
    CHECK(offset_of_fault("127.1") == 5);
    CHECK(offset_of_fault("2130706433") == 0);
    CHECK(offset_of_fault("0x7f.0.0.1") == 1);
    CHECK(offset_of_fault("0177.0.0.1") == 0);
    CHECK(offset_of_fault("1.2.3.04") == 6);
    CHECK(offset_of_fault("1.2.3.256") == 6);
    CHECK(offset_of_fault("1.2.3.4.") == 7);
    CHECK(offset_of_fault("1.2.3.4 ") == 7);
    CHECK(offset_of_fault("1..2.3") == 2);
}

TEST_CASE("ip address: writes IPv6 as RFC 5952 says") {
    CHECK(round_trip("::") == "::");
    CHECK(round_trip("::1") == "::1");
    CHECK(round_trip("1::") == "1::");
    CHECK(round_trip("2001:DB8::0001") == "2001:db8::1");
    CHECK(round_trip("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");  // one zero group is not shortened
    CHECK(round_trip("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");           // the longer run
    CHECK(round_trip("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");     // of equals the first
    CHECK(round_trip("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
    CHECK(round_trip("::2:3:4:5:6:7:8") == "0:2:3:4:5:6:7:8");
    CHECK(round_trip("::ffff:c000:0201") == "::ffff:192.0.2.1");
    CHECK(round_trip("64:ff9b::192.0.2.1") == "64:ff9b::c000:201");
    CHECK(round_trip("1:2:3:4:5:6:192.0.2.1") == "1:2:3:4:5:6:c000:201");
}

TEST_CASE("ip address: refuses malformed IPv6 and says where") {
    CHECK(offset_of_fault(":") == 0);
    CHECK(offset_of_fault(":1::2") == 0);
    CHECK(offset_of_fault(":::") == 2);
    CHECK(offset_of_fault("1:2") == 3);
    CHECK(offset_of_fault("1:2:") == 4);
    CHECK(offset_of_fault("1::2::3") == 5);
    CHECK(offset_of_fault("12345::") == 4);
    CHECK(offset_of_fault("1:2:3:4:5:6:7:8:9") == 16);
    CHECK(offset_of_fault("1:2:3:4:5:6:7:8::") == 17);
    CHECK(offset_of_fault("1:2:3:4::5:6:7:8") == 16);
    CHECK(offset_of_fault("g::") == 0);
    CHECK(offset_of_fault("fe80::1%eth0") == 7);
    CHECK(offset_of_fault("[::1]") == 0);
    CHECK(offset_of_fault("::1.2.3.04") == 8);
    CHECK(offset_of_fault("1:2:3:4:5:6:7:1.2.3.4") == 14);
}

TEST_CASE("ip address: agrees with the C library on 100,000 texts, most of them wrong") {
    std::mt19937 random(20260610);
    constexpr std::string_view alphabet = "0123456789abcfF::::....x %/";
    int accepted = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::array<std::byte, 16> bytes{};
        for (auto& byte : bytes) byte = random() % 2 ? std::byte{0} : static_cast<std::byte>(random());
        const auto address =
            random() % 2 ? fw::IpAddress::v6(bytes) : fw::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
        std::string text = address.to_string();
        REQUIRE(fw::IpAddress::parse(text).value() == address);
        for (auto edits = random() % 4; edits > 0; --edits) {
            const auto at = random() % (text.size() + 1);
            const char c = alphabet[random() % alphabet.size()];
            if (random() % 2 || at == text.size())
                text.insert(text.begin() + static_cast<std::ptrdiff_t>(at), c);
            else if (random() % 2)
                text[at] = c;
            else
                text.erase(at, 1);
        }
        const auto ours = fw::IpAddress::parse(text);
        const auto theirs = by_inet_pton(text);
        INFO(text);
        REQUIRE(ours.has_value() == !theirs.empty());
        if (!ours) continue;
        ++accepted;
        CHECK(std::vector(ours->bytes().begin(), ours->bytes().end()) == theirs);
    }
    CHECK(accepted > 20'000);
    CHECK(accepted < 80'000);
}

TEST_CASE("ip range: reads prefixes strictly") {
    CHECK(fw::IpRange::parse("10.0.0.0/8").value().to_string() == "10.0.0.0/8");
    CHECK(fw::IpRange::parse("fc00::/7").value().to_string() == "fc00::/7");
    CHECK(fw::IpRange::parse("192.0.2.1").value().prefix_bits == 32);
    CHECK(fw::IpRange::parse("::1").value().prefix_bits == 128);
    CHECK(fw::IpRange::parse("0.0.0.0/0").value().prefix_bits == 0);
    for (const char* text : {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8 ", "::/129",
                             "10.0.0.1/8", "fc00::1/7", "/8", "example.com/8"}) {
        INFO(text);
        const auto range = fw::IpRange::parse(text);
        REQUIRE_FALSE(range);
        CHECK(range.error() == fw::Errc::malformed);
        CHECK(range.error().offset());
    }
    CHECK(fw::IpRange::parse("10.0.0.0/33").error().offset() == 9);
}

TEST_CASE("ip range: contains what shares its prefix, of its own family only") {
    const auto range = fw::IpRange::parse("172.16.0.0/12").value();
    CHECK(range.contains(fw::IpAddress::parse("172.31.255.255").value()));
    CHECK_FALSE(range.contains(fw::IpAddress::parse("172.32.0.0").value()));
    CHECK_FALSE(range.contains(fw::IpAddress::parse("172.15.255.255").value()));
    CHECK_FALSE(range.contains(fw::IpAddress::parse("::ac10:0").value()));
    const auto all = fw::IpRange::parse("0.0.0.0/0").value();
    CHECK(all.contains(fw::IpAddress::parse("255.255.255.255").value()));
    CHECK_FALSE(all.contains(fw::IpAddress::parse("::").value()));
}

TEST_CASE("ip range: a prefix longer than the address holds nothing") {
    const fw::IpRange broken{fw::IpAddress::parse("10.0.0.0").value(), 33};
    CHECK_FALSE(broken.contains(fw::IpAddress::parse("10.0.0.0").value()));
}
