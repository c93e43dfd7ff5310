// A page of docs/ as a test: its commands are run as a reader would type them, and print what the page shows.
//
// Fenced blocks marked `sh` are the commands. A block marked `text` right behind one is all that it prints to standard
// output; without such a block it prints nothing. Blocks with other marks, or none, are not looked at.
#pragma once

#include <string>
#include <vector>

namespace cli_test {

struct Block {
    int line = 0;      // of its first line, in the page
    std::string mark;  // what stands behind the fence
    std::string text;
    bool follows = false;  // nothing stands between it and the block before
};

// The fenced blocks of a file in docs/, in their order.
[[nodiscard]] std::vector<Block> blocks_of(const std::string& name);

struct Example {
    int line = 0;  // of its first command, in the page
    std::string commands;
    std::string shown;
    std::string printed = {};  // filled by run_page
};

// Of a file in docs/, as said above.
[[nodiscard]] std::vector<Example> examples_of(const std::string& name);

// Runs all of them in one shell (bash -e), from the first to the last, in an empty folder. Throws with what it said
// when a command fails that is not followed by `||`.
[[nodiscard]] std::vector<Example> run_page(const std::string& name, const std::string& folder);

}  // namespace cli_test
