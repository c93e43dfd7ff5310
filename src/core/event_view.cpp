#include <fpt_webhooks/core/event_view.hpp>

#include <fpt_webhooks/core/ufp_catalogue.hpp>

namespace fpt_webhooks::inline v0_1 {

EventView::EventView(const Envelope& envelope, std::string_view idempotency_key) noexcept
    : envelope_(&envelope), type_(envelope.event_type.text()), idempotency_key_(idempotency_key) {}

EventView::EventView(const UfpEvent& event, std::string_view idempotency_key) noexcept
    : ufp_(&event), type_(canonical_ufp_key(event.event_key)), idempotency_key_(idempotency_key) {}

std::optional<Timestamp> EventView::time() const noexcept {
    return envelope_ ? std::optional(envelope_->timestamp) : std::nullopt;
}

std::int64_t EventView::location() const noexcept {
    return envelope_ ? envelope_->location_id.value() : ufp_->tenant_id.value();
}

std::optional<std::int64_t> EventView::organization() const noexcept {
    if (envelope_) return envelope_->organization_id.value();
    return ufp_->company_id ? std::optional(ufp_->company_id->value()) : std::nullopt;
}

const JsonObject& EventView::payload() const noexcept { return envelope_ ? envelope_->data : ufp_->payload; }

}  // namespace fpt_webhooks::inline v0_1
