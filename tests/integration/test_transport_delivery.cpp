// Requests that arrive: what the endpoint sees, and how connections are kept.
#include "integration/transport_fixture.hpp"

#include <dirent.h>
#include <stdlib.h>

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

std::size_t open_descriptors() {
    std::size_t count = 0;
    DIR* const folder = opendir("/proc/self/fd");
    REQUIRE(folder != nullptr);
    while (readdir(folder) != nullptr) ++count;
    closedir(folder);
    return count;
}

}  // namespace

TEST_CASE("transport: delivers the exact request and brings back the answer") {
    Server server(answer_always(response_of(202, "taken", "X-Reply: yes\r\n")));
    const auto transport = make_transport();
    const TransportOutcome outcome = deliver(*transport, server.url("127.0.0.1", "/hook/../a?b=c"));
    REQUIRE(answered(outcome, 202));
    CHECK(outcome.response->body == "taken");
    CHECK(outcome.response->headers.find("x-reply") == "yes");
    CHECK_FALSE(outcome.response_cut);
    CHECK_FALSE(outcome.connection_reused);
    CHECK(outcome.remote == address("127.0.0.1"));
    CHECK(outcome.timings.connected.count() > 0);
    CHECK(outcome.timings.total >= outcome.timings.first_byte);
    CHECK(server.last_request() == "POST /hook/../a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                       "\r\nContent-Type: application/json; charset=utf-8\r\n"
                                       "X-FPT-Signature: t=1,v1=00\r\nContent-Length: 15\r\n\r\n{\"eventId\":\"1\"}");
}

TEST_CASE("transport: sends no header but the caller's, also with an empty body, an empty value or a large body") {
    Server server(answer_always(response_of(200)));
    const auto transport = make_transport();
    TransportRequest request = request_to(server.url());
    request.http.method = "PUT";
    request.http.headers = {{"X-Empty", ""}, {"X-Blank", "  "}};
    request.http.body.clear();
    REQUIRE(answered(deliver(*transport, request), 200));
    const std::string host = "Host: 127.0.0.1:" + std::to_string(server.port());
    CHECK(server.last_request() ==
          "PUT /hook HTTP/1.1\r\n" + host + "\r\nX-Empty:\r\nX-Blank:\r\nContent-Length: 0\r\n\r\n");

    request = request_to(server.url());
    request.http.body.assign(3 << 20, 'x');
    REQUIRE(answered(deliver(*transport, request), 200));
    CHECK(server.last_request().find("Expect") == std::string::npos);
    CHECK(server.last_request().ends_with(request.http.body));
}

TEST_CASE("transport: bytes of the body are not touched") {
    Server server(answer_always(response_of(200)));
    const auto transport = make_transport();
    TransportRequest request = request_to(server.url());
    request.http.body.clear();
    for (int i = 0; i < 512; ++i) request.http.body.push_back(static_cast<char>(i));
    REQUIRE(answered(deliver(*transport, request), 200));
    CHECK(server.last_request().ends_with(request.http.body));
}

TEST_CASE("transport: a redirect is an answer and is not followed") {
    Server other(answer_always(response_of(200)));
    const int status = GENERATE(301, 302, 307, 308);
    Server server(answer_always(response_of(status, {}, "Location: " + other.url() + "\r\n")));
    const auto transport = make_transport();
    const TransportOutcome outcome = deliver(*transport, server.url());
    REQUIRE(answered(outcome, status));
    CHECK(outcome.response->headers.find("Location") == other.url());
    CHECK(other.connections() == 0);
}

TEST_CASE("transport: any status is a value") {
    const int status = GENERATE(200, 204, 304, 400, 401, 407, 410, 429, 500, 503, 599);
    Server server(answer_always(status == 204 || status == 304
                                    ? "HTTP/1.1 " + std::to_string(status) + " Whatever\r\n\r\n"
                                    : response_of(status)));
    const auto transport = make_transport();
    CHECK(answered(deliver(*transport, server.url()), status));
}

TEST_CASE("transport: deliveries to one host reuse its connection") {
    Server server(answer_always(response_of(200)), {.identity = Trust::shared().identity});
    const auto transport = make_transport();
    for (int i = 0; i < 20; ++i) {
        const TransportOutcome outcome = deliver(*transport, server.url("hooks.example.com"));
        REQUIRE(answered(outcome, 200));
        CHECK(outcome.connection_reused == (i > 0));
        CHECK(outcome.remote == address("127.0.0.1"));
    }
    CHECK(server.connections() == 1);
    CHECK(server.requests() == 20);
}

