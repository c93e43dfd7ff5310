#include <fpt_webhooks/core/ids.hpp>

#include <limits>
#include <type_traits>
#include <unordered_set>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

// A location cannot be passed where a contact is meant, nor a bare number.
static_assert(!std::is_convertible_v<fw::LocationId, fw::ContactId>);
static_assert(!std::is_constructible_v<fw::ContactId, fw::LocationId>);
static_assert(!std::is_convertible_v<int, fw::ContactId>);
static_assert(!std::is_convertible_v<fw::ContactId, int>);
static_assert(std::is_same_v<fw::LocationId::rep, std::int32_t>);
static_assert(std::is_same_v<fw::TenantId::rep, std::int64_t>);
static_assert(sizeof(fw::ContactId) == 4 && sizeof(fw::CompanyId) == 8);

TEST_CASE("ids: are zero by default and keep the whole range of their type") {
    CHECK(fw::OrganizationId().value() == 0);
    CHECK(fw::LocationId(std::numeric_limits<std::int32_t>::min()).value() == std::numeric_limits<std::int32_t>::min());
    CHECK(fw::TenantId(std::numeric_limits<std::int64_t>::max()).value() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("ids: compare by number") {
    CHECK(fw::ContactId(1) == fw::ContactId(1));
    CHECK(fw::ContactId(-1) < fw::ContactId(1));
    CHECK(fw::ContactId(2) != fw::ContactId(1));
}

TEST_CASE("ids: are keys of hash tables") {
    const std::unordered_set<fw::SubscriptionId> ids = {fw::SubscriptionId(1), fw::SubscriptionId(2),
                                                        fw::SubscriptionId(1)};
    CHECK(ids.size() == 2);
    CHECK(ids.count(fw::SubscriptionId(2)) == 1);
    CHECK(ids.count(fw::SubscriptionId(3)) == 0);
}
