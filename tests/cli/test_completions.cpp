#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "cli/help_pages.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

namespace {

using Words = std::vector<std::string>;

// What bash offers for the last word of a line, the others standing before it.
std::set<std::string> offered(const Words& words, const ProgramOptions& options = {}) {
    std::string line = "source <(fpt-webhooks completions bash)\nCOMP_WORDS=(fpt-webhooks";
    for (const std::string& word : words) line += " '" + word + "'";
    line += ")\nCOMP_CWORD=" + std::to_string(words.size()) + "\n_fpt_webhooks 2>/dev/null\n";
    line += R"(for word in "${COMPREPLY[@]}"; do printf '%s\n' "$word"; done)";
    const Ended ended = run_shell(line, options);
    REQUIRE(ended.err == "");
    std::set<std::string> found;
    std::istringstream lines(ended.out);
    for (std::string word; std::getline(lines, word);) found.insert(word);
    return found;
}

std::set<std::string> options_of(const HelpPage& page) {
    std::set<std::string> options(page.options.begin(), page.options.end());
    options.insert({"--help", "--json", "--utc"});  // which every command takes
    return options;
}

std::string script_for(const std::string& shell) {
    const Ended ended = run_program({"completions", shell});
    CHECK(ended.status == 0);
    CHECK(ended.err == "");
    return ended.out;
}

// From `begin` on, up to and with `end`.
std::string part(const std::string& text, const std::string& begin, const std::string& end) {
    const auto from = text.find(begin);
    return from == std::string::npos ? "" : text.substr(from, text.find(end, from) + end.size() - from);
}

// Does the shell take the script for a program of its own?
void check_syntax(const std::string& shell) {
    const Ended ended = run_shell(shell + " -n <(fpt-webhooks completions " + shell + ")");
    CHECK(ended.err == "");
    CHECK(ended.status == 0);
}

}  // namespace

TEST_CASE("fpt-webhooks: bash completes commands") {
    for (const HelpPage& page : help_pages()) {
        if (page.commands.empty()) continue;
        CAPTURE(page.name());
        Words words = page.path;
        words.emplace_back("");
        CHECK(offered(words) == std::set<std::string>(page.commands.begin(), page.commands.end()));
    }
    CHECK(offered({"ke"}) == std::set<std::string>{"keygen"});
    CHECK(offered({"--utc", "ke"}) == std::set<std::string>{"keygen"});
    CHECK(offered({"subscriptions", "re"}) == std::set<std::string>{"resume"});
    CHECK(offered({"nonsense"}).empty());
}

TEST_CASE("fpt-webhooks: bash completes every option of every command") {
    for (const HelpPage& page : help_pages()) {
        CAPTURE(page.name());
        Words words = page.path;
        words.emplace_back("--");
        CHECK(offered(words) == options_of(page));
    }
    CHECK(offered({"sign", "--secret-"}) == std::set<std::string>{"--secret-env", "--secret-file"});
    CHECK(offered({"run", "--stop"}) == std::set<std::string>{"--stop-patience"});
    CHECK(offered({"sign", "--body", "b", "--json", "--sch"}) == std::set<std::string>{"--scheme"});
    CHECK(offered({"keygen", ""}).contains("--store-key"));
}

TEST_CASE("fpt-webhooks: bash completes the value of an option and nothing else in its place") {
    const std::set<std::string> schemes = {"fpt", "ufp", "standard_webhooks"};
    CHECK(offered({"sign", "--scheme", ""}) == schemes);
    CHECK(offered({"verify", "--scheme", "u"}) == std::set<std::string>{"ufp"});
    CHECK(offered({"verify", "--scheme", "-"}).empty());
    CHECK(offered({"events", "--vendor", ""}) == std::set<std::string>{"fpt", "ufp"});
    CHECK(offered({"run", "--log-level", "w"}) == std::set<std::string>{"warning"});
    CHECK(offered({"publish", "--vendor", ""}) == std::set<std::string>{"fpt", "ufp"});
    CHECK(offered({"deliveries", "list", "--state", "d"}) == std::set<std::string>{"delivered", "dropped"});
    CHECK(offered({"send", "--type", "contact.c"}) == std::set<std::string>{"contact.created"});
    CHECK(offered({"subscriptions", "test", "--type", "contact.c"}) == std::set<std::string>{"contact.created"});
    CHECK(offered({"subscriptions", "edit", "--pii", "f"}) == std::set<std::string>{"financial"});
    CHECK(offered({"conformance", "--only", "unk"}) == std::set<std::string>{"unknown_event"});
    CHECK(offered({"sign", "--id", ""}).empty());
    CHECK(offered({"sign", "--id", "-"}).empty());
    // --scheme=u is three words to bash
    CHECK(offered({"sign", "--scheme", "="}) == schemes);
    CHECK(offered({"sign", "--scheme", "=", "u"}) == std::set<std::string>{"ufp"});
    // a value that a command is called, too
    CHECK(offered({"sign", "--id", "verify", "--sc"}) == std::set<std::string>{"--scheme"});
    CHECK(!offered({"sign", "--id", "verify", "--"}).contains("--tolerance"));

    const ProgramOptions with_secret = {.variables = {{"PARTNER_SECRET", "x"}, {"PARTNER_KEY", "x"}}};
    CHECK(offered({"sign", "--secret-env", "PARTNER_"}, with_secret) ==
          std::set<std::string>{"PARTNER_SECRET", "PARTNER_KEY"});
}

