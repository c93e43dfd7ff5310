#include "cli/page.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "cli/program.hpp"

namespace cli_test {

std::vector<Block> blocks_of(const std::string& name) {
    std::ifstream page(FPT_WEBHOOKS_DOCS "/" + name);
    if (!page) throw std::runtime_error("no page docs/" + name);
    std::vector<Block> blocks;
    bool in_fence = false;
    bool follows = false;
    std::string line;
    for (int number = 1; std::getline(page, line); ++number) {
        if (in_fence && line == "```") {
            in_fence = false;
            follows = true;
        } else if (in_fence) {
            blocks.back().text += line + "\n";
        } else if (line.starts_with("```")) {
            in_fence = true;
            blocks.push_back({number + 1, line.substr(3), {}, follows});
        } else if (!line.empty()) {
            follows = false;
        }
    }
    return blocks;
}

std::vector<Example> examples_of(const std::string& name) {
    std::vector<Example> examples;
    std::string before;
    for (Block& block : blocks_of(name)) {
        if (block.mark == "sh") {
            examples.push_back({block.line, std::move(block.text), {}});
        } else if (block.mark == "text" && block.follows && before == "sh") {
            examples.back().shown = std::move(block.text);
        }
        before = block.mark;
    }
    return examples;
}

std::vector<Example> run_page(const std::string& name, const std::string& folder) {
    const std::string mark = "=== next example ===\n";
    std::vector<Example> examples = examples_of(name);
    std::string script = "set -e\n";
    for (const Example& example : examples)
        script += "printf '" + mark.substr(0, mark.size() - 1) + "\\n'\n" + example.commands;
    const Ended ended = run_shell(script, {.folder = folder});
    if (ended.status != 0) {
        throw std::runtime_error(name + ": exit status " + std::to_string(ended.status) + "\n" + ended.out + ended.err);
    }
    std::size_t at = ended.out.find(mark);
    for (Example& example : examples) {
        const std::size_t begin = at + mark.size();
        at = std::min(ended.out.find(mark, begin), ended.out.size());
        example.printed = ended.out.substr(begin, at - begin);
    }
    return examples;
}

}  // namespace cli_test
