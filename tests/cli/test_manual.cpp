#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "cli/help_pages.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

namespace {

const std::string& manual() {
    static const std::string page = run_program({"manual"}).out;
    return page;
}

// Text of the page as a reader sees it.
std::string plain(const std::string& roff) {
    static const std::map<std::string, std::string> characters = {{"\\\"", ""},   {"\\-", "-"},   {"\\e", "\\"},
                                                                  {"\\&", ""},    {"\\(aq", "'"}, {"\\(dq", "\""},
                                                                  {"\\(ga", "`"}, {"\\(ti", "~"}};
    std::string text = std::regex_replace(roff, std::regex("\\\\f[BIR]"), "");
    static const std::regex escape(R"(\\(\([a-z]{2}|.))");
    std::string out;
    auto from = text.cbegin();
    for (std::sregex_iterator at(text.begin(), text.end(), escape), end; at != end; ++at) {
        out.append(from, (*at)[0].first);
        out += characters.at(at->str());
        from = (*at)[0].second;
    }
    return out.append(from, text.cend());
}

// What stands between a line and the next one that begins a section, or one with `end`.
std::string part(const std::string& text, const std::string& begin, const std::string& end) {
    auto from = text.find("\n" + begin + "\n");
    if (from == std::string::npos) return "";
    from += begin.size() + 2;
    return text.substr(from, text.find("\n" + end, from) + 1 - from);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// The rows of the table under a heading of docs/fpt-webhooks.md, without marks of code.
std::vector<std::string> rows_under(const std::string& heading) {
    std::ifstream file(FPT_WEBHOOKS_DOCS "/fpt-webhooks.md");
    std::ostringstream text;
    text << file.rdbuf();
    std::vector<std::string> rows;
    for (std::string line : lines_of(part(text.str(), "## " + heading, "## "))) {
        if (!line.starts_with("| ")) continue;
        line.erase(std::remove(line.begin(), line.end(), '`'), line.end());
        rows.push_back(line);
    }
    if (!rows.empty()) rows.erase(rows.begin());  // the table's head
    return rows;
}

// Of the manual, each with its lines.
std::vector<std::string> examples() {
    const std::string page = plain(manual());
    std::vector<std::string> found;
    for (std::size_t at = 0; (at = page.find("\n.EX\n", at)) != std::string::npos; ++at) {
        found.push_back(part(page.substr(at), ".EX", ".EE"));
    }
    return found;
}

// A line "fpt-webhooks listen ..." as a process.
std::unique_ptr<RunningProgram> start(const std::string& line, const ProgramOptions& options) {
    std::istringstream words(line);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    arguments.erase(arguments.begin());
    return std::make_unique<RunningProgram>(arguments, options);
}

// Up to the next slash of its output, or "" if that never comes.
std::string text_behind(const RunningProgram& program, const std::string& text) {
    const auto from = program.wait_for(text);
    const auto to = from ? program.wait_for("/", *from) : std::nullopt;
    return to ? program.out().substr(*from, *to - 1 - *from) : "";
}

// The usage line of a command's part: "fpt-webhooks explain [OPTIONS] [CAPTURE]".
std::string heading_of(const HelpPage& page) {
    const std::string begin = ".SS \"fpt-webhooks " + page.name() + " ";
    for (const std::string& line : lines_of(plain(manual()))) {
        const bool own = line.starts_with(begin + "[OPTIONS]") || line == begin + "COMMAND\"";
        if (own) return line;
    }
    return "";
}

}  // namespace

TEST_CASE("fpt-webhooks: the manual has every command with every option, and what both are") {
    const std::string page = plain(manual());
    for (const HelpPage& help : help_pages()) {
        const std::string heading = help.path.empty() ? ".SH OPTIONS" : heading_of(help);
        const std::string text = part(page, heading, ".S");
        INFO(heading << "\n" << text);
        CHECK(text.find(help.description) != std::string::npos);
        for (const std::string& option : help.options) {
            if (option == "--help" && !help.path.empty()) continue;  // told once
            CAPTURE(option);
            // Its line, and one that says what it is.
            CHECK(
                std::regex_search(text, std::regex("\\.TP\n(-h, )?" + option + "( [A-Z]+)?( \\(needed\\))?\n[^.\n]")));
        }
    }
    CHECK(heading_of({.path = {"explain"}}) == ".SS \"fpt-webhooks explain [OPTIONS] [CAPTURE]\"");
    CHECK(heading_of({.path = {"completions"}}) == ".SS \"fpt-webhooks completions [OPTIONS] SHELL\"");
}

TEST_CASE("fpt-webhooks: the manual is set without a warning") {
    const std::set<std::string> macros = {".\\\"", ".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".BR", ".EX", ".EE"};
    std::vector<std::string> sections;
    for (const std::string& line : lines_of(manual())) {
        CAPTURE(line);
        CHECK(line != "");
        CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
        CHECK(!line.starts_with("'"));
        if (line.starts_with(".")) CHECK(macros.contains(line.substr(0, line.find(' '))));
        if (line.starts_with(".SH ")) sections.push_back(line.substr(4));
    }
    CHECK(sections == std::vector<std::string>{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS",
                                               "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"});
    const TemporaryFolder folder;
    std::ofstream(folder.file("page.1")) << manual();
    const Ended set = run_shell("groff -man -Tutf8 -ww -z page.1", {.folder = folder.path.string()});
    CHECK(set.err == "");
    CHECK(set.out == "");
    CHECK(set.status == 0);
}

TEST_CASE("fpt-webhooks: the examples of the manual do what they say") {
    const TemporaryFolder folder;
    const ProgramOptions there = {.folder = folder.path.string()};
    std::string printed;
    std::string port;  // of the receiver, instead of the page's
    std::vector<std::unique_ptr<RunningProgram>> running;
    for (std::string commands : examples()) {
        CAPTURE(commands);
        commands = std::regex_replace(commands, std::regex("8443"), port);
        if (commands.starts_with("fpt-webhooks listen ")) {
            running.push_back(start(commands + " --port 0", there));
            port = text_behind(*running.back(), "listening on https://127.0.0.1:");
        } else if (commands.starts_with("fpt-webhooks run ")) {
            running.push_back(start(std::regex_replace(commands, std::regex("9464"), "0"), there));
            CHECK(text_behind(*running.back(), "running, metrics on http://127.0.0.1:") != "");
        } else {
            const Ended ended = run_shell("set -e\n" + commands, there);
            INFO(ended.out << ended.err);
            CHECK(ended.status == 0);
            printed += ended.out;
        }
    }
    CHECK(running.size() == 2);
    CHECK(printed.find("verified: secret \"line 1\", signed ") != std::string::npos);
    CHECK(printed.find("contact.sub_group_changed") != std::string::npos);
    CHECK(printed.find("  200 from 127.0.0.1") != std::string::npos);
    CHECK(printed.find("contact.created  fresh") != std::string::npos);
}

TEST_CASE("docs/fpt-webhooks.md: its commands are those of the program") {
    std::vector<std::string> rows;
    for (const HelpPage& page : help_pages()) {
        if (!page.path.empty()) rows.push_back("| " + page.name() + " | " + page.description + " |");
    }
    CHECK(rows_under("Commands") == rows);
}

TEST_CASE("docs/fpt-webhooks.md: its exit statuses are those of the manual") {
    std::vector<std::string> rows;
    const std::vector<std::string> lines = lines_of(plain(part(manual(), ".SH EXIT STATUS", ".SH")));
    for (std::size_t i = 0; i + 2 < lines.size(); i += 3) {
        CHECK(lines[i] == ".TP");
        rows.push_back("| " + lines[i + 1].substr(3) + " | " + lines[i + 2] + " |");
    }
    CHECK(rows.size() == 8);
    CHECK(rows_under("Exit statuses") == rows);
}

TEST_CASE("fpt-webhooks: manual refuses JSON") {
    const Ended ended = run_program({"--json", "manual"});
    CHECK(ended.status == 2);
    CHECK(ended.out == "");
    CHECK(ended.err == "fpt-webhooks: --json: a manual page is no JSON\n");
}
