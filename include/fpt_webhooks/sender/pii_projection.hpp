// Leaves out of an event what a subscription is not to be sent: personal data, by category (FPT subscriptions page,
// "payload projection"). It comes before signing.
#pragma once

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/pii.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// The event without the fields of `data` whose pii_category is not in `allowed`. What stays keeps its text and order;
// an event that loses nothing comes back as it went in, byte for byte. Projecting again changes nothing more.
//
// - A field is judged by its own name, escapes decoded, and goes or stays with all that is nested in it: what an object
//   under an id's name holds is not looked at. Of a repeated name every occurrence is judged.
// - A null is a field like any other.
// - The envelope's seven fields always stay. `extra` ones are the host's own and lie outside the catalogue: they have
//   the default category of the event's family, ids excepted.
//
// Events of UFP are not projected. A pure function; pass an event that is not needed any more by std::move. It returns
// without reading `data` when `allowed` holds every category of pii_categories_of(event type), as the default set does
// for contacts; the same `allowed & pii_categories_of(...)` makes the same event, which need be encoded only once.
// Errors: malformed for a moved-from event. Nothing of the event is in the error.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<Envelope> project(Envelope event, PiiCategories allowed);

}  // namespace fpt_webhooks::inline v0_1
