// The commands and options of the program as completions and the manual need them, read from CLI11's tree: what is
// added there is in them too.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace fpt_webhooks::cli {

enum class ValueKind {
    none,  // a flag
    any,   // nothing is known of it
    word,  // one of a list, or likely so
    file,
    folder,
    variable,  // name of an environment variable
};

struct TreeOption {
    std::vector<std::string> names = {};  // "-h", "--help"; the one name of a positional: "URL"
    std::string type = {};                // "FILE"; "" for flags and positionals
    std::string description = {};
    ValueKind kind = ValueKind::none;
    std::vector<std::string> words = {};  // of ValueKind::word; none of them needs quotes in a shell
    bool is_positional = false;
    bool is_required = false;
    bool may_repeat = false;
};

// Options that stand together under one sentence; the first of a command's groups has none.
struct TreeGroup {
    std::string heading = {};  // "Secret (one is needed): never on the command line"
    std::vector<TreeOption> options = {};
};

struct TreeCommand {
    std::vector<std::string> path = {};  // {"subscriptions", "create"}; empty: the program itself
    std::string description = {};
    std::string footer = {};
    std::vector<TreeGroup> groups = {};
    std::vector<TreeOption> inherited = {};  // the program's own flags, which every command takes
    std::vector<TreeCommand> commands = {};

    // "subscriptions create", or with another text between the names.
    [[nodiscard]] std::string name(const std::string& between = " ") const;
    // Of all groups, and then what is inherited.
    [[nodiscard]] std::vector<TreeOption> all_options() const;
};

// `program`: the root of the tree, complete.
[[nodiscard]] TreeCommand read_tree(const CLI::App& program);

// The command and all below it, each before its own.
[[nodiscard]] std::vector<const TreeCommand*> commands_below(const TreeCommand& command);

}  // namespace fpt_webhooks::cli
