// A sender that is killed at every durable step and at random, and whose power fails at the same steps, loses nothing
// that it has acknowledged and repeats only what receivers recognise.
#include "integration/kill/killed_sender.hpp"

#include <cstdio>
#include <numeric>
#include <random>

#include "support/catch.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_slow = true;  // a sanitizer makes each life ten times longer
#else
constexpr bool is_slow = false;
#endif

using Life = KilledSender::Life;
using Death = KilledSender::Death;

struct Matrix {
    std::size_t deaths_at_each_step;
    std::size_t random_deaths;
};

// Kills `sender` by the matrix. Returns the number of deaths.
std::size_t kill_all_over(KilledSender& sender, const Matrix& matrix, std::array<std::size_t, step_count>& hits) {
    std::mt19937 random(20'260'610);  // the order of deaths; what the threads do meanwhile is theirs
    // How often a life of the usual length passes each step.
    if (sender.live({}) != Death::none) sender.violations().add("it died by itself");
    std::array<std::uint64_t, step_count> passes{};
    for (std::size_t s = 0; s < step_count; ++s) passes[s] = std::max<std::uint64_t>(1, sender.counters().passed[s]);
    std::size_t deaths = 0;
    for (std::size_t round = 0; round < matrix.deaths_at_each_step; ++round) {
        for (std::size_t s = 0; s < step_count; ++s) {
            if (!sender.violations().all().empty()) return deaths;
            std::uint64_t hit = round == 0 ? 1 : 1 + random() % passes[s];
            Life life{.fatal = static_cast<Step>(s), .hit = hit};
            if (life.fatal == Step::before_log_restart) life.acknowledgements = 4'000;  // it takes 16 MB of log
            // Threads run as they like: a step may be passed less often this time.
            for (int tries = 0; tries < 8; ++tries, life.hit = 1 + life.hit / 2) {
                if (sender.live(life) == Death::none) continue;
                ++hits[s];
                ++deaths;
                break;
            }
        }
    }
    for (std::size_t i = 0; i < matrix.random_deaths; ++i) {
        if (!sender.violations().all().empty()) return deaths;
        const std::chrono::milliseconds when(5 + random() % (is_slow ? 2'000 : 250));
        if (sender.live({.killed_after = when}) != Death::none) ++deaths;
    }
    return deaths;
}

void run(Disk disk, const Matrix& matrix) {
    KilledSender sender(disk);
    std::array<std::size_t, step_count> hits{};
    const std::size_t deaths = kill_all_over(sender, matrix, hits);
    if (sender.violations().all().empty()) (void)sender.live({.drains = true});
    if (sender.violations().all().empty()) sender.check();

    std::printf("%-60s %6s %9s\n", "step", "deaths", "passages");
    for (std::size_t s = 0; s < step_count; ++s) {
        std::printf("%-60s %6zu %9llu\n", step_names[s], hits[s],
                    static_cast<unsigned long long>(sender.counters().passed[s].load()));
    }
    std::printf("%-60s %6zu\n", "at random, under load",
                deaths - std::accumulate(hits.begin(), hits.end(), std::size_t{0}));
    std::printf("%zu deaths; %s\n", deaths, sender.summary().c_str());
    std::fflush(stdout);

    for (const std::string& violation : sender.violations().all()) UNSCOPED_INFO(violation);
    REQUIRE(sender.violations().all().empty());
    for (std::size_t s = 0; s < step_count; ++s) {
        INFO(step_names[s]);
        CHECK(hits[s] > 0);
    }
    CHECK(deaths >= matrix.deaths_at_each_step * step_count * 9 / 10 + matrix.random_deaths);
}

}  // namespace

TEST_CASE("kill: a process that is killed at any step loses and repeats nothing that matters") {
    run(Disk::real, is_slow ? Matrix{1, 5} : Matrix{3, 60});
}

TEST_CASE("kill: a machine whose power fails at any step has everything that was synced, and that is enough") {
    run(Disk::power_fails, is_slow ? Matrix{1, 5} : Matrix{2, 20});
}

TEST_CASE("kill: it makes no difference that some of what was not synced survives as well") {
    run(Disk::power_fails_and_some_survives, is_slow ? Matrix{1, 5} : Matrix{1, 20});
}
