// How a store keeps contact states and open windows: short binary records with a version (docs/dispatcher.md).
//
// All numbers are big-endian. A record is 'S' or 'W' and a version, now 1; then of a state: location, organization,
// contact id and status, 32 bits each; a byte of flags (1 deleted, 2 in a sub-group); the sub-group, if flagged, 32
// bits; the fingerprint after its length in 16 bits. Of a window: a byte of flags (1 before, 2 created, 4 changed,
// 8 deleted); the five ids; opened_at, last_change_at and changed_at in milliseconds since 1970, 64 bits each; the last
// state; the one before, if flagged. Pure functions, which any thread may call.
#pragma once

#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/contact_change_detector.hpp>
#include <fpt_webhooks/sender/contact_window.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// Errors of both: what the decoders would refuse; limit_exceeded for a fingerprint, out_of_range for a time outside the
// years 0000 to 9999, invalid_argument for a window that cannot be: changed before it was opened, or of two contacts.
// Never for what `observe` made.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<std::string> encode_contact_state(const ContactState& state);
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<std::string> encode_contact_window(const ContactWindow& window);

// Each value has one encoding, and nothing else is accepted. Errors: malformed with offset; that is also what a record
// of a version is that this library does not know.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<ContactState> decode_contact_state(std::string_view record);
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<ContactWindow> decode_contact_window(std::string_view record);

}  // namespace fpt_webhooks::inline v0_1
