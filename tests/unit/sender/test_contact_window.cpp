#include <fpt_webhooks/sender/contact_window.hpp>

#include <algorithm>
#include <random>

#include <fpt_webhooks/sender/contact_codec.hpp>

#include "support/catch.hpp"
#include "unit/core/doubles.hpp"
#include "unit/sender/contacts.hpp"

namespace fw = fpt_webhooks;
using contacts::as_deleted;
using contacts::contact;
using contacts::in_sub_group;
using contacts::start;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Operation = fw::ContactOperation;
using Names = std::vector<std::string>;

namespace {

std::string number(fw::ContactStatus status) { return std::to_string(static_cast<int>(status)); }
std::string number(std::optional<fw::SubGroupId> id) { return id ? std::to_string(id->value()) : "none"; }

// "status_changed 1>3": an event in short, for one of contact 9876.
std::string short_name(const fw::Envelope& event) {
    const std::string type = event.event_type.text();
    const std::string name = type.substr(type.find('.') + 1);
    fw::ContactId id;
    std::string values;
    if (type == fw::ContactStatusChanged::event_type) {
        const auto data = event.data_as<fw::ContactStatusChanged>().value();
        id = data.contact_id;
        values = ' ' + number(data.previous_status) + '>' + number(data.new_status);
    } else if (type == fw::ContactSubGroupChanged::event_type) {
        const auto data = event.data_as<fw::ContactSubGroupChanged>().value();
        id = data.contact_id;
        values = ' ' + number(data.previous_sub_group) + '>' + number(data.new_sub_group);
    } else if (type == fw::ContactCreated::event_type) {
        id = event.data_as<fw::ContactCreated>().value().contact_id;
    } else if (type == fw::ContactUpdated::event_type) {
        id = event.data_as<fw::ContactUpdated>().value().contact_id;
    } else {
        id = event.data_as<fw::ContactDeleted>().value().contact_id;
    }
    CHECK(id == fw::ContactId(9876));
    CHECK(fw::encode_envelope(event));
    return name + values;
}

Names short_names(const std::vector<fw::Envelope>& events) {
    Names names;
    for (const fw::Envelope& event : events) names.push_back(short_name(event));
    return names;
}

// A contact, its record, and a wall clock that stands still unless told otherwise.
class Source {
  public:
    explicit Source(std::optional<fw::ContactState> known = {}) { record.state = std::move(known); }

    Source& give(Operation operation, const fw::ContactState& state) {
        record = fw::observe(record, {operation, state, changed_at += 1ms}, contacts::ids(++changes), now).value();
        CHECK_FALSE((record.state && record.window));
        return *this;
    }

    // Closes the window, if there is one.
    Names close() {
        if (!record.window) return {};
        closed = record.window->close();
        record = {.state = closed.state};
        return short_names(closed.events);
    }

    fw::ContactRecord record;
    fw::ContactClosing closed;
    fw::Timestamp now = start;
    fw::Timestamp changed_at = start - 1h;
    unsigned char changes = 0;
};

Source known(const fw::ContactState& state) { return Source(state); }

}  // namespace

TEST_CASE("contact window: many changes become one updated, with the final state") {
    auto source = known(contact(1, "a"));
    for (const char* fingerprint : {"b", "c", "d"}) source.give(Operation::update, contact(1, fingerprint));
    CHECK(source.close() == Names{"updated"});
    CHECK(source.record == fw::ContactRecord{.state = contact(1, "d")});
}

TEST_CASE("contact window: a status change comes with updated") {
    CHECK(known(contact(1)).give(Operation::update, contact(3)).close() == Names{"status_changed 1>3", "updated"});
}

TEST_CASE("contact window: a sub-group change comes with updated") {
    CHECK(known(in_sub_group(contact(1), 3)).give(Operation::update, in_sub_group(contact(1), 7)).close() ==
          Names{"sub_group_changed 3>7", "updated"});
    CHECK(known(contact(1)).give(Operation::update, in_sub_group(contact(1), 7)).close() ==
          Names{"sub_group_changed none>7", "updated"});
    CHECK(known(in_sub_group(contact(1), 0)).give(Operation::update, contact(1)).close() ==
          Names{"sub_group_changed 0>none", "updated"});
}

