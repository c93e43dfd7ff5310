// Runs the dispatcher through seeds; see scenario.hpp.
//
//   simulate --seeds 1..10000      run them; the first broken rule ends it, with its trace
//   simulate --seed 42             run one, exactly as it ran before, and show its steps
//   simulate --plant 3 --seeds ... switch one planted bug on: it must be found
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "plants.hpp"
#include "scenario.hpp"

namespace {

using simulation::Scenario;

struct Options {
    std::uint64_t from = 1;
    std::uint64_t to = 10'000;
    bool shows = false;
    int plant = 0;
};

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

bool read(int argc, char** argv, Options& options) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string_view value = argv[i + 1];
        if (name == "--seed") {
            options.from = options.to = number(value);
            options.shows = true;
        } else if (name == "--seeds") {
            const std::size_t dots = value.find("..");
            if (dots == std::string_view::npos) return false;
            options.from = number(value.substr(0, dots));
            options.to = number(value.substr(dots + 2));
        } else if (name == "--plant") {
            options.plant = static_cast<int>(number(value));
        } else {
            return false;
        }
    }
    return argc % 2 == 1;
}

void show(std::uint64_t seed, const std::string& broken, const Scenario& scenario) {
    for (const std::string& line : scenario.trace()) std::printf("  %s\n", line.c_str());
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), broken.empty() ? "all held" : broken.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!read(argc, argv, options)) {
        std::fprintf(stderr, "usage: %s [--seeds FROM..TO | --seed N] [--plant N]\n", argv[0]);
        return 2;
    }
    simulation::planted = options.plant;
    Scenario::Counts total;
    for (std::uint64_t seed = options.from; seed <= options.to; ++seed) {
        Scenario scenario(seed, options.shows);
        const std::string broken = scenario.run();
        const auto& counts = scenario.counts();
        total.events += counts.events;
        total.attempts += counts.attempts;
        total.faults += counts.faults;
        total.crashes += counts.crashes;
        total.edits += counts.edits;
        total.replays += counts.replays;
        total.takeovers += counts.takeovers;
        total.changes += counts.changes;
        total.steps += counts.steps;
        if (options.shows) show(seed, broken, scenario);
        if (broken.empty()) continue;
        if (options.plant != 0) {
            std::printf("planted bug %d: found at seed %llu (%s)\n", options.plant,
                        static_cast<unsigned long long>(seed), broken.c_str());
            return 0;
        }
        if (!options.shows) {
            Scenario again(seed, true);
            static_cast<void>(again.run());
            show(seed, broken, again);
            std::printf("again: %s --seed %llu\n", argv[0], static_cast<unsigned long long>(seed));
        }
        return 1;
    }
    std::printf(
        "%llu seeds: %zu events, %zu attempts, %zu faults, %zu crashes, %zu edits, %zu replays, %zu takeovers, %zu "
        "changes, %zu "
        "steps\n",
        static_cast<unsigned long long>(options.to - options.from + 1), total.events, total.attempts, total.faults,
        total.crashes, total.edits, total.replays, total.takeovers, total.changes, total.steps);
    if (options.plant == 0) return 0;
    std::printf("planted bug %d was not found\n", options.plant);
    return 1;
}
