// A conformance report as a JUnit file, which every CI system shows.
#pragma once

#include <string>
#include <string_view>

#include <fpt_webhooks/testing/conformance.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// One <testsuite>, a <testcase> for each scenario in their order: `failed` has a <failure>, `not_checked` a <skipped>,
// both with the reason. Well-formed XML 1.0 in UTF-8 whatever the texts hold: what XML or UTF-8 does not allow becomes
// U+FFFD. `suite`: e.g. the receiver's name; it is also the class name.
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT std::string to_junit_xml(const ConformanceReport& report,
                                                                   std::string_view suite = "conformance");

}  // namespace fpt_webhooks::inline v0_1::testing
