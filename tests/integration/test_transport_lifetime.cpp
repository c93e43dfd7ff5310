// Slots, cancelling, destruction, forks and a machine that runs out.
#include "integration/transport_fixture.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

Server::Script silent() {
    return [](Connection& connection) { connection.wait_for_close(); };
}

// A chain of attempts, each started by the completion of the one before.
class Chain : public std::enable_shared_from_this<Chain> {
  public:
    Chain(Transport& transport, std::string url, int length)
        : transport_(transport), url_(std::move(url)), left_(length) {}

    std::future<int> run() {
        next();
        return successes_promise_.get_future();
    }

  private:
    void next() {
        if (left_-- == 0) return successes_promise_.set_value(successes_);
        const auto started = transport_.start(request_to(url_), [self = shared_from_this()](TransportOutcome outcome) {
            self->successes_ += outcome.response && outcome.response->status == 200 ? 1 : 0;
            self->next();
        });
        if (!started) successes_promise_.set_value(-1);
    }

    Transport& transport_;
    std::string url_;
    int left_;
    int successes_ = 0;
    std::promise<int> successes_promise_;
};

}  // namespace

TEST_CASE("transport: a completion may start the next attempt, also with one slot only") {
    Server server(answer_always(response_of(200)));
    CurlTransportOptions options = local_options();
    options.in_flight_max = 1;
    const auto transport = make_transport(options);
    auto successes = std::make_shared<Chain>(*transport, server.url(), 200)->run();
    REQUIRE(successes.wait_for(patience) == std::future_status::ready);
    CHECK(successes.get() == 200);
    CHECK(server.connections() == 1);
}

