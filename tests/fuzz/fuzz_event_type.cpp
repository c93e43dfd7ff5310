#include <fpt_webhooks/core/event_type.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto type = fw::EventType::parse(text);
    if (!type) {
        fuzz::require_useful(type.error(), size);
        return 0;
    }
    fuzz::require(type->text() == text, "the name is kept as it was");
    fuzz::require(!type->family().empty() && type->family().size() + 1 < text.size(), "a family and a verb");
    return 0;
}
