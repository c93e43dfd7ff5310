#include <algorithm>
#include <sstream>

#include "cli/help_pages.hpp"
#include "support/catch.hpp"

using namespace cli_test;

TEST_CASE("fpt-webhooks: the help of every command fits a screen of 80 by 24") {
    CHECK(help_pages().size() > 5);
    for (const HelpPage& page : help_pages()) {
        const Ended& ended = page.ended;
        INFO(ended.out);
        CHECK(ended.status == 0);
        CHECK(ended.err == "");
        CHECK(std::count(ended.out.begin(), ended.out.end(), '\n') <= 24);
        std::istringstream lines(ended.out);
        for (std::string line; std::getline(lines, line);) {
            CAPTURE(line);
            CHECK(line.size() <= 80);
        }
    }
}

TEST_CASE("fpt-webhooks: help names an option, its type and what it is, and nothing of CLI11's bookkeeping") {
    const std::string help = run_program({"explain", "--help"}).out;
    CHECK(help.find("\n  --scheme NAME ") != std::string::npos);
    CHECK(help.find("\n  CAPTURE ") != std::string::npos);
    CHECK(help.find("\nSecret (one is needed): ") != std::string::npos);
    CHECK(help.find("Excludes") == std::string::npos);
    CHECK(help.find("Option Group") == std::string::npos);
}
