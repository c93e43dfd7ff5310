// completions: scripts that make a shell complete commands, options and their values.
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/command_tree.hpp"
#include "cli/console.hpp"

namespace fpt_webhooks::cli {
namespace {

template <class... Args>
void add(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
}

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
    std::string text;
    for (const std::string& word : words) {
        if (!text.empty()) text += between;
        text += word;
    }
    return text;
}

// With every character of `special` behind a backslash.
std::string escaped(std::string_view text, std::string_view special) {
    std::string out;
    for (const char c : text) {
        if (special.find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

// "/keygen", "/subscriptions/create"; "" for the program itself. The scripts know by it which command they are in.
std::string path_of(const TreeCommand& command) { return command.path.empty() ? "" : "/" + command.name("/"); }

std::vector<std::string> all_paths(const TreeCommand& tree) {
    std::vector<std::string> paths;
    for (const TreeCommand* const command : commands_below(tree)) {
        if (!command->path.empty()) paths.push_back(path_of(*command));
    }
    return paths;
}

// --- bash ---

// What sets `kind` and `words` for a value.
std::string bash_value(const TreeOption& option) {
    switch (option.kind) {
        case ValueKind::word: return fmt::format("words='{}'", joined(option.words));
        case ValueKind::file: return "kind=file";
        case ValueKind::folder: return "kind=folder";
        case ValueKind::variable: return "kind=variable";
        case ValueKind::none:
        case ValueKind::any: break;
    }
    return "kind=";
}

void add_bash_command(std::string& script, const TreeCommand& command) {
    std::vector<std::string> names;                            // of options
    std::map<std::string, std::vector<std::string>> by_value;  // those that take a value
    std::string other;                                         // where no option waits for its value
    for (const TreeOption& option : command.all_options()) {
        if (option.is_positional) {
            other = bash_value(option);
            continue;
        }
        for (const std::string& name : option.names) {
            names.push_back(name);
            if (option.kind != ValueKind::none) by_value[bash_value(option)].push_back(name);
        }
    }
    if (!command.commands.empty()) {
        std::vector<std::string> below;
        for (const TreeCommand& child : command.commands) below.push_back(child.path.back());
        other = fmt::format("words='{}'", joined(below));
    }
    add(script, "        '{}')\n            options='{}'\n            case $prev in\n", path_of(command),
        joined(names));
    for (const auto& [value, options] : by_value) {
        add(script, "                {}) {} ;;\n", joined(options, " | "), value);
    }
    add(script, "                *) {} ;;\n            esac ;;\n",
        other.empty() ? "words=$options" : "if [[ $cur == -* ]]; then words=$options; else " + other + "; fi");
}

std::string bash_script(const TreeCommand& tree) {
    std::string script = R"(# fpt-webhooks for bash, made by: fpt-webhooks completions bash

_fpt_webhooks() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local path= options= kind=word words= i
    COMPREPLY=()
    if [[ $cur == = ]]; then # of --option=value, which bash takes apart
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case $path/${COMP_WORDS[i]} in
)";
    add(script, "            {}) path+=/${{COMP_WORDS[i]}} ;;\n", joined(all_paths(tree), " | "));
    script += "        esac\n    done\n    case $path in\n";
    for (const TreeCommand* const command : commands_below(tree)) add_bash_command(script, *command);
    script += R"(    esac
    case $kind in
        word) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
        variable) mapfile -t COMPREPLY < <(compgen -e -- "$cur") ;;
        file) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        folder) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    esac
    if [[ $kind == file || $kind == folder ]]; then compopt -o filenames; fi
}

complete -F _fpt_webhooks fpt-webhooks
)";
    return script;
}

// --- zsh ---

// A quote within quotes ends them, stands for itself outside, and begins them again.
std::string zsh_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

// ":NAME:(one other)", as _arguments takes it behind an option or alone.
std::string zsh_value(const TreeOption& option) {
    const std::string name = option.is_positional ? option.names.front() : option.type;
    std::string action;
    switch (option.kind) {
        case ValueKind::none: return "";
        case ValueKind::any: break;
        case ValueKind::word: action = "(" + joined(option.words) + ")"; break;
        case ValueKind::file: action = "_files"; break;
        case ValueKind::folder: action = "_files -/"; break;
        case ValueKind::variable: action = "_parameters -g \"*export*\""; break;
    }
    return fmt::format(":{}:{}", name, action.empty() ? " " : action);
}

// Arguments of _arguments, each on a line of its own.
void add_zsh_options(std::string& script, const TreeCommand& command) {
    for (const TreeOption& option : command.all_options()) {
        if (option.is_positional) {
            add(script, " \\\n        {}", zsh_quoted(zsh_value(option)));
            continue;
        }
        const std::string text = fmt::format("{}[{}]{}", option.kind == ValueKind::none ? "" : "=",
                                             escaped(option.description, "\\[]:"), zsh_value(option));
        for (const std::string& name : option.names) {
            add(script, " \\\n        {}", zsh_quoted((option.may_repeat ? "*" : "") + name + text));
        }
    }
}

