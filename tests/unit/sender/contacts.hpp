// Contacts, changes to them, and windows for tests of coalescing.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <utility>

#include <fpt_webhooks/sender/contact_window.hpp>

namespace contacts {

namespace fw = fpt_webhooks;

inline const fw::Timestamp start = fw::parse_timestamp("2026-06-10T12:00:00Z").value();

inline fw::ContactState contact(int status, std::string fingerprint = "f") {
    return {.location_id = fw::LocationId(7),
            .organization_id = fw::OrganizationId(3),
            .contact_id = fw::ContactId(9876),
            .status = static_cast<fw::ContactStatus>(status),
            .fingerprint = std::move(fingerprint)};
}

inline fw::ContactState in_sub_group(fw::ContactState state, std::optional<int> sub_group) {
    state.sub_group = sub_group ? std::optional(fw::SubGroupId(*sub_group)) : std::nullopt;
    return state;
}

inline fw::ContactState as_deleted(fw::ContactState state) {
    state.deleted = true;
    return state;
}

// Five ids that differ from those of any other number.
inline fw::ContactEventIds ids(unsigned char number) {
    const auto id = [number](unsigned char event) {
        std::array<std::byte, 16> bytes{};
        bytes[0] = std::byte{number};
        bytes[15] = std::byte{event};
        return fw::EventId(bytes);
    };
    return {.created = id(1), .status_changed = id(2), .sub_group_changed = id(3), .updated = id(4), .deleted = id(5)};
}

// From a few values, so that equal ones are frequent.
inline fw::ContactState random_contact(std::mt19937_64& random) {
    const char* const fingerprints[] = {"", "a", "b", "b", "b"};
    auto state = contact(static_cast<int>(random() % 3), fingerprints[random() % 5]);
    if (random() % 2 == 0) state.sub_group = fw::SubGroupId(static_cast<int>(random() % 2));
    state.deleted = random() % 5 == 0;
    state.organization_id = fw::OrganizationId(random() % 8 == 0 ? 1 : 0);
    return state;
}

}  // namespace contacts
