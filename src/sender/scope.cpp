#include <fpt_webhooks/sender/scope.hpp>

namespace fpt_webhooks::inline v0_1 {

bool Scope::matches(const Envelope& event) const noexcept {
    switch (kind_) {
        case Kind::location: return event.location_id.value() == id_;
        case Kind::organization: return event.organization_id.value() == id_;
        case Kind::company:
        case Kind::tenant: return false;
    }
    return false;
}

bool Scope::matches(const UfpEvent& event) const noexcept {
    if (profile() != Profile::ufp || !event.company_id || event.company_id->value() != id_) return false;
    return kind_ == Kind::company || event.tenant_id.value() == tenant_;
}

std::string Scope::to_string() const {
    switch (kind_) {
        case Kind::location: return "location " + std::to_string(id_);
        case Kind::organization: return "organization " + std::to_string(id_);
        case Kind::company: return "company " + std::to_string(id_);
        case Kind::tenant: return "tenant " + std::to_string(tenant_) + " of company " + std::to_string(id_);
    }
    return "unknown scope";
}

}  // namespace fpt_webhooks::inline v0_1
