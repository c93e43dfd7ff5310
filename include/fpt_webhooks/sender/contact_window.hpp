// Coalescing: many changes to one contact in quick succession become one set of events (FPT webhooks overview,
// "coalesced within a short window (~5-10 seconds)"; docs/dispatcher.md).
//
// Without I/O: a store reads a contact's record, `observe` says what it becomes, the store writes that if nobody wrote
// before it, or else reads again; when the window is due, close() gives the events, which the store appends together
// with the state that remains. Values and pure functions: distinct objects may be used by distinct threads, const
// access may be shared.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/event_id.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/sender/contact_change_detector.hpp>

namespace fpt_webhooks::inline v0_1 {

// The vendor promises a window of 5 to 10 seconds, and partners count on it.
inline constexpr std::chrono::seconds contact_window_min{5};
inline constexpr std::chrono::seconds contact_window_max{10};

struct FPT_WEBHOOKS_SENDER_EXPORT ContactWindowOptions {
    // A window closes when nothing has changed for so long. From contact_window_min to `longest`.
    std::chrono::milliseconds quiet = contact_window_min;

    // And so long after its first change, whatever happens. From `quiet` to contact_window_max.
    std::chrono::milliseconds longest = contact_window_max;

    // Errors: invalid_argument that names the field.
    [[nodiscard]] Result<void> validate() const;

    friend bool operator==(const ContactWindowOptions&, const ContactWindowOptions&) = default;
};

// One id for each event that a window may end in. They are stored with it, so that a window which is closed again
// after a crash gives the same events.
struct FPT_WEBHOOKS_SENDER_EXPORT ContactEventIds {
    EventId created;
    EventId status_changed;
    EventId sub_group_changed;
    EventId updated;
    EventId deleted;

    // Five fresh ids that ascend in the order of the events. Errors: crypto_failed.
    [[nodiscard]] static Result<ContactEventIds> generate(const Clock& clock, RandomSource& random);

    friend bool operator==(const ContactEventIds&, const ContactEventIds&) = default;
};

// What a window ends in.
struct FPT_WEBHOOKS_SENDER_EXPORT ContactClosing {
    std::vector<Envelope> events;  // to be appended in this order, together
    ContactState state;            // to be remembered
};

// The changes to one contact that wait to become events.
struct FPT_WEBHOOKS_SENDER_EXPORT ContactWindow {
    // The state before the first change, with which the last one is compared. Nothing: the contact was unknown, and
    // its events cannot say from what it changed. After an insert: the state inserted, so that a contact which is
    // created and then moves to another status within the window tells both.
    std::optional<ContactState> before = {};
    ContactState last = {};

    bool created = false;
    bool changed = false;  // since before, or since the insert; also when it changed back
    bool deleted = false;  // at any time in the window; whether it stayed so is in `last`

    Timestamp opened_at = {};       // wall time of the first change
    Timestamp last_change_at = {};  // wall time of the last one; never before opened_at
    Timestamp changed_at = {};      // of the last change, by the source's clock: the timestamp of all events
    ContactEventIds ids = {};

    // When it closes, by wall time: at the end of the quiet or of the longest time, whichever comes first.
    [[nodiscard]] Timestamp due(const ContactWindowOptions& options) const noexcept;

    // How long to wait until then: zero when it is overdue, and never more than `options.quiet`, even when the wall
    // clock has gone back since. Ask once, when the window is read or written, and count the answer down on the steady
    // clock: then no jump of the wall clock keeps a window open. A process that starts asks for every stored window and
    // closes those with nothing left. `now`: wall time.
    [[nodiscard]] std::chrono::milliseconds time_left(const ContactWindowOptions& options,
                                                      Timestamp now) const noexcept;

    // The events, one to four of them: created, status_changed, sub_group_changed, updated; or deleted in the place of
    // updated. With status_changed or sub_group_changed there is always one of these two. Equal windows give equal
    // events.
    [[nodiscard]] ContactClosing close() const;

    friend bool operator==(const ContactWindow&, const ContactWindow&) = default;
};

// All that is kept of one contact: nothing (it is unknown), its state, or an open window, which holds the state.
struct FPT_WEBHOOKS_SENDER_EXPORT ContactRecord {
    std::optional<ContactState> state = {};
    std::optional<ContactWindow> window = {};  // when there is one, it counts and `state` is nothing

    friend bool operator==(const ContactRecord&, const ContactRecord&) = default;
};

// What the record becomes by a change: a window is opened, or what `detect` finds is merged into the open one, in the
// order of the calls. A change that tells nothing opens no window and lengthens none; a snapshot within a window does
// become its last state. A hard delete discards window and state. A change that comes after the window was due and
// before it was closed still counts in it, and cannot put it off past `longest`.
// `ids`: used when a window opens, else not. `now`: wall time. A clock that went back to before the window was opened
// starts its longest time anew.
// Errors: those of ContactChange::validate; out_of_range for `now`; invalid_argument for a change to another contact.
[[nodiscard]] FPT_WEBHOOKS_SENDER_EXPORT Result<ContactRecord> observe(ContactRecord record, ContactChange change,
                                                                       const ContactEventIds& ids, Timestamp now);

}  // namespace fpt_webhooks::inline v0_1