TEST_CASE("transport: a chain of attempts that fail at once does not recurse and leaves room for others") {
    Server server(answer_always(response_of(200)));
    CurlTransportOptions options = local_options();
    options.resolver = resolver_of([](const std::string& host) -> Result<std::vector<IpAddress>> {
        if (host == "bad.example.com") return std::vector{address("10.0.0.1")};
        return std::vector{address("127.0.0.1")};
    });
    const auto transport = make_transport(options);
    auto failing = std::make_shared<Chain>(*transport, server.url("bad.example.com"), 5'000)->run();
    auto working = std::make_shared<Chain>(*transport, server.url("hooks.example.com"), 100)->run();
    REQUIRE(working.wait_for(patience) == std::future_status::ready);
    CHECK(working.get() == 100);
    REQUIRE(failing.wait_for(patience) == std::future_status::ready);
    CHECK(failing.get() == 0);
}

TEST_CASE("transport: one attempt more than there are slots is refused, until one is cancelled") {
    Server server(silent());
    CurlTransportOptions options = local_options();
    options.in_flight_max = 2;
    const auto transport = make_transport(options);
    Transport::Token token = 0;
    Pending first = start(*transport, request_to(server.url()), &token);
    Pending second = start(*transport, request_to(server.url()));
    CHECK(failed_with(deliver(*transport, server.url()), Errc::overloaded));
    transport->cancel(token);
    transport->cancel(token);
    CHECK(failed_with(await(std::move(first)), Errc::cancelled));
    transport->cancel(token);  // an old token ends nobody else's attempt
    Server other(answer_always(response_of(200)));
    CHECK(answered(deliver(*transport, other.url()), 200));
    CHECK(second.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
}

TEST_CASE("transport: an attempt can be cancelled at every stage") {
    Gate gate;
    CurlTransportOptions options = local_options();
    options.resolver = resolver_of([wait = gate.waiter()](const std::string&) {
        wait();
        return std::vector{address("127.0.0.1")};
    });
    Server full([](Connection&) {}, {.accepts = false});
    Server quiet(silent());
    const auto transport = make_transport(options);
    for (const std::string& url : {std::string("https://hooks.example.com/"), full.url(), quiet.url()}) {
        Transport::Token token = 0;
        auto completions = std::make_shared<std::atomic<int>>(0);
        Pending pending = start(*transport, request_to(url), &token, completions);
        if (url == quiet.url()) REQUIRE(quiet.wait_for_connections(1));
        transport->cancel(token);
        CHECK(failed_with(await(std::move(pending)), Errc::cancelled));
        CHECK(*completions == 1);
    }
}

TEST_CASE("transport: its destructor cancels what is in flight, each attempt once") {
    Gate gate;
    CurlTransportOptions options = local_options();
    options.resolver = resolver_of([wait = gate.waiter()](const std::string&) {
        wait();
        return std::vector{address("127.0.0.1")};
    });
    Server full([](Connection&) {}, {.accepts = false});
    Server quiet(silent());
    auto transport = make_transport(options);
    auto completions = std::make_shared<std::atomic<int>>(0);
    std::vector<Pending> pending;
    for (int i = 0; i < 10; ++i) {
        for (const std::string& url : {std::string("https://hooks.example.com/"), full.url(), quiet.url()}) {
            pending.push_back(start(*transport, request_to(url), nullptr, completions));
        }
    }
    REQUIRE(quiet.wait_for_connections(1));
    transport.reset();
    CHECK(*completions == 30);
    for (Pending& each : pending) CHECK(failed_with(await(std::move(each)), Errc::cancelled));
}

TEST_CASE("transport: starting while it is destroyed is refused") {
    Server quiet(silent());
    auto transport = make_transport();
    std::optional<Error> refusal;
    Transport& borrowed = *transport;
    REQUIRE(transport->start(request_to(quiet.url()), [&](TransportOutcome) {
        auto again = borrowed.start(request_to(quiet.url()), [](TransportOutcome) {});
        if (!again) refusal = again.error();
    }));
    transport.reset();
    REQUIRE(refusal);
    CHECK(*refusal == Errc::cancelled);
}

TEST_CASE("transport: the last owner may be a completion") {
    Server server(answer_always(response_of(200)));
    Server quiet(silent());
    auto transport = make_transport();
    auto ended = std::make_shared<std::promise<void>>();
    auto other_ended = start(*transport, request_to(quiet.url()));
    auto future = ended->get_future();
    Transport& borrowed = *transport;
    auto holder = std::make_shared<std::shared_ptr<CurlTransport>>(std::move(transport));
    REQUIRE(borrowed.start(request_to(server.url()), [holder, ended](TransportOutcome) {
        holder->reset();
        ended->set_value();
    }));
    holder.reset();
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    CHECK(failed_with(await(std::move(other_ended)), Errc::cancelled));
}

TEST_CASE("transport: a completion that throws harms nobody") {
    Server server(answer_always(response_of(200)));
    const auto transport = make_transport();
    REQUIRE(transport->start(request_to(server.url()), [](TransportOutcome) { throw std::runtime_error("ignored"); }));
    CHECK(answered(deliver(*transport, server.url()), 200));
}

TEST_CASE("transport: attempts are started and cancelled by several threads at once") {
    Server server(answer_always(response_of(200)));
    auto options = local_options();
    options.in_flight_max = 401;  // all of them, and the one afterwards
    auto transport = make_transport(options);
    const auto completions = std::make_shared<std::atomic<int>>(0);
    std::atomic<int> accepted = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&, i] {
                for (int j = 0; j < 100; ++j) {
                    auto token = transport->start(request_to(server.url("h" + std::to_string(j % 3) + ".example.com")),
                                                  [completions](TransportOutcome) { ++*completions; });
                    if (!token) continue;
                    ++accepted;
                    if ((i + j) % 2 == 0) transport->cancel(*token);
                }
            });
        }
    }
    CHECK(answered(deliver(*transport, server.url()), 200));
    make_transport();  // another one comes and goes meanwhile
    transport.reset();
    CHECK(*completions == accepted);
}

TEST_CASE("transport: without descriptors it is this machine's fault") {
    Server server(answer_always(response_of(200)));
    const auto transport = make_transport();
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit small = before;
    small.rlim_cur = 256;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &small) == 0);
    std::vector<int> fillers;
    for (int file = 0; (file = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) fillers.push_back(file);
    const TransportOutcome outcome = deliver(*transport, server.url());
    for (const int file : fillers) close(file);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(failed_with(outcome, Errc::local_failure));
    CHECK(answered(deliver(*transport, server.url()), 200));
}

TEST_CASE("transport: in a forked child every call says so, and the parent's connections live on") {
    Server server(answer_always(response_of(200)), {.identity = Trust::shared().identity});
    auto transport = make_transport();
    const auto resolver = local_resolver();
    REQUIRE(answered(deliver(*transport, server.url()), 200));
    const pid_t child = fork();
    if (child == 0) {
        bool good = true;
        auto started = transport->start(request_to(server.url()), [](TransportOutcome) {});
        good = good && !started && started.error() == Errc::forked;
        transport->cancel(1);
        resolver->resolve("hooks.example.com", [&](const Result<std::vector<IpAddress>>& answer) {
            good = good && !answer && answer.error() == Errc::forked;
        });
        transport.reset();
        _exit(good ? 0 : 1);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    REQUIRE(answered(deliver(*transport, server.url()), 200));
    CHECK(server.connections() == 1);
}
