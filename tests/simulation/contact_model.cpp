#include "contact_model.hpp"

#include <algorithm>

namespace simulation {
namespace {

constexpr Ms quiet_time = 5'000;
constexpr Ms longest_time = 10'000;

fw::ContactState state_after(const fw::ContactChange& change) {
    fw::ContactState state = change.state;
    if (change.operation == fw::ContactOperation::remove) state.deleted = true;
    if (change.operation == fw::ContactOperation::reactivate) state.deleted = false;
    return state;
}

// Is there something to tell?
bool tells(const std::optional<fw::ContactState>& known, const fw::ContactChange& change) {
    switch (change.operation) {
        case fw::ContactOperation::snapshot:
        case fw::ContactOperation::hard_delete: return false;
        case fw::ContactOperation::update: return !known || change.state.fingerprint.empty() || *known != change.state;
        default: return true;
    }
}

bool deletes(const std::optional<fw::ContactState>& known, const fw::ContactChange& change) {
    if (change.operation == fw::ContactOperation::remove) return true;
    const bool was_deleted = change.operation == fw::ContactOperation::update && known && known->deleted;
    return state_after(change).deleted && !was_deleted;
}

std::string object(const fw::ContactState& of, const std::string& rest) {
    return "{\"contactId\":" + std::to_string(of.contact_id.value()) + rest + "}";
}

std::string group_field(const char* name, const std::optional<fw::SubGroupId>& group) {
    return group ? ",\"" + std::string(name) + "\":" + std::to_string(group->value()) : std::string();
}

}  // namespace

Ms ContactModel::Window::due() const { return std::min(last + quiet_time, opened + longest_time); }

std::size_t ContactModel::open_windows() const {
    return static_cast<std::size_t>(std::count_if(contacts_.begin(), contacts_.end(),
                                                  [](const auto& entry) { return entry.second.window.has_value(); }));
}

bool ContactModel::alters(const Contact& contact, const fw::ContactChange& change, Ms at) {
    if (change.operation == fw::ContactOperation::hard_delete) return contact.state.has_value();
    if (contact.state != state_after(change)) return true;
    if (!tells(contact.state, change)) return false;
    // The same again in the same moment.
    return !contact.window || contact.window->last != at ||
           contact.window->changes.back().operation != change.operation ||
           contact.window->changes.back().changed_at != change.changed_at.time_since_epoch().count();
}

void ContactModel::change(Contact& contact, const fw::ContactChange& change, Ms at, Ms tick,
                          const std::string& record) {
    ++contact.version;
    if (change.operation == fw::ContactOperation::hard_delete) {
        contact.state.reset();
        contact.window.reset();
        return;
    }
    if (tells(contact.state, change)) {
        if (!contact.window) contact.window = Window{.before = contact.state, .opened = at, .opening = record};
        Window& window = *contact.window;
        window.changes.push_back({.operation = change.operation,
                                  .state = state_after(change),
                                  .changed_at = change.changed_at.time_since_epoch().count(),
                                  .deletes = deletes(contact.state, change)});
        window.opened = std::min(window.opened, at);  // a clock that went back starts the longest time anew
        window.last = at;
        window.written_at = tick;
        window.refused = false;
    }
    contact.state = state_after(change);
}

std::vector<ContactModel::Told> ContactModel::events_of(const Contact& contact) {
    const fw::ContactState& end = *contact.state;
    const auto& changes = contact.window->changes;
    // The last life counts: what was before an insert was another contact.
    const auto born = std::find_if(changes.rbegin(), changes.rend(), [](const Change& change) {
        return change.operation == fw::ContactOperation::insert;
    });
    const bool created = born != changes.rend();
    const auto first = created ? born.base() - 1 : changes.begin();
    const std::optional<fw::ContactState> before = created ? first->state : contact.window->before;
    const bool deleted =
        end.deleted && std::any_of(first, changes.end(), [](const Change& change) { return change.deletes; });
    const bool changed = changes.end() - first > (created ? 1 : 0);

    std::vector<Told> events;
    const auto tell = [&](const char* type, const std::string& rest) {
        events.push_back({.type = type,
                          .data = object(end, rest),
                          .timestamp = changes.back().changed_at,
                          .location = end.location_id.value(),
                          .organization = end.organization_id.value()});
    };
    if (created) tell("contact.created", ",\"operation\":\"create\"");
    if (before && before->status != end.status) {
        tell("contact.status_changed",
             ",\"previousStatusId\":" + std::to_string(static_cast<std::int32_t>(before->status)) +
                 ",\"newStatusId\":" + std::to_string(static_cast<std::int32_t>(end.status)));
    }
    if (before && before->sub_group != end.sub_group) {
        tell("contact.sub_group_changed",
             group_field("previousSubGroupId", before->sub_group) + group_field("newSubGroupId", end.sub_group));
    }
    const bool companions = events.size() > (created ? 1U : 0U);
    if (deleted) {
        tell("contact.deleted", ",\"operation\":\"delete\"");
    } else if (changed || companions) {
        tell("contact.updated", ",\"operation\":\"update\"");
    }
    return events;
}

bool ContactModel::is_due(const Window& window, Ms now) {
    return window.due() <= now || window.due() > now + longest_time;  // or a clock that was ahead left it behind
}

std::optional<Ms> ContactModel::next_due(Ms now) const {
    std::optional<Ms> next;
    for (const auto& [key, contact] : contacts_) {
        if (!contact.window || contact.window->refused) continue;
        const Ms due = is_due(*contact.window, now) ? now : contact.window->due();
        next = std::min(next.value_or(due), due);
    }
    return next;
}

}  // namespace simulation
