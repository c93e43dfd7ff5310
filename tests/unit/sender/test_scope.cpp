#include <fpt_webhooks/sender/scope.hpp>

#include "support/catch.hpp"
#include "unit/sender/events.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("scope: a location gets its own events, whatever their organization") {
    const auto scope = fw::Scope::location(fw::LocationId{7});
    CHECK(scope.profile() == fw::Profile::fpt);
    CHECK(scope.matches(fpt_event("contact.created", 7, 0)));
    CHECK(scope.matches(fpt_event("contact.created", 7, 3)));
    CHECK_FALSE(scope.matches(fpt_event("contact.created", 3, 7)));
}

TEST_CASE("scope: an organization gets the events of all its locations") {
    const auto scope = fw::Scope::organization(fw::OrganizationId{7});
    CHECK(scope.profile() == fw::Profile::fpt);
    CHECK(scope.matches(fpt_event("contact.created", 1, 7)));
    CHECK(scope.matches(fpt_event("contact.created", 2, 7)));
    CHECK_FALSE(scope.matches(fpt_event("contact.created", 7, 1)));
    CHECK_FALSE(scope.matches(fpt_event("contact.created", 7, 0)));
}

TEST_CASE("scope: a company gets every tenant's events, a tenant its own in its company") {
    const auto company = fw::Scope::company(fw::CompanyId{5});
    const auto tenant = fw::Scope::tenant(fw::CompanyId{5}, fw::TenantId{9});
    CHECK(company.profile() == fw::Profile::ufp);
    CHECK(tenant.profile() == fw::Profile::ufp);
    CHECK(company.matches(ufp_event("clt_birthday", 5, 9)));
    CHECK(company.matches(ufp_event("clt_birthday", 5, 8)));
    CHECK_FALSE(company.matches(ufp_event("clt_birthday", 6, 5)));
    CHECK(tenant.matches(ufp_event("clt_birthday", 5, 9)));
    CHECK_FALSE(tenant.matches(ufp_event("clt_birthday", 5, 8)));
    CHECK_FALSE(tenant.matches(ufp_event("clt_birthday", 6, 9)));
}

TEST_CASE("scope: a UFP event without a company matches none") {
    CHECK_FALSE(fw::Scope::company(fw::CompanyId{0}).matches(ufp_event("clt_birthday", std::nullopt, 9)));
    CHECK_FALSE(fw::Scope::tenant(fw::CompanyId{0}, fw::TenantId{9}).matches(ufp_event("x", std::nullopt, 9)));
}

TEST_CASE("scope: never matches an event of the other profile") {
    CHECK_FALSE(fw::Scope::company(fw::CompanyId{1}).matches(fpt_event("contact.created", 1, 1)));
    CHECK_FALSE(fw::Scope::tenant(fw::CompanyId{1}, fw::TenantId{1}).matches(fpt_event("contact.created", 1, 1)));
    CHECK_FALSE(fw::Scope::location(fw::LocationId{1}).matches(ufp_event("clt_birthday", 1, 1)));
    CHECK_FALSE(fw::Scope::organization(fw::OrganizationId{1}).matches(ufp_event("clt_birthday", 1, 1)));
}

TEST_CASE("scope: compares by kind and ids, and prints them") {
    CHECK(fw::Scope::location(fw::LocationId{1}) == fw::Scope::location(fw::LocationId{1}));
    CHECK_FALSE(fw::Scope::location(fw::LocationId{1}) == fw::Scope::organization(fw::OrganizationId{1}));
    CHECK_FALSE(fw::Scope::tenant(fw::CompanyId{1}, fw::TenantId{2}) ==
                fw::Scope::tenant(fw::CompanyId{1}, fw::TenantId{3}));
    CHECK(fw::Scope::location(fw::LocationId{1234}).to_string() == "location 1234");
    CHECK(fw::Scope::organization(fw::OrganizationId{-1}).to_string() == "organization -1");
    CHECK(fw::Scope::company(fw::CompanyId{5'000'000'000}).to_string() == "company 5000000000");
    CHECK(fw::Scope::tenant(fw::CompanyId{1}, fw::TenantId{12}).to_string() == "tenant 12 of company 1");
}
