#include <fpt_webhooks/sender/url.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

struct Fault {
    std::string url;
    std::size_t offset;
    fw::Errc code = fw::Errc::malformed;
};

void check_refused(const Fault& fault) {
    INFO(fault.url);
    const auto url = fw::Url::parse(fault.url);
    REQUIRE_FALSE(url);
    CHECK(url.error() == fault.code);
    CHECK(url.error().offset() == fault.offset);
    CHECK_FALSE(url.error().detail().empty());
}

}  // namespace

TEST_CASE("url: takes a webhook endpoint apart") {
    const auto url = fw::Url::parse("HTTPS://Partner.Example:8443/hooks/a%2Fb?x=1&y=/?").value();
    CHECK(url.is_https());
    CHECK(url.host() == "partner.example");
    CHECK(url.port() == 8443);
    CHECK(url.target() == "/hooks/a%2Fb?x=1&y=/?");
    CHECK_FALSE(url.address());
    CHECK(url.to_string() == "https://partner.example:8443/hooks/a%2Fb?x=1&y=/?");
}

TEST_CASE("url: fills in the port and the path that are not written") {
    CHECK(fw::Url::parse("https://a.example").value().port() == 443);
    CHECK(fw::Url::parse("http://a.example").value().port() == 80);
    CHECK(fw::Url::parse("https://a.example").value().target() == "/");
    CHECK(fw::Url::parse("https://a.example?q").value().target() == "/?q");
    CHECK(fw::Url::parse("https://A.example:443").value().to_string() == "https://a.example/");
    CHECK(fw::Url::parse("http://a.example:443/").value().to_string() == "http://a.example:443/");
    CHECK(fw::Url::parse("https://a.example").value() == fw::Url::parse("https://A.EXAMPLE:443/").value());
}

TEST_CASE("url: knows a host that is an address") {
    const auto v4 = fw::Url::parse("https://192.0.2.1:8443/x").value();
    REQUIRE(v4.address());
    CHECK(v4.host() == "192.0.2.1");
    const auto v6 = fw::Url::parse("https://[2001:DB8:0::1]/x").value();
    REQUIRE(v6.address());
    CHECK(v6.host() == "2001:db8::1");
    CHECK(v6.to_string() == "https://[2001:db8::1]/x");
    CHECK(fw::Url::parse("https://[::ffff:10.0.0.1]:8443").value().host() == "::ffff:10.0.0.1");
}

TEST_CASE("url: takes names with digits, hyphens, underscores and punycode") {
    for (const char* host : {"1password.example", "a-b.example", "my_app.example", "xn--bcher-kva.example", "4.example",
                             "0x7f.example", "localhost"}) {
        INFO(host);
        const auto url = fw::Url::parse(std::string("https://") + host + "/");
        REQUIRE(url);
        CHECK(url->host() == host);
        CHECK_FALSE(url->address());
    }
}

TEST_CASE("url: refuses the shapes that hide an address") {
    for (const Fault& fault : std::vector<Fault>{{"https://2130706433/", 8},
                                                 {"https://017700000001/", 8},
                                                 {"https://0x7f000001/", 9},
                                                 {"https://127.1/", 13},
                                                 {"https://0177.0.0.1/", 8},
                                                 {"https://0x7f.0.0.1/", 9},
                                                 {"https://127.0.0.0x1/", 17},
                                                 {"https://127.0.0.1./", 17},
                                                 {"https://1.2.3.4.5/", 15},
                                                 {"https://256.1.1.1/", 8},
                                                 {"https://example.0x/", 8},
                                                 {"https://example.1/", 8},
                                                 {"https://\xE2\x91\xA0.example/", 8},  // circled digit one
                                                 {"https://\xEF\xBC\x91.1.1.1/", 8},    // full-width digit one
                                                 {"https://127\xE3\x80\x82"
                                                  "0.0.1/",
                                                  11},  // ideographic full stop
                                                 {"https://b\xC3\xBC"
                                                  "cher.example/",
                                                  9},
                                                 {"https://%6c%6f%63alhost/", 8},
                                                 {"https://exam%70le.com/", 12},
                                                 {"https://[fe80::1%25eth0]/", 16},
                                                 {"https://[fe80::1%eth0]/", 16},
                                                 {"https://[v1.x]/", 9},
                                                 {"https://[127.0.0.1]/", 9},
                                                 {"https://[]/", 9},
                                                 {"https://[::1/", 8},
                                                 {"https://[::1]x/", 13}}) {
        check_refused(fault);
    }
}

