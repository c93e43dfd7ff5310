// The newest event processed for each of the contacts seen last: best effort, in this process's memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fpt_webhooks/core/event_view.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// May be shared between threads. Knows the contact of every FPT event that has a contactId.
class ContactOrder {
  public:
    // Zero: remembers nothing.
    explicit ContactOrder(std::size_t capacity) : capacity_(capacity) {}

    // Without memory neither of these knows or keeps anything of the event: its handling goes on.
    [[nodiscard]] std::optional<std::chrono::milliseconds> older_by(const EventView& event) const noexcept;

    // Its handlers have succeeded.
    void processed(const EventView& event) noexcept;

  private:
    using Contact = std::pair<LocationId, ContactId>;
    struct Newest {
        Contact contact;
        Timestamp time;
    };
    using Line = std::list<Newest>;  // the one seen last in front

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    Line line_;
    std::map<Contact, Line::iterator> places_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
