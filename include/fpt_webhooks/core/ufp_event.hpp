// The UFP webhook body and its codec (FitnessForce webhooks page, "Payload Structure").
//
// The vendor's document contradicts itself in places; what is read is wide, what is kept is the raw text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/json_object.hpp>
#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::inline v0_1 {

// A regular value.
struct FPT_WEBHOOKS_CORE_EXPORT UfpEvent {
    std::string event_key = {};                // as received, e.g. "new_lead_created"; see canonical_ufp_key
    std::string created_at = {};               // as received, e.g. "11/06/2025 17:22"
    std::optional<CompanyId> company_id = {};  // in the vendor's sample, absent from its field list
    TenantId tenant_id = {};
    JsonObject payload = {};  // by event; loose types ("False", "") stay as they are
    std::vector<ExtraField> extra = {};

    // created_at as a wall-clock reading, if it has the documented form. It has no zone: never a point in UTC.
    [[nodiscard]] std::optional<WallClockTime> created_at_time() const;

    friend bool operator==(const UfpEvent&, const UfpEvent&) = default;
};

// Reads a UFP body. Needed: the event's key (as `webhook_event_type` or `event_type`, not both with different values),
// `created_at` string (possibly empty), `tenant_id` integer, `payload` object. A null `company_id`, or one null name of
// the key, counts as absent. Unknown fields are kept. JSON rules and errors as decode_envelope's, ids of 64 bits.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<UfpEvent> decode_ufp_event(
    ByteView body, std::size_t body_bytes_max = body_bytes_max_default);

// Writes a UFP body in the documented order, without white space; the key goes out as `webhook_event_type`.
// Errors: malformed for an empty key, text that is not UTF-8, or an extra field as in encode_envelope; limit_exceeded
// as there.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<std::string> encode_ufp_event(const UfpEvent& event);

// The idempotency key that UFP itself does not have: 64 hex digits of the SHA-256 of the raw body.
// Two equal real events within a minute cannot be told apart. If OpenSSL fails, which takes a broken installation or
// no memory, BadResultAccess is thrown: a made-up key would make two events one.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::string ufp_idempotency_key(ByteView body);

}  // namespace fpt_webhooks::inline v0_1
