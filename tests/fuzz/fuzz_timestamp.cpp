#include <fpt_webhooks/core/timestamp.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto time = fw::parse_timestamp(fuzz::text_of(data, size));
    if (!time) {
        fuzz::require_useful(time.error(), size);
        return 0;
    }
    const auto text = fw::format_timestamp(*time);
    fuzz::require(text.has_value() && text->size() == 24, "what was read can be written");
    const auto again = fw::parse_timestamp(*text);
    fuzz::require(again && *again == *time, "a timestamp survives writing and reading");
    return 0;
}
