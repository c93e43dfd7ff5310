#include <fpt_webhooks/receiver/handle_report.hpp>

#include <numeric>

namespace fpt_webhooks::inline v0_1 {

std::string_view name_of(HandleOutcome outcome) noexcept {
    switch (outcome) {
        case HandleOutcome::wrong_method: return "wrong_method";
        case HandleOutcome::wrong_media_type: return "wrong_media_type";
        case HandleOutcome::too_large: return "too_large";
        case HandleOutcome::unauthorized: return "unauthorized";
        case HandleOutcome::unreadable: return "unreadable";
        case HandleOutcome::unhandled: return "unhandled";
        case HandleOutcome::store_unavailable: return "store_unavailable";
        case HandleOutcome::duplicate: return "duplicate";
        case HandleOutcome::busy: return "busy";
        case HandleOutcome::handler_failed: return "handler_failed";
        case HandleOutcome::overrun: return "overrun";
        case HandleOutcome::dead_lettered: return "dead_lettered";
        case HandleOutcome::processed: return "processed";
        case HandleOutcome::accepted: return "accepted";
    }
    return "unknown";
}

std::uint64_t ReceiverStats::count(HandleOutcome outcome) const noexcept {
    const auto index = static_cast<std::size_t>(outcome);
    return index < counts_.size() ? counts_[index] : 0;
}

std::uint64_t ReceiverStats::total() const noexcept {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace fpt_webhooks::inline v0_1
