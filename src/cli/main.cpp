// The program `fpt-webhooks`: everything that a person does by hand around signed webhooks. docs/fpt-webhooks.md.
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/console.hpp"

namespace {

using namespace fpt_webhooks::cli;

// The help of a command fits one screen of 80 by 24: an option's name and type, and what it is. CLI11's remarks on
// checks and exclusions would break the columns, and those on groups take three lines each.
class HelpFormatter : public CLI::Formatter {
  public:
    HelpFormatter() { column_width(30); }

    // Who reads this knows of --help.
    std::string make_option(const CLI::Option* option, bool is_positional) const override {
        return option->check_lname("help") ? "" : CLI::Formatter::make_option(option, is_positional);
    }

    // Right under the line that shows where they stand.
    std::string make_positionals(const CLI::App* app) const override {
        std::string text;
        for (const CLI::Option* option : app->get_options([](const auto* any) { return any->get_positional(); })) {
            text += make_option(option, true);
        }
        return text;
    }

    std::string make_option_opts(const CLI::Option* option) const override {
        if (option->get_positional() || option->get_type_size() == 0) return {};
        const std::string type = option->get_type_name();  // its checks stand behind a colon
        return " " + type.substr(0, type.find(':')) + (option->get_required() ? " REQUIRED" : "");
    }

    std::string make_group(std::string group, bool is_positional,
                           std::vector<const CLI::Option*> options) const override {
        return group == rare_options ? "" : CLI::Formatter::make_group(group, is_positional, options);
    }

    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
        std::string help = CLI::Formatter::make_help(app, name, mode);
        const auto gap = help.find("\n\n\n");  // what a group that is not listed leaves
        if (gap != std::string::npos) help.erase(gap, 1);
        return help;
    }

    std::string make_expanded(const CLI::App* group) const override {
        const bool one = group->get_require_option_min() == 1 && group->get_require_option_max() == 1;
        std::string text =
            "\n" + group->get_group() + (one ? " (one is needed): " : ": ") + group->get_description() + "\n";
        for (const CLI::Option* option : group->get_options({})) text += make_option(option, false);
        return text;
    }
};

void set_up(CLI::App& app, Console& console) {
    app.formatter(std::make_shared<HelpFormatter>());
    app.fallthrough();
    app.require_subcommand(1);
    app.add_flag("--json", console.json, "JSON for machines, one value a line");
    app.add_flag("--utc", console.utc, "Times in UTC instead of the local zone");
    app.set_version_flag("--version", "fpt-webhooks " FPT_WEBHOOKS_VERSION);
}

int fail(ExitStatus status, const std::string& what, const std::string& hint = {}) {
    write_error(fmt::format("fpt-webhooks: {}\n", printable(what)));
    if (!hint.empty()) write_error(fmt::format("  {}\n", hint));
    return static_cast<int>(status);
}

// "fpt-webhooks subscriptions create"
std::string path_of(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + " " + app.get_name();
}

// The innermost command that was named, for which help is offered.
const CLI::App& innermost(const CLI::App& app) {
    const auto named = app.get_subcommands();
    return named.empty() ? app : innermost(*named.front());
}

// What CLI11 says, but for a command that there is not: of that it says that one is missing.
std::string words_of(const CLI::ParseError& error, const CLI::App& app) {
    const std::vector<std::string> unknown = app.remaining(true);
    const bool is_missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (!is_missing || unknown.empty() || unknown.front().starts_with("-")) return error.what();
    return unknown.front() + ": no such command";
}

// A standard descriptor that was closed would go to the next file that is opened, and be written to by mistake. What
// stands in its place fails as a closed one does.
void occupy_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) >= 0) continue;
        // The lowest that is free: this one. Opened for the other direction, it can be neither read nor written.
        [[maybe_unused]] const int opened = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

int run(int argc, char** argv) {
    Console console;
    CLI::App app("Sends, receives and looks after signed webhooks (FitProTracker, FitnessForce)", "fpt-webhooks");
    set_up(app, console);
    Commands commands;
    add_signature_commands(app, console, commands);
    add_events_command(app, console, commands);
    add_send_command(app, console, commands);
    add_listen_command(app, console, commands);
    add_conformance_command(app, console, commands);
    add_subscription_commands(app, console, commands);
    add_publish_command(app, console, commands);
    add_delivery_commands(app, console, commands);
    add_run_command(app, console, commands);
    add_completions_command(app, console, commands);
    add_manual_command(app, console, commands);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {  // --help, --version
        std::ostringstream text;
        app.exit(success, text, text);
        console.print(std::string_view(text.view()).substr(0, text.view().find_last_not_of('\n') + 1));
        return static_cast<int>(ExitStatus::ok);
    } catch (const CLI::ParseError& error) {
        return fail(ExitStatus::usage, words_of(error, app), "see " + path_of(innermost(app)) + " --help");
    }
    for (const Command& command : commands) {
        if (command.app->parsed() && command.app->get_subcommands().empty()) {
            return static_cast<int>(command.run());
        }
    }
    return fail(ExitStatus::usage, "no command", "see fpt-webhooks --help");
}

}  // namespace

int main(int argc, char** argv) {
    occupy_standard_descriptors();
    std::signal(SIGPIPE, SIG_IGN);  // a peer that closes is an error of that write, not the end
    try {
        return run(argc, argv);
    } catch (const Failure& failure) {
        return fail(failure.status(), failure.what(), failure.hint());
    } catch (const std::exception& error) {
        return fail(ExitStatus::machine, error.what());
    }
}
