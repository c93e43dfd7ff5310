#include <fpt_webhooks/sender/contact_window.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "sender/contact_limits.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;

// Makes the events of a window that closes.
class Announcer {
  public:
    explicit Announcer(const ContactWindow& window) : window_(window) {}

    template <TypedEvent T>
    void add(const EventId& id, const T& event) {
        events_.push_back(Envelope{.event_id = id,
                                   .event_type = EventType::parse(T::event_type).value(),
                                   .timestamp = window_.changed_at,
                                   .location_id = window_.last.location_id,
                                   .organization_id = window_.last.organization_id,
                                   .data = event.to_data()});
    }

    [[nodiscard]] std::vector<Envelope> take() { return std::move(events_); }

  private:
    const ContactWindow& window_;
    std::vector<Envelope> events_;
};

void merge(ContactWindow& window, ContactFinding&& finding, Timestamp changed_at, Timestamp now) {
    window.last = *std::move(finding.state);
    if (!finding.tells()) return;
    if (finding.created) {  // a life begins: what the window held belongs to an earlier one
        window.before = window.last;
        window.created = true;
        window.changed = window.deleted = false;
    }
    window.changed |= finding.changed;
    window.deleted |= finding.deleted;
    window.opened_at = std::min(window.opened_at, now);
    window.last_change_at = now;
    window.changed_at = changed_at;
}

}  // namespace

Result<void> ContactWindowOptions::validate() const {
    if (quiet < contact_window_min || quiet > longest) {
        return Error(Errc::invalid_argument, "contact window quiet: from 5 s to the longest time");
    }
    if (longest > contact_window_max) {
        return Error(Errc::invalid_argument, "contact window longest: at most 10 s");
    }
    return {};
}

Result<ContactEventIds> ContactEventIds::generate(const Clock& clock, RandomSource& random) {
    std::array<EventId, 5> ids;
    for (EventId& id : ids) {
        const auto generated = EventId::generate(clock, random);
        if (!generated) return generated.error();
        id = *generated;
    }
    std::sort(ids.begin(), ids.end());
    return ContactEventIds{
        .created = ids[0], .status_changed = ids[1], .sub_group_changed = ids[2], .updated = ids[3], .deleted = ids[4]};
}

Timestamp ContactWindow::due(const ContactWindowOptions& options) const noexcept {
    return std::min(last_change_at + options.quiet, opened_at + options.longest);
}

chr::milliseconds ContactWindow::time_left(const ContactWindowOptions& options, Timestamp now) const noexcept {
    const Timestamp end = due(options);
    // The clock may have gone back to any time: then all that is left is what was left at the last change.
    const Timestamp from = std::max(now, last_change_at);
    return from < end ? end - from : chr::milliseconds::zero();
}

ContactClosing ContactWindow::close() const {
    const ContactId contact = last.contact_id;
    const bool status_differs = before && before->status != last.status;
    const bool sub_group_differs = before && before->sub_group != last.sub_group;

    Announcer announcer(*this);
    if (created) announcer.add(ids.created, ContactCreated{contact});
    if (status_differs) announcer.add(ids.status_changed, ContactStatusChanged{contact, before->status, last.status});
    if (sub_group_differs) {
        announcer.add(ids.sub_group_changed, ContactSubGroupChanged{contact, before->sub_group, last.sub_group});
    }
    if (deleted && last.deleted) {
        announcer.add(ids.deleted, ContactDeleted{contact});
    } else if (changed || status_differs || sub_group_differs) {
        announcer.add(ids.updated, ContactUpdated{contact});
    }
    return {.events = announcer.take(), .state = last};
}

Result<ContactRecord> observe(ContactRecord record, ContactChange change, const ContactEventIds& ids, Timestamp now) {
    if (auto valid = change.validate(); !valid) return valid.error().in("contact change");
    if (auto valid = detail::check_time("now", now); !valid) return valid.error().in("contact change");
    const ContactState* const known = record.window ? &record.window->last : record.state ? &*record.state : nullptr;
    if (known && !known->is_same_contact(change.state)) {
        return Error(Errc::invalid_argument, "contact change: not of the record's contact");
    }

    auto finding = detect(change.operation, known, std::move(change.state));
    if (!finding.state) return ContactRecord{};
    if (!record.window) {
        if (!finding.tells()) return ContactRecord{.state = std::move(finding.state)};
        record.window =
            ContactWindow{.before = std::exchange(record.state, std::nullopt), .opened_at = now, .ids = ids};
    }
    merge(*record.window, std::move(finding), change.changed_at, now);
    return record;
}

}  // namespace fpt_webhooks::inline v0_1
