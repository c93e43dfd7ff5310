#include <fpt_webhooks/sender/contact_change_detector.hpp>

#include "support/catch.hpp"
#include "unit/sender/contacts.hpp"

namespace fw = fpt_webhooks;
using contacts::as_deleted;
using contacts::contact;
using contacts::in_sub_group;
using Operation = fw::ContactOperation;

namespace {

// "created deleted -> deleted": what is found, and how the contact is remembered.
std::string found(Operation operation, const std::optional<fw::ContactState>& known, const fw::ContactState& state) {
    const auto finding = fw::detect(operation, known ? &*known : nullptr, state);
    std::string text;
    if (finding.created) text += "created ";
    if (finding.changed) text += "changed ";
    if (finding.deleted) text += "deleted ";
    CHECK(finding.tells() == !text.empty());
    if (!finding.state) return text + "-> nothing";
    auto expected = state;
    expected.deleted = finding.state->deleted;
    CHECK(*finding.state == expected);
    return text + (finding.state->deleted ? "-> deleted" : "-> alive");
}

}  // namespace

TEST_CASE("contact change detector: a snapshot is remembered and tells nothing") {
    CHECK(found(Operation::snapshot, {}, contact(1)) == "-> alive");
    CHECK(found(Operation::snapshot, {}, as_deleted(contact(1))) == "-> deleted");
    CHECK(found(Operation::snapshot, contact(2), contact(1)) == "-> alive");
}

TEST_CASE("contact change detector: an insert creates, whatever is known") {
    CHECK(found(Operation::insert, {}, contact(1)) == "created -> alive");
    CHECK(found(Operation::insert, contact(1), contact(1)) == "created -> alive");
    CHECK(found(Operation::insert, as_deleted(contact(1)), contact(2)) == "created -> alive");
    CHECK(found(Operation::insert, {}, as_deleted(contact(1))) == "created deleted -> deleted");
}

TEST_CASE("contact change detector: an update of an unknown contact changes it") {
    CHECK(found(Operation::update, {}, contact(1)) == "changed -> alive");
    CHECK(found(Operation::update, {}, as_deleted(contact(1))) == "changed deleted -> deleted");
}

TEST_CASE("contact change detector: an update is what its state shows") {
    const auto known = in_sub_group(contact(1), 5);
    CHECK(found(Operation::update, known, known) == "-> alive");
    CHECK(found(Operation::update, known, in_sub_group(contact(2), 5)) == "changed -> alive");
    CHECK(found(Operation::update, known, in_sub_group(contact(1), 6)) == "changed -> alive");
    CHECK(found(Operation::update, known, contact(1)) == "changed -> alive");
    CHECK(found(Operation::update, known, in_sub_group(contact(1, "g"), 5)) == "changed -> alive");
    CHECK(found(Operation::update, known, as_deleted(known)) == "changed deleted -> deleted");
    CHECK(found(Operation::update, as_deleted(known), known) == "changed -> alive");
    CHECK(found(Operation::update, as_deleted(known), as_deleted(known)) == "-> deleted");
    CHECK(found(Operation::update, as_deleted(known), as_deleted(contact(2))) == "changed -> deleted");
    auto other_organization = known;
    other_organization.organization_id = fw::OrganizationId(99);
    CHECK(found(Operation::update, known, other_organization) == "changed -> alive");
}

TEST_CASE("contact change detector: without a fingerprint every update counts") {
    CHECK(found(Operation::update, contact(1, ""), contact(1, "")) == "changed -> alive");
    CHECK(found(Operation::update, contact(1, "f"), contact(1, "")) == "changed -> alive");
    CHECK(found(Operation::update, contact(1, ""), contact(1, "f")) == "changed -> alive");
    CHECK(found(Operation::snapshot, contact(1, ""), contact(1, "")) == "-> alive");
}

TEST_CASE("contact change detector: delete and reactivation are believed, whatever the state says") {
    for (const auto& known :
         {std::optional<fw::ContactState>(), std::optional(contact(1)), std::optional(as_deleted(contact(1)))}) {
        for (const auto& state : {contact(1), as_deleted(contact(1))}) {
            CHECK(found(Operation::remove, known, state) == "changed deleted -> deleted");
            CHECK(found(Operation::reactivate, known, state) == "changed -> alive");
            CHECK(found(Operation::hard_delete, known, state) == "-> nothing");
        }
    }
}

TEST_CASE("contact change detector: a move is a delete there and an insert here") {
    const auto from = in_sub_group(contact(3), 5);
    auto to = contact(3, "g");
    to.location_id = fw::LocationId(8);
    to.contact_id = fw::ContactId(5);
    const auto move = fw::split_move(from, to, contacts::start).value();
    CHECK(move.left == fw::ContactChange{Operation::remove, from, contacts::start});
    CHECK(move.arrived == fw::ContactChange{Operation::insert, to, contacts::start});

    to.location_id = from.location_id;
    const auto stays = fw::split_move(from, to, contacts::start);
    REQUIRE_FALSE(stays);
    CHECK(stays.error() == fw::Errc::invalid_argument);
    CHECK(stays.error().detail() == "contact move: both states are at the same location");
}

TEST_CASE("contact change detector: refuses a change that no event could carry and no store should keep") {
    fw::ContactChange change{.operation = Operation::update, .state = contact(1), .changed_at = contacts::start};
    CHECK(change.validate());
    change.state.fingerprint.assign(fw::contact_fingerprint_bytes_max, 'f');
    CHECK(change.validate());
    change.state.fingerprint += 'f';
    CHECK(change.validate().error() == fw::Errc::limit_exceeded);
    CHECK(change.validate().error().detail() == "fingerprint: over 256 bytes");
    change.state.fingerprint.clear();
    for (const auto time : {fw::Timestamp::min(), fw::Timestamp::max()}) {
        change.changed_at = time;
        CHECK(change.validate().error() == fw::Errc::out_of_range);
        CHECK(change.validate().error().detail() == "changed_at: outside the years 0000 to 9999");
    }
}

TEST_CASE("contact change detector: every operation has a name") {
    CHECK(fw::name_of(Operation::snapshot) == "snapshot");
    CHECK(fw::name_of(Operation::insert) == "insert");
    CHECK(fw::name_of(Operation::update) == "update");
    CHECK(fw::name_of(Operation::remove) == "remove");
    CHECK(fw::name_of(Operation::reactivate) == "reactivate");
    CHECK(fw::name_of(Operation::hard_delete) == "hard_delete");
    CHECK(fw::name_of(static_cast<Operation>(99)) == "unknown");
}