TEST_CASE("contact window: both companions stand before updated, in their order") {
    CHECK(known(contact(1)).give(Operation::update, in_sub_group(contact(2), 7)).close() ==
          Names{"status_changed 1>2", "sub_group_changed none>7", "updated"});
}

TEST_CASE("contact window: A to C through B is one change from A to C") {
    auto source = known(in_sub_group(contact(1), 1));
    source.give(Operation::update, in_sub_group(contact(2), 2)).give(Operation::update, in_sub_group(contact(3), 3));
    CHECK(source.close() == Names{"status_changed 1>3", "sub_group_changed 1>3", "updated"});
}

TEST_CASE("contact window: A to B and back is updated alone") {
    CHECK(known(contact(1)).give(Operation::update, contact(2)).give(Operation::update, contact(1)).close() ==
          Names{"updated"});
}

TEST_CASE("contact window: a delete suppresses updated, and comes last") {
    CHECK(known(contact(1)).give(Operation::remove, contact(1)).close() == Names{"deleted"});
    auto source = known(contact(1));
    source.give(Operation::update, contact(4)).give(Operation::remove, contact(4));
    CHECK(source.close() == Names{"status_changed 1>4", "deleted"});
    CHECK(source.record.state == as_deleted(contact(4)));
    // seen from the state only
    CHECK(known(contact(1)).give(Operation::update, as_deleted(contact(1))).close() == Names{"deleted"});
    CHECK(Source().give(Operation::remove, contact(1)).close() == Names{"deleted"});
    CHECK(Source().give(Operation::update, as_deleted(contact(1))).close() == Names{"deleted"});
    // what changes in a deleted contact does not undelete it
    CHECK(known(contact(1))
              .give(Operation::remove, contact(1))
              .give(Operation::update, as_deleted(contact(1, "g")))
              .close() == Names{"deleted"});
    // and is no second delete
    CHECK(known(as_deleted(contact(1))).give(Operation::update, as_deleted(contact(1, "g"))).close() ==
          Names{"updated"});
}

TEST_CASE("contact window: reactivation shows as updated") {
    CHECK(known(as_deleted(contact(1))).give(Operation::reactivate, contact(1)).close() == Names{"updated"});
    CHECK(known(as_deleted(contact(1))).give(Operation::update, contact(1)).close() == Names{"updated"});
    CHECK(known(as_deleted(contact(1))).give(Operation::reactivate, contact(3)).close() ==
          Names{"status_changed 1>3", "updated"});
    CHECK(Source().give(Operation::reactivate, contact(1)).close() == Names{"updated"});
}

TEST_CASE("contact window: deleted and reactivated is updated") {
    auto source = known(contact(1));
    CHECK(source.give(Operation::remove, contact(1)).give(Operation::reactivate, contact(1)).close() ==
          Names{"updated"});
    CHECK(source.record.state == contact(1));
    CHECK(known(contact(1)).give(Operation::remove, contact(1)).give(Operation::update, contact(1)).close() ==
          Names{"updated"});
    CHECK(known(as_deleted(contact(1)))
              .give(Operation::reactivate, contact(1))
              .give(Operation::remove, contact(1))
              .close() == Names{"deleted"});
}

TEST_CASE("contact window: a snapshot is kept and makes no event") {
    auto source = Source().give(Operation::snapshot, contact(1));
    CHECK(source.record == fw::ContactRecord{.state = contact(1)});
    source.give(Operation::snapshot, contact(2));
    CHECK(source.record == fw::ContactRecord{.state = contact(2)});
    CHECK(source.give(Operation::update, contact(3)).close() == Names{"status_changed 2>3", "updated"});
}

TEST_CASE("contact window: a snapshot within a window is its last state, and neither a change nor a reason to wait") {
    auto source = known(contact(1)).give(Operation::update, contact(2));
    const auto window = *source.record.window;
    source.now += 4s;
    source.give(Operation::snapshot, contact(3));
    CHECK(source.record.window->due({}) == window.due({}));
    CHECK(source.record.window->changed_at == window.changed_at);
    CHECK(source.close() == Names{"status_changed 1>3", "updated"});
}

