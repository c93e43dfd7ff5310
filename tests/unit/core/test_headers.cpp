#include <fpt_webhooks/core/headers.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::string_literals;

TEST_CASE("headers: find a name without regard to case") {
    const fw::Headers headers = {{"Content-Type", "application/json"}, {"X-FPT-Signature", "t=1,v1=a"}};
    CHECK(headers.find("content-type") == "application/json");
    CHECK(headers.find("x-fpt-SIGNATURE") == "t=1,v1=a");
    CHECK_FALSE(headers.find("X-FPT").has_value());
    CHECK_FALSE(headers.find("").has_value());
    CHECK_FALSE(fw::Headers().find("Content-Type").has_value());
}

TEST_CASE("headers: keep order and repetition") {
    fw::Headers headers;
    CHECK(headers.empty());
    headers.add("A", "1");
    headers.add("b", "");
    headers.add("a", "2");
    CHECK(headers.size() == 3);
    CHECK(headers.find("a") == "1");
    CHECK(headers.find("B") == "");
    CHECK(headers.count("a") == 2);
    CHECK(headers.count("B") == 1);
    CHECK(headers.count("c") == 0);
    std::string names;
    for (const auto& field : headers) names += field.name;
    CHECK(names == "Aba");
    CHECK(headers == fw::Headers{{"A", "1"}, {"b", ""}, {"a", "2"}});
    CHECK_FALSE(headers == fw::Headers{{"a", "2"}, {"A", "1"}, {"b", ""}});
}

TEST_CASE("headers: only ASCII letters fold") {
    CHECK(fw::equals_ignoring_case("aZ09-_", "Az09-_"));
    CHECK_FALSE(fw::equals_ignoring_case("[", "{"));
    CHECK_FALSE(fw::equals_ignoring_case("@", "`"));
    CHECK_FALSE(fw::equals_ignoring_case("\xc4", "\xe4"));
    CHECK_FALSE(fw::equals_ignoring_case("a", "aa"));
}

TEST_CASE("headers: a field that may be sent is accepted") {
    CHECK(fw::check_header("X-FPT-Signature", "t=1717023600,v1=a3f8c2e7d1"));
    CHECK(fw::check_header("!#$%&'*+-.^_`|~09azAZ", ""));
    CHECK(fw::check_header("a", " \t~"));
}

TEST_CASE("headers: no line break, control character or foreign byte gets into a field") {
    for (const std::string& bad : {"\r\n"s, "\n"s, "\r"s, "\0"s, "\x1b"s, "\x7f"s, "\x80"s, "\xff"s}) {
        const auto value = fw::check_header("Name", "ab" + bad + "Evil: 1");
        REQUIRE_FALSE(value);
        CHECK(value.error() == fw::Errc::invalid_argument);
        CHECK(value.error().offset() == 2);
    }
    for (const std::string& bad :
         {"\r\n"s, ":"s, " "s, "\t"s, "\0"s, "("s, "\""s, "/"s, "@"s, "{"s, "\x7f"s, "\xc3\xa9"s}) {
        const auto name = fw::check_header("ab" + bad, "1");
        REQUIRE_FALSE(name);
        CHECK(name.error() == fw::Errc::invalid_argument);
        CHECK(name.error().offset() == 2);
    }
    CHECK(fw::check_header("", "1").error() == fw::Errc::invalid_argument);
}
