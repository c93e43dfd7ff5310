// Events as `publish` reads them, one a line.
#pragma once

#include <string_view>

#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/store.hpp>

namespace fpt_webhooks::cli {

// A whole envelope; or {"type": ..., "data": {...}}, which becomes a new event of this moment that happened at
// `origin`. Errors: those of decode_envelope for what looks like one; malformed that names the member; invalid_argument
// (such a line without an origin's location).
[[nodiscard]] Result<NewEvent> read_fpt_line(std::string_view line, const EventOrigin& origin);

// A whole body. Its id is made of its bytes, so that publishing the same line again is a duplicate.
// Errors: those of decode_ufp_event.
[[nodiscard]] Result<NewEvent> read_ufp_line(std::string_view line);

}  // namespace fpt_webhooks::cli
