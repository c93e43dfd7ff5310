// A receiver that is killed at every step between claim and answer, under load, loses nothing; and where the mark joins
// the effect's transaction, leaves exactly one effect of each event.
#include "integration/receiver/killed_receiver.hpp"

#include <cstdio>
#include <random>
#include <set>

#include "support/catch.hpp"

using namespace fpt_webhooks::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_slow = true;  // a sanitizer makes each life many times longer
#else
constexpr bool is_slow = false;
#endif

constexpr std::size_t index(ReceiverStep step) { return static_cast<std::size_t>(step); }

// The steps that a receiver in this mode comes to.
std::vector<std::size_t> steps_of(const std::string& mode) {
    const bool has_inbox = mode == mode_inbox;
    std::vector<std::size_t> steps;
    for (std::size_t step = 0; step < all_step_count; ++step) {
        const bool of_claims = step == index(ReceiverStep::before_claim) || step == index(ReceiverStep::after_claim);
        const bool of_inbox = step >= index(ReceiverStep::before_add) && step <= index(ReceiverStep::after_take);
        if (has_inbox ? !of_claims : !of_inbox) steps.push_back(step);
    }
    return steps;
}

// Kills it that often, and lets the last life bring everything to its end. The effects of each event.
std::map<std::int64_t, int> kill_all_over(KilledReceiver& receiver, const std::string& mode, std::size_t deaths) {
    const auto steps = steps_of(mode);
    std::mt19937 random(20'260'610);  // the order of deaths; what the threads do meanwhile is theirs
    std::size_t died = 0;
    for (std::size_t turn = 0; died < deaths; ++turn) {
        REQUIRE(turn < 2 * deaths);
        // Threads run as they like: a step may be passed less often in a life than we hope.
        for (std::uint64_t hit = turn < steps.size() ? 1 : 1 + random() % 24; hit > 0; hit /= 2) {
            if (!receiver.live(steps[turn % steps.size()], hit, 40)) continue;
            ++died;
            break;
        }
    }
    CHECK_FALSE(receiver.live(std::nullopt, 1, 20));
    const auto effects = receiver.effects();
    receiver.send_all_again();
    CHECK(receiver.effects() == effects);  // all of them were known as processed

    int repeated = 0;
    for (const auto& [event, count] : effects) repeated += count - 1;
    std::printf("%-40s %6s %9s\n", mode.c_str(), "deaths", "passages");
    for (const std::size_t step : steps) {
        std::printf("%-40s %6llu %9llu\n", name_of_step(step), static_cast<unsigned long long>(receiver.died(step)),
                    static_cast<unsigned long long>(receiver.passed(step)));
        INFO(name_of_step(step));
        CHECK(receiver.died(step) > 0);
    }
    std::printf("%zu deaths, %llu events, %d effects repeated\n\n", died,
                static_cast<unsigned long long>(receiver.sent()), repeated);
    std::fflush(stdout);
    return effects;
}

void check_nothing_lost(const KilledReceiver& receiver, const std::map<std::int64_t, int>& effects) {
    CHECK(effects.size() == receiver.sent());  // each event has its own number
    CHECK(effects.begin()->first == 1);
    CHECK(effects.rbegin()->first == static_cast<std::int64_t>(receiver.sent()));
}

}  // namespace

TEST_CASE("killed receiver: with leases no event is lost, wherever it dies") {
    KilledReceiver receiver(mode_lease);
    check_nothing_lost(receiver, kill_all_over(receiver, mode_lease, is_slow ? 20 : 200));
}

TEST_CASE("killed receiver: in the effect's transaction every event has exactly one effect, wherever it dies") {
    KilledReceiver receiver(mode_transaction);
    const auto effects = kill_all_over(receiver, mode_transaction, is_slow ? 20 : 200);
    check_nothing_lost(receiver, effects);
    for (const auto& [event, count] : effects) {
        INFO(event);
        CHECK(count == 1);
    }
}

TEST_CASE("killed receiver: what an inbox has accepted is processed, wherever it dies") {
    KilledReceiver receiver(mode_inbox);
    check_nothing_lost(receiver, kill_all_over(receiver, mode_inbox, is_slow ? 20 : 60));
}
