#include <fpt_webhooks/testing/conformance.hpp>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "testing/scenarios.hpp"

#if __has_include(<sys/socket.h>)
#include <fpt_webhooks/testing/plain_exchange.hpp>
#endif

namespace fpt_webhooks::inline v0_1::testing {
namespace {

namespace chr = std::chrono;

Result<void> fill_exchanges(ConformanceOptions& options) {
    if (options.exchange) return {};
#if __has_include(<sys/socket.h>)
    if (options.url.starts_with("http://")) {
        options.exchange = [](const HttpRequest& request) { return plain_exchange(request); };
        if (!options.raw_exchange) {
            options.raw_exchange = [](const HttpRequest& request, const BodyManner& manner) {
                return plain_exchange(request, manner);
            };
        }
        return {};
    }
#endif
    return Error(Errc::invalid_argument, "exchange: needed for a url that is not http://");
}

Result<void> check_options(const ConformanceOptions& options) {
    if (options.patience < chr::milliseconds::zero()) return Error(Errc::invalid_argument, "patience: negative");
    if (options.settle_time < chr::milliseconds::zero()) return Error(Errc::invalid_argument, "settle_time: negative");
    if (options.slow_body_pause < chr::milliseconds::zero()) {
        return Error(Errc::invalid_argument, "slow_body_pause: negative");
    }
    for (const auto& name : options.only) {
        const auto& all = scenarios();
        if (std::none_of(all.begin(), all.end(), [&](const Scenario& known) { return known.info.name == name; })) {
            return Error(Errc::invalid_argument, "only: there is no such scenario as \"" + name + "\"");
        }
    }
    return {};
}

// Why a scenario cannot even be played; empty: it can.
std::string_view missing_for(const Needs& needs, const ConformanceOptions& options) noexcept {
    if (needs.raw && !options.raw_exchange) return "needs a raw exchange, which rules how bytes travel";
    if (needs.failure && !options.failure_hook) return "needs a failure hook, which makes the receiver's work fail";
    if (needs.kill && !options.kill_hook) return "needs a kill hook, which kills and restarts the receiver";
    if (needs.kill && !options.effect_probe) return "needs an effect probe, to see what a crash has cost";
    if (needs.exactly_once && !options.promises_exactly_once)
        return "the receiver does not promise exactly-once effects";
    return {};
}

struct Finding {
    Verdict verdict = Verdict::passed;
    std::string reason = {};
    std::vector<ExpectedEffect> effects = {};  // seen when it passed, and to be looked at again
};

// What probes and hooks throw decides nothing.
template <class Judge>
Finding guarded(const Judge& judge) {
    try {
        return judge();
    } catch (const std::exception& exception) {
        return {Verdict::not_checked, std::string("a probe or hook threw: ") + exception.what()};
    } catch (...) {
        return {Verdict::not_checked, "a probe or hook threw"};
    }
}

Finding judge(const Scenario& scenario, const ConformanceOptions& options, const SendingSide& side) {
    if (const auto missing = missing_for(scenario.needs, options); !missing.empty()) {
        return {Verdict::not_checked, std::string(missing)};
    }
    Trial trial(options, side);
    scenario.play(trial);
    if (trial.undecided().empty()) {
        for (const auto& effect : trial.course().result().effects) trial.check_effects(effect);
    }
    if (!trial.course().good()) return {Verdict::failed, trial.course().result().complaint};
    if (!trial.undecided().empty()) return {Verdict::not_checked, trial.undecided()};
    if (scenario.needs.effects && !options.effect_probe) {
        return {Verdict::not_checked,
                "the answers were right; whether the event took effect once needs an effect probe"};
    }
    Finding passed;
    if (options.effect_probe) passed.effects = std::move(trial.course().result().effects);
    return passed;
}

// A scenario that passed, while effects may still be on their way.
struct Unsettled {
    std::size_t at;  // among the results
    std::vector<ExpectedEffect> effects;
};

// Waits once for all of them, and reads every count again.
void settle(std::vector<Unsettled>& unsettled, const ConformanceOptions& options, ConformanceReport& report) {
    if (unsettled.empty()) return;
    std::this_thread::sleep_for(options.settle_time);
    for (const auto& passed : unsettled) {
        Finding finding = guarded([&]() -> Finding {
            for (const auto& effect : passed.effects) {
                auto complaint = complaint_about(effect, options.effect_probe(effect.event_id));
                if (!complaint.empty()) return {Verdict::failed, std::move(complaint)};
            }
            return {};
        });
        report.results[passed.at].verdict = finding.verdict;
        report.results[passed.at].reason = std::move(finding.reason);
    }
    unsettled.clear();
}

}  // namespace

std::string_view name_of(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::passed: return "passed";
        case Verdict::failed: return "failed";
        case Verdict::not_checked: return "not checked";
    }
    return "";
}

std::size_t ConformanceReport::count(Verdict verdict) const noexcept {
    return static_cast<std::size_t>(std::count_if(results.begin(), results.end(),
                                                  [verdict](const auto& result) { return result.verdict == verdict; }));
}

const ScenarioResult* ConformanceReport::find(std::string_view name) const noexcept {
    const auto found = std::find_if(results.begin(), results.end(), [name](const auto& r) { return r.name == name; });
    return found == results.end() ? nullptr : &*found;
}

Result<ConformanceReport> run_conformance(ConformanceOptions options) {
    if (auto good = check_options(options); !good) return good.error();
    if (auto good = fill_exchanges(options); !good) return good.error();
    auto side =
        SendingSide::create(options.secret, options.old_secret, options.future_secret, options.clock, options.random);
    if (!side) return std::move(side).error();
    side->url = options.url;
    side->exchange = options.exchange;
    side->failure_hook = options.failure_hook;

    ConformanceReport report;
    std::vector<Unsettled> unsettled;
    for (const Scenario& scenario : scenarios()) {
        const auto& only = options.only;
        if (!only.empty() && std::find(only.begin(), only.end(), scenario.info.name) == only.end()) continue;
        const bool disrupts = scenario.needs.failure || scenario.needs.kill;  // and what is on its way might be lost
        if (disrupts && missing_for(scenario.needs, options).empty()) settle(unsettled, options, report);
        const auto start = side->clock->steady_now();
        Finding finding = guarded([&] { return judge(scenario, options, *side); });
        if (!finding.effects.empty()) unsettled.push_back({report.results.size(), std::move(finding.effects)});
        report.results.push_back({.name = std::string(scenario.info.name),
                                  .purpose = std::string(scenario.info.purpose),
                                  .verdict = finding.verdict,
                                  .reason = std::move(finding.reason),
                                  .took = chr::floor<chr::milliseconds>(side->clock->steady_now() - start)});
    }
    settle(unsettled, options, report);
    return report;
}

}  // namespace fpt_webhooks::inline v0_1::testing
