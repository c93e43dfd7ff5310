#include <fpt_webhooks/sender/actor.hpp>

namespace fpt_webhooks::inline v0_1 {

Result<void> Actor::may_manage(const Scope& scope) const {
    if (role == Role::host) return {};
    if (scope.profile() != Profile::fpt) return Error(Errc::forbidden, "UFP endpoints are managed by the host alone");
    if (scope == Scope::location(location)) return {};
    if (role == Role::location_admin) {
        return Error(Errc::forbidden, "a location admin manages its own location's subscriptions only");
    }
    if (scope == Scope::organization(organization)) return {};
    return Error(Errc::forbidden, "an organization admin manages its own organization's subscriptions only");
}

Result<Scope> Actor::default_scope() const {
    switch (role) {
        case Role::location_admin: return Scope::location(location);
        case Role::organization_admin:
            if (organization == OrganizationId(0)) {
                return Error(Errc::invalid_argument, "actor: organization 0 means no organization");
            }
            return Scope::organization(organization);
        case Role::host: break;
    }
    return Error(Errc::invalid_argument, "scope: the host must say which one");
}

}  // namespace fpt_webhooks::inline v0_1
