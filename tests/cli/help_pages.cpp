#include "cli/help_pages.hpp"

#include <regex>
#include <sstream>
#include <string_view>

namespace cli_test {
namespace {

// "-h,--help" of "  -h,--help     Print this", or "" for a line that names nothing.
std::string name_in(const std::string& line) {
    return line.starts_with("  ") ? line.substr(2, line.find_first_of(" ,", 2) - 2) : "";
}

void add_options(HelpPage& page, const std::string& text) {
    const std::regex option("--[a-z][a-z-]*");
    for (std::sregex_iterator at(text.begin(), text.end(), option), end; at != end; ++at) {
        page.options.push_back(at->str());
    }
}

// Reads `text`, and adds the pages below it.
void read_page(HelpPage page, std::vector<HelpPage>& pages) {
    std::vector<std::string> arguments = page.path;
    arguments.emplace_back("--help");
    page.ended = run_program(arguments);
    std::vector<HelpPage> below;
    std::istringstream lines(page.ended.out);
    bool lists_commands = false;
    bool lists_more = false;
    for (std::string line; std::getline(lines, line);) {
        const std::string name = name_in(line);
        lists_commands = line == "Subcommands:" || (lists_commands && !name.empty());
        lists_more = line.starts_with("Also:") || (lists_more && !line.empty());
        if (lists_more) {
            add_options(page, line);
        } else if (name.starts_with("-")) {
            add_options(page, line.substr(0, line.find(' ', 2)));
        } else if (lists_commands && !name.empty()) {
            HelpPage& child = below.emplace_back(HelpPage{.path = page.path});
            child.path.push_back(name);
            child.description = line.substr(line.find_first_not_of(' ', 2 + name.size()));
            page.commands.push_back(name);
        }
    }
    pages.push_back(std::move(page));
    for (HelpPage& child : below) read_page(std::move(child), pages);
}

}  // namespace

std::string HelpPage::name(const std::string& between) const {
    std::string joined;
    for (const std::string& part : path) joined += (joined.empty() ? "" : between) + part;
    return joined;
}

const std::vector<HelpPage>& help_pages() {
    static const std::vector<HelpPage> pages = [] {
        std::vector<HelpPage> read;
        read_page({}, read);
        return read;
    }();
    return pages;
}

}  // namespace cli_test
