#include <fpt_webhooks/testing/conformance.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>

#include <fpt_webhooks/receiver/receiver.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
namespace testing = fpt_webhooks::testing;

namespace {

const fw::Secret secret("whsec_fpt_test_secret_32_chars_min!!");

// Our receiver behind an exchange without a network: tests/conformance has the real thing.
class Partner {
  public:
    Partner() {
        receiver_ = fw::Receiver::create({.endpoint = "crm", .secrets = {secret}}).value();
        receiver_->on_any([this](const fw::EventView& event) {
            if (failing_) throw std::runtime_error("database is down");
            const std::lock_guard lock(mutex_);
            ++effects_[event.envelope()->event_id];
        });
    }

    testing::ConformanceOptions without_probes() {
        testing::ConformanceOptions options;
        options.url = "https://partner.example/hooks";
        options.secret = secret;
        options.exchange = [this](const fw::HttpRequest& request) { return receiver_->handle(request); };
        options.patience = std::chrono::milliseconds(0);
        options.settle_time = std::chrono::milliseconds(0);
        return options;
    }

    testing::ConformanceOptions with_probes() {
        auto options = without_probes();
        options.effect_probe = [this](const fw::EventId& id) -> std::uint64_t {
            const std::lock_guard lock(mutex_);
            const auto found = effects_.find(id);
            return found == effects_.end() ? 0 : found->second;
        };
        options.failure_hook = [this](bool failing) { failing_ = failing; };
        return options;
    }

  private:
    std::atomic<bool> failing_{false};
    std::mutex mutex_;
    std::map<fw::EventId, std::uint64_t> effects_;
    std::unique_ptr<fw::Receiver> receiver_;
};

std::set<std::string> names_of(const testing::ConformanceReport& report, testing::Verdict verdict) {
    std::set<std::string> names;
    for (const auto& result : report.results) {
        if (result.verdict == verdict) names.insert(result.name);
    }
    return names;
}

}  // namespace

TEST_CASE("conformance: our receiver passes, and what it gave no hook for is not checked, with the reason") {
    Partner partner;
    const auto report = testing::run_conformance(partner.with_probes()).value();
    CHECK(report.results.size() == testing::conformance_scenarios().size());
    for (const auto& result : report.results) {
        INFO(result.name << ": " << result.reason);
        CHECK(result.verdict != testing::Verdict::failed);
        CHECK(result.reason.empty() == (result.verdict == testing::Verdict::passed));
    }
    CHECK(names_of(report, testing::Verdict::not_checked) ==
          std::set<std::string>{"slow_body", "cut_connection", "acknowledges_after_work", "crash_before_effect",
                                "crash_after_effect"});
    CHECK(report.find("slow_body")->reason == "needs a raw exchange, which rules how bytes travel");
    CHECK(report.find("crash_before_effect")->reason == "needs a kill hook, which kills and restarts the receiver");
}

TEST_CASE("conformance: without an effect probe nothing passes that depends on effects") {
    Partner partner;
    const auto report = testing::run_conformance(partner.without_probes()).value();
    CHECK(report.count(testing::Verdict::failed) == 0);
    CHECK(names_of(report, testing::Verdict::not_checked) ==
          std::set<std::string>{"accepted", "future_secret", "late", "reordered", "duplicate", "concurrent_duplicates",
                                "slow_body", "cut_connection", "retry_after_500", "acknowledges_after_work",
                                "crash_before_effect", "crash_after_effect"});
    CHECK(report.find("duplicate")->reason ==
          "the answers were right; whether the event took effect once needs an effect probe");
}

TEST_CASE("conformance: the raw exchange is the caller's choice too") {
    Partner partner;
    auto options = partner.with_probes();
    options.only = {"slow_body", "cut_connection"};
    options.slow_body_pause = std::chrono::milliseconds(7);
    options.raw_exchange = [exchange = options.exchange](
                               const fw::HttpRequest& request,
                               const testing::BodyManner& manner) -> fw::Result<fw::HttpResponse> {
        if (manner.missing_bytes > 0) return fw::Error(fw::Errc::no_response);
        CHECK(manner.pieces > 1);
        CHECK(manner.pause == std::chrono::milliseconds(7));
        return exchange(request);
    };
    CHECK(testing::run_conformance(options).value().count(testing::Verdict::passed) == 2);
}

