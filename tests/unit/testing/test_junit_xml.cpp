#include <fpt_webhooks/testing/junit_xml.hpp>

#include "support/catch.hpp"

namespace testing = fpt_webhooks::testing;

TEST_CASE("junit xml: a test case for each scenario, with its verdict and reason") {
    using std::chrono::milliseconds;
    const testing::ConformanceReport report{
        .results = {
            {.name = "stale", .purpose = "p1", .verdict = testing::Verdict::passed, .took = milliseconds(1234)},
            {.name = "tampered", .purpose = "p2", .verdict = testing::Verdict::failed, .reason = "was answered 200"},
            {.name = "slow_body", .purpose = "p3", .reason = "needs a raw exchange", .took = milliseconds(6)}}};
    CHECK(testing::to_junit_xml(report, "crm") ==
          R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="0" skipped="1" time="1.240">
  <testsuite name="crm" tests="3" failures="1" errors="0" skipped="1" time="1.240">
    <testcase classname="crm" name="stale" time="1.234">
    </testcase>
    <testcase classname="crm" name="tampered" time="0.000">
      <failure message="was answered 200" type="p2"/>
    </testcase>
    <testcase classname="crm" name="slow_body" time="0.006">
      <skipped message="needs a raw exchange"/>
    </testcase>
  </testsuite>
</testsuites>
)");
}

TEST_CASE("junit xml: an empty report is a well-formed file") {
    CHECK(testing::to_junit_xml({}).find("<testsuite name=\"conformance\" tests=\"0\"") != std::string::npos);
}

TEST_CASE("junit xml: no text breaks the file") {
    const auto message = [](std::string reason) {
        const testing::ConformanceReport report{.results = {{.name = "a", .reason = std::move(reason)}}};
        const std::string xml = testing::to_junit_xml(report);
        const std::string before = "<skipped message=\"";
        const auto start = xml.find(before) + before.size();
        return xml.substr(start, xml.find("\"/>", start) - start);
    };
    const std::string bad = "\xEF\xBF\xBD";
    CHECK(message(R"(<a href="x">&'</a>)") == "&lt;a href=&quot;x&quot;&gt;&amp;'&lt;/a&gt;");
    CHECK(message("a\tb\nc\rd") == "a&#9;b&#10;c&#13;d");
    CHECK(message(std::string("\0\x01\x1f", 3)) == bad + bad + bad);
    CHECK(message("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80") ==
          "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
    CHECK(message("\xC3") == bad);                                // cut off
    CHECK(message("\xC0\x80") == bad + bad);                      // overlong
    CHECK(message("\xED\xA0\x80") == bad + bad + bad);            // a surrogate
    CHECK(message("\xEF\xBF\xBF") == bad + bad + bad);            // U+FFFF, no character of XML
    CHECK(message("\xF4\x90\x80\x80") == bad + bad + bad + bad);  // beyond U+10FFFF
    CHECK(message("\xFF<") == bad + "&lt;");
}
