#include <fpt_webhooks/sender/contact_codec.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto record = fuzz::text_of(data, size);
    const auto state = fw::decode_contact_state(record);
    const auto window = fw::decode_contact_window(record);
    fuzz::require(!state || !window, "a record is of one kind");
    if (state) {
        fuzz::require(fw::encode_contact_state(*state).value() == record, "a state has one encoding");
    } else if (window) {
        fuzz::require(fw::encode_contact_window(*window).value() == record, "a window has one encoding");
        for (const auto& event : window->close().events) {
            fuzz::require(fw::encode_envelope(event).has_value(), "a window's events can be sent");
        }
        const auto left = window->time_left({}, window->opened_at);
        fuzz::require(left.count() >= 0 && left <= fw::contact_window_min, "no window waits for longer than the quiet");
    } else {
        fuzz::require_useful(state.error(), size);
        fuzz::require_useful(window.error(), size);
    }
    return 0;
}
