#include "cli/sample.hpp"

#include <chrono>
#include <ctime>

#include <fmt/core.h>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/contact_events.hpp>
#include <fpt_webhooks/core/fpt_catalogue.hpp>
#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

Failure no_such_event(const std::string& name, const char* why) {
    return {ExitStatus::usage, fmt::format("--type {}: {}", name, why),
            "fpt-webhooks events lists them; with --body you send whatever you like"};
}

JsonObject data_of(std::string_view type, ContactId contact) {
    if (type == ContactCreated::event_type) return ContactCreated{contact}.to_data();
    if (type == ContactUpdated::event_type) return ContactUpdated{contact}.to_data();
    if (type == ContactDeleted::event_type) return ContactDeleted{contact}.to_data();
    if (type == ContactStatusChanged::event_type) {
        return ContactStatusChanged{contact, ContactStatus::leads, ContactStatus::members}.to_data();
    }
    if (type == ContactSubGroupChanged::event_type) {
        return ContactSubGroupChanged{contact, SubGroupId(3), SubGroupId(7)}.to_data();
    }
    // Of the roadmap's events the vendor has not said more than their names.
    return JsonObject::parse(fmt::format(R"({{"contactId":{}}})", contact.value())).value();
}

Sample make_fpt_sample(const std::string& type, const PlaceOptions& place) {
    if (find_fpt_event(type) == nullptr) throw no_such_event(type, "not in FPT's catalogue");
    if (!EventType::parse(type)) throw no_such_event(type, "a family, no event");
    const Envelope envelope =
        need(make_envelope(type, data_of(type, ContactId(place.contact)),
                           {.location = LocationId(place.location), .organization = OrganizationId(place.organization)},
                           *system_clock(), *system_random()),
             "event");
    return {type, envelope.event_id.to_string(), need(encode_envelope(envelope), "event")};
}

// The gym's wall clock, as UFP writes it. Ours stands in for it.
std::string wall_clock_text(Timestamp time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    char text[32] = "";
    if (localtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%d/%m/%Y %H:%M", &parts);
    return text;
}

Sample make_ufp_sample(const std::string& key, const PlaceOptions& place) {
    if (find_ufp_event(key) == nullptr) throw no_such_event(key, "not in UFP's catalogue");
    // Two equal bodies are one event to UFP's receivers: the id makes each another one.
    const EventId id = need(EventId::generate(*system_clock(), *system_random()), "event");
    UfpEvent event{.event_key = key,
                   .created_at = wall_clock_text(system_clock()->now()),
                   .company_id = CompanyId(place.organization),
                   .tenant_id = TenantId(place.location)};
    event.payload = JsonObject::parse(fmt::format(R"({{"client_id":{},"client_name":"Asha Sample","gender":"Female",)"
                                                  R"("source":"Referral","external_id":"{}","is_child":"False"}})",
                                                  place.contact, id.to_string()))
                        .value();
    std::string body = need(encode_ufp_event(event), "event");
    std::string hash = ufp_idempotency_key(bytes_of(body));
    return {std::string(canonical_ufp_key(key)), std::move(hash), std::move(body)};
}

}  // namespace

void PlaceOptions::add_to(CLI::App& app) {
    app.add_option("--location", location, "Where it happens (1234); UFP: the tenant")->type_name("ID");
    app.add_option("--organization", organization, "Whose location that is (5678); UFP: the company")->type_name("ID");
    app.add_option("--contact", contact, "Whom it is about (9876)")->type_name("ID");
}

Sample make_sample(Profile profile, std::string event_type, const PlaceOptions& place) {
    if (profile == Profile::ufp) return make_ufp_sample(event_type.empty() ? "new_lead_created" : event_type, place);
    return make_fpt_sample(event_type.empty() ? std::string(ContactUpdated::event_type) : event_type, place);
}

}  // namespace fpt_webhooks::cli
