// A peer that hangs, at every stage: what the attempt ends as, not how fast.
#include "integration/transport_fixture.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

Server::Script hang_after(std::string bytes) {
    return [bytes = std::move(bytes)](Connection& connection) {
        if (!connection.read_request()) return;
        connection.write(bytes);
        connection.wait_for_close();
    };
}

TransportRequest short_request(std::string url) {
    TransportRequest request = request_to(std::move(url));
    request.timeout = short_limit;
    return request;
}

}  // namespace

TEST_CASE("time limit: a name that hangs in DNS") {
    Gate gate;
    CurlTransportOptions options = local_options();
    options.resolver = resolver_of([wait = gate.waiter()](const std::string&) {
        wait();
        return std::vector{address("127.0.0.1")};
    });
    const auto transport = make_transport(options);
    TransportRequest request = request_to("https://hooks.example.com/");
    const bool by_connect_limit = GENERATE(true, false);
    (by_connect_limit ? request.connect_timeout : request.timeout) = short_limit;
    CHECK(failed_with(deliver(*transport, request), Errc::timed_out));
}

TEST_CASE("time limit: a peer that does not accept") {
    Server server([](Connection&) {}, {.accepts = false});
    TransportRequest request = request_to(server.url());
    const bool by_connect_limit = GENERATE(true, false);
    (by_connect_limit ? request.connect_timeout : request.timeout) = short_limit;
    CHECK(failed_with(deliver(*make_transport(), request), Errc::timed_out));
}

TEST_CASE("time limit: a peer that never answers the TLS handshake") {
    Server server([](Connection& connection) { connection.wait_for_close(); },
                  {.identity = Trust::shared().identity, .speaks_tls = false});
    TransportRequest request = request_to(server.url());
    const bool by_connect_limit = GENERATE(true, false);
    (by_connect_limit ? request.connect_timeout : request.timeout) = short_limit;
    CHECK(failed_with(deliver(*make_transport(), request), Errc::timed_out));
}

TEST_CASE("time limit: a peer that does not take the whole request") {
    Gate gate;
    Server server([wait = gate.waiter()](Connection&) { wait(); });
    TransportRequest request = short_request(server.url());
    request.http.body.assign(32 << 20, 'x');
    CHECK(failed_with(deliver(*make_transport(), request), Errc::timed_out));
    gate.open();
}

TEST_CASE("time limit: a peer that takes the request and is silent leaves it in doubt") {
    Server plain(hang_after(""));
    CHECK(failed_with(deliver(*make_transport(), short_request(plain.url())), Errc::no_response));
    Server tls(hang_after(""), {.identity = Trust::shared().identity});
    TransportRequest request = request_to(tls.url());
    request.timeout = std::chrono::seconds(2);  // the handshake must succeed within it
    CHECK(failed_with(deliver(*make_transport(), request), Errc::no_response));
}

TEST_CASE("time limit: a header section that stops half way leaves it in doubt") {
    const std::string bytes = GENERATE(as<std::string>{}, "HT", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX-A: b\r\n",
                                       "HTTP/1.1 100 Continue\r\n\r\n");
    Server server(hang_after(bytes));
    CHECK(failed_with(deliver(*make_transport(), short_request(server.url())), Errc::no_response));
}

TEST_CASE("time limit: a body that stops half way does not change the status") {
    Server server(hang_after("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"));
    const TransportOutcome outcome = deliver(*make_transport(), short_request(server.url()));
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.response_cut);
    CHECK(outcome.response->body == "abc");
}

TEST_CASE("time limit: attempts that hang do not delay others") {
    Server silent(hang_after(""));
    Server full([](Connection&) {}, {.accepts = false});
    Server healthy(answer_always(response_of(200)));
    const auto transport = make_transport();
    std::vector<Pending> hanging;
    for (int i = 0; i < 50; ++i) {
        hanging.push_back(start(*transport, request_to(silent.url())));
        hanging.push_back(start(*transport, request_to(full.url())));
    }
    for (int i = 0; i < 50; ++i) REQUIRE(answered(deliver(*transport, healthy.url()), 200));
    for (Pending& pending : hanging) CHECK(pending.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
}
