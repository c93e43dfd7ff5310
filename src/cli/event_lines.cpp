#include "cli/event_lines.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include <fpt_webhooks/core/ufp_event.hpp>

namespace fpt_webhooks::cli {
namespace {

std::vector<std::string> names_in(const JsonObject& object) {
    std::vector<std::string> names;
    (void)object.without([&names](std::string_view name) {
        names.emplace_back(name);
        return false;
    });
    return names;
}

// The text of a member's value; `name` is there, once. Its own characters hold no colon, however they are escaped.
std::string value_of(const JsonObject& object, std::string_view name) {
    const auto alone = object.without([name](std::string_view other) { return other != name; });
    if (!alone) return {};
    const std::string& text = alone->text();
    const std::size_t colon = text.find(':');
    std::string value = text.substr(colon + 1, text.rfind('}') - colon - 1);
    const auto is_white = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    value.erase(value.begin(), std::find_if_not(value.begin(), value.end(), is_white));
    value.erase(std::find_if_not(value.rbegin(), value.rend(), is_white).base(), value.end());
    return value;
}

Result<Envelope> make_short(const JsonObject& object, const EventOrigin& origin) {
    if (origin.location == LocationId(0)) {
        return Error(Errc::invalid_argument, "type and data alone: --location is needed, where it happened");
    }
    const std::string type = value_of(object, "type");
    if (type.size() < 2 || type.front() != '"') return Error(Errc::malformed, "type: a text is needed");
    auto data = JsonObject::parse(value_of(object, "data"));
    if (!data) return Error(Errc::malformed, "data: an object is needed");
    auto event = make_envelope(std::string_view(type).substr(1, type.size() - 2), *std::move(data), origin,
                               *system_clock(), *system_random());
    if (!event) return event.error().in("type");
    return event;
}

}  // namespace

Result<NewEvent> read_fpt_line(std::string_view line, const EventOrigin& origin) {
    auto event = decode_envelope(bytes_of(line));
    if (event) return NewEvent::from(*event);
    const auto object = JsonObject::parse(line);
    if (!object) return object.error();
    auto names = names_in(*object);
    std::sort(names.begin(), names.end());
    if (!std::binary_search(names.begin(), names.end(), "type")) return std::move(event).error();
    if (names != std::vector<std::string>{"data", "type"}) {
        return Error(Errc::malformed, "with type there is data, each once, and nothing else");
    }
    event = make_short(*object, origin);
    if (!event) return std::move(event).error();
    return NewEvent::from(*event);
}

Result<NewEvent> read_ufp_line(std::string_view line) {
    const auto event = decode_ufp_event(bytes_of(line));
    if (!event) return event.error();
    auto made = NewEvent::from(*event, EventId());
    if (!made) return made;
    std::array<std::byte, 16> id;
    std::copy_n(made->hash.begin(), id.size(), id.begin());
    made->id = EventId(id);
    return made;
}

}  // namespace fpt_webhooks::cli
