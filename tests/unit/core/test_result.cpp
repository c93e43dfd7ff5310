#include <fpt_webhooks/core/result.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

fw::Error failure() { return fw::Error(fw::Errc::malformed, "no digit", 3); }
fw::Result<int> good() { return 7; }
fw::Result<int> bad() { return failure(); }

struct Point {
    int x = 0;
};

}  // namespace

static_assert(!std::is_convertible_v<fw::Result<int>, bool>);
static_assert(!std::is_convertible_v<std::string, fw::Result<int>>);

TEST_CASE("result: holds a value") {
    fw::Result<int> result = good();
    CHECK(result.has_value());
    CHECK(static_cast<bool>(result));
    CHECK(result.value() == 7);
    CHECK(*result == 7);
    CHECK(result.value_or(1) == 7);
    *result = 8;
    CHECK(std::as_const(result).value() == 8);
    const fw::Result<Point> point = Point{4};
    CHECK(point->x == 4);
}

TEST_CASE("result: holds an error") {
    const fw::Result<int> result = bad();
    CHECK_FALSE(result.has_value());
    CHECK(result.error() == fw::Errc::malformed);
    CHECK(result.error().offset() == 3);
    CHECK(result.value_or(1) == 1);
    CHECK(bad().error().detail() == "no digit");
}

TEST_CASE("result: asking an error for its value throws the error's own message") {
    const fw::Result<int> result = bad();
    CHECK_THROWS_AS(result.value(), fw::BadResultAccess);
    CHECK_THROWS_AS(*result, fw::BadResultAccess);
    const fw::Result<Point> no_point = failure();
    CHECK_THROWS_AS(no_point->x, fw::BadResultAccess);
    try {
        static_cast<void>(bad().value());
        FAIL("nothing was thrown");
    } catch (const fw::BadResultAccess& thrown) {
        CHECK(thrown.what() == failure().message());
        CHECK(thrown.error() == fw::Errc::malformed);
    }
}

TEST_CASE("result: asking a value for its error is a logic error") {
    CHECK_THROWS_AS(good().error(), std::logic_error);
    const fw::Result<void> done;
    CHECK_THROWS_AS(done.error(), std::logic_error);
}

TEST_CASE("result: of nothing is success or an error") {
    const fw::Result<void> done;
    CHECK(done.has_value());
    CHECK_NOTHROW(done.value());
    const fw::Result<void> failed = failure();
    CHECK_FALSE(failed);
    CHECK(failed.error() == fw::Errc::malformed);
    CHECK_THROWS_AS(failed.value(), fw::BadResultAccess);
}

TEST_CASE("result: a chain runs on values and passes the first error on") {
    int calls = 0;
    const auto half = [&](int number) -> fw::Result<int> {
        ++calls;
        if (number % 2 != 0) return fw::Error(fw::Errc::out_of_range, "odd");
        return number / 2;
    };
    CHECK(fw::Result<int>(8).and_then(half).and_then(half).value() == 2);
    CHECK(calls == 2);
    CHECK(fw::Result<int>(6).and_then(half).and_then(half).and_then(half).error() == fw::Errc::out_of_range);
    CHECK(calls == 4);
    CHECK(good().transform([](int number) { return std::to_string(number); }).value() == "7");
    CHECK(bad().transform([](int number) { return number + 1; }).error() == fw::Errc::malformed);
}

TEST_CASE("result: carries what can only be moved") {
    fw::Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
    const std::unique_ptr<int> taken = std::move(result).value();
    CHECK(*taken == 5);
    CHECK(fw::Result<std::unique_ptr<int>>(std::make_unique<int>(6))
              .and_then([](std::unique_ptr<int> number) { return fw::Result<int>(*number); })
              .value() == 6);
}
