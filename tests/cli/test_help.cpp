#include <algorithm>
#include <sstream>

#include "cli/program.hpp"
#include "support/catch.hpp"

using namespace cli_test;

namespace {

// What stands under "Subcommands:", as the paths that lead there.
std::vector<std::vector<std::string>> commands_under(const std::vector<std::string>& path, const std::string& help) {
    std::vector<std::vector<std::string>> found;
    std::istringstream lines(help);
    std::string line;
    bool listed = false;
    while (std::getline(lines, line)) {
        if (line == "Subcommands:") {
            listed = true;
        } else if (line.empty()) {
            listed = false;
        } else if (listed) {
            found.push_back(path);
            found.back().push_back(line.substr(2, line.find(' ', 2) - 2));
        }
    }
    return found;
}

// The help of this command and of all below it.
void check_help(const std::vector<std::string>& path, int& seen) {
    std::vector<std::string> arguments = path;
    arguments.emplace_back("--help");
    const Ended ended = run_program(arguments);
    INFO(ended.out);
    CHECK(ended.status == 0);
    CHECK(ended.err == "");
    CHECK(std::count(ended.out.begin(), ended.out.end(), '\n') <= 24);
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
    }
    ++seen;
    for (const auto& command : commands_under(path, ended.out)) check_help(command, seen);
}

}  // namespace

TEST_CASE("fpt-webhooks: the help of every command fits a screen of 80 by 24") {
    int seen = 0;
    check_help({}, seen);
    CHECK(seen > 5);
}

TEST_CASE("fpt-webhooks: help names an option, its type and what it is, and nothing of CLI11's bookkeeping") {
    const std::string help = run_program({"explain", "--help"}).out;
    CHECK(help.find("\n  --scheme NAME ") != std::string::npos);
    CHECK(help.find("\n  CAPTURE ") != std::string::npos);
    CHECK(help.find("\nSecret (one is needed): ") != std::string::npos);
    CHECK(help.find("Excludes") == std::string::npos);
    CHECK(help.find("Option Group") == std::string::npos);
}
