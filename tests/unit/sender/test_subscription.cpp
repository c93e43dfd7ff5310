#include <fpt_webhooks/sender/subscription.hpp>

#include "support/catch.hpp"
#include "unit/sender/events.hpp"

namespace fw = fpt_webhooks;

namespace {

fw::Result<fw::Subscription> create(fw::SubscriptionOptions options) {
    static const auto policy = fw::EndpointPolicy::create().value();
    return fw::Subscription::create(std::move(options), *policy);
}

fw::SubscriptionOptions options_for(fw::Scope scope, std::vector<std::string> events) {
    return {.id = fw::SubscriptionId{42},
            .url = "https://Partner.example/hooks",
            .scope = scope,
            .events = std::move(events)};
}

}  // namespace

TEST_CASE("subscription: holds what it was created with, the URL in canonical form") {
    const auto subscription = create(options_for(fw::Scope::location(fw::LocationId{1}), {"contact.*"})).value();
    CHECK(subscription.id() == fw::SubscriptionId{42});
    CHECK(subscription.profile() == fw::Profile::fpt);
    CHECK(subscription.url().to_string() == "https://partner.example/hooks");
    CHECK(subscription.events().patterns() == std::vector<std::string>{"contact.*"});
    CHECK(subscription.scope() == fw::Scope::location(fw::LocationId{1}));
    CHECK(subscription.status() == fw::SubscriptionStatus::active);
}

TEST_CASE("subscription: an event matches when both its scope and its type are wanted") {
    const auto location = create(options_for(fw::Scope::location(fw::LocationId{1}), {"contact.*"})).value();
    CHECK(location.matches(fpt_event("contact.created", 1, 5)));
    CHECK_FALSE(location.matches(fpt_event("contact.created", 2, 5)));
    CHECK_FALSE(location.matches(fpt_event("payment.failed", 1, 5)));
    CHECK_FALSE(location.matches(ufp_event("clt_birthday", 1, 1)));

    const auto organization =
        create(options_for(fw::Scope::organization(fw::OrganizationId{5}), {"contact.created"})).value();
    CHECK(organization.matches(fpt_event("contact.created", 2, 5)));
    CHECK_FALSE(organization.matches(fpt_event("contact.created", 2, 0)));

    const auto tenant =
        create(options_for(fw::Scope::tenant(fw::CompanyId{1}, fw::TenantId{2}), {"new_lead_created"})).value();
    CHECK(tenant.profile() == fw::Profile::ufp);
    CHECK(tenant.matches(ufp_event("newlead_created", 1, 2)));
    CHECK_FALSE(tenant.matches(ufp_event("newlead_created", 1, 3)));
    CHECK_FALSE(tenant.matches(ufp_event("clt_birthday", 1, 2)));
}

TEST_CASE("subscription: its status does not change what matches") {
    auto subscription = create(options_for(fw::Scope::location(fw::LocationId{1}), {"*"})).value();
    for (const auto status : {fw::SubscriptionStatus::paused, fw::SubscriptionStatus::disabled}) {
        subscription.set_status(status);
        CHECK(subscription.status() == status);
        CHECK(subscription.matches(fpt_event("contact.created", 1)));
    }
}

TEST_CASE("subscription: refuses an organization that means none") {
    const auto refused = create(options_for(fw::Scope::organization(fw::OrganizationId{0}), {"*"}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == fw::Errc::invalid_argument);
    CHECK(refused.error().detail() == "scope: organization 0 means no organization");
    CHECK(create(options_for(fw::Scope::location(fw::LocationId{0}), {"*"})));
}

TEST_CASE("subscription: its scope decides the profile that its events are read by") {
    CHECK(create(options_for(fw::Scope::company(fw::CompanyId{1}), {"contact.created"})).error() ==
          fw::Errc::invalid_argument);
    CHECK(create(options_for(fw::Scope::location(fw::LocationId{1}), {"clt_birthday"})).error() ==
          fw::Errc::invalid_argument);
}

TEST_CASE("subscription: the endpoint policy judges its URL") {
    auto options = options_for(fw::Scope::location(fw::LocationId{1}), {"*"});
    options.url = "http://partner.example/";
    CHECK(create(options).error() == fw::Errc::refused_by_policy);
    CHECK(create(options).error().detail() == "url: HTTPS only");
    options.url = "https://10.0.0.1/";
    CHECK(create(options).error() == fw::Errc::refused_by_policy);
    options.url = "https://user@partner.example/";
    CHECK(create(options).error() == fw::Errc::malformed);
    CHECK(create(options).error().offset() == std::size_t{12});
}

TEST_CASE("subscription: statuses have the documented names") {
    CHECK(fw::name_of(fw::SubscriptionStatus::active) == "active");
    CHECK(fw::name_of(fw::SubscriptionStatus::paused) == "paused");
    CHECK(fw::name_of(fw::SubscriptionStatus::disabled) == "disabled");
}
