#include "cli/page.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "cli/program.hpp"

namespace cli_test {

std::vector<Example> examples_of(const std::string& name) {
    std::ifstream page(FPT_WEBHOOKS_DOCS "/" + name);
    if (!page) throw std::runtime_error("no page docs/" + name);
    std::vector<Example> examples;
    std::string* block = nullptr;  // that the lines belong to
    bool in_fence = false;
    bool shows_next = false;  // a `text` block would be the last example's
    std::string line;
    for (int number = 1; std::getline(page, line); ++number) {
        if (in_fence && line == "```") {
            in_fence = false;
            block = nullptr;
        } else if (in_fence) {
            if (block != nullptr) *block += line + "\n";
        } else if (line == "```sh") {
            in_fence = shows_next = true;
            block = &examples.emplace_back(Example{number + 1, {}, {}}).commands;
        } else if (line.starts_with("```")) {
            in_fence = true;
            if (shows_next && line == "```text") block = &examples.back().shown;
            shows_next = false;
        } else if (!line.empty()) {
            shows_next = false;
        }
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
