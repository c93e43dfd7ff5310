// Makes a new FPT event: a fresh id, the time of the change, where it happened.
#pragma once

#include <optional>
#include <string_view>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/random.hpp>

namespace fpt_webhooks::inline v0_1 {

struct EventOrigin {
    LocationId location = {};
    OrganizationId organization = {};                  // 0: the location has no parent
    std::optional<Timestamp> happened = std::nullopt;  // nothing: now
};

// An event of a type that has no C++ type: `data` as you have it.
// Errors: those of EventType::parse, crypto_failed.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<Envelope> make_envelope(std::string_view event_type, JsonObject data,
                                                                      const EventOrigin& origin, const Clock& clock,
                                                                      RandomSource& random);

// An event of the type T. Make it once and keep it: every retry must carry the same id. Errors: crypto_failed.
template <TypedEvent T>
[[nodiscard]] Result<Envelope> make_envelope(const T& event, const EventOrigin& origin, const Clock& clock,
                                             RandomSource& random) {
    return make_envelope(T::event_type, event.to_data(), origin, clock, random);
}

}  // namespace fpt_webhooks::inline v0_1
