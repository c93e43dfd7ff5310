#include <fpt_webhooks/core/envelope.hpp>

#include <array>
#include <optional>

#include "core/json_scan.hpp"
#include "core/json_write.hpp"
#include "core/top_level.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

// In the documented order, which is also the order in which they are written.
enum Field : std::size_t { event_id, event_type, event_timestamp, location_id, organization_id, api_version, data };
constexpr std::array<std::string_view, 7> field_names = {
    "eventId", "eventType", "eventTimestamp", "locationId", "organizationId", "apiVersion", "data",
};

// The length of "2026-06-10T23:45:00.123Z", which no other form of a timestamp has.
constexpr std::size_t canonical_timestamp_bytes = 24;

class EnvelopeReader final : private detail::TopLevelReader {
  public:
    EnvelopeReader() : TopLevelReader(field_names) {}

    Result<Envelope> decode(ByteView body, std::size_t body_bytes_max) {
        if (auto done = read(body, body_bytes_max); !done) return done.error();
        for (std::size_t index = 0; index < field_names.size(); ++index) {
            if (!seen(index)) return missing(field_names[index]);
        }
        auto extra = take_extra();
        if (!extra) return extra.error();
        return Envelope{.event_id = event_id_,
                        .event_type = std::move(*event_type_),
                        .timestamp = timestamp_,
                        .timestamp_text = std::move(timestamp_text_),
                        .location_id = LocationId(location_id_),
                        .organization_id = OrganizationId(organization_id_),
                        .api_version = std::move(api_version_),
                        .data = std::move(data_),
                        .extra = std::move(*extra)};
    }

  private:
    bool field(std::size_t index, const detail::JsonMember& member) override {
        switch (static_cast<Field>(index)) {
            case Field::location_id: return take(location_id_, detail::read_integer<std::int32_t>(member));
            case Field::organization_id: return take(organization_id_, detail::read_integer<std::int32_t>(member));
            case Field::data:
                if (member.kind != detail::JsonKind::object)
                    return fail(member.error(Errc::malformed, "an object is needed"));
                data_ = JsonObjectAccess::make(std::string(member.raw));
                return true;
            default: return string_field(static_cast<Field>(index), member);
        }
    }

    bool string_field(Field field, const detail::JsonMember& member) {
        if (member.kind != detail::JsonKind::string) return fail(member.error(Errc::malformed, "a string is needed"));
        switch (field) {
            case Field::event_id: return take(member, event_id_, EventId::parse(member.text));
            case Field::event_type: return take(member, event_type_, EventType::parse(member.text));
            case Field::event_timestamp:
                if (member.text.size() != canonical_timestamp_bytes) timestamp_text_ = member.text;
                return take(member, timestamp_, parse_timestamp(member.text));
            default: api_version_ = member.text; return true;
        }
    }

    using TopLevelReader::take;
    template <class To, class From>
    bool take(const detail::JsonMember& member, To& to, Result<From> from) {
        if (!from) return fail(member.error(from.error()));
        to = std::move(*from);
        return true;
    }

    EventId event_id_;
    std::optional<EventType> event_type_;
    Timestamp timestamp_;
    std::string timestamp_text_;
    std::int32_t location_id_ = 0;
    std::int32_t organization_id_ = 0;
    std::string api_version_;
    JsonObject data_;
};

}  // namespace

Result<void> Envelope::check_type(std::string_view expected) const {
    if (event_type != expected) {
        return Error(Errc::wrong_type, "this is " + event_type.text() + ", not " + std::string(expected));
    }
    if (api_version != api_version_known) {
        return Error(Errc::wrong_type, "apiVersion is not " + std::string(api_version_known));
    }
    return {};
}

Result<Envelope> decode_envelope(ByteView body, std::size_t body_bytes_max) {
    return EnvelopeReader().decode(body, body_bytes_max);
}

Result<std::string> encode_envelope(const Envelope& envelope) {
    const auto timestamp = format_timestamp(envelope.timestamp);
    if (!timestamp) return timestamp.error().in(field_names[event_timestamp]);
    if (auto fits = detail::check_depth_inside(field_names[data], envelope.data); !fits) return fits.error();

    constexpr std::size_t fixed_bytes = 256;  // the seven names, the id, the times and the numbers
    detail::JsonObjectWriter writer(fixed_bytes + envelope.event_type.text().size() + envelope.data.text().size() +
                                    detail::size_of(envelope.extra));
    writer.string(field_names[event_id], envelope.event_id.to_string())
        .string(field_names[event_type], envelope.event_type.text())
        .string(field_names[event_timestamp], *timestamp)
        .integer(field_names[location_id], envelope.location_id.value())
        .integer(field_names[organization_id], envelope.organization_id.value())
        .string(field_names[api_version], envelope.api_version)
        .raw(field_names[data], envelope.data.text());
    if (!writer.valid()) return Error(Errc::malformed, "apiVersion: invalid UTF-8");
    if (auto written = detail::write_extra(writer, envelope.extra, field_names); !written) return written.error();
    if (!writer.valid()) return Error(Errc::malformed, "extra: a name is invalid UTF-8");
    return writer.finish();
}

}  // namespace fpt_webhooks::inline v0_1
