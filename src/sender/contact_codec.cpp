#include <fpt_webhooks/sender/contact_codec.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "sender/contact_limits.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

constexpr char state_kind = 'S';
constexpr char window_kind = 'W';
constexpr std::uint8_t version_known = 1;
constexpr std::size_t state_bytes_about = 64;  // without a long fingerprint
constexpr std::size_t window_bytes_about = 256;

enum StateFlag : std::uint8_t { flag_state_deleted = 1, flag_sub_group = 2 };
enum WindowFlag : std::uint8_t { flag_before = 1, flag_created = 2, flag_changed = 4, flag_deleted = 8 };

class Writer {
  public:
    Writer(char kind, std::size_t size_hint) {
        text_.reserve(size_hint);
        text_ += kind;
        number(version_known);
    }

    template <class Int>
    void number(Int value) {
        const auto bits = static_cast<std::make_unsigned_t<Int>>(value);
        for (std::size_t i = sizeof bits; i-- > 0;) text_ += static_cast<char>(bits >> (8 * i) & 0xff);
    }
    void id(const EventId& id) { text_.append(reinterpret_cast<const char*>(id.bytes().data()), id.bytes().size()); }
    void time(Timestamp time) { number(std::int64_t{time.time_since_epoch().count()}); }
    void state(const ContactState& state) {
        number(state.location_id.value());
        number(state.organization_id.value());
        number(state.contact_id.value());
        number(static_cast<std::int32_t>(state.status));
        number(static_cast<std::uint8_t>((state.deleted ? flag_state_deleted : 0) |
                                         (state.sub_group ? flag_sub_group : 0)));
        if (state.sub_group) number(state.sub_group->value());
        number(static_cast<std::uint16_t>(state.fingerprint.size()));
        text_ += state.fingerprint;
    }

    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

// Remembers the first fault and from then on reads zeros, so that a record is read without a test after every field.
class Reader {
  public:
    Reader(std::string_view record, char kind) : rest_(record), size_(record.size()) {
        if (bytes(1) != std::string_view(&kind, 1)) fail("a record of another kind");
        if (number<std::uint8_t>() != version_known) fail("a record of another version");
    }

    template <class Int>
    Int number() {
        std::make_unsigned_t<Int> bits = 0;
        for (const char c : bytes(sizeof bits)) {
            bits = static_cast<decltype(bits)>(std::uint64_t{bits} << 8 | static_cast<unsigned char>(c));
        }
        return static_cast<Int>(bits);
    }
    std::uint8_t flags(unsigned known) {
        const auto flags = number<std::uint8_t>();
        if ((flags & ~known) != 0) fail("a flag that is not known");
        return flags;
    }
    EventId id() {
        std::array<std::byte, 16> id{};
        const auto text = bytes(id.size());
        if (!text.empty()) std::memcpy(id.data(), text.data(), text.size());
        return EventId(id);
    }
    Timestamp time() {
        const Timestamp time{std::chrono::milliseconds(number<std::int64_t>())};
        if (!detail::is_writable(time)) fail("a time outside the years 0000 to 9999");
        return time;
    }
    ContactState state() {
        ContactState state{.location_id = LocationId(number<std::int32_t>()),
                           .organization_id = OrganizationId(number<std::int32_t>()),
                           .contact_id = ContactId(number<std::int32_t>()),
                           .status = static_cast<ContactStatus>(number<std::int32_t>())};
        const auto held = flags(flag_state_deleted | flag_sub_group);
        state.deleted = (held & flag_state_deleted) != 0;
        if ((held & flag_sub_group) != 0) state.sub_group = SubGroupId(number<std::int32_t>());
        const std::size_t length = number<std::uint16_t>();
        if (length > contact_fingerprint_bytes_max) fail("a fingerprint over its limit");
        state.fingerprint = bytes(length);
        return state;
    }

    // At the end of what was read last.
    void fail(const char* what) {
        if (!fault_) fault_ = Error(Errc::malformed, what, size_ - rest_.size());
    }
    [[nodiscard]] std::optional<Error> finish(const char* subject) {
        if (!rest_.empty()) fail("bytes after the end");
        return fault_ ? std::optional(fault_->in(subject)) : std::nullopt;
    }

  private:
    std::string_view bytes(std::size_t count) {
        if (rest_.size() < count) fail("cut short");
        if (fault_) return {};
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    std::string_view rest_;
    std::size_t size_;
    std::optional<Error> fault_;
};

Result<void> check(const ContactWindow& window) {
    for (const auto& [name, time] :
         {std::pair("opened_at", window.opened_at), std::pair("last_change_at", window.last_change_at),
          std::pair("changed_at", window.changed_at)}) {
        if (auto valid = detail::check_time(name, time); !valid) return valid;
    }
    if (window.last_change_at < window.opened_at) {
        return Error(Errc::invalid_argument, "last_change_at: before opened_at");
    }
    if (auto valid = detail::check_fingerprint(window.last); !valid) return valid;
    if (!window.before) return {};
    if (!window.before->is_same_contact(window.last)) return Error(Errc::invalid_argument, "before: another contact");
    return detail::check_fingerprint(*window.before);
}

}  // namespace

Result<std::string> encode_contact_state(const ContactState& state) {
    if (auto valid = detail::check_fingerprint(state); !valid) return valid.error().in("contact state");
    Writer writer(state_kind, state_bytes_about);
    writer.state(state);
    return writer.take();
}

Result<ContactState> decode_contact_state(std::string_view record) {
    Reader reader(record, state_kind);
    ContactState state = reader.state();
    if (auto error = reader.finish("contact state")) return *std::move(error);
    return state;
}

Result<std::string> encode_contact_window(const ContactWindow& window) {
    if (auto valid = check(window); !valid) return valid.error().in("contact window");
    Writer writer(window_kind, window_bytes_about);
    writer.number(static_cast<std::uint8_t>((window.before ? flag_before : 0) | (window.created ? flag_created : 0) |
                                            (window.changed ? flag_changed : 0) | (window.deleted ? flag_deleted : 0)));
    const ContactEventIds& ids = window.ids;
    for (const EventId* id : {&ids.created, &ids.status_changed, &ids.sub_group_changed, &ids.updated, &ids.deleted}) {
        writer.id(*id);
    }
    writer.time(window.opened_at);
    writer.time(window.last_change_at);
    writer.time(window.changed_at);
    writer.state(window.last);
    if (window.before) writer.state(*window.before);
    return writer.take();
}

Result<ContactWindow> decode_contact_window(std::string_view record) {
    Reader reader(record, window_kind);
    const auto held = reader.flags(flag_before | flag_created | flag_changed | flag_deleted);
    ContactWindow window{.created = (held & flag_created) != 0,
                         .changed = (held & flag_changed) != 0,
                         .deleted = (held & flag_deleted) != 0};
    ContactEventIds& ids = window.ids;
    for (EventId* id : {&ids.created, &ids.status_changed, &ids.sub_group_changed, &ids.updated, &ids.deleted}) {
        *id = reader.id();
    }
    window.opened_at = reader.time();
    window.last_change_at = reader.time();
    if (window.last_change_at < window.opened_at) reader.fail("a last change before the first");
    window.changed_at = reader.time();
    window.last = reader.state();
    if ((held & flag_before) != 0) {
        window.before = reader.state();
        if (!window.before->is_same_contact(window.last)) reader.fail("states of two contacts");
    }
    if (auto error = reader.finish("contact window")) return *std::move(error);
    return window;
}

}  // namespace fpt_webhooks::inline v0_1