TEST_CASE("contact window: an insert is created, and alone") {
    auto source = Source().give(Operation::insert, contact(1));
    CHECK(source.close() == Names{"created"});
    CHECK(source.record == fw::ContactRecord{.state = contact(1)});
    CHECK(known(as_deleted(contact(2))).give(Operation::insert, contact(1)).close() == Names{"created"});
}

TEST_CASE("contact window: created comes before what changes afterwards in the same window") {
    CHECK(Source().give(Operation::insert, contact(1)).give(Operation::update, contact(1)).close() == Names{"created"});
    CHECK(Source().give(Operation::insert, contact(1)).give(Operation::update, contact(1, "g")).close() ==
          Names{"created", "updated"});
    CHECK(Source().give(Operation::insert, contact(1)).give(Operation::update, in_sub_group(contact(3), 7)).close() ==
          Names{"created", "status_changed 1>3", "sub_group_changed none>7", "updated"});
}

TEST_CASE("contact window: created and deleted in one window are both told") {
    CHECK(Source().give(Operation::insert, contact(1)).give(Operation::remove, contact(1)).close() ==
          Names{"created", "deleted"});
    CHECK(Source().give(Operation::insert, as_deleted(contact(1))).close() == Names{"created", "deleted"});
    CHECK(Source().give(Operation::insert, contact(1)).give(Operation::remove, contact(4)).close() ==
          Names{"created", "status_changed 1>4", "deleted"});
    CHECK(Source()
              .give(Operation::insert, contact(1))
              .give(Operation::remove, contact(1))
              .give(Operation::reactivate, contact(1))
              .close() == Names{"created", "updated"});
}

TEST_CASE("contact window: an update of an unknown contact is updated, and cannot say from what") {
    CHECK(Source().give(Operation::update, contact(1)).close() == Names{"updated"});
    CHECK(Source().give(Operation::update, contact(1)).give(Operation::update, contact(3)).close() == Names{"updated"});
}

TEST_CASE("contact window: an update that changes nothing opens no window and lengthens none") {
    auto source = known(contact(1)).give(Operation::update, contact(1));
    CHECK(source.record == fw::ContactRecord{.state = contact(1)});
    source.give(Operation::update, contact(2));
    const auto open = source.record;
    source.now += 3s;
    source.give(Operation::update, contact(2));
    CHECK(source.record == open);
}

TEST_CASE("contact window: a hard delete discards the window and forgets the contact") {
    for (const auto operation : {Operation::insert, Operation::update, Operation::remove}) {
        auto source = known(contact(1)).give(operation, contact(2)).give(Operation::hard_delete, contact(0, ""));
        CHECK(source.record == fw::ContactRecord());
    }
    CHECK(known(contact(1)).give(Operation::hard_delete, contact(1)).record == fw::ContactRecord());
    CHECK(Source().give(Operation::hard_delete, contact(1)).record == fw::ContactRecord());
    // an id that is used again is a new contact
    auto source = known(contact(1)).give(Operation::update, contact(2)).give(Operation::hard_delete, contact(2));
    CHECK(source.give(Operation::insert, contact(3)).close() == Names{"created"});
    CHECK(source.closed.events[0].event_id == contacts::ids(3).created);
}

TEST_CASE("contact window: a move is deleted there and created here") {
    const auto from = contact(1);
    auto to = from;
    to.location_id = fw::LocationId(8);
    to.organization_id = fw::OrganizationId(4);
    const auto move = fw::split_move(from, to, start).value();
    const auto there = fw::observe({.state = from}, move.left, contacts::ids(1), start).value().window->close();
    const auto here = fw::observe({}, move.arrived, contacts::ids(2), start).value().window->close();
    REQUIRE(short_names(there.events) == Names{"deleted"});
    REQUIRE(short_names(here.events) == Names{"created"});
    CHECK(there.events[0].location_id == from.location_id);
    CHECK(there.events[0].organization_id == from.organization_id);
    CHECK(here.events[0].location_id == to.location_id);
    CHECK(here.events[0].organization_id == to.organization_id);
    CHECK(here.state == to);
}

