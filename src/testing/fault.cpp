#include <fpt_webhooks/testing/fault.hpp>

namespace fpt_webhooks::inline v0_1::testing {

std::string_view name_of(Fault fault) noexcept {
    switch (fault) {
        case Fault::none: return "none";
        case Fault::duplicate: return "duplicate";
        case Fault::concurrent_duplicates: return "concurrent_duplicates";
        case Fault::reordered: return "reordered";
        case Fault::late: return "late";
        case Fault::stale: return "stale";
        case Fault::old_secret: return "old_secret";
        case Fault::future_secret: return "future_secret";
        case Fault::tampered: return "tampered";
        case Fault::slow_body: return "slow_body";
        case Fault::cut_connection: return "cut_connection";
        case Fault::retry_after_500: return "retry_after_500";
    }
    return "";
}

}  // namespace fpt_webhooks::inline v0_1::testing
