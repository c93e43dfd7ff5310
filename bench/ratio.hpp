// A main function for benchmarks that are judged by a ratio to a limit measured in the same run: absolute figures move
// from machine to machine and from minute to minute, ratios much less.
#pragma once

#include <algorithm>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

// "subject / limit": how fast the subject is, as a part of the limit's rate. Both are names of benchmarks.
struct Ratio {
    const char* subject;
    const char* limit;
    double target = 0;  // 0: none
};

// Prints as usual, and remembers each benchmark's best time.
class RatioReporter : public benchmark::ConsoleReporter {
  public:
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.error_occurred || run.run_type != Run::RT_Iteration) continue;
            const double time = run.GetAdjustedCPUTime();
            const auto [best, is_new] = best_.try_emplace(run.run_name.function_name, time);
            if (!is_new) best->second = std::min(best->second, time);
        }
        ConsoleReporter::ReportRuns(runs);
    }

    void print(std::span<const Ratio> ratios) const {
        for (const Ratio& ratio : ratios) {
            const auto subject = best_.find(ratio.subject);
            const auto limit = best_.find(ratio.limit);
            if (subject == best_.end() || limit == best_.end()) continue;  // filtered out by the command line
            std::printf("%s / %s = %.2f", ratio.subject, ratio.limit, limit->second / subject->second);
            if (ratio.target > 0) std::printf(" (target %.2f)", ratio.target);
            std::printf("\n");
        }
    }

  private:
    std::map<std::string, double> best_;
};

// Many short repetitions in random order, so that a busy moment of the machine hits all alike; the command line
// may say otherwise.
inline int run(int argc, char* argv[], std::span<const Ratio> ratios) {
    std::vector<std::string> texts = {argv[0], "--benchmark_repetitions=15",
                                      "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.02"};
    texts.insert(texts.end(), argv + 1, argv + argc);
    std::vector<char*> arguments;
    for (std::string& text : texts)
        arguments.push_back(text.data());
    int count = static_cast<int>(arguments.size());

    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
    RatioReporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
    reporter.print(ratios);
    benchmark::Shutdown();
    return 0;
}

}  // namespace bench