void add_zsh_command(std::string& script, const TreeCommand& command) {
    const std::string function = "_fpt-webhooks" + (command.path.empty() ? "" : "_" + command.name("_"));
    if (command.commands.empty()) {
        add(script, "{}() {{\n    _arguments", function);
        add_zsh_options(script, command);
        script += "\n}\n\n";
        return;
    }
    add(script, "{}() {{\n    local curcontext=$curcontext line state\n    local -a names=(\n", function);
    for (const TreeCommand& child : command.commands) {
        add(script, "        {}\n", zsh_quoted(child.path.back() + ":" + escaped(child.description, "\\:")));
    }
    script += "    )\n    _arguments -C";
    add_zsh_options(script, command);
    script += " \\\n        ':command:->command' \\\n        '*:: :->rest' && return\n    case $state in\n";
    add(script, "        command) _describe command names ;;\n        rest)\n            case $line[1] in\n");
    for (const TreeCommand& child : command.commands) {
        add(script, "                {}) _fpt-webhooks_{} ;;\n", child.path.back(), child.name("_"));
    }
    script += "            esac ;;\n    esac\n}\n\n";
}

std::string zsh_script(const TreeCommand& tree) {
    std::string script = "#compdef fpt-webhooks\n# fpt-webhooks for zsh, made by: fpt-webhooks completions zsh\n\n";
    for (const TreeCommand* const command : commands_below(tree)) add_zsh_command(script, *command);
    script += R"(# A file of fpath is this function's body the first time; `source` only defines it.
if [[ $funcstack[1] == _fpt-webhooks ]]; then
    _fpt-webhooks "$@"
else
    compdef _fpt-webhooks fpt-webhooks
fi
)";
    return script;
}

// --- fish ---

std::string fish_quoted(std::string_view text) { return "'" + escaped(text, "\\'") + "'"; }

// What follows the name of an option, or stands alone for a positional.
std::string fish_value(const TreeOption& option) {
    switch (option.kind) {
        case ValueKind::none: return "";
        case ValueKind::any: return option.is_positional ? "" : " -x";
        case ValueKind::word: return fmt::format("{} -a '{}'", option.is_positional ? "" : " -x", joined(option.words));
        case ValueKind::file: return option.is_positional ? " -F" : " -r -F";
        case ValueKind::folder: return " -x -a '(__fish_complete_directories (commandline -ct))'";
        case ValueKind::variable: return " -x -a '(set -nx)'";
    }
    return "";
}

void add_fish_command(std::string& script, const TreeCommand& command) {
    const std::string begin = fmt::format("complete -c fpt-webhooks -n \"__fpt_webhooks_at '{}'\"", path_of(command));
    for (const TreeCommand& child : command.commands) {
        add(script, "{} -a {} -d {}\n", begin, child.path.back(), fish_quoted(child.description));
    }
    for (const TreeOption& option : command.all_options()) {
        if (option.is_positional) {
            if (option.kind != ValueKind::any) add(script, "{}{}\n", begin, fish_value(option));
            continue;
        }
        script += begin;
        for (const std::string& name : option.names) {
            add(script, " {} {}", name.starts_with("--") ? "-l" : "-s", name.substr(name.find_first_not_of('-')));
        }
        add(script, "{} -d {}\n", fish_value(option), fish_quoted(option.description));
    }
}

std::string fish_script(const TreeCommand& tree) {
    std::string script = R"(# fpt-webhooks for fish, made by: fpt-webhooks completions fish

# Do the words before the cursor name this command?
function __fpt_webhooks_at
    set -l path ''
    for word in (commandline -opc)[2..-1]
        switch "$path/$word"
)";
    add(script, "            case {}\n", joined(all_paths(tree)));
    script += R"(                set path "$path/$word"
        end
    end
    test "$path" = "$argv[1]"
end

complete -c fpt-webhooks -f
)";
    for (const TreeCommand* const command : commands_below(tree)) add_fish_command(script, *command);
    return script;
}

}  // namespace

void add_completions_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("completions", "A script for your shell's TAB key");
    const auto shell = std::make_shared<std::string>();
    app->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
    app->footer(
        "In bash or zsh: source <(fpt-webhooks completions bash), with the shell's name.\n"
        "In fish: fpt-webhooks completions fish | source. Installing the program installs\n"
        "them, too.");
    commands.push_back({app, [&parent, &console, shell] {
                            if (console.json) throw Failure(ExitStatus::usage, "--json: a script is no JSON");
                            const TreeCommand tree = read_tree(parent);
                            console.print(*shell == "bash"  ? bash_script(tree)
                                          : *shell == "zsh" ? zsh_script(tree)
                                                            : fish_script(tree));
                            return ExitStatus::ok;
                        }});
}

}  // namespace fpt_webhooks::cli
