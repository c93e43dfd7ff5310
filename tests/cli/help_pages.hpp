// The commands of `fpt-webhooks` and their options, as --help tells them.
#pragma once

#include <string>
#include <vector>

#include "cli/program.hpp"

namespace cli_test {

struct HelpPage {
    std::vector<std::string> path = {};     // {"subscriptions", "create"}; empty: the program itself
    std::string description = {};           // as the page above lists it
    Ended ended = {};                       // of --help
    std::vector<std::string> options = {};  // "--scheme"; those that stand behind "Also:" too
    std::vector<std::string> commands = {};

    // "subscriptions create", or with another text between the names.
    [[nodiscard]] std::string name(const std::string& between = " ") const;
};

// Of the program and of every command, each before those below it. Asked for once.
[[nodiscard]] const std::vector<HelpPage>& help_pages();

}  // namespace cli_test
