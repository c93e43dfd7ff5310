// events: the catalogues of both vendors.
#include <memory>
#include <optional>

#include <fpt_webhooks/core.hpp>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/json.hpp"
#include "cli/pii_names.hpp"

namespace fpt_webhooks::cli {
namespace {

struct EventsOptions {
    std::string filter = {};
    std::string vendor = {};
};

struct Catalogue {
    std::vector<const FptEventInfo*> fpt = {};
    std::vector<const UfpEventInfo*> ufp = {};
};

bool is_chosen(const FptEventInfo& event, const std::string& filter) {
    return filter.empty() || equals_ignoring_case(filter, event.name) || equals_ignoring_case(filter, event.family) ||
           equals_ignoring_case(filter, std::string(event.family) + ".*");
}

bool is_chosen(const UfpEventInfo& event, const std::string& filter) {
    return filter.empty() || equals_ignoring_case(canonical_ufp_key(filter), event.key) ||
           equals_ignoring_case(filter, event.category);
}

Catalogue choose(const EventsOptions& options) {
    Catalogue chosen;
    if (options.vendor != "ufp") {
        for (const FptEventInfo& event : fpt_events()) {
            if (is_chosen(event, options.filter)) chosen.fpt.push_back(&event);
        }
    }
    if (options.vendor != "fpt") {
        for (const UfpEventInfo& event : ufp_events()) {
            if (is_chosen(event, options.filter)) chosen.ufp.push_back(&event);
        }
    }
    if (chosen.fpt.empty() && chosen.ufp.empty()) {
        throw Failure(ExitStatus::refused, fmt::format("{}: no such event or family", options.filter),
                      "fpt-webhooks events lists all that are catalogued");
    }
    return chosen;
}

void print_json(const Catalogue& chosen, Console& console) {
    for (const FptEventInfo* const event : chosen.fpt) {
        JsonText json;
        json.begin_object().field("vendor", "fpt").field("event", event->name).field("family", event->family);
        json.field("since", event->since).field("shipped", event->shipped).field("description", event->description);
        json.key("pii").begin_array();
        for (const std::string& name : names_of(pii_categories_of(event->name))) json.value(std::string_view(name));
        json.end_array().key("fields").begin_array();
        for (const FptFieldInfo& field : event->fields) {
            std::optional<std::string> pii;
            if (field.pii) pii = name_of(*field.pii);
            json.begin_object().field("name", field.name).field("type", field.type).field("required", field.required);
            json.field("pii", pii).field("description", field.description).end_object();
        }
        console.print(json.end_array().end_object().text());
    }
    for (const UfpEventInfo* const event : chosen.ufp) {
        JsonText json;
        json.begin_object().field("vendor", "ufp").field("event", event->key).field("family", event->category);
        console.print(json.field("description", event->description).end_object().text());
    }
}

// "contactId, previousSubGroupId?"
std::string names_of_fields(const FptEventInfo& event) {
    std::string names;
    for (const FptFieldInfo& field : event.fields) {
        if (!names.empty()) names += ", ";
        (names += field.name) += field.required ? "" : "?";
    }
    return names.empty() ? "not published yet" : names;
}

void print_tables(const Catalogue& chosen, Console& console) {
    if (!chosen.fpt.empty()) {
        Table table{{"FITPROTRACKER (fpt)", "SINCE", "PII", "DATA"}};
        for (const FptEventInfo* const event : chosen.fpt) {
            table.rows.push_back({std::string(event->name), std::string(event->since),
                                  pii_categories_of(event->name).to_string(), names_of_fields(*event)});
        }
        console.print(table);
    }
    if (!chosen.fpt.empty() && !chosen.ufp.empty()) console.print("");
    if (!chosen.ufp.empty()) {
        Table table{{"FITNESSFORCE (ufp)", "CATEGORY", "SENT WHEN"}};
        for (const UfpEventInfo* const event : chosen.ufp) {
            table.rows.push_back(
                {std::string(event->key), std::string(event->category), std::string(event->description)});
        }
        console.print(table);
    }
}

// One event, with all that is known of it.
void print_event(const FptEventInfo& event, Console& console) {
    console.print("{}: {}", console.paint(Colour::bold, event.name), event.description);
    console.print("FitProTracker {}{}", event.since, event.shipped ? "" : " (on the roadmap: its data stays raw)");
    console.print("personal data: {}", pii_categories_of(event.name).to_string());
    if (event.fields.empty()) return;
    console.print("");
    Table table{{"FIELD", "TYPE", "NEEDED", "PII", "WHAT"}};
    for (const FptFieldInfo& field : event.fields) {
        table.rows.push_back({std::string(field.name), std::string(field.type), field.required ? "yes" : "no",
                              field.pii ? std::string(name_of(*field.pii)) : "-", std::string(field.description)});
    }
    console.print(table);
}

}  // namespace

void add_events_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("events", "The catalogues of both vendors");
    const auto options = std::make_shared<EventsOptions>();
    app->add_option("EVENT", options->filter, "Name or family: contact.created, contact, Sales");
    app->add_option("--vendor", options->vendor, "fpt or ufp; else both")
        ->type_name("NAME")
        ->check(CLI::IsMember({"fpt", "ufp"}));
    commands.push_back({app, [&console, options] {
                            const Catalogue chosen = choose(*options);
                            if (console.json) {
                                print_json(chosen, console);
                            } else if (chosen.fpt.size() == 1 && chosen.ufp.empty()) {
                                print_event(*chosen.fpt.front(), console);
                            } else {
                                print_tables(chosen, console);
                            }
                            return ExitStatus::ok;
                        }});
}

}  // namespace fpt_webhooks::cli