TEST_CASE("contact window: all events carry the last change's time, the last organization and the ids of the opening") {
    auto source = known(contact(1));
    source.give(Operation::insert, contact(1)).give(Operation::update, in_sub_group(contact(2), 7));
    auto last = in_sub_group(contact(3), 8);
    last.organization_id = fw::OrganizationId(44);
    source.give(Operation::update, last).give(Operation::update, last);  // the second changes nothing
    source.close();
    const auto& events = source.closed.events;
    REQUIRE(events.size() == 4);
    for (const fw::Envelope& event : events) {
        CHECK(event.timestamp == start - 1h + 3ms);
        CHECK(event.location_id == fw::LocationId(7));
        CHECK(event.organization_id == fw::OrganizationId(44));
        CHECK(event.api_version == "v1");
        CHECK(event.extra.empty());
    }
    CHECK(events[0].event_id == contacts::ids(1).created);
    CHECK(events[1].event_id == contacts::ids(1).status_changed);
    CHECK(events[2].event_id == contacts::ids(1).sub_group_changed);
    CHECK(events[3].event_id == contacts::ids(1).updated);
    CHECK(known(contact(1)).give(Operation::remove, contact(1)).record.window->close().events[0].event_id ==
          contacts::ids(1).deleted);
}

TEST_CASE("contact window: gives the same events each time it is closed, and after it was stored") {
    auto source = known(contact(1)).give(Operation::update, in_sub_group(contact(2), 7));
    const auto& window = *source.record.window;
    const auto stored = fw::decode_contact_window(fw::encode_contact_window(window).value()).value();
    CHECK(stored == window);
    CHECK(stored.close().events == window.close().events);
    CHECK(stored.close().state == window.close().state);
}

TEST_CASE("contact window: closes after five seconds of quiet") {
    auto source = known(contact(1)).give(Operation::update, contact(2));
    CHECK(source.record.window->due({}) == start + 5s);
    source.now = start + 3s;
    source.give(Operation::update, contact(3));
    CHECK(source.record.window->due({}) == start + 8s);
}

TEST_CASE("contact window: closes ten seconds after its first change, whatever happens") {
    auto source = known(contact(1));
    for (int second = 0; second < 12; ++second) {
        source.now = start + second * 1s;
        source.give(Operation::update, contact(1, std::to_string(second)));
        CHECK(source.record.window->due({}) <= start + 10s);
    }
    CHECK(source.record.window->due({}) == start + 10s);
    CHECK(source.record.window->time_left({}, source.now) == 0s);
    CHECK(source.close() == Names{"updated"});
}

