// What must come of the changes to contacts, by the rule for windows alone: it keeps the changes of each open window as
// a list, and tells its events from the list when it closes. Shares no code with the detector and its windows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fpt_webhooks/sender/contact_change_detector.hpp>
#include <fpt_webhooks/sender/store.hpp>

namespace simulation {

namespace fw = fpt_webhooks;
using Ms = std::int64_t;

class ContactModel {
  public:
    // An event as it must be.
    struct Told {
        std::string type = {};
        std::string data = {};
        Ms timestamp = 0;
        std::int32_t location = 0;
        std::int32_t organization = 0;
    };
    struct Change {
        fw::ContactOperation operation = fw::ContactOperation::update;
        fw::ContactState state = {};  // after it
        Ms changed_at = 0;
        bool deletes = false;
    };
    struct Window {
        std::optional<fw::ContactState> before = {};
        std::vector<Change> changes = {};  // those that tell something
        Ms opened = 0;                     // by the time line of who saw them
        Ms last = 0;
        std::string opening = {};  // the record that opened it: with the ids of its events
        Ms written_at = 0;         // the tick of the last change
        bool refused = false;      // the store was too full for its events

        [[nodiscard]] Ms due() const;
    };
    struct Contact {
        std::optional<fw::ContactState> state = {};
        std::optional<Window> window = {};
        std::uint64_t version = 0;  // as often as it was written
    };

    [[nodiscard]] Contact& at(const fw::ContactKey& key) { return contacts_[key]; }
    [[nodiscard]] const std::map<fw::ContactKey, Contact>& contacts() const noexcept { return contacts_; }
    [[nodiscard]] std::size_t open_windows() const;

    // Does it alter anything that is kept of this contact? `at`: on the time line of the process that sees it.
    [[nodiscard]] static bool alters(const Contact& contact, const fw::ContactChange& change, Ms at);
    // It is durable. `at`: on the time line of the process that saw it; `record`: what was written.
    void change(Contact& contact, const fw::ContactChange& change, Ms at, Ms tick, const std::string& record);
    // What an open window ends in.
    [[nodiscard]] static std::vector<Told> events_of(const Contact& contact);

    // Is it to be closed at this time of the owner's line?
    [[nodiscard]] static bool is_due(const Window& window, Ms now);
    // When the next one is; nothing: none is open, or all that are have been refused.
    [[nodiscard]] std::optional<Ms> next_due(Ms now) const;

  private:
    std::map<fw::ContactKey, Contact> contacts_;
};

}  // namespace simulation
