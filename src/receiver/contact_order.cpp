#include "receiver/contact_order.hpp"

#include <algorithm>
#include <exception>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

std::optional<ContactId> contact_in(const EventView& event) {
    if (event.envelope() == nullptr) return std::nullopt;
    return contact_of(event.envelope()->data);
}

}  // namespace

std::optional<std::chrono::milliseconds> ContactOrder::older_by(const EventView& event) const noexcept try {
    if (capacity_ == 0) return std::nullopt;
    const auto contact = contact_in(event);
    if (!contact) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const auto place = places_.find({event.envelope()->location_id, *contact});
    if (place == places_.end() || place->second->time <= event.envelope()->timestamp) return std::nullopt;
    return place->second->time - event.envelope()->timestamp;
} catch (const std::exception&) {
    return std::nullopt;
}

void ContactOrder::processed(const EventView& event) noexcept try {
    if (capacity_ == 0) return;
    const auto contact = contact_in(event);
    if (!contact) return;
    const Newest seen{{event.envelope()->location_id, *contact}, event.envelope()->timestamp};
    const std::lock_guard lock(mutex_);
    if (const auto place = places_.find(seen.contact); place != places_.end()) {
        place->second->time = std::max(place->second->time, seen.time);
        line_.splice(line_.begin(), line_, place->second);
        return;
    }
    Line front{seen};
    places_.emplace(seen.contact, front.begin());
    line_.splice(line_.begin(), front);  // from here on nothing throws
    if (line_.size() > capacity_) {
        places_.erase(line_.back().contact);
        line_.pop_back();
    }
} catch (const std::exception&) {
}

}  // namespace fpt_webhooks::inline v0_1::detail
