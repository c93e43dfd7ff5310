// Benchmarks that are judged by a ratio to a limit measured in the same run: absolute figures move from machine to
// machine and from minute to minute, ratios much less.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

// "subject / limit": how fast the subject is, as a part of the limit's rate. Both are names of benchmarks.
struct Ratio {
    const char* subject;
    const char* limit;
    double target = 0;  // 0: none
};

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Each benchmark is a function that does its work once. Google Benchmark gives the absolute figures; the ratios come
// from pairs of our own: subject and limit take turns of a fraction of a millisecond, and the median of the pairs'
// ratios counts. A shared machine changes its speed by half for seconds on end, which hits both of a pair alike.
class Suite {
  public:
    using Once = std::function<void()>;

    void add(std::string name, Once once) {
        benchmark::RegisterBenchmark(name.c_str(), [once](benchmark::State& state) {
            for (auto _ : state) once();
            state.SetItemsProcessed(state.iterations());
        });
        once_.emplace(std::move(name), std::move(once));
    }

    // The command line is Google Benchmark's.
    int run(int argc, char* argv[], std::span<const Ratio> ratios) const {
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
        benchmark::RunSpecifiedBenchmarks();
        benchmark::Shutdown();
        for (const Ratio& ratio : ratios) {
            const auto [low, middle, high] = paired(once_.at(ratio.subject), once_.at(ratio.limit));
            std::printf("%s / %s: %.2f, half of the pairs from %.2f to %.2f", ratio.subject, ratio.limit, middle, low,
                        high);
            if (ratio.target > 0) std::printf(" (target %.2f)", ratio.target);
            std::printf("\n");
        }
        return 0;
    }

  private:
    static constexpr int pairs = 2001;
    static constexpr std::chrono::microseconds turn{100};

    static double seconds(const Once& once, std::size_t times) {
        const auto start = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < times; ++i) once();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

    // As often as fits into a turn.
    static std::size_t times_a_turn(const Once& once) {
        std::vector<double> runs;
        for (int i = 0; i < 101; ++i) runs.push_back(seconds(once, 10) / 10);
        return static_cast<std::size_t>(std::chrono::duration<double>(turn).count() / median(std::move(runs))) + 1;
    }

    // The lower quartile, the median and the upper quartile of the pairs' ratios.
    static std::array<double, 3> paired(const Once& subject, const Once& limit) {
        const std::size_t subject_times = times_a_turn(subject);
        const std::size_t limit_times = times_a_turn(limit);
        std::vector<double> values;
        for (int i = 0; i < pairs; ++i) {
            const double of_subject = seconds(subject, subject_times) / static_cast<double>(subject_times);
            const double of_limit = seconds(limit, limit_times) / static_cast<double>(limit_times);
            values.push_back(of_limit / of_subject);
        }
        std::sort(values.begin(), values.end());
        return {values[pairs / 4], values[pairs / 2], values[pairs * 3 / 4]};
    }

    std::map<std::string, Once, std::less<>> once_;
};

}  // namespace bench
