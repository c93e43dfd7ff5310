// Whose events a subscription receives (FPT: location or organization; UFP: one location or the whole company).
#pragma once

#include <cstdint>
#include <string>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// A small regular value, made by one of the four functions. It belongs to one profile; events of the other never match.
class FPT_WEBHOOKS_SENDER_EXPORT Scope {
  public:
    enum class Kind { location, organization, company, tenant };

    // FPT: events of one location; of all locations of an organization. Organization 0 means that a location has no
    // parent: a subscription with that scope cannot be created.
    [[nodiscard]] static constexpr Scope location(LocationId id) noexcept { return {Kind::location, id.value(), 0}; }
    [[nodiscard]] static constexpr Scope organization(OrganizationId id) noexcept {
        return {Kind::organization, id.value(), 0};
    }

    // UFP: every location of a company (the "global" level); one location of it (the "tenant" level).
    [[nodiscard]] static constexpr Scope company(CompanyId id) noexcept { return {Kind::company, id.value(), 0}; }
    [[nodiscard]] static constexpr Scope tenant(CompanyId company, TenantId id) noexcept {
        return {Kind::tenant, company.value(), id.value()};
    }

    [[nodiscard]] constexpr Kind kind() const noexcept { return kind_; }
    [[nodiscard]] constexpr Profile profile() const noexcept {
        return kind_ == Kind::location || kind_ == Kind::organization ? Profile::fpt : Profile::ufp;
    }

    // The location's, organization's or company's id; for a tenant, its company's.
    [[nodiscard]] constexpr std::int64_t id() const noexcept { return id_; }
    // For a tenant only; else 0.
    [[nodiscard]] constexpr TenantId tenant_id() const noexcept { return TenantId(tenant_); }

    // FPT: equal locationId, or equal organizationId.
    [[nodiscard]] bool matches(const Envelope& event) const noexcept;

    // UFP: equal company_id, and for a tenant equal tenant_id. An event without a company_id, which the vendor's field
    // list leaves out, matches no scope: tenant ids of two companies may be equal, and a sender knows its companies.
    [[nodiscard]] bool matches(const UfpEvent& event) const noexcept;

    // For logs: "location 1234", "tenant 12 of company 1".
    [[nodiscard]] std::string to_string() const;

    friend constexpr bool operator==(const Scope&, const Scope&) noexcept = default;

  private:
    constexpr Scope(Kind kind, std::int64_t id, std::int64_t tenant) noexcept : kind_(kind), id_(id), tenant_(tenant) {}

    Kind kind_;
    std::int64_t id_;
    std::int64_t tenant_;
};

}  // namespace fpt_webhooks::inline v0_1
