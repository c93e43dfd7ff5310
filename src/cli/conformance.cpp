// conformance: does a receiver at some URL keep FPT's contract?
#include <memory>

#include <fpt_webhooks/sender/url.hpp>
#include <fpt_webhooks/testing/conformance.hpp>
#include <fpt_webhooks/testing/junit_xml.hpp>
#include <fpt_webhooks/testing_sender/transport_exchange.hpp>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/output.hpp"
#include "cli/sample.hpp"
#include "cli/target.hpp"

namespace fpt_webhooks::cli {
namespace {

using testing::Verdict;

struct ConformanceCommand {
    std::string url = {};
    SecretSource secrets = {};
    PlaceOptions place = {};
    TargetAccess access = {};
    std::vector<std::string> only = {};
    std::string junit_file = {};
    bool list = false;

    void add_to(CLI::App& app) {
        app.add_option("URL", url, "The receiver's, https:// or http://");
        secrets.add_to(app, false);
        place.add_to(app);
        access.add_to(app);
        app.add_option("--only", only, "Play this scenario alone; repeatable")
            ->type_name("NAME")
            ->allow_extra_args(false);
        app.add_option("--junit", junit_file, "Write the report there too, as JUnit XML")->type_name("FILE");
        app.add_flag("--list", list, "Name the scenarios and play none");
    }
};

ExitStatus print_list(Console& console) {
    Table table{.heading = {"SCENARIO", "PURPOSE"}};
    for (const auto& [name, purpose] : testing::conformance_scenarios()) {
        if (console.json) {
            console.print(
                JsonText().begin_object().field("scenario", name).field("purpose", purpose).end_object().text());
        } else {
            table.rows.push_back({std::string(name), std::string(purpose)});
        }
    }
    if (!console.json) console.print(table);
    return ExitStatus::ok;
}

// In the runner's order.
std::vector<std::string> chosen_scenarios(const std::vector<std::string>& only) {
    std::vector<std::string> chosen;
    for (const auto& scenario : testing::conformance_scenarios()) {
        const bool wanted = std::find(only.begin(), only.end(), scenario.name) != only.end();
        if (only.empty() || wanted) chosen.emplace_back(scenario.name);
    }
    for (const std::string& name : only) {
        if (std::find(chosen.begin(), chosen.end(), name) == chosen.end()) {
            throw Failure(ExitStatus::usage, fmt::format("--only {}: no such scenario", name), "--list names them all");
        }
    }
    return chosen;
}

// Over http:// the runner uses a socket of its own, since two scenarios need a hand on it.
testing::ConformanceOptions runner_options(const ConformanceCommand& command) {
    const auto secrets = command.secrets.all();
    command.secrets.check({secrets.front()}, Scheme::fpt);
    testing::ConformanceOptions options{.url = command.url, .secret = secrets.front().secret};
    options.origin = {.location = LocationId(command.place.location),
                      .organization = OrganizationId(command.place.organization)};
    options.contact = ContactId(command.place.contact);
    const auto url = Url::parse(command.url);
    if (url && !url->is_https()) {
        // Who gives such an option expects something of it.
        const bool useless = !command.access.allowed.empty() || !command.access.authorities.empty();
        if (useless) {
            throw Failure(ExitStatus::usage, "--allow-address, --cacert: of no use over http://",
                          "there any address may be played against, and no certificate is shown");
        }
    } else {
        const auto policy = command.access.policy_for(command.url, false);
        options.exchange = testing::transport_exchange(command.access.transport(), policy);
    }
    return options;
}

void print_report(const testing::ConformanceReport& report, Console& console) {
    Table table{.heading = {"SCENARIO", "VERDICT", "REASON"}};
    for (const testing::ScenarioResult& result : report.results) {
        if (console.json) {
            JsonText json;
            json.begin_object().field("scenario", result.name).field("verdict", name_of(result.verdict));
            json.field("reason", printable(result.reason)).field("took_ms", result.took.count());
            console.print(json.end_object().text());
            continue;
        }
        Colour colour = Colour::yellow;
        if (result.verdict == Verdict::passed) colour = Colour::green;
        if (result.verdict == Verdict::failed) colour = Colour::red;
        table.rows.push_back({result.name, {std::string(name_of(result.verdict)), colour}, printable(result.reason)});
    }
    if (!console.json) console.print(table);
    console.note(fmt::format("{} passed, {} failed, {} not checked", report.count(Verdict::passed),
                             report.count(Verdict::failed), report.count(Verdict::not_checked)));
}

ExitStatus run(const ConformanceCommand& command, Console& console) {
    if (command.list) return print_list(console);
    if (command.url.empty()) throw Failure(ExitStatus::usage, "URL is required", "or --list");
    const auto scenarios = chosen_scenarios(command.only);
    testing::ConformanceOptions options = runner_options(command);
    testing::ConformanceReport report;
    for (const std::string& scenario : scenarios) {  // one by one, for the progress
        console.progress(fmt::format("{} of {}: {}", report.results.size() + 1, scenarios.size(), scenario));
        options.only = {scenario};
        auto played = testing::run_conformance(options);
        if (!played) throw Failure(ExitStatus::usage, played.error().detail());
        for (testing::ScenarioResult& result : played->results) report.results.push_back(std::move(result));
    }
    console.progress("");
    print_report(report, console);
    if (!command.junit_file.empty()) write_file(command.junit_file, testing::to_junit_xml(report, command.url));
    return report.count(Verdict::failed) == 0 ? ExitStatus::ok : ExitStatus::no;
}

}  // namespace

void add_conformance_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("conformance", "Plays FPT's scenarios against a receiver");
    const auto command = std::make_shared<ConformanceCommand>();
    command->add_to(*app);
    app->footer("What HTTP alone cannot show (was there one effect?) stays \"not checked\".");
    commands.push_back({app, [&console, command] { return run(*command, console); }});
}

}  // namespace fpt_webhooks::cli