TEST_CASE("fpt-webhooks: bash completes what a command works on") {
    CHECK(offered({"completions", ""}) == std::set<std::string>{"bash", "zsh", "fish"});
    CHECK(offered({"events", "contact.c"}) == std::set<std::string>{"contact.created"});
    CHECK(offered({"events", "--vendor", "fpt", "contact"}).size() == 6);
    CHECK(offered({"events", "trial_c"}) == std::set<std::string>{"trial_created"});

    const TemporaryFolder folder;
    for (const char* const name : {"one capture.http", "one.txt", "two.txt"}) std::ofstream(folder.file(name)) << "x";
    std::filesystem::create_directory(folder.file("two folder"));
    const ProgramOptions there = {.folder = folder.path.string()};
    CHECK(offered({"explain", "one"}, there) == std::set<std::string>{"one capture.http", "one.txt"});
    CHECK(offered({"explain", "--secret-file", "t"}, there) == std::set<std::string>{"two folder", "two.txt"});
    CHECK(offered({"explain", "--secret-file", "=", "two."}, there) == std::set<std::string>{"two.txt"});
    CHECK(offered({"listen", "--record", "t"}, there) == std::set<std::string>{"two folder"});
    CHECK(offered({"send", "t"}, there).empty());
    CHECK(offered({"sign", "one"}, there).empty());
}

TEST_CASE("fpt-webhooks: the script for bash is in force once it is sourced") {
    const Ended ended = run_shell("source <(fpt-webhooks completions bash); complete -p fpt-webhooks");
    CHECK(ended.err == "");
    CHECK(ended.out == "complete -F _fpt_webhooks fpt-webhooks\n");
}

TEST_CASE("fpt-webhooks: the script for zsh has every command and option") {
    const std::string script = script_for("zsh");
    CHECK(script.starts_with("#compdef fpt-webhooks\n"));
    for (const HelpPage& page : help_pages()) {
        const std::string function = "_fpt-webhooks" + (page.path.empty() ? "" : "_" + page.name("_"));
        const std::string body = part(script, "\n" + function + "() {\n", "\n}\n");
        INFO(function << "\n" << body);
        for (const std::string& option : options_of(page)) {
            CAPTURE(option);
            CHECK(std::regex_search(body, std::regex("\n        '\\*?" + option + "=?\\[")));
        }
        for (const std::string& command : page.commands) {
            CAPTURE(command);
            CHECK(body.find("\n        '" + command + ":") != std::string::npos);
            CHECK(body.find("\n                " + command + ") " + function + "_" + command + " ;;") !=
                  std::string::npos);
        }
    }
    CHECK(script.find("]:NAME:(fpt ufp standard_webhooks)' \\\n") != std::string::npos);
    CHECK(script.find("\n        ':CAPTURE:_files'") != std::string::npos);
    CHECK(script.find("]:FILE:_files' \\\n") != std::string::npos);
    CHECK(script.find("'*--header=[") != std::string::npos);
    check_syntax("zsh");
}

TEST_CASE("fpt-webhooks: the script for fish has every command and option") {
    const std::string script = script_for("fish");
    for (const HelpPage& page : help_pages()) {
        const std::string path = page.path.empty() ? "" : "/" + page.name("/");
        const std::string begin = "\ncomplete -c fpt-webhooks -n \"__fpt_webhooks_at '" + path + "'\"";
        CAPTURE(begin);
        for (const std::string& option : options_of(page)) {
            CAPTURE(option);
            CHECK(std::regex_search(script, std::regex(begin + "( -s h)? -l " + option.substr(2) + " ")));
        }
        for (const std::string& command : page.commands) {
            CAPTURE(command);
            CHECK(script.find(begin + " -a " + command + " -d '") != std::string::npos);
            CHECK(script.find(" " + path + "/" + command) != std::string::npos);
        }
    }
    CHECK(script.find(" -l scheme -x -a 'fpt ufp standard_webhooks' -d '") != std::string::npos);
    CHECK(script.find(" -l secret-file -r -F -d '") != std::string::npos);

    const std::regex form(R"re(complete -c fpt-webhooks( -f)?( -n "__fpt_webhooks_at '[a-z/-]*'")?)re"
                          R"re(( -[sla] [a-z-]+| -[rxF]| -a '[^'\\]*'| -d '([^'\\]|\\.)*')*)re");
    std::istringstream lines(script);
    int checked = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("complete")) continue;
        CAPTURE(line);
        CHECK(std::regex_match(line, form));
        ++checked;
    }
    CHECK(checked > 50);
    check_syntax("fish");
}

TEST_CASE("fpt-webhooks: fish completes commands, options and values by its script") {
    const auto offers = [](const std::string& line) {
        return run_shell("fish -N -c 'fpt-webhooks completions fish | source; complete -C \"" + line + "\"' | cut -f 1",
                         {.variables = {{"HOME", "/nonexistent"}}})
            .out;
    };
    CHECK(offers("fpt-webhooks ke") == "keygen\n");
    CHECK(offers("fpt-webhooks --utc ke") == "keygen\n");
    CHECK(offers("fpt-webhooks subscriptions re") == "resume\n");
    CHECK(offers("fpt-webhooks sign --sch") == "--scheme\n");
    CHECK(offers("fpt-webhooks sign --scheme u") == "ufp\n");
}

TEST_CASE("fpt-webhooks: completions refuses a shell that it does not know, and JSON") {
    const Ended shell = run_program({"completions", "ksh"});
    CHECK(shell.status == 2);
    CHECK(shell.err == "fpt-webhooks: SHELL: ksh not in {bash,zsh,fish}\n  see fpt-webhooks completions --help\n");
    const Ended none = run_program({"completions"});
    CHECK(none.status == 2);
    CHECK(none.err == "fpt-webhooks: SHELL is required\n  see fpt-webhooks completions --help\n");
    const Ended json = run_program({"completions", "zsh", "--json"});
    CHECK(json.status == 2);
    CHECK(json.out == "");
    CHECK(json.err == "fpt-webhooks: --json: a script is no JSON\n");
}
