#include <fpt_webhooks/core/timestamp.hpp>

#include <cstdio>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto time = fw::parse_ufp_time(text);
    if (!time) {
        fuzz::require_useful(time.error(), size);
        return 0;
    }
    const auto day = std::chrono::floor<std::chrono::days>(*time);
    const std::chrono::year_month_day date(day);
    const auto minutes = static_cast<int>((*time - day).count());
    char again[64];
    std::snprintf(again, sizeof again, "%02u/%02u/%04d %02d%c%02d", static_cast<unsigned>(date.day()),
                  static_cast<unsigned>(date.month()), static_cast<int>(date.year()), minutes / 60, text[13],
                  minutes % 60);
    fuzz::require(text == again, "the reading means what the text says");
    return 0;
}
