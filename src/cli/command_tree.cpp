#include "cli/command_tree.hpp"

#include <algorithm>
#include <string_view>

#include <fpt_webhooks/core/fpt_catalogue.hpp>
#include <fpt_webhooks/core/pii.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/testing/conformance.hpp>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

// What stands in a list of words in any shell, and on a command line, as it is.
bool is_plain(std::string_view word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

void add_word(std::vector<std::string>& words, std::string_view word) {
    if (is_plain(word) && std::find(words.begin(), words.end(), word) == words.end()) words.emplace_back(word);
}

// CLI::IsMember tells its words by its description alone, which the type's name ends in: "NAME:{fpt,ufp}".
std::vector<std::string> words_of_checks(const std::string& type) {
    const auto begin = type.find(":{");
    const auto end = type.find('}', begin);
    if (begin == std::string::npos || end == std::string::npos) return {};
    std::vector<std::string> words;
    for (std::string& word : CLI::detail::split(type.substr(begin + 2, end - begin - 2), ',')) add_word(words, word);
    return words;
}

void add_events(std::vector<std::string>& words, bool families) {
    for (const FptEventInfo& event : fpt_events()) {
        if (families) add_word(words, event.family);
        add_word(words, event.name);
    }
    for (const UfpEventInfo& event : ufp_events()) add_word(words, event.key);
}

// Lists of the library's that no check holds, because other values are allowed too. Names of options mean the same
// with every command.
std::vector<std::string> words_of_library(const std::string& option) {
    std::vector<std::string> words;
    if (option == "--type" || option == "--events") add_events(words, false);
    if (option == "EVENT") add_events(words, true);
    if (option == "--only") {
        for (const testing::ScenarioInfo& scenario : testing::conformance_scenarios()) add_word(words, scenario.name);
    }
    if (option == "--pii") {
        words = {"all", "none"};
        for (const PiiCategory category : pii_category_values) add_word(words, name_of(category));
    }
    return words;
}

void read_value(TreeOption& into, const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const std::string name = type.substr(0, type.find(':'));
    if (!into.is_positional) into.type = name;
    into.words = words_of_checks(type);
    if (into.words.empty()) into.words = words_of_library(into.names.back());
    if (!into.words.empty()) {
        into.kind = ValueKind::word;
    } else if (name == "FILE") {
        into.kind = ValueKind::file;
    } else if (name == "DIR") {
        into.kind = ValueKind::folder;
    } else if (into.names.back().ends_with("-env")) {
        into.kind = ValueKind::variable;
    } else {
        into.kind = ValueKind::any;
    }
}

TreeOption read_option(const CLI::Option& option) {
    TreeOption read{.description = option.get_description(),
                    .is_positional = option.get_positional(),
                    .is_required = option.get_required()};
    read.may_repeat =
        option.get_items_expected_max() > 1 || option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    if (read.is_positional) {
        read.names = {option.get_name(true)};
    } else {
        for (const std::string& name : option.get_snames()) read.names.push_back("-" + name);
        for (const std::string& name : option.get_lnames()) read.names.push_back("--" + name);
    }
    if (option.get_items_expected_max() != 0) read_value(read, option);
    return read;
}

TreeGroup read_group(const CLI::App& group) {
    const bool one = group.get_require_option_min() == 1 && group.get_require_option_max() == 1;
    TreeGroup read{.heading = group.get_group() + (one ? " (one is needed): " : ": ") + group.get_description()};
    for (const CLI::Option* const option : group.get_options({})) {
        if (option != group.get_help_ptr()) read.options.push_back(read_option(*option));
    }
    return read;
}

TreeCommand read_command(const CLI::App& app, const std::vector<std::string>& path,
                         const std::vector<TreeOption>& inherited) {
    TreeCommand read{
        .path = path, .description = app.get_description(), .footer = app.get_footer(), .inherited = inherited};
    TreeGroup& own = read.groups.emplace_back();
    for (const CLI::Option* const option : app.get_options({})) {
        own.options.push_back(read_option(*option));
        if (option->get_group() == rare_options) read.footer.clear();  // which only names them, for the help
    }
    std::stable_partition(own.options.begin(), own.options.end(),
                          [](const TreeOption& option) { return option.is_positional; });
    for (const CLI::App* const child : app.get_subcommands({})) {
        if (child->get_name().empty()) {  // an option group
            read.groups.push_back(read_group(*child));
            continue;
        }
        std::vector<std::string> child_path = path;
        child_path.push_back(child->get_name());
        read.commands.push_back(read_command(*child, child_path, inherited));
    }
    return read;
}

}  // namespace

std::string TreeCommand::name(const std::string& between) const {
    std::string joined;
    for (const std::string& part : path) joined += (joined.empty() ? "" : between) + part;
    return joined;
}

std::vector<TreeOption> TreeCommand::all_options() const {
    std::vector<TreeOption> all;
    for (const TreeGroup& group : groups) all.insert(all.end(), group.options.begin(), group.options.end());
    all.insert(all.end(), inherited.begin(), inherited.end());
    return all;
}

TreeCommand read_tree(const CLI::App& program) {
    std::vector<TreeOption> inherited;
    for (const CLI::Option* const option : program.get_options({})) {
        const bool ends = option == program.get_help_ptr() || option == program.get_version_ptr();
        if (!ends) inherited.push_back(read_option(*option));
    }
    TreeCommand tree = read_command(program, {}, inherited);
    tree.inherited.clear();  // there they are its own
    return tree;
}

std::vector<const TreeCommand*> commands_below(const TreeCommand& command) {
    std::vector<const TreeCommand*> all = {&command};
    for (const TreeCommand& child : command.commands) {
        for (const TreeCommand* const below : commands_below(child)) all.push_back(below);
    }
    return all;
}

}  // namespace fpt_webhooks::cli