TEST_CASE("conformance: kills are asked for by moment, and what a crash cost is looked at afterwards") {
    Partner partner;
    auto options = partner.with_probes();
    options.only = {"acknowledges_after_work", "crash_before_effect", "crash_after_effect"};
    options.promises_exactly_once = true;
    std::vector<testing::KillMoment> moments;
    bool dies = false;
    auto death = fw::Errc::no_response;
    options.exchange = [&, living = options.exchange](const fw::HttpRequest& request) -> fw::Result<fw::HttpResponse> {
        if (dies) return fw::Error(death);
        return living(request);
    };
    options.kill_hook = [&](testing::KillMoment moment, const fw::EventId&,
                            const std::function<void()>& deliver) -> fw::Result<void> {
        moments.push_back(moment);
        dies = true;
        deliver();
        dies = false;
        return {};
    };
    CHECK(testing::run_conformance(options).value().count(testing::Verdict::passed) == 3);
    CHECK(moments == std::vector{testing::KillMoment::before_effect, testing::KillMoment::before_effect,
                                 testing::KillMoment::after_effect});

    SECTION("a request that never left decides nothing") {
        death = GENERATE(fw::Errc::connect_failed, fw::Errc::handler_failed);
        const auto report = testing::run_conformance(options).value();
        CHECK(report.count(testing::Verdict::not_checked) == 3);
        CHECK(report.results.at(0).reason.find("was not sent") != std::string::npos);
    }
    SECTION("a hook that kills nobody decides nothing about what is before the effect") {
        options.kill_hook = [](auto, const auto&, const auto& deliver) -> fw::Result<void> {
            deliver();
            return {};
        };
        const auto report = testing::run_conformance(options).value();
        CHECK(report.find("acknowledges_after_work")->verdict == testing::Verdict::not_checked);
        CHECK(report.find("crash_before_effect")->verdict == testing::Verdict::not_checked);
    }
    SECTION("a hook that delivers nothing decides nothing") {
        options.kill_hook = [](auto, const auto&, const auto&) -> fw::Result<void> { return {}; };
        CHECK(testing::run_conformance(options).value().count(testing::Verdict::not_checked) == 3);
    }
    SECTION("without an answer, a redelivery without effect decides nothing") {
        options.only = {"acknowledges_after_work"};
        options.effect_probe = [](const fw::EventId&) -> std::uint64_t { return 0; };
        CHECK(testing::run_conformance(options).value().count(testing::Verdict::not_checked) == 1);
    }
    SECTION("a hook that fails decides nothing") {
        options.kill_hook = [](auto, const auto&, const auto&) -> fw::Result<void> {
            return fw::Error(fw::Errc::local_failure, "no process to kill");
        };
        const auto report = testing::run_conformance(options).value();
        CHECK(report.count(testing::Verdict::not_checked) == 3);
        CHECK(report.find("crash_after_effect")->reason.find("no process to kill") != std::string::npos);
    }
    SECTION("without an effect probe nobody is killed for nothing") {
        options.effect_probe = nullptr;
        moments.clear();
        CHECK(testing::run_conformance(options).value().count(testing::Verdict::not_checked) == 3);
        CHECK(moments.empty());
    }
}

TEST_CASE("conformance: a probe that throws decides nothing") {
    Partner partner;
    auto options = partner.with_probes();
    options.only = {"duplicate"};
    options.effect_probe = [](const fw::EventId&) -> std::uint64_t { throw std::runtime_error("no database"); };
    const auto report = testing::run_conformance(options).value();
    CHECK(report.results.at(0).verdict == testing::Verdict::not_checked);
    CHECK(report.results.at(0).reason == "a probe or hook threw: no database");
}

TEST_CASE("conformance: an effect that comes after the first look fails, a second one and one that must not be") {
    Partner partner;
    auto options = partner.with_probes();
    options.only = {"accepted", "duplicate", "concurrent_duplicates", "tampered", "cut_connection"};
    options.raw_exchange = [](const auto&, const auto&) { return fw::Error(fw::Errc::no_response); };
    std::map<fw::EventId, int> looks;
    options.effect_probe = [&, honest = options.effect_probe](const fw::EventId& id) {
        return honest(id) + (looks[id]++ == 0 ? 0u : 1u);
    };
    const auto report = testing::run_conformance(options).value();
    CHECK(report.count(testing::Verdict::failed) == options.only.size());
    CHECK(report.find("duplicate")->reason == "the event took effect 2 times, where 1 is expected");
    CHECK(report.find("tampered")->reason == "the event took effect 1 times, where 0 is expected");
}

TEST_CASE("conformance: effects are looked at again before the receiver's work is made to fail") {
    Partner partner;
    auto options = partner.with_probes();
    options.only = {"accepted", "retry_after_500"};
    int looks = 0;
    options.effect_probe = [&, honest = options.effect_probe](const fw::EventId& id) {
        ++looks;
        return honest(id);
    };
    options.failure_hook = [&, honest = options.failure_hook](bool failing) {
        if (failing) CHECK(looks == 2);
        honest(failing);
    };
    CHECK(testing::run_conformance(options).value().count(testing::Verdict::passed) == 2);
    CHECK(looks == 4);
}

