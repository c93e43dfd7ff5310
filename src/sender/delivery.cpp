#include <fpt_webhooks/sender/delivery.hpp>

#include <fpt_webhooks/core/sha256.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/sender/store.hpp>

namespace fpt_webhooks::inline v0_1 {

std::string_view to_string(DeliveryState state) noexcept {
    switch (state) {
        case DeliveryState::fresh: return "fresh";
        case DeliveryState::waiting: return "waiting";
        case DeliveryState::delivered: return "delivered";
        case DeliveryState::exhausted: return "exhausted";
        case DeliveryState::dropped: return "dropped";
        case DeliveryState::skipped: return "skipped";
    }
    return "unknown";
}

std::string_view to_string(EndReason reason) noexcept {
    switch (reason) {
        case EndReason::none: return "none";
        case EndReason::attempts: return "attempts";
        case EndReason::window: return "window";
        case EndReason::peer: return "peer";
        case EndReason::disabled: return "disabled";
        case EndReason::unsubscribed: return "unsubscribed";
        case EndReason::deleted: return "deleted";
        case EndReason::no_secret: return "no_secret";
        case EndReason::paused: return "paused";
        case EndReason::backlog: return "backlog";
        case EndReason::unsendable: return "unsendable";
    }
    return "unknown";
}

CutVerdict judge(const SubscriptionRecord& record, DeliveryId id, std::string_view type, PiiCategories pii) noexcept {
    CutVerdict verdict{.pii = pii};
    for (const Cut& cut : record.cuts) {
        if (id > cut.up_to) continue;
        if (!cut.keep || !cut.keep->matches(type)) {
            verdict.drop = cut.reason;
            return verdict;
        }
        verdict.pii = verdict.pii & cut.pii;
    }
    return verdict;
}

Result<NewEvent> NewEvent::from(const Envelope& event) {
    auto body = encode_envelope(event);
    if (!body) return std::move(body).error();
    std::vector<Scope> scopes{Scope::location(event.location_id)};
    if (event.organization_id != OrganizationId(0)) scopes.push_back(Scope::organization(event.organization_id));
    const Sha256 hash = sha256(bytes_of(*body));
    std::optional<ContactKey> contact;
    if (const auto id = contact_of(event.data)) contact = ContactKey{.location = event.location_id, .contact = *id};
    return NewEvent{.id = event.event_id,
                    .profile = Profile::fpt,
                    .type = event.event_type.text(),
                    .scopes = std::move(scopes),
                    .contact = contact,
                    .body = *std::move(body),
                    .hash = hash};
}

Result<NewEvent> NewEvent::from(const UfpEvent& event, const EventId& id) {
    auto body = encode_ufp_event(event);
    if (!body) return std::move(body).error();
    std::vector<Scope> scopes;
    if (event.company_id) {  // without it no scope matches; see Scope::matches
        scopes = {Scope::company(*event.company_id), Scope::tenant(*event.company_id, event.tenant_id)};
    }
    const Sha256 hash = sha256(bytes_of(*body));
    return NewEvent{.id = id,
                    .profile = Profile::ufp,
                    .type = std::string(canonical_ufp_key(event.event_key)),
                    .scopes = std::move(scopes),
                    .body = *std::move(body),
                    .hash = hash};
}

}  // namespace fpt_webhooks::inline v0_1
