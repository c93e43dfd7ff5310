// The FPT envelope: the outer shape of every FPT event, and its codec (FPT envelope page).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/contact_events.hpp>
#include <fpt_webhooks/core/event_id.hpp>
#include <fpt_webhooks/core/event_type.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/json_object.hpp>
#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::inline v0_1 {

// Bodies are small (the documented ones are under 1 KiB); this bounds what one request can cost.
inline constexpr std::size_t body_bytes_max_default = std::size_t{1} << 20;

// The version of the envelope that this library knows. An event of another version is decoded all the same, and goes
// to the catch-all handler only.
inline constexpr std::string_view api_version_known = "v1";

// A top-level field that this version does not know, kept so that it survives a read-write round trip.
struct ExtraField {
    std::string name;  // decoded text
    std::string json;  // the value as it stood
    friend bool operator==(const ExtraField&, const ExtraField&) = default;
};

// A regular value.
struct FPT_WEBHOOKS_CORE_EXPORT Envelope {
    EventId event_id;  // the idempotency key
    EventType event_type;
    Timestamp timestamp = {};         // when the change happened; the sort key
    std::string timestamp_text = {};  // as received, not written again; "" when it had three digits
    LocationId location_id = {};
    OrganizationId organization_id = {};  // 0: the location has no parent
    std::string api_version = std::string(api_version_known);
    JsonObject data = {};
    std::vector<ExtraField> extra = {};

    // `data` as the type T. Errors: wrong_type when this is another event or another apiVersion; else those of
    // T::from_data, with the place "data"; their offset is one in data.text().
    template <TypedEvent T>
    [[nodiscard]] Result<T> data_as() const {
        if (auto match = check_type(T::event_type); !match) return match.error();
        auto data_or_error = T::from_data(data);
        if (!data_or_error) return data_or_error.error().in("data");
        return data_or_error;
    }

    friend bool operator==(const Envelope&, const Envelope&) = default;

  private:
    [[nodiscard]] Result<void> check_type(std::string_view expected) const;
};

// Reads an envelope. All seven fields must be there and not null; unknown fields are kept.
// Errors, each with the offset in `body`: malformed (JSON, UTF-8, a missing or repeated field, a wrong type, a bad id,
// name or time; the detail names the field), out_of_range (an id that does not fit 32 bits, any number that does not
// fit a double), limit_exceeded (body over `body_bytes_max`, nesting over json_depth_max, a name too long). Never a
// partial result.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<Envelope> decode_envelope(
    ByteView body, std::size_t body_bytes_max = body_bytes_max_default);

// Writes an envelope: the seven fields in the documented order, then the extra ones, without white space (inside
// `data`, what stands there stays). The timestamp goes out with three fractional digits, whatever `timestamp_text` is.
// Errors: out_of_range for a timestamp outside the years 0000 to 9999; limit_exceeded for `data` or an extra field that
// in the envelope would be nested deeper than json_depth_max; malformed for text that is not UTF-8, and for an extra
// field whose name repeats another or whose json is not one JSON value.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<std::string> encode_envelope(const Envelope& envelope);

}  // namespace fpt_webhooks::inline v0_1
