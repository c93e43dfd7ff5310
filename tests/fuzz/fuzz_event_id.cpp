#include <fpt_webhooks/core/event_id.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto id = fw::EventId::parse(fuzz::text_of(data, size));
    if (!id) {
        fuzz::require_useful(id.error(), size);
        return 0;
    }
    const auto again = fw::EventId::parse(id->to_string());
    fuzz::require(again && *again == *id, "an event id survives writing and reading");
    return 0;
}
