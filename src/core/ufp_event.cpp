#include <fpt_webhooks/core/ufp_event.hpp>

#include <array>

#include <fpt_webhooks/core/sha256.hpp>

#include "core/hex.hpp"
#include "core/json_scan.hpp"
#include "core/json_write.hpp"
#include "core/top_level.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

// In the documented order, which is also the order in which they are written; the second is the first's other name.
enum Field : std::size_t { webhook_event_type, event_type, created_at, company_id, tenant_id, payload };
constexpr std::array<std::string_view, 6> field_names = {
    "webhook_event_type", "event_type", "created_at", "company_id", "tenant_id", "payload",
};

class UfpReader final : private detail::TopLevelReader {
  public:
    UfpReader() : TopLevelReader(field_names) {}

    Result<UfpEvent> decode(ByteView body, std::size_t body_bytes_max) {
        if (auto done = read(body, body_bytes_max); !done) return done.error();
        if (event_.event_key.empty()) return missing(field_names[webhook_event_type]);
        for (const Field needed : {Field::created_at, Field::tenant_id, Field::payload}) {
            if (!seen(needed)) return missing(field_names[needed]);
        }
        auto extra = take_extra();
        if (!extra) return extra.error();
        event_.extra = std::move(*extra);
        return std::move(event_);
    }

  private:
    bool field(std::size_t index, const detail::JsonMember& member) override {
        const bool is_null = member.kind == detail::JsonKind::null;
        switch (static_cast<Field>(index)) {
            case Field::webhook_event_type:
            case Field::event_type: return is_null || take_key(member);
            case Field::created_at: return take_string(event_.created_at, member);
            case Field::company_id: return is_null || take_id(event_.company_id, member);
            case Field::tenant_id: return take_id(event_.tenant_id, member);
            case Field::payload:
                if (member.kind != detail::JsonKind::object)
                    return fail(member.error(Errc::malformed, "an object is needed"));
                event_.payload = JsonObjectAccess::make(std::string(member.raw));
                return true;
        }
        return true;
    }

    bool take_key(const detail::JsonMember& member) {
        std::string key;
        if (!take_string(key, member)) return false;
        if (key.empty()) return fail(member.error(Errc::malformed, "empty"));
        if (!event_.event_key.empty() && event_.event_key != key) {
            return fail(member.error(Errc::malformed, "differs from the event's key given before"));
        }
        event_.event_key = std::move(key);
        return true;
    }

    bool take_string(std::string& to, const detail::JsonMember& member) {
        if (member.kind != detail::JsonKind::string) return fail(member.error(Errc::malformed, "a string is needed"));
        to = member.text;
        return true;
    }

    template <class To>
    bool take_id(To& to, const detail::JsonMember& member) {
        std::int64_t number = 0;
        if (!take(number, detail::read_integer<std::int64_t>(member))) return false;
        if constexpr (std::is_same_v<To, TenantId>) {
            to = TenantId(number);
        } else {
            to = CompanyId(number);
        }
        return true;
    }

    UfpEvent event_;
};

}  // namespace

std::optional<WallClockTime> UfpEvent::created_at_time() const {
    const auto time = parse_ufp_time(created_at);
    return time ? std::optional(*time) : std::nullopt;
}

Result<UfpEvent> decode_ufp_event(ByteView body, std::size_t body_bytes_max) {
    return UfpReader().decode(body, body_bytes_max);
}

Result<std::string> encode_ufp_event(const UfpEvent& event) {
    if (event.event_key.empty()) return Error(Errc::malformed, "webhook_event_type: empty");
    if (auto fits = detail::check_depth_inside(field_names[payload], event.payload); !fits) return fits.error();

    constexpr std::size_t fixed_bytes = 160;  // the names and the numbers
    detail::JsonObjectWriter writer(fixed_bytes + event.event_key.size() + event.created_at.size() +
                                    event.payload.text().size() + detail::size_of(event.extra));
    writer.string(field_names[webhook_event_type], event.event_key);
    if (!writer.valid()) return Error(Errc::malformed, "webhook_event_type: invalid UTF-8");
    writer.string(field_names[created_at], event.created_at);
    if (!writer.valid()) return Error(Errc::malformed, "created_at: invalid UTF-8");
    if (event.company_id) writer.integer(field_names[company_id], event.company_id->value());
    writer.integer(field_names[tenant_id], event.tenant_id.value());
    writer.raw(field_names[payload], event.payload.text());
    if (auto written = detail::write_extra(writer, event.extra, field_names); !written) return written.error();
    if (!writer.valid()) return Error(Errc::malformed, "extra: a name is invalid UTF-8");
    return writer.finish();
}

std::string ufp_idempotency_key(ByteView body) {
    const Sha256 digest = sha256(body);
    std::string text(2 * digest.size(), '0');
    detail::encode_hex(digest, text.data());
    return text;
}

}  // namespace fpt_webhooks::inline v0_1
