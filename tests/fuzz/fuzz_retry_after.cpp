#include <fpt_webhooks/sender/retry_after.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto now = fw::parse_timestamp("2026-06-10T12:00:00.250Z").value();
    const auto text = fuzz::text_of(data, size);
    const auto wait = fw::parse_retry_after(text, now);
    if (!wait) {
        fuzz::require_useful(wait.error(), size);
        return 0;
    }
    fuzz::require(wait->count() >= 0 && *wait <= fw::retry_after_max, "the wait is bounded");
    const auto later = fw::parse_retry_after(text, now + std::chrono::seconds(1));
    fuzz::require(later && *later <= *wait, "a wait does not grow as time passes");
    return 0;
}
