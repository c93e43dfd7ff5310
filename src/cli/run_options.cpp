#include "cli/run_options.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include <fmt/core.h>

#include <fpt_webhooks/curl/curl_transport.hpp>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/duration.hpp"
#include "cli/input.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr const char* help_hint = "see fpt-webhooks run --help, and docs/run.md";

// Of the app and its option groups, those with a value.
std::vector<const CLI::Option*> given_options(const CLI::App& app) {
    std::vector<const CLI::Option*> given = app.get_options([](const CLI::Option* option) { return !option->empty(); });
    for (const CLI::App* const group : app.get_subcommands({})) {
        for (const CLI::Option* const option : given_options(*group)) given.push_back(option);
    }
    return given;
}

CLI::Option* find_option(CLI::App& app, const std::string& name) {
    CLI::Option* const option = app.get_option_no_throw("--" + name);
    return option != nullptr && option->get_configurable() ? option : nullptr;
}

// The keys of a file that a command line makes void: those that it gives itself, and one key file or variable for both.
std::set<std::string> overridden(const CLI::App& command_line) {
    std::set<std::string> names;
    for (const CLI::Option* const option : given_options(command_line)) names.insert(option->get_single_name());
    if (names.contains("key-file") || names.contains("key-env")) names.insert({"key-file", "key-env"});
    return names;
}

// Without comments and with each array on one line: CLI11 2.1 reads no array that begins with a line break, and takes
// '#' for a comment inside quotes too. `refuse` throws.
template <class Refuse>
std::string simplified(const std::string& text, Refuse refuse) {
    std::string simple;
    char quote = '\0';
    bool in_comment = false;
    int depth = 0;
    for (const char c : text) {
        in_comment = in_comment ? c != '\n' : quote == '\0' && c == '#';
        if (in_comment) continue;
        if (quote != '\0') {
            if (c == '\n') refuse("a text in quotes has no end");
            if (c == '#') refuse("a text with # in it cannot be read");
            if (c == quote) quote = '\0';
        } else {
            if (c == '"' || c == '\'') quote = c;
            if (c == '[') ++depth;
            if (c == ']' && --depth < 0) refuse("an array has no beginning");
        }
        simple += c == '\n' && depth > 0 ? ' ' : c;
    }
    if (quote != '\0') refuse("a text in quotes has no end");
    if (depth > 0) refuse("an array has no end");
    return simple;
}

// Gives the file's values to the options of `app` that the command line did not give.
void add_config_file(CLI::App& app, const std::string& path, const std::set<std::string>& skipped) {
    const auto refuse = [&](const std::string& what) {
        throw Failure(ExitStatus::input, fmt::format("{}: {}", path, what), help_hint);
    };
    std::istringstream stream(simplified(read_input(path), refuse));
    std::set<std::string> seen;
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(stream)) {
        if (!item.parents.empty()) refuse(fmt::format("[{}]: there are no sections", printable(item.parents.front())));
        CLI::Option* const option = find_option(app, item.name);
        if (option == nullptr) refuse(fmt::format("{}: no such option", printable(item.name)));
        if (!seen.insert(item.name).second) refuse(fmt::format("{}: given twice", item.name));
        if (!skipped.contains(item.name)) option->add_result(item.inputs);
    }
}

}  // namespace