TEST_CASE("conformance: an event that is accepted while the work fails must take effect once that works again") {
    Partner partner;
    auto options = partner.with_probes();
    options.only = {"retry_after_500"};
    std::optional<fw::HttpRequest> stored;
    bool keeps_promise = true;
    // An inbox that stores while the work fails, and works when it does again.
    options.exchange = [&](const fw::HttpRequest& request) -> fw::Result<fw::HttpResponse> {
        CHECK_FALSE(stored.has_value());  // who accepted an event is not sent it again
        stored = request;
        return fw::HttpResponse{.status = 202};
    };
    const auto receive = partner.without_probes().exchange;
    options.failure_hook = [&](bool failing) {
        if (!failing && keeps_promise) CHECK(receive(stored.value()).value().status == 200);
    };
    CHECK(testing::run_conformance(options).value().count(testing::Verdict::passed) == 1);

    stored.reset();
    keeps_promise = false;
    CHECK(testing::run_conformance(options).value().results.at(0).reason ==
          "an event was answered 202 while its processing failed, and took no effect when that worked again");

    stored.reset();
    options.effect_probe = nullptr;
    CHECK(testing::run_conformance(options).value().count(testing::Verdict::not_checked) == 1);
}

TEST_CASE("conformance: an unreachable receiver fails, and the reason says so") {
    testing::ConformanceOptions options;
    options.url = "https://partner.example/hooks";
    options.secret = secret;
    options.exchange = [](const fw::HttpRequest& request) -> fw::Result<fw::HttpResponse> {
        CHECK(request.url == "https://partner.example/hooks");
        return fw::Error(fw::Errc::connect_failed, "refused");
    };
    options.only = {"accepted"};
    const auto report = testing::run_conformance(options).value();
    CHECK(report.results.at(0).verdict == testing::Verdict::failed);
    CHECK(report.results.at(0).reason.starts_with("the event got no answer ("));
}

TEST_CASE("conformance: a good event that is refused with 401 makes one think of the secret") {
    Partner partner;
    auto options = partner.without_probes();
    options.secret = fw::Secret("whsec_another_secret_of_32_chars_or_more");
    options.only = {"accepted"};
    CHECK(testing::run_conformance(options).value().results.at(0).reason ==
          "the event was answered 401, where 2xx is expected: has the receiver another secret, or a wrong clock?");
}

TEST_CASE("conformance: only the scenarios that were asked for are played, in the table's order") {
    Partner partner;
    auto options = partner.without_probes();
    options.only = {"tampered", "unsigned"};
    const auto report = testing::run_conformance(options).value();
    REQUIRE(report.results.size() == 2);
    CHECK(report.results[0].name == "unsigned");
    CHECK(report.results[1].name == "tampered");
    CHECK(report.find("stale") == nullptr);
}

TEST_CASE("conformance: refuses options that cannot work, by name, without the secret") {
    Partner partner;
    const auto error_of = [&](auto change) {
        auto options = partner.with_probes();
        change(options);
        const auto report = testing::run_conformance(options);
        REQUIRE_FALSE(report.has_value());
        CHECK(report.error() == fw::Errc::invalid_argument);
        return report.error().message();
    };
    using Options = testing::ConformanceOptions;
    CHECK(error_of([](Options& o) { o.exchange = nullptr; }).find("exchange: ") != std::string::npos);
    CHECK(error_of([](Options& o) { o.only = {"no_such"}; }).find("\"no_such\"") != std::string::npos);
    CHECK(error_of([](Options& o) { o.patience = std::chrono::milliseconds(-1); }).find("patience: ") !=
          std::string::npos);
    CHECK(error_of([](Options& o) { o.settle_time = std::chrono::milliseconds(-1); }).find("settle_time: ") !=
          std::string::npos);
    const auto text = error_of([](Options& o) { o.secret = fw::Secret("shorty"); });
    CHECK(text.find("secret: ") != std::string::npos);
    CHECK(text.find("shorty") == std::string::npos);
}

TEST_CASE("conformance: every scenario has a name and a purpose of its own") {
    std::set<std::string_view> names;
    std::set<std::string_view> purposes;
    for (const auto& scenario : testing::conformance_scenarios()) {
        CHECK_FALSE(scenario.purpose.empty());
        names.insert(scenario.name);
        purposes.insert(scenario.purpose);
    }
    CHECK(names.size() == testing::conformance_scenarios().size());
    CHECK(purposes.size() == names.size());
}
