// Runs a fuzz target without libFuzzer: every seed of a folder, then mutations of them. The mutations are the same on
// every machine and in every run, so that a failure is one that anybody can repeat.
//
// Usage: fpt_webhooks_fuzz_replay_<name> <folder of seeds or one file> [<count of mutations>]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

constexpr std::uint64_t seed = 20260610;          // any number, as long as it stays the same
constexpr std::size_t mutations_default = 10000;  // a second or less per target, also under sanitizers
constexpr std::size_t input_bytes_max = 1 << 16;  // splices and repeats stop growing here

// Pieces that the grammars give a meaning to: a random byte would seldom hit them.
const std::string tokens[] = {
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\\",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\\u0000",
    "null",
    "true",
    "-",
    "0",
    "1e9",
    "4294967296",
    "2147483648",
    "-2147483649",
    "9223372036854775808",
    ".",
    "Z",
    "T",
    "/",
    " ",
    "=",
    ";",
    ",v1=",
    "t=",
    "//",
    "@",
    "%00",
    "::",
    "\r\n",
    "\xef\xbb\xbf",
    "\xed\xa0\x80",
    "\xc0\x80",
    "\xff",
    std::string(1, '\0'),
};

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> read_seeds(const std::filesystem::path& path) {
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_regular_file(path)) files.push_back(path);
    if (std::filesystem::is_directory(path)) {
        for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());  // a folder has no order of its own
    std::vector<std::string> seeds;
    for (const auto& file : files) seeds.push_back(read_file(file));
    return seeds;
}

// std::uniform_int_distribution differs between standard libraries; the remainder does not.
class Mutator {
  public:
    explicit Mutator(const std::vector<std::string>& seeds) : seeds_(seeds) {}

    std::string next() {
        std::string text = pick_seed();
        for (std::size_t i = 0, rounds = 1 + below(4); i < rounds; ++i) mutate(text);
        if (text.size() > input_bytes_max) text.resize(input_bytes_max);
        return text;
    }

  private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
    std::size_t position(const std::string& text) { return below(text.size() + 1); }
    const std::string& pick_seed() { return seeds_[below(seeds_.size())]; }

    void mutate(std::string& text) {
        const std::size_t at = position(text);
        switch (below(7)) {
            case 0:  // flip a bit
                if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
                break;
            case 1: text.insert(at, 1, static_cast<char>(below(256))); break;
            case 2: text.erase(at, 1 + below(8)); break;
            case 3: text.resize(at); break;
            case 4: text.insert(at, tokens[below(std::size(tokens))]); break;
            case 5: {  // splice: this head, another seed's tail
                const std::string& other = pick_seed();
                text.replace(at, std::string::npos, other, position(other), std::string::npos);
                break;
            }
            default: {  // repeat a piece, so that what must be there once is there twice
                const std::string piece = text.substr(at, 1 + below(64));
                text.insert(at, piece);
            }
        }
    }

    const std::vector<std::string>& seeds_;
    std::mt19937_64 engine_{seed};
};

// A copy of exactly this size on the heap, so that AddressSanitizer sees the first byte read beyond it.
void run(const std::string& input) {
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: %s <folder of seeds or one file> [<count of mutations>]\n", argv[0]);
        return 2;
    }
    const auto seeds = read_seeds(argv[1]);
    if (seeds.empty()) {
        std::fprintf(stderr, "no seeds in %s\n", argv[1]);
        return 2;
    }
    const std::size_t mutations = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : mutations_default;
    for (const auto& text : seeds) run(text);
    Mutator mutator(seeds);
    for (std::size_t i = 0; i < mutations; ++i) run(mutator.next());
    std::printf("%zu seeds and %zu mutations\n", seeds.size(), mutations);
}
