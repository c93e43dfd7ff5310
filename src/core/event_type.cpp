#include <fpt_webhooks/core/event_type.hpp>

namespace fpt_webhooks::inline v0_1 {

Result<EventType> EventType::parse(std::string_view text) {
    if (text.size() > length_max) {
        return Error(Errc::limit_exceeded, "event type is longer than " + std::to_string(length_max) + " bytes");
    }
    bool dotted = false;
    char before = '.';
    for (std::size_t i = 0; i < text.size(); before = text[i++]) {
        const char c = text[i];
        if (c >= 'a' && c <= 'z') continue;
        if (before == '.') return Error(Errc::malformed, "event type: a part starts with a lower-case letter", i);
        if (c == '.') {
            dotted = true;
        } else if (!(c >= '0' && c <= '9') && c != '_') {
            return Error(Errc::malformed, "event type: lower-case letters, digits, '_' and '.' only", i);
        }
    }
    if (!dotted || before == '.') return Error(Errc::malformed, "event type: <resource>.<verb> is needed", text.size());
    return EventType(text);
}

}  // namespace fpt_webhooks::inline v0_1
