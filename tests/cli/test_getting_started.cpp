// docs/getting-started.md, typed by the text alone. Blocks marked `sh` are run to their end and print what the `text`
// right behind them shows; those marked `sh NAME` go on running in the terminal of that name, until a `^C` there; `text
// NAME` is what that terminal shows next. "…" stands for anything within a line, alone on a line for any number of
// lines.
#include <csignal>
#include <map>
#include <memory>

#include "cli/page.hpp"
#include "cli/program.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

namespace {

constexpr std::string_view anything = "…";

bool line_matches(std::string_view line, std::string_view pattern) {
    const std::size_t gap = pattern.find(anything);
    if (gap == std::string_view::npos) return line == pattern;
    if (line.substr(0, gap) != pattern.substr(0, gap)) return false;
    line.remove_prefix(gap);
    pattern.remove_prefix(gap + anything.size());
    for (std::size_t skipped = 0; skipped <= line.size(); ++skipped) {
        if (line_matches(line.substr(skipped), pattern)) return true;
    }
    return false;
}

// How much of `text` these lines take, from its beginning. A line that is nothing but "…" is any number of lines.
std::optional<std::size_t> match_lines(std::string_view text, std::string_view pattern) {
    if (pattern.empty()) return 0;
    const std::size_t pattern_end = pattern.find('\n');
    const std::string_view first = pattern.substr(0, pattern_end);
    const std::string_view rest = pattern.substr(pattern_end + 1);
    for (std::size_t skipped = 0;;) {
        const std::size_t line_end = text.find('\n', skipped);
        if (first == anything) {
            if (const auto taken = match_lines(text.substr(skipped), rest); taken) {
                if (!rest.empty() || skipped + *taken == text.size()) return skipped + *taken;
            }
            if (line_end == std::string_view::npos) return std::nullopt;
            skipped = line_end + 1;
            continue;
        }
        if (line_end == std::string_view::npos || !line_matches(text.substr(0, line_end), first)) return std::nullopt;
        const auto taken = match_lines(text.substr(line_end + 1), rest);
        return taken ? std::optional(line_end + 1 + *taken) : std::nullopt;
    }
}

struct Terminal {
    std::unique_ptr<RunningProgram> program;
    std::size_t read = 0;  // of its output
};

// Waits until the terminal shows these lines, somewhere behind what was read.
bool shows(Terminal& terminal, const std::string& pattern) {
    return terminal.program->wait_until([&](const std::string& out) {
        for (std::size_t at = terminal.read; at < out.size(); at = out.find('\n', at) + 1) {
            if (const auto taken = match_lines(std::string_view(out).substr(at), pattern)) {
                terminal.read = at + *taken;
                return true;
            }
            if (out.find('\n', at) == std::string::npos) break;
        }
        return false;
    });
}

}  // namespace

TEST_CASE("docs/getting-started.md: has every step of the first ten minutes") {
    std::string typed;
    for (const Block& block : blocks_of("getting-started.md")) {
        if (block.mark.starts_with("sh")) typed += block.text;
    }
    for (const char* const step :
         {"keygen", "listen", "send", "explain", "run", "subscriptions create", "publish", "deliveries list"}) {
        CAPTURE(step);
        CHECK(typed.find(std::string("fpt-webhooks ") + step) != std::string::npos);
    }
    CHECK(typed.find("\nretry-delays = ") != std::string::npos);
}

// On the port that the page names: one run at a time on a machine.
TEST_CASE("docs/getting-started.md: works as it is written") {
    const TemporaryFolder folder;
    const ProgramOptions options{.folder = folder.path.string()};
    std::map<std::string, Terminal> terminals;
    const auto blocks = blocks_of("getting-started.md");
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const Block& block = blocks[i];
        INFO("docs/getting-started.md:" << block.line << "\n" << block.text);
        const std::string kind = block.mark.substr(0, block.mark.find(' '));
        const std::string name = block.mark.substr(std::min(block.mark.size(), kind.size() + 1));
        if (block.mark == "sh") {
            const bool prints = i + 1 < blocks.size() && blocks[i + 1].mark == "text";
            const std::string pattern = prints ? blocks[i + 1].text : "";
            Ended ended;
            bool as_shown = false;
            // A reader is slower than the dispatcher; a test that only looks at deliveries has to look again.
            int looks = block.text.starts_with("fpt-webhooks deliveries") ? 200 : 1;
            for (; looks > 0 && !as_shown; --looks) {
                ended = run_shell("exec 2>&1; set -e\n" + block.text, options);
                as_shown = match_lines(ended.out, pattern) == ended.out.size();
            }
            INFO("printed:\n" << ended.out);
            REQUIRE(ended.status == 0);
            REQUIRE(as_shown);
        } else if (kind == "sh" && block.text == "^C\n") {
            terminals.at(name).program->signal(SIGINT);
            REQUIRE(terminals.at(name).program->wait().status == 0);
            terminals.erase(name);
        } else if (kind == "sh") {
            terminals[name] = {RunningProgram::from_shell(block.text, options)};
        } else if (!name.empty()) {
            const bool shown = shows(terminals.at(name), block.text);
            INFO("the " << name << " terminal shows:\n" << terminals.at(name).program->out());
            REQUIRE(shown);
        } else {
            REQUIRE(block.follows);  // what a command before it has shown
        }
    }
    CHECK(terminals.empty());
}