TEST_CASE("contact window: has the times of its options, within the vendor's five to ten seconds") {
    const auto window = *known(contact(1)).give(Operation::update, contact(2)).record.window;
    CHECK(window.due({.quiet = 7s, .longest = 9s}) == start + 7s);
    CHECK(fw::ContactWindowOptions{}.validate());
    CHECK(fw::ContactWindowOptions{.quiet = 5s, .longest = 5s}.validate());
    CHECK(fw::ContactWindowOptions{.quiet = 10s, .longest = 10s}.validate());
    for (const auto& options : {fw::ContactWindowOptions{.quiet = 4999ms},
                                {.quiet = 10'001ms},
                                {.quiet = 0ms},
                                {.quiet = 7s, .longest = 6s},
                                {.quiet = milliseconds::max()}}) {
        CHECK(options.validate().error().detail() == "contact window quiet: from 5 s to the longest time");
    }
    const fw::ContactWindowOptions longer{.quiet = 5s, .longest = 10'001ms};
    CHECK(longer.validate().error() == fw::Errc::invalid_argument);
    CHECK(longer.validate().error().detail() == "contact window longest: at most 10 s");
}

TEST_CASE("contact window: what is left of it is never more than the quiet, wherever the clock goes") {
    auto source = known(contact(1)).give(Operation::update, contact(2));
    source.now = start + 8s;
    source.give(Operation::update, contact(3));
    const auto window = *source.record.window;
    CHECK(window.time_left({}, start + 8s) == 2s);
    CHECK(window.time_left({}, start + 9s) == 1s);
    CHECK(window.time_left({}, start + 10s) == 0s);
    CHECK(window.time_left({}, start + 11s) == 0s);
    CHECK(window.time_left({}, start + 1h) == 0s);
    CHECK(window.time_left({}, start - 1h) == 2s);  // what was left at the last change
    CHECK(window.time_left({}, fw::Timestamp::min()) == 2s);
    CHECK(window.time_left({}, fw::Timestamp::max()) == 0s);
}

TEST_CASE("contact window: a clock that goes back an hour keeps no window open for an hour") {
    auto source = known(contact(1)).give(Operation::update, contact(2));
    for (int second = 0; second < 20; ++second) {
        source.now = start - 1h + second * 1s;
        source.give(Operation::update, contact(1, std::to_string(second)));
        CHECK(source.record.window->due({}) <= start - 1h + 10s);
    }
    CHECK(fw::encode_contact_window(*source.record.window));
    source.now = start + 1h;  // and one that goes forward closes it early
    CHECK(source.record.window->time_left({}, source.now) == 0s);
}

TEST_CASE("contact window: clocks of two processes that differ a little do not start it anew") {
    auto source = known(contact(1)).give(Operation::update, contact(2));
    for (int second = 1; second < 10; ++second) {
        source.now = start + second * 1s + (second % 2 == 0 ? 0ms : 1500ms);
        source.give(Operation::update, contact(1, std::to_string(second)));
    }
    CHECK(source.record.window->due({}) == start + 10s);
}

TEST_CASE("contact window: refuses changes to another contact and times that cannot be written") {
    const fw::ContactChange change{Operation::update, contact(1), start};
    auto other = contact(1);
    other.contact_id = fw::ContactId(1);
    const auto refused = fw::observe({.state = other}, change, contacts::ids(1), start);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == fw::Errc::invalid_argument);
    CHECK(refused.error().detail() == "contact change: not of the record's contact");
    auto elsewhere = contact(1);
    elsewhere.location_id = fw::LocationId(1);
    auto source = known(elsewhere).give(Operation::remove, elsewhere);
    CHECK(fw::observe(source.record, change, contacts::ids(1), start).error() == fw::Errc::invalid_argument);

    CHECK(fw::observe({}, change, contacts::ids(1), fw::Timestamp::max()).error().detail() ==
          "contact change: now: outside the years 0000 to 9999");
    const fw::ContactChange never{Operation::update, contact(1), fw::Timestamp::min()};
    CHECK(fw::observe({}, never, contacts::ids(1), start).error().detail() ==
          "contact change: changed_at: outside the years 0000 to 9999");
    const fw::ContactChange large{Operation::update, contact(1, std::string(257, 'f')), start};
    CHECK(fw::observe({}, large, contacts::ids(1), start).error() == fw::Errc::limit_exceeded);
}

TEST_CASE("contact window: its ids are fresh and ascend in the order of the events") {
    const doubles::FixedClock clock(start);
    const auto random = fw::system_random();
    const auto ids = fw::ContactEventIds::generate(clock, *random).value();
    CHECK(ids.created < ids.status_changed);
    CHECK(ids.status_changed < ids.sub_group_changed);
    CHECK(ids.sub_group_changed < ids.updated);
    CHECK(ids.updated < ids.deleted);
    CHECK_FALSE(fw::ContactEventIds::generate(clock, *random).value() == ids);
    doubles::FailingRandom failing;
    CHECK(fw::ContactEventIds::generate(clock, failing).error() == fw::Errc::crypto_failed);
}

namespace {

// The rules once more, over the whole list of changes at once instead of one after another.
class Model {
  public:
    Model(std::optional<fw::ContactState> before, std::vector<fw::ContactChange> changes) {
        for (std::size_t i = changes.size(); i-- > 0;) {
            if (changes[i].operation != Operation::hard_delete) continue;
            changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(i) + 1);
            skipped_ = i + 1;
            before.reset();
            break;
        }
        changes_ = std::move(changes);
        states_.push_back(before);
        for (const auto& change : changes_) {
            auto state = change.state;
            if (change.operation == Operation::remove) state.deleted = true;
            if (change.operation == Operation::reactivate) state.deleted = false;
            states_.emplace_back(state);
        }
    }

    [[nodiscard]] std::optional<fw::ContactState> last() const { return states_.back(); }
    // Of all changes that were given.
    [[nodiscard]] std::optional<std::size_t> first_told() const {
        for (std::size_t i = 0; i < changes_.size(); ++i) {
            if (told(i)) return i + skipped_;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<fw::Timestamp> last_told_at() const {
        for (std::size_t i = changes_.size(); i-- > 0;) {
            if (told(i)) return changes_[i].changed_at;
        }
        return std::nullopt;
    }

    [[nodiscard]] Names events() const {
        const auto first = first_told();
        if (!first) return {};
        std::size_t begin = *first - skipped_;  // of the changes that are compared
        auto reference = states_[begin];
        bool created = false;
        for (std::size_t i = 0; i < changes_.size(); ++i) {
            if (changes_[i].operation != Operation::insert) continue;
            created = true;
            begin = i + 1;
            reference = states_[i + 1];
        }
        bool changed = false;
        bool deleted = created && states_[begin]->deleted;
        for (std::size_t i = begin; i < changes_.size(); ++i) {
            changed = changed || told(i);
            deleted = deleted || changes_[i].operation == Operation::remove ||
                      (changes_[i].operation == Operation::update && states_[i + 1]->deleted &&
                       (!states_[i] || !states_[i]->deleted));
        }
        Names names;
        if (created) names.emplace_back("created");
        if (reference && reference->status != last()->status) {
            names.push_back("status_changed " + number(reference->status) + '>' + number(last()->status));
            changed = true;
        }
        if (reference && reference->sub_group != last()->sub_group) {
            names.push_back("sub_group_changed " + number(reference->sub_group) + '>' + number(last()->sub_group));
            changed = true;
        }
        if (deleted && last()->deleted) {
            names.emplace_back("deleted");
        } else if (changed) {
            names.emplace_back("updated");
        }
        return names;
    }

  private:
    // Does the change with this index open a window, where there is none?
    [[nodiscard]] bool told(std::size_t i) const {
        switch (changes_[i].operation) {
            case Operation::snapshot: return false;
            case Operation::update:
                return !states_[i] || states_[i + 1]->fingerprint.empty() || *states_[i] != *states_[i + 1];
            default: return true;
        }
    }

    std::vector<fw::ContactChange> changes_;
    std::vector<std::optional<fw::ContactState>> states_;  // before the first change, and after each
    std::size_t skipped_ = 0;                              // changes up to the last hard delete
};

}  // namespace

TEST_CASE("contact window: does with random changes what the rules say of all of them together") {
    std::size_t windows = 0;
    for (unsigned seed = 1; seed <= 20'000; ++seed) {
        std::mt19937_64 random(seed);
        std::optional<fw::ContactState> before;
        if (random() % 3 != 0) before = contacts::random_contact(random);
        std::vector<fw::ContactChange> changes(1 + random() % 6);
        fw::ContactRecord record{.state = before};
        std::string told;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            auto& change = changes[i];
            const auto operation = random() % 12;
            change = {operation < 6 ? static_cast<Operation>(operation) : Operation::update,
                      contacts::random_contact(random), start + milliseconds(i)};
            if (operation == 11 && i > 0) change.state = changes[i - 1].state;
            told.append(fw::name_of(change.operation)).append(1, ' ');
            record =
                fw::observe(record, change, contacts::ids(static_cast<unsigned char>(i)), start + i * 100ms).value();
            if (!record.window) continue;
            const auto stored = fw::encode_contact_window(*record.window).value();
            REQUIRE(fw::decode_contact_window(stored).value() == *record.window);
        }
        INFO("seed " << seed << ": " << told);
        const Model model(before, changes);
        REQUIRE(record.window.has_value() == model.first_told().has_value());
        if (!record.window) {
            REQUIRE(record.state == model.last());
            continue;
        }
        ++windows;
        const auto closing = record.window->close();
        REQUIRE(short_names(closing.events) == model.events());
        REQUIRE(closing.state == *model.last());
        REQUIRE(record.window->ids == contacts::ids(static_cast<unsigned char>(*model.first_told())));
        REQUIRE(record.window->opened_at == start + *model.first_told() * 100ms);
        for (const auto& event : closing.events) REQUIRE(event.timestamp == model.last_told_at());
        REQUIRE(closing.events.size() <= 4);
    }
    CHECK(windows > 10'000);
}
