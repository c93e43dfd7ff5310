#include <fpt_webhooks/core/make_envelope.hpp>

namespace fpt_webhooks::inline v0_1 {

Result<Envelope> make_envelope(std::string_view event_type, JsonObject data, const EventOrigin& origin,
                               const Clock& clock, RandomSource& random) {
    auto type = EventType::parse(event_type);
    if (!type) return type.error();
    auto id = EventId::generate(clock, random);
    if (!id) return id.error();
    return Envelope{.event_id = *id,
                    .event_type = *std::move(type),
                    .timestamp = origin.happened.value_or(clock.now()),
                    .location_id = origin.location,
                    .organization_id = origin.organization,
                    .data = std::move(data)};
}

}  // namespace fpt_webhooks::inline v0_1
