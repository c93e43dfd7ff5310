#include <fpt_webhooks/core/error.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("error: names its cause, its place and its detail in one line") {
    const fw::Error error(fw::Errc::malformed, "lone surrogate", 17);
    CHECK(error.message() == "malformed input at byte 17: lone surrogate");
    CHECK(error.in("data").message() == "malformed input at byte 17: data: lone surrogate");
    CHECK(fw::Error(fw::Errc::cancelled).in("shutdown").message() == "cancelled: shutdown");
}

TEST_CASE("error: compares with its cause and with its remedy") {
    const fw::Error error(fw::Errc::connect_failed);
    CHECK(error == fw::Errc::connect_failed);
    CHECK_FALSE(error == fw::Errc::resolve_failed);
    CHECK(error == fw::Condition::transient);
    CHECK_FALSE(error == fw::Condition::permanent);
    CHECK(error.condition() == fw::Condition::transient);
    CHECK(error.code() == fw::Errc::connect_failed);
    CHECK(error.code() == fw::Condition::transient);
}

TEST_CASE("error: a code of another category is none of ours") {
    const std::error_code foreign(1, std::generic_category());
    CHECK_FALSE(foreign == fw::Errc::invalid_argument);
    CHECK_FALSE(foreign == fw::Condition::permanent);
}

TEST_CASE("error: every code has a text of its own and a remedy") {
    for (int value = 1; value <= 91; ++value) {
        const std::error_code code(value, fw::error_category());
        if (code.message() == "unknown error") continue;
        for (int other = value + 1; other <= 91; ++other) {
            CHECK(code.message() != std::error_code(other, fw::error_category()).message());
        }
        const int remedies =
            (code == fw::Condition::permanent) + (code == fw::Condition::transient) + (code == fw::Condition::in_doubt);
        CHECK(remedies == 1);
    }
}
