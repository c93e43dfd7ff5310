#include <fpt_webhooks/core/ufp_event.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto event = fw::decode_ufp_event(fw::bytes_of(fuzz::text_of(data, size)));
    if (!event) {
        fuzz::require_useful(event.error(), size);
        return 0;
    }
    const auto body = fw::encode_ufp_event(*event);
    fuzz::require(body.has_value(), "what was read can be written");
    const auto again = fw::decode_ufp_event(fw::bytes_of(*body));
    fuzz::require(again && *again == *event, "an event survives writing and reading");
    fuzz::require(again->created_at_time() == event->created_at_time(), "and means the same");
    return 0;
}
