// Events for tests of what matches them.
#pragma once

#include <optional>
#include <string>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>

inline fpt_webhooks::Envelope fpt_event(const char* type, int location = 1, int organization = 0) {
    return {.event_id = {},
            .event_type = fpt_webhooks::EventType::parse(type).value(),
            .location_id = fpt_webhooks::LocationId(location),
            .organization_id = fpt_webhooks::OrganizationId(organization)};
}

inline fpt_webhooks::UfpEvent ufp_event(std::string key, std::optional<int> company = 1, int tenant = 1) {
    fpt_webhooks::UfpEvent event{.event_key = std::move(key), .tenant_id = fpt_webhooks::TenantId(tenant)};
    if (company) event.company_id = fpt_webhooks::CompanyId(*company);
    return event;
}
