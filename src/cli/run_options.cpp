#include "cli/run_options.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <string_view>
#include <system_error>

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

// Of a config file: lines of `key = value`. A value is a word, a text in quotes or an array of those.
class ConfigReader {
  public:
    // `refuse` is called with what is wrong, and throws.
    ConfigReader(std::string_view text, std::function<void(const std::string&)> refuse)
        : rest_(text), refuse_(std::move(refuse)) {}

    struct Entry {
        std::string key;
        std::vector<std::string> values;
    };
    // Nothing at the end of the file.
    std::optional<Entry> next() {
        skip_blank(true);
        if (rest_.empty()) return std::nullopt;
        const std::string line(rest_.substr(0, rest_.find('\n')));
        if (line.front() == '[') refuse_(fmt::format("{}: there are no sections", printable(line)));
        const std::size_t equals = line.find('=');
        Entry entry{.key = trimmed(line.substr(0, equals)), .values = {}};
        if (equals == std::string::npos || entry.key.empty()) {
            refuse_(fmt::format("{}: not of the form key = value", printable(line)));
        }
        key_ = printable(entry.key);
        rest_.remove_prefix(equals + 1);
        skip_blank(false);
        entry.values = take('[') ? array() : std::vector<std::string>{value()};
        skip_blank(false);
        if (!rest_.empty() && rest_.front() != '\n') refuse("nothing may stand behind the value");
        return entry;
    }

  private:
    static constexpr std::string_view white = " \t\r";

    static std::string trimmed(std::string_view text) {
        text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
        return std::string(text.substr(0, text.find_last_not_of(white) + 1));
    }

    void refuse(const char* what) const { refuse_(fmt::format("{}: {}", key_, what)); }

    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    // White space and comments, the line's only or over lines.
    void skip_blank(bool lines) {
        while (!rest_.empty()) {
            if (rest_.front() == '#') rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
            if (rest_.empty() || (white.find(rest_.front()) == white.npos && !(lines && rest_.front() == '\n'))) return;
            rest_.remove_prefix(1);
        }
    }

    // After its opening bracket.
    std::vector<std::string> array() {
        std::vector<std::string> values;
        for (skip_blank(true); !take(']'); skip_blank(true)) {
            if (!values.empty() && !take(',')) refuse("a comma is missing in an array, or its end");
            skip_blank(true);
            if (!values.empty() && take(']')) break;
            values.push_back(value());
        }
        return values;
    }

    std::string value() {
        const char quote = rest_.empty() ? '\0' : rest_.front();
        if (quote != '"' && quote != '\'') {
            const std::string word(rest_.substr(0, rest_.find_first_of(" \t\r\n#,[]\"'=")));
            if (word.empty()) refuse("a value is missing");
            rest_.remove_prefix(word.size());
            return word;
        }
        rest_.remove_prefix(1);
        const std::string text(rest_.substr(0, rest_.find_first_of(std::string{quote, '\n'})));
        rest_.remove_prefix(text.size());
        if (!take(quote)) refuse("a text in quotes has no end");
        if (quote == '"' && text.find('\\') != std::string::npos) refuse("\\ can stand in '...' only");
        return text;
    }

    std::string_view rest_;
    std::function<void(const std::string&)> refuse_;
    std::string key_;  // of the line that is being read, for errors
};

// What `option` cannot take of a file; "": it can.
const char* misfit(const CLI::Option& option, const std::vector<std::string>& values) {
    if (values.empty()) return "an empty array: leave it out";
    if (option.get_expected_max() <= 1 && values.size() > 1) return "one value, no array";
    const bool is_flag = option.get_expected_max() == 0;
    return is_flag && values[0] != "true" && values[0] != "false" ? "true or false" : "";
}

// Gives the file's values to the options of `app` that the command line did not give.
void add_config_file(CLI::App& app, const std::string& path, const std::set<std::string>& skipped) {
    const auto refuse = [&](const std::string& what) {
        throw Failure(ExitStatus::input, fmt::format("{}: {}", path, what), help_hint);
    };
    // A reload reads it again, and must not wait for who writes into a pipe.
    std::error_code ignored;
    if (path == "-" || (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))) {
        refuse("no regular file");
    }
    const std::string text = read_input(path);
    ConfigReader reader(text, refuse);
    std::set<std::string> seen;
    while (const auto entry = reader.next()) {
        const std::string& key = entry->key;
        CLI::Option* const option = find_option(app, key);
        if (option == nullptr) refuse(fmt::format("{}: no such option", printable(key)));
        if (!seen.insert(key).second) refuse(fmt::format("{}: given twice", key));
        const std::string_view why = misfit(*option, entry->values);
        if (!why.empty()) refuse(fmt::format("{}: {}", key, why));
        if (!skipped.contains(key)) option->add_result(entry->values);
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
