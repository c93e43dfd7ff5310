// Addresses: what is resolved, judged, pinned and dialled.
#include "integration/transport_fixture.hpp"

#include <algorithm>

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

CurlTransportOptions with_lookup(std::function<Result<std::vector<IpAddress>>(const std::string&)> lookup) {
    CurlTransportOptions options = local_options();
    options.resolver = resolver_of(std::move(lookup));
    return options;
}

}  // namespace

TEST_CASE("transport: a refused port and a refusal by policy are told apart") {
    const auto transport = make_transport();
    const std::string port = std::to_string(free_port());
    const TransportOutcome refused_port = deliver(*transport, "http://127.0.0.1:" + port + "/");
    CHECK(failed_with(refused_port, Errc::connect_failed));
    CHECK(refused_port.remote == address("127.0.0.1"));

    Server server(answer_always(response_of(200)));
    CHECK(failed_with(deliver(*transport, server.url("127.0.0.2")), Errc::refused_by_policy));
    TransportRequest request = request_to(server.url("hooks.example.com"));
    request.policy = EndpointPolicy::create({.allow_http = true}).value();
    const TransportOutcome refused = deliver(*transport, request);
    CHECK(failed_with(refused, Errc::refused_by_policy));
    CHECK_FALSE(refused.remote);
    CHECK(server.connections() == 0);
}

TEST_CASE("transport: a name with one public and one private address is refused whole") {
    Server server(answer_always(response_of(200)));
    const bool private_first = GENERATE(true, false);
    const auto transport = make_transport(with_lookup([=](const std::string&) {
        std::vector<IpAddress> answer{address("127.0.0.1"), address("10.0.0.1")};  // the first is allowed
        if (private_first) std::reverse(answer.begin(), answer.end());
        return answer;
    }));
    CHECK(failed_with(deliver(*transport, server.url("hooks.example.com")), Errc::refused_by_policy));
    CHECK(server.connections() == 0);
}

TEST_CASE("transport: a name is resolved once per attempt, and what was judged is what is dialled") {
    Server server(answer_always(response_of(200, {}, "Connection: close\r\n")));
    const auto lookups = std::make_shared<std::atomic<int>>(0);
    const auto transport = make_transport(with_lookup([lookups](const std::string&) {
        // The first answer is good, all later ones lead inside: a second question would be noticed.
        return std::vector{address((*lookups)++ == 0 ? "127.0.0.1" : "127.0.0.2")};
    }));
    CHECK(answered(deliver(*transport, server.url("hooks.example.com")), 200));
    CHECK(*lookups == 1);
    CHECK(failed_with(deliver(*transport, server.url("hooks.example.com")), Errc::refused_by_policy));
    CHECK(*lookups == 2);
    CHECK(server.connections() == 1);
}

TEST_CASE("transport: a new answer replaces the pinned one") {
    Server server(answer_always(response_of(200, {}, "Connection: close\r\n")));
    const auto lookups = std::make_shared<std::atomic<int>>(0);
    const auto transport = make_transport(with_lookup([lookups](const std::string&) {
        return std::vector{address((*lookups)++ % 2 == 0 ? "127.0.0.2" : "127.0.0.1")};
    }));
    TransportRequest request = request_to(server.url("hooks.example.com"));
    request.policy = local_policy({"127.0.0.0/8"});
    // The server listens on 127.0.0.1 only.
    for (int i = 0; i < 3; ++i) {
        const TransportOutcome refused = deliver(*transport, request);
        CHECK(failed_with(refused, Errc::connect_failed));
        CHECK(refused.remote == address("127.0.0.2"));
        CHECK(answered(deliver(*transport, request), 200));
    }
}

TEST_CASE("transport: a kept connection is judged again before each request") {
    Server server(answer_always(response_of(200)));
    const auto lookups = std::make_shared<std::atomic<int>>(0);
    const auto transport = make_transport(with_lookup(
        [lookups](const std::string&) { return std::vector{address((*lookups)++ == 0 ? "127.0.0.1" : "127.0.0.2")}; }));
    REQUIRE(answered(deliver(*transport, server.url("hooks.example.com")), 200));
    // The answer is fine for this policy, the connection that libcurl keeps under this name is not.
    TransportRequest request = request_to(server.url("hooks.example.com"));
    request.policy = local_policy({"127.0.0.2"});
    CHECK(failed_with(deliver(*transport, request), Errc::refused_by_policy));
    CHECK(server.requests() == 1);
}

TEST_CASE("transport: all addresses of an answer are tried") {
    Server server(answer_always(response_of(200)));
    const auto transport = make_transport(with_lookup([](const std::string&) {
        return std::vector{address("127.0.0.2"), address("::1"), address("127.0.0.1")};
    }));
    TransportRequest request = request_to(server.url("hooks.example.com"));
    request.policy = local_policy({"127.0.0.0/8", "::1"});
    const TransportOutcome outcome = deliver(*transport, request);
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.remote == address("127.0.0.1"));
}

TEST_CASE("transport: a name that does not resolve is the endpoint's fault, a broken resolver is ours") {
    const auto transport = make_transport(with_lookup([](const std::string& host) -> Result<std::vector<IpAddress>> {
        if (host == "unknown.example.com") return Error(Errc::resolve_failed, "not found");
        throw std::runtime_error("broken");
    }));
    CHECK(failed_with(deliver(*transport, "https://unknown.example.com/"), Errc::resolve_failed));
    CHECK(failed_with(deliver(*transport, "https://other.example.com/"), Errc::local_failure));
}

TEST_CASE("transport: a name that hangs in DNS delays no other delivery and is asked for once") {
    Server server(answer_always(response_of(200)));
    Gate gate;
    const auto questions = std::make_shared<std::atomic<int>>(0);
    const auto transport = make_transport(
        with_lookup([questions, wait = gate.waiter()](const std::string& host) -> Result<std::vector<IpAddress>> {
            if (host == "hang.example.com") {
                ++*questions;
                wait();
            }
            return std::vector{address("127.0.0.1")};
        }));
    std::vector<Pending> hanging;
    for (int i = 0; i < 50; ++i) hanging.push_back(start(*transport, request_to(server.url("hang.example.com"))));
    for (int i = 0; i < 50; ++i) REQUIRE(answered(deliver(*transport, server.url("hooks.example.com")), 200));
    CHECK(*questions == 1);
    gate.open();
    for (Pending& pending : hanging) CHECK(answered(await(std::move(pending)), 200));
}

TEST_CASE("transport: more hosts than pins are kept for") {
    Server server(answer_always(response_of(200)));
    const auto transport = make_transport();
    for (int i = 0; i < 4200; ++i) {
        const std::string host = "h" + std::to_string(i) + ".example.com";
        // a refused port is enough: the pin is loaded when it is dialled
        REQUIRE(
            failed_with(deliver(*transport, "http://" + host + ":" + std::to_string(1) + "/"), Errc::connect_failed));
    }
    CHECK(answered(deliver(*transport, server.url("h0.example.com")), 200));
    CHECK(answered(deliver(*transport, server.url("h4199.example.com")), 200));
}
