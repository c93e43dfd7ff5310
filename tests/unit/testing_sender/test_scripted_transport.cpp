#include <fpt_webhooks/testing_sender/scripted_transport.hpp>

#include <future>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using fw::testing::ScriptedTransport;

namespace {

fw::TransportRequest request_to(std::string url) {
    static const auto policy = fw::EndpointPolicy::create().value();
    return {.http = {.url = std::move(url)}, .policy = policy};
}

ScriptedTransport::Script always(int status) {
    return [status](const fw::TransportRequest&) { return ScriptedTransport::respond(status); };
}

std::string text_of(const fw::TransportOutcome& outcome) {
    return outcome.response ? std::to_string(outcome.response->status) : outcome.response.error().code().message();
}

fw::Transport::Completion into(std::vector<std::string>& log) {
    return [&log](const fw::TransportOutcome& outcome) { log.push_back(text_of(outcome)); };
}

constexpr const char* url = "https://partner.example/hooks";

}  // namespace

TEST_CASE("scripted transport: completes inside run, in the order of the starts, never inside start") {
    std::vector<std::string> log;
    int next = 200;
    ScriptedTransport transport([&](const fw::TransportRequest&) { return ScriptedTransport::respond(next++); },
                                ScriptedTransport::Mode::by_run);
    REQUIRE(transport.start(request_to(url), into(log)));
    REQUIRE(transport.start(request_to(url), into(log)));
    CHECK(log.empty());
    CHECK(transport.in_flight() == 2);
    CHECK(transport.run() == 2);
    CHECK(log == std::vector<std::string>{"200", "201"});
    CHECK(transport.in_flight() == 0);
    CHECK(transport.run() == 0);
}

TEST_CASE("scripted transport: a completion may start the next attempt in the slot that it leaves") {
    std::vector<std::string> log;
    ScriptedTransport transport(always(200), ScriptedTransport::Mode::by_run);
    transport.set_slots(1);
    REQUIRE(transport.start(request_to(url),
                            [&](const fw::TransportOutcome&) { CHECK(transport.start(request_to(url), into(log))); }));
    CHECK(transport.start(request_to(url), into(log)).error() == fw::Errc::overloaded);
    CHECK(transport.run() == 2);
    CHECK(log == std::vector<std::string>{"200"});
    CHECK(transport.requests().size() == 2);
}

TEST_CASE("scripted transport: what hangs ends by cancel or with the transport, once") {
    std::vector<std::string> log;
    {
        ScriptedTransport transport([](const fw::TransportRequest&) { return std::nullopt; },
                                    ScriptedTransport::Mode::by_run);
        const auto first = transport.start(request_to(url), into(log)).value();
        REQUIRE(transport.start(request_to(url), into(log)));
        CHECK(transport.run() == 0);
        CHECK(transport.in_flight() == 2);
        transport.cancel(first);
        CHECK(log.empty());
        CHECK(transport.run() == 1);
        transport.cancel(first);
        transport.cancel(999);
        CHECK(transport.run() == 0);
        CHECK(log == std::vector<std::string>{"cancelled"});
    }
    CHECK(log == std::vector<std::string>{"cancelled", "cancelled"});
}

TEST_CASE("scripted transport: cancelling before the answer wins, after it loses") {
    std::vector<std::string> log;
    ScriptedTransport transport(always(200), ScriptedTransport::Mode::by_run);
    const auto early = transport.start(request_to(url), into(log)).value();
    transport.cancel(early);
    CHECK(transport.run() == 1);
    const auto late = transport.start(request_to(url), into(log)).value();
    CHECK(transport.run() == 1);
    transport.cancel(late);
    CHECK(transport.run() == 0);
    CHECK(log == std::vector<std::string>{"cancelled", "200"});
}

TEST_CASE("scripted transport: cancelling while the script is asked wins over its answer") {
    std::vector<std::string> log;
    fw::Transport* self = nullptr;
    ScriptedTransport transport(
        [&](const fw::TransportRequest&) {
            self->cancel(1);
            return ScriptedTransport::respond(200);
        },
        ScriptedTransport::Mode::by_run);
    self = &transport;
    REQUIRE(transport.start(request_to(url), into(log)).value() == 1);
    CHECK(transport.run() == 1);
    CHECK(log == std::vector<std::string>{"cancelled"});
}

TEST_CASE("scripted transport: completes on a thread of its own") {
    ScriptedTransport transport(always(503));
    std::promise<std::pair<std::string, std::thread::id>> promise;
    REQUIRE(transport.start(request_to(url), [&](const fw::TransportOutcome& outcome) {
        promise.set_value({text_of(outcome), std::this_thread::get_id()});
    }));
    const auto [outcome, thread] = promise.get_future().get();
    CHECK(outcome == "503");
    CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("scripted transport: its end cancels what its thread has not answered") {
    std::vector<std::string> log;
    std::promise<void> asked;
    {
        ScriptedTransport transport([&](const fw::TransportRequest&) -> std::optional<fw::TransportOutcome> {
            asked.set_value();
            return std::nullopt;
        });
        REQUIRE(transport.start(request_to(url), into(log)));
        asked.get_future().wait();
    }
    CHECK(log == std::vector<std::string>{"cancelled"});
}

TEST_CASE("scripted transport: refuses at once what a real one refuses") {
    ScriptedTransport transport(always(200), ScriptedTransport::Mode::by_run);
    std::vector<std::string> log;
    const auto refusal = [&](fw::TransportRequest request) {
        return transport.start(std::move(request), into(log)).error();
    };
    CHECK(refusal(request_to("http://partner.example/")) == fw::Errc::refused_by_policy);
    CHECK(refusal(request_to("https://10.0.0.1/")) == fw::Errc::refused_by_policy);
    CHECK(refusal(request_to("nonsense")) == fw::Errc::malformed);
    auto request = request_to(url);
    request.policy = nullptr;
    CHECK(refusal(request) == fw::Errc::invalid_argument);
    request = request_to(url);
    request.http.headers.add("X-Bad", "a\r\nb");
    CHECK(refusal(request) == fw::Errc::invalid_argument);
    request = request_to(url);
    request.http.method = "";
    CHECK(refusal(request) == fw::Errc::invalid_argument);
    CHECK(transport.start(request_to(url), nullptr).error() == fw::Errc::invalid_argument);
    CHECK(transport.run() == 0);
    CHECK(transport.requests().empty());
}
