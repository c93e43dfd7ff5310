// Who manages subscriptions, and what that role may touch (FPT: organization admins and location admins).
#pragma once

#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/scope.hpp>

namespace fpt_webhooks::inline v0_1 {

enum class Role {
    location_admin,      // its own location's subscriptions, of location scope
    organization_admin,  // its organization's, and those of its location
    host,                // the service itself: everything. The only role that manages UFP endpoints, whose vendor
                         // documents no roles
};

// A regular value. The library believes what the host says here: who has logged in as what is the host's affair.
struct FPT_WEBHOOKS_SENDER_EXPORT Actor {
    Role role = Role::location_admin;
    OrganizationId organization = {};
    LocationId location = {};

    // May this actor see and change subscriptions of this scope? Errors: forbidden, with the reason.
    [[nodiscard]] Result<void> may_manage(const Scope& scope) const;

    // The scope that a new subscription gets when none is asked for: an organization admin's organization, a location
    // admin's location. Errors: invalid_argument (a host has none; an organization admin of organization 0).
    [[nodiscard]] Result<Scope> default_scope() const;

    friend bool operator==(const Actor&, const Actor&) = default;
};

}  // namespace fpt_webhooks::inline v0_1