TEST_CASE("url: refuses what two parsers could read differently") {
    for (const Fault& fault : std::vector<Fault>{{"https://user@a.example/", 12},
                                                 {"https://a.example@10.0.0.1/", 17},
                                                 {"https://u:p@a.example/", 11},
                                                 {"https://a.example\\@b.example/", 17},
                                                 {"https:\\\\a.example/", 6},
                                                 {"https://a.example/x\\y", 19},
                                                 {"https://a.exa\tmple/", 13},
                                                 {"https://a.example/\n", 18},
                                                 {" https://a.example/", 0},
                                                 {"https://a.example/ ", 18},
                                                 {std::string("https://a.example/\0x", 20), 18},
                                                 {"https://a.example/\x7f", 18},
                                                 {"https://a.example/#top", 18},
                                                 {"https://a.example#top", 17},
                                                 {"https://a.example./", 17},
                                                 {"https://a..example/", 10},
                                                 {"https://.a.example/", 8},
                                                 {"https://-a.example/", 8},
                                                 {"https://b.a-/", 10},
                                                 {"https://a,b.example/", 9},
                                                 {"https:///path", 8},
                                                 {"https://", 8},
                                                 {"https://:443/", 8},
                                                 {"https://a.example:/", 18},
                                                 {"https://a.example:0/", 18},
                                                 {"https://a.example:0443/", 18},
                                                 {"https://a.example:65536/", 18},
                                                 {"https://a.example:44a/", 20},
                                                 {"https://a.example:443:1/", 21},
                                                 {"https://a.example:99999999999/", 18},
                                                 {"https://a.example/%", 18},
                                                 {"https://a.example/%4", 18},
                                                 {"https://a.example/%4g", 18},
                                                 {"https://a.example/a|b", 19},
                                                 {"https://a.example/a\"b", 19},
                                                 {"https://a.example/?q[]=1", 20},
                                                 {"https://a.example/\xC3\xBC", 18}}) {
        check_refused(fault);
    }
}

TEST_CASE("url: refuses other schemes and relative references") {
    for (const char* text : {"", "a.example", "//a.example/", "/x", "ftp://a.example/", "httpss://a.example/",
                             "https:/a.example/", "https:a.example", "file:///etc/passwd", "://a.example"}) {
        check_refused({text, 0});
    }
}

TEST_CASE("url: keeps to the limits of host and length") {
    const std::string label(63, 'a');
    const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'b');
    CHECK(fw::Url::parse("https://" + longest + "/").value().host().size() == 253);
    check_refused({"https://" + longest + "b/", 8 + 253, fw::Errc::limit_exceeded});
    check_refused({"https://a." + label + "a.example/", 10, fw::Errc::limit_exceeded});

    const std::string base = "https://a.example/";
    CHECK(fw::Url::parse(base + std::string(fw::url_bytes_max - base.size(), 'x')));
    check_refused(
        {base + std::string(fw::url_bytes_max - base.size() + 1, 'x'), fw::url_bytes_max, fw::Errc::limit_exceeded});
}

TEST_CASE("url: its canonical text reads back as itself") {
    for (const char* text : {"https://A.example", "http://[::1]:80/x?y", "https://10.0.0.1:1/", "HTTP://x:443?a=%2f",
                             "https://[::FFFF:1.2.3.4]"}) {
        INFO(text);
        const auto url = fw::Url::parse(text).value();
        CHECK(fw::Url::parse(url.to_string()).value() == url);
    }
}
