#include <fpt_webhooks/testing/fault.hpp>

#include <set>
#include <string>

#include "support/catch.hpp"

namespace testing = fpt_webhooks::testing;

TEST_CASE("fault: every fault has a name of its own") {
    std::set<std::string> names;
    for (int fault = 0; fault <= static_cast<int>(testing::Fault::retry_after_500); ++fault) {
        names.emplace(testing::name_of(static_cast<testing::Fault>(fault)));
    }
    CHECK(names.size() == 12);
    CHECK(names.count("") == 0);
    CHECK(testing::name_of(testing::Fault::concurrent_duplicates) == "concurrent_duplicates");
}
