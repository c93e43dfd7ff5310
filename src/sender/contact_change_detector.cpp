#include <fpt_webhooks/sender/contact_change_detector.hpp>

#include <utility>

#include "sender/contact_limits.hpp"

namespace fpt_webhooks::inline v0_1 {

Result<void> ContactChange::validate() const {
    if (auto time = detail::check_time("changed_at", changed_at); !time) return time;
    return detail::check_fingerprint(state);
}

ContactFinding detect(ContactOperation operation, const ContactState* known, ContactState state) {
    ContactFinding finding;
    switch (operation) {
        case ContactOperation::snapshot: break;
        case ContactOperation::insert:
            finding.created = true;
            finding.deleted = state.deleted;
            break;
        case ContactOperation::update:
            finding.deleted = state.deleted && !(known && known->deleted);
            finding.changed = !known || state.fingerprint.empty() || state != *known;
            break;
        case ContactOperation::remove: finding.changed = finding.deleted = state.deleted = true; break;
        case ContactOperation::reactivate:
            finding.changed = true;
            state.deleted = false;
            break;
        case ContactOperation::hard_delete: return finding;
    }
    finding.state = std::move(state);
    return finding;
}

Result<ContactMove> split_move(ContactState from, ContactState to, Timestamp changed_at) {
    if (from.location_id == to.location_id) {
        return Error(Errc::invalid_argument, "contact move: both states are at the same location");
    }
    return ContactMove{
        .left = {.operation = ContactOperation::remove, .state = std::move(from), .changed_at = changed_at},
        .arrived = {.operation = ContactOperation::insert, .state = std::move(to), .changed_at = changed_at}};
}

}  // namespace fpt_webhooks::inline v0_1
