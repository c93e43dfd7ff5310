// What a change to a contact amounts to, by what the source calls it and by what is known of the contact
// (docs/dispatcher.md). A ContactWindow then makes one set of events of many changes.
//
// Values and pure functions: distinct objects may be used by distinct threads, const access may be shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/contact_events.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// A hash or a version number: SHA-512 in hex has 128. One is kept for every contact.
inline constexpr std::size_t contact_fingerprint_bytes_max = 256;

// What is remembered of a contact, to see what a change changes. A contact is known by location and contact id.
struct FPT_WEBHOOKS_SENDER_EXPORT ContactState {
    LocationId location_id = {};
    OrganizationId organization_id = {};  // 0: the location has no parent
    ContactId contact_id = {};
    ContactStatus status = {};
    std::optional<SubGroupId> sub_group = {};
    bool deleted = false;  // softly: the source still has the contact

    // Stands for all other fields: equal when they are. Any bytes, at most contact_fingerprint_bytes_max; a hash or a
    // version of theirs, never the fields themselves, since stores keep it. Empty: not known, and each update counts.
    std::string fingerprint = {};

    // Location and contact id are equal.
    [[nodiscard]] bool is_same_contact(const ContactState& other) const noexcept {
        return location_id == other.location_id && contact_id == other.contact_id;
    }

    friend bool operator==(const ContactState&, const ContactState&) = default;
};

// What the source says it did.
enum class ContactOperation : std::uint8_t {
    snapshot,     // nothing: this is how the contact stands at the first load
    insert,       // a new contact
    update,       // what changed is seen from the state, a soft delete and its undoing included
    remove,       // a soft delete
    reactivate,   // the undoing of one
    hard_delete,  // the contact is gone without a trace, and nobody is told
};

[[nodiscard]] constexpr std::string_view name_of(ContactOperation operation) noexcept {
    switch (operation) {
        case ContactOperation::snapshot: return "snapshot";
        case ContactOperation::insert: return "insert";
        case ContactOperation::update: return "update";
        case ContactOperation::remove: return "remove";
        case ContactOperation::reactivate: return "reactivate";
        case ContactOperation::hard_delete: return "hard_delete";
    }
    return "unknown";
}

struct FPT_WEBHOOKS_SENDER_EXPORT ContactChange {
    ContactOperation operation = ContactOperation::update;
    ContactState state = {};    // after the change; of a hard delete only location and contact id count
    Timestamp changed_at = {};  // by the source's clock: the events' timestamp

    // Errors: out_of_range for a time outside the years 0000 to 9999, which no event could carry; limit_exceeded for
    // the fingerprint.
    [[nodiscard]] Result<void> validate() const;

    friend bool operator==(const ContactChange&, const ContactChange&) = default;
};

// What a change amounts to. All false: nothing to tell.
struct FPT_WEBHOOKS_SENDER_EXPORT ContactFinding {
    bool created = false;
    bool changed = false;  // anything at all, a delete and a reactivation included
    bool deleted = false;
    std::optional<ContactState> state = {};  // to be remembered; nothing after a hard delete

    [[nodiscard]] bool tells() const noexcept { return created || changed || deleted; }

    friend bool operator==(const ContactFinding&, const ContactFinding&) = default;
};

// `known`: the last state that is remembered; null for an unknown contact. `state`: that of the change; its `deleted`
// counts for snapshot, insert and update, the others say it themselves.
//
//   snapshot     nothing
//   insert       created; deleted too, if it is so already
//   update       changed, if the contact is unknown or anything differs; deleted, if it was not known to be so before
//   remove       changed, deleted
//   reactivate   changed
//   hard_delete  nothing, and nothing is remembered
//
// A source that repeats an insert or a delete is believed: give each change once.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT ContactFinding detect(ContactOperation operation, const ContactState* known,
                                                               ContactState state);

// A move to another location: two contacts as far as events go, each with a window of its own.
struct ContactMove {
    ContactChange left;     // deleted there
    ContactChange arrived;  // created here
};

// `from`: the contact as it was at the old location. `to`: as it is at the new one; its contact id may be another.
// Errors: invalid_argument when both are at the same location.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<ContactMove> split_move(ContactState from, ContactState to,
                                                                        Timestamp changed_at);

}  // namespace fpt_webhooks::inline v0_1
