// What the killed sender publishes and to whom: everything follows from numbers, so that parent and child, before a
// death and after it, mean the same bytes.
#pragma once

#include <fpt_webhooks/core/contact_events.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/fpt_catalogue.hpp>
#include <fpt_webhooks/sender/dispatcher.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fpt_webhooks::test {

inline constexpr const char* store_key = "an encryption key of 32 bytes ok";
inline constexpr Actor the_host{.role = Role::host};
inline constexpr OrganizationId organization{9};

inline constexpr std::size_t producers = 3;  // producer p publishes for location p + 1
inline constexpr std::size_t endpoints = 6;  // endpoint e is subscription e + 1

// How an endpoint answers the first arrivals of some of its events.
enum class Fault { none, status_500, handler_fails };

struct EndpointPlan {
    std::int32_t location;  // 0: the organization's
    const char* events;
    Fault fault;
    std::uint64_t every;  // event whose number it divides fails first
};

inline constexpr std::array<EndpointPlan, endpoints> endpoint_plans = {{
    {1, "*", Fault::none, 1},
    {1, "contact.*", Fault::status_500, 3},
    {0, "*", Fault::handler_fails, 4},
    {2, "contact.created", Fault::none, 1},
    {3, "*", Fault::status_500, 2},
    {4, "contact.*", Fault::status_500, 5},
}};
inline constexpr std::size_t observing_endpoint = 5;  // of the contacts that are observed
inline constexpr SubscriptionId edited_subscription{1};
inline constexpr SubscriptionId rotated_subscription{4};
inline constexpr SubscriptionId paused_subscription{5};
inline constexpr std::size_t paused_producer = 2;

// The number of an event is in its id: 0...0, producer + 1, number.
inline EventId id_of(std::size_t producer, std::uint64_t number) {
    std::array<std::byte, 16> bytes{};
    bytes[7] = static_cast<std::byte>(producer + 1);
    for (std::size_t i = 0; i < 8; ++i) bytes[15 - i] = static_cast<std::byte>(number >> (8 * i));
    return EventId(bytes);
}

struct Numbered {
    std::size_t producer = 0;
    std::uint64_t number = 0;
};
inline std::optional<Numbered> number_of(const EventId& id) {
    Numbered numbered{.producer = static_cast<std::size_t>(id.bytes()[7]) - 1};
    for (std::size_t i = 8; i < 16; ++i)
        numbered.number = numbered.number << 8 | static_cast<std::uint64_t>(id.bytes()[i]);
    if (numbered.producer >= producers || numbered.number == 0) return std::nullopt;
    if (id != id_of(numbered.producer, numbered.number)) return std::nullopt;
    return numbered;
}

inline bool is_creation(std::uint64_t number) { return number % 2 == 1; }

inline Envelope event_of(std::size_t producer, std::uint64_t number) {
    const auto location = static_cast<std::int32_t>(producer + 1);
    const ContactId contact(static_cast<std::int32_t>(number));
    const EventOrigin origin{.location = LocationId(location),
                             .organization = producer < 2 ? organization : OrganizationId(0),
                             .happened = Timestamp(std::chrono::milliseconds(1'781'092'800'000 + number))};
    auto made = is_creation(number)
                    ? make_envelope(ContactCreated{.contact_id = contact}, origin, *system_clock(), *system_random())
                    : make_envelope(ContactUpdated{.contact_id = contact}, origin, *system_clock(), *system_random());
    Envelope event = std::move(made).value();
    event.event_id = id_of(producer, number);
    return event;
}

// Does endpoint e want it?
inline bool wants(std::size_t endpoint, std::size_t producer, std::uint64_t number) {
    const EndpointPlan& plan = endpoint_plans[endpoint];
    const bool in_scope = plan.location == 0 ? producer < 2 : plan.location == static_cast<std::int32_t>(producer + 1);
    return in_scope && (std::string_view(plan.events) != "contact.created" || is_creation(number));
}

inline std::size_t matches_of(std::size_t producer, std::uint64_t number) {
    std::size_t count = 0;
    for (std::size_t e = 0; e < endpoints; ++e) count += wants(e, producer, number) ? 1 : 0;
    return count;
}

// ---- contacts that are observed, at location 4. Each is seen three times: how it stands, another status, another
// sub-group. Change number n is of contact (n - 1) / 3 + 1, and to see it twice in a row is as to see it once.
inline constexpr std::uint64_t changes_each = 3;
inline constexpr LocationId observed_location{4};

inline Timestamp time_of_change(std::uint64_t number) {
    return Timestamp(std::chrono::milliseconds(1'781'092'800'000 + static_cast<std::int64_t>(number)));
}

inline ContactChange change_of(std::uint64_t number) {
    const std::uint64_t part = (number - 1) % changes_each;
    ContactState state{.location_id = observed_location,
                       .contact_id = ContactId(static_cast<std::int32_t>((number - 1) / changes_each + 1)),
                       .status = part == 0 ? ContactStatus::leads : ContactStatus::members,
                       .fingerprint = std::to_string(part)};
    if (part == 2) state.sub_group = SubGroupId(7);
    return {.operation = part == 0 ? ContactOperation::snapshot : ContactOperation::update,
            .state = state,
            .changed_at = time_of_change(number)};
}

// Tries often and soon: no number of deaths may use up a delivery's attempts.
inline RetryPolicy patient_policy() {
    RetryPolicy policy;
    policy.delays.assign(retry_delays_max, std::chrono::milliseconds(20));
    policy.delays.front() = std::chrono::milliseconds(10);
    return policy;
}

inline std::shared_ptr<const EndpointPolicy> loopback_policy() {
    return EndpointPolicy::create({.allow = {"127.0.0.1"}, .allow_http = true}).value();
}

}  // namespace fpt_webhooks::test