TEST_CASE("transport: a kept connection that the endpoint closed meanwhile costs no delivery") {
    Server server([](Connection& connection) {
        if (connection.read_request()) connection.write(response_of(200));
    });
    const auto transport = make_transport();
    for (std::size_t i = 1; i <= 20; ++i) {
        REQUIRE(answered(deliver(*transport, server.url()), 200));
        REQUIRE(server.wait_for_closed(i));
    }
    CHECK(server.connections() == 20);
}

TEST_CASE("transport: thousands of deliveries leave the number of descriptors bounded") {
    Server keeping(answer_always(response_of(200)));
    Server closing([](Connection& connection) {
        if (connection.read_request()) connection.write(response_of(200, {}, "Connection: close\r\n"));
    });
    const auto transport = make_transport();
    REQUIRE(answered(deliver(*transport, keeping.url()), 200));
    REQUIRE(answered(deliver(*transport, closing.url()), 200));
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 2000; ++i) REQUIRE(answered(deliver(*transport, keeping.url()), 200));
    for (int i = 0; i < 300; ++i) REQUIRE(answered(deliver(*transport, closing.url()), 200));
    CHECK(keeping.connections() == 1);
    CHECK(open_descriptors() <= before + 4);  // the server may still hold its end of the last ones
}

TEST_CASE("transport: keeps no more idle connections than allowed") {
    CurlTransportOptions options = local_options();
    options.in_flight_max = 1;
    options.idle_connections_max = 2;
    const auto transport = make_transport(options);
    std::vector<std::unique_ptr<Server>> servers;
    for (int i = 0; i < 8; ++i) {
        servers.push_back(std::make_unique<Server>(answer_always(response_of(200))));
        REQUIRE(answered(deliver(*transport, servers.back()->url()), 200));
    }
    // The oldest were closed: going back to them takes a new connection, the youngest is still there.
    REQUIRE(answered(deliver(*transport, servers.back()->url()), 200));
    CHECK(servers.back()->connections() == 1);
    REQUIRE(answered(deliver(*transport, servers.front()->url()), 200));
    CHECK(servers.front()->connections() == 2);
}

TEST_CASE("transport: many in flight at once, each gets its own answer") {
    Server server([](Connection& connection) {
        while (const auto request = connection.read_request()) {
            const auto path = request->substr(5, request->find(' ', 5) - 5);
            if (!connection.write(response_of(200, path))) return;
        }
    });
    const auto transport = make_transport();
    std::vector<Pending> pending;
    for (int i = 0; i < 200; ++i) {
        pending.push_back(start(*transport, request_to(server.url("127.0.0.1", "/" + std::to_string(i)))));
    }
    for (std::size_t i = 0; i < pending.size(); ++i) {
        const TransportOutcome outcome = await(std::move(pending[i]));
        REQUIRE(answered(outcome, 200));
        CHECK(outcome.response->body == "/" + std::to_string(i));
    }
}

TEST_CASE("transport: the environment's proxies are not used") {
    Server server(answer_always(response_of(200)));
    const std::string nowhere = "http://127.0.0.1:" + std::to_string(free_port());
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
        REQUIRE(setenv(name, nowhere.c_str(), 1) == 0);
    }
    const auto transport = make_transport();
    CHECK(answered(deliver(*transport, server.url()), 200));
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
        REQUIRE(unsetenv(name) == 0);
    }
}

TEST_CASE("transport: a proxy that is set carries the tunnel, and its failure is not the endpoint's") {
    Server proxy([](Connection& connection) {
        const auto connect = connection.read_request();
        if (!connect || !connect->starts_with("CONNECT 127.0.0.1:9 ")) return;
        connection.write("HTTP/1.1 200 Established\r\nX-Proxy: yes\r\n\r\n");
        if (connection.read_request()) connection.write(response_of(201));
    });
    CurlTransportOptions options = local_options();
    options.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
    TransportRequest request = request_to("http://127.0.0.1:9/");
    const TransportOutcome outcome = deliver(*make_transport(options), request);
    REQUIRE(answered(outcome, 201));
    CHECK_FALSE(outcome.response->headers.find("X-Proxy"));
    // A name that the proxy resolves cannot be held against the policy's list.
    CHECK(failed_with(deliver(*make_transport(options), "http://hooks.example.com:9/"), Errc::refused_by_policy));

    Server refusing(answer_always(response_of(403)));
    options.proxy = "http://127.0.0.1:" + std::to_string(refusing.port());
    CHECK(failed_with(deliver(*make_transport(options), request), Errc::local_failure));
    options.proxy = "http://127.0.0.1:" + std::to_string(free_port());
    CHECK(failed_with(deliver(*make_transport(options), request), Errc::local_failure));
}
