// One look at an event of either vendor, so that one receiver and one handler can serve both.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>

namespace fpt_webhooks::inline v0_1 {

// A view: valid while the event and the key it was made from live unchanged. Copy what you keep.
class FPT_WEBHOOKS_CORE_EXPORT EventView {
  public:
    EventView(const Envelope& envelope, std::string_view idempotency_key) noexcept;
    EventView(const UfpEvent& event, std::string_view idempotency_key) noexcept;

    [[nodiscard]] Profile profile() const noexcept { return envelope_ ? Profile::fpt : Profile::ufp; }

    // FPT: eventType. UFP: the catalogue's spelling of the key ("newlead_created" for "new_lead_created").
    [[nodiscard]] std::string_view type() const noexcept { return type_; }

    // FPT: eventTimestamp. UFP: nothing, since its times have no zone.
    [[nodiscard]] std::optional<Timestamp> time() const noexcept;

    // FPT: locationId. UFP: tenant_id.
    [[nodiscard]] std::int64_t location() const noexcept;

    // FPT: organizationId, 0 when there is none. UFP: company_id, if it is there.
    [[nodiscard]] std::optional<std::int64_t> organization() const noexcept;

    // FPT: eventId's 32 hex digits. UFP: 64 hex digits of SHA-256 over the raw body, unless the receiver was given
    // another function.
    [[nodiscard]] std::string_view idempotency_key() const noexcept { return idempotency_key_; }

    // FPT: `data`. UFP: `payload`. A JSON object.
    [[nodiscard]] const JsonObject& payload() const noexcept;

    // The event itself, if it is of that vendor; else null.
    [[nodiscard]] const Envelope* envelope() const noexcept { return envelope_; }
    [[nodiscard]] const UfpEvent* ufp() const noexcept { return ufp_; }

  private:
    const Envelope* envelope_ = nullptr;
    const UfpEvent* ufp_ = nullptr;
    std::string_view type_;
    std::string_view idempotency_key_;
};

}  // namespace fpt_webhooks::inline v0_1