void RunOptions::add_to(CLI::App& app) {
    store.add_to(app);
    app.add_option("--config", config_file, "TOML file, keys as these options; these win")
        ->type_name("FILE")
        ->configurable(false);
    app.add_option("--cacert", ca_file, "Authorities of endpoints [the system's]")->type_name("FILE");
    app.add_option("--allow-address", allow, "Private target: address, range or name; repeat")
        ->type_name("ADDR")
        ->allow_extra_args(false);
    app.add_flag("--allow-http", allow_http, "Plain HTTP to allowed addresses");
    add_duration(app, "--timeout", timeout, "Of an attempt");
    const auto set_delays = [this](const std::vector<std::string>& texts) {
        retry.delays.clear();
        for (const std::string& text : texts) {
            for (std::size_t begin = 0; begin <= text.size();) {
                const std::size_t end = std::min(text.find(',', begin), text.size());
                retry.delays.push_back(duration_of("--retry-delays", text.substr(begin, end - begin)));
                begin = end + 1;
            }
        }
    };
    app.add_option_function<std::vector<std::string>>("--retry-delays", set_delays, "FPT: 1m,5m,30m,1h,2h,4h,6h,10h")
        ->type_name("TIMES")
        ->allow_extra_args(false);
    app.add_option("--metrics-port", metrics_port, "/metrics and /healthz on 127.0.0.1; 0: any")
        ->type_name("PORT")
        ->check(CLI::Range(0, 65'535));
    app.add_option("--log-level", log_level, "info, warning or error")
        ->type_name("LEVEL")
        ->check(CLI::IsMember({"info", "warning", "error"}));

    const auto hide = [](CLI::Option* option) { option->group(rare_options); };
    hide(
        app.add_option("--proxy", proxy, "http://ADDRESS:PORT, through which endpoints are reached")->type_name("URL"));
    hide(app.add_option("--deny-address", deny, "Target to refuse: address, range or name; repeat")
             ->type_name("ADDR")
             ->allow_extra_args(false));
    hide(app.add_option("--in-flight", in_flight, fmt::format("Attempts at a time [{}]", in_flight))
             ->type_name("N")
             ->check(CLI::Range(std::size_t{1}, in_flight_limit)));
    hide(add_duration(app, "--connect-timeout", connect_timeout, "DNS, connecting and TLS of an attempt"));
    hide(add_duration(app, "--retry-window", retry.window, "FPT: no attempt later than this after the first"));
    hide(app.add_option("--jitter", retry.jitter_percent,
                        fmt::format("By which each wait is spread [{}]", retry.jitter_percent))
             ->type_name("PERCENT"));
    hide(add_duration(app, "--disable-after", disable_after, "Failure without a break disables a subscription"));
    hide(add_duration(app, "--poll-interval", poll_interval, "How soon other processes' publishes are seen"));
    hide(add_duration(app, "--keep-history", retention.history, "Ended deliveries with their attempts"));
    hide(add_duration(app, "--keep-ids", retention.ids, "Ids of events, by which a repeated publish is known"));
    hide(add_duration(app, "--stalled-after", stalled_after, "Without progress /healthz says so"));
    hide(add_duration(app, "--stop-patience", stop_patience, "How long the end waits for attempts in flight"));
    app.footer(
        "Also: --proxy URL, --deny-address ADDR, --in-flight N, --jitter PERCENT, and\n"
        "--connect-timeout, --retry-window, --disable-after, --poll-interval, --keep-ids,\n"
        "--keep-history, --stalled-after, --stop-patience TIME (500ms, 30s, 5m, 24h, 7d)");
}

void RunOptions::add_to_command_line(CLI::App& app) {
    add_to(app);
    app.get_option("--store")->required(false);
    app.get_option_group("Store key")->require_option(0);
}

RunOptions RunOptions::read(const CLI::App& command_line) {
    RunOptions options;
    CLI::App app;
    options.add_to(app);
    for (const CLI::Option* const option : given_options(command_line)) {
        app.get_option(option->get_name())->add_result(option->results());
    }
    const CLI::Option* const config = command_line.get_option("--config");
    const std::string path = config->empty() ? "" : config->results().back();
    if (!path.empty()) add_config_file(app, path, overridden(command_line));
    try {
        app.parse(std::vector<std::string>());
    } catch (const CLI::RequiredError& error) {
        throw Failure(ExitStatus::usage, error.what(), "on the command line, or in the file of --config");
    } catch (const CLI::ParseError& error) {  // the command line has been through this before
        throw Failure(ExitStatus::input, fmt::format("{}: {}", path, error.what()), help_hint);
    }
    need(options.retry.validate(), "--retry-delays, --retry-window, --jitter");
    return options;
}

LogLevel RunOptions::least_level() const {
    if (log_level == "error") return LogLevel::error;
    return log_level == "warning" ? LogLevel::warning : LogLevel::info;
}

}  // namespace fpt_webhooks::cli
