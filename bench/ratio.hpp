// A main function for benchmarks that are judged by a ratio to a limit measured in the same run: absolute figures move
// from machine to machine and from minute to minute, ratios much less.
#pragma once

#include <algorithm>
#include <cstdio>
#include <limits>
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

// Prints each benchmark's median, and remembers its best time and its median.
class RatioReporter : public benchmark::ConsoleReporter {
  public:
    RatioReporter() : ConsoleReporter(OO_None) {}

    void ReportRuns(const std::vector<Run>& runs) override {
        std::vector<Run> medians;
        for (const Run& run : runs) {
            if (run.error_occurred) continue;
            Times& times = times_[run.run_name.function_name];
            const double time = run.GetAdjustedCPUTime();
            if (run.run_type == Run::RT_Iteration) times.best = std::min(times.best, time);
            if (run.aggregate_name == "median") {
                times.median = time;
                medians.push_back(run);
            }
        }
        if (!medians.empty()) ConsoleReporter::ReportRuns(medians);
    }

    void print(std::span<const Ratio> ratios) const {
        for (const Ratio& ratio : ratios) {
            const auto subject = times_.find(ratio.subject);
            const auto limit = times_.find(ratio.limit);
            if (subject == times_.end() || limit == times_.end()) continue;  // filtered out by the command line
            std::printf("%s / %s: %.2f by best times, %.2f by medians", ratio.subject, ratio.limit,
                        limit->second.best / subject->second.best, limit->second.median / subject->second.median);
            if (ratio.target > 0) std::printf(" (target %.2f)", ratio.target);
            std::printf("\n");
        }
    }

  private:
    struct Times {
        double best = std::numeric_limits<double>::infinity();
        double median = 0;
    };
    std::map<std::string, Times> times_;
};

// Many short repetitions in random order, so that a busy moment of the machine hits all alike; the command line
// may say otherwise.
inline int run(int argc, char* argv[], std::span<const Ratio> ratios) {
    std::vector<std::string> texts = {argv[0], "--benchmark_repetitions=15",
                                      "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.02"};
    texts.insert(texts.end(), argv + 1, argv + argc);
    std::vector<char*> arguments;
    for (std::string& text : texts) arguments.push_back(text.data());
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
