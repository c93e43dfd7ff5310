#include <fpt_webhooks/core/event_id.hpp>

#include <algorithm>

#include "core/hex.hpp"

namespace fpt_webhooks::inline v0_1 {

Result<EventId> EventId::parse(std::string_view text) {
    if (text.size() != text_length) {
        return Error(Errc::malformed, "event id: 32 hex digits are needed", std::min(text.size(), text_length));
    }
    std::array<std::byte, 16> bytes{};
    if (!detail::decode_hex(text, bytes)) {
        const auto bad = std::find_if(text.begin(), text.end(), [](char c) { return detail::hex_value(c) < 0; });
        return Error(Errc::malformed, "event id: not a hex digit", static_cast<std::size_t>(bad - text.begin()));
    }
    return EventId(bytes);
}

Result<EventId> EventId::generate(const Clock& clock, RandomSource& random) {
    std::array<std::byte, 16> bytes{};
    if (auto filled = random.fill(std::span(bytes).subspan<6>()); !filled) return filled.error();
    const auto milliseconds = static_cast<std::uint64_t>(clock.now().time_since_epoch().count());
    for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::byte>(milliseconds >> (40 - 8 * i));
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x70};  // version 7
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};  // variant 10
    return EventId(bytes);
}

std::string EventId::to_string() const {
    std::string text(text_length, '0');
    detail::encode_hex(bytes_, text.data());
    return text;
}

}  // namespace fpt_webhooks::inline v0_1
