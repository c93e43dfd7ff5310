// Answers of every kind, well-formed and not.
#include "integration/transport_fixture.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

// Reads the request, writes these bytes, closes.
Server::Script answer_once(std::string bytes) {
    return [bytes = std::move(bytes)](Connection& connection) {
        if (connection.read_request()) connection.write(bytes);
    };
}

TransportOutcome outcome_of(std::string bytes) {
    Server server(answer_once(std::move(bytes)));
    return deliver(*make_transport(), server.url());
}

}  // namespace

TEST_CASE("transport: of a long body the first bytes are kept, and the connection is used again") {
    const std::string body(response_bytes_read_max, 'x');
    Server server(answer_always(response_of(200, body)));
    const auto transport = make_transport();
    for (int i = 0; i < 3; ++i) {
        const TransportOutcome outcome = deliver(*transport, server.url());
        REQUIRE(answered(outcome, 200));
        CHECK(outcome.response->body == body.substr(0, response_bytes_kept_max));
        CHECK_FALSE(outcome.response_cut);
    }
    CHECK(server.connections() == 1);
}

TEST_CASE("transport: a longer body than is read is cut, and the status counts") {
    Server server(answer_always(response_of(200, std::string(response_bytes_read_max + 1, 'x'))));
    const TransportOutcome outcome = deliver(*make_transport(), server.url());
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.response_cut);
    CHECK(outcome.response->body.size() == response_bytes_kept_max);
}

TEST_CASE("transport: an endless body is cut") {
    Server server([](Connection& connection) {
        if (!connection.read_request()) return;
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while (connection.write("400\r\n" + std::string(1024, 'x') + "\r\n")) {
        }
    });
    const TransportOutcome outcome = deliver(*make_transport(), server.url());
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.response_cut);
}

TEST_CASE("transport: a body that breaks off does not change the status") {
    const TransportOutcome outcome = outcome_of("HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\nabc");
    REQUIRE(answered(outcome, 503));
    CHECK(outcome.response_cut);
    CHECK(outcome.response->body == "abc");
}

TEST_CASE("transport: a body in chunks with trailers is whole") {
    const TransportOutcome outcome =
        outcome_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n");
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.response->body == "abc");
    CHECK_FALSE(outcome.response_cut);
    CHECK_FALSE(outcome.response->headers.find("X-Trailer"));
}

TEST_CASE("transport: interim responses are skipped with their headers") {
    const TransportOutcome outcome = outcome_of(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + response_of(200, "ok"));
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.response->body == "ok");
    CHECK_FALSE(outcome.response->headers.find("X-Early"));
}

TEST_CASE("transport: an interim response without a final one leaves the delivery in doubt") {
    for (const char* bytes : {"HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nabc"}) {
        const TransportOutcome outcome = outcome_of(bytes);
        INFO(text_of(outcome));
        REQUIRE_FALSE(outcome.response);
        CHECK(outcome.response.error().condition() == Condition::in_doubt);
    }
}

TEST_CASE("transport: what is not HTTP is a bad response") {
    CHECK(failed_with(outcome_of("220 mail.example ESMTP\r\n"), Errc::bad_response));
    CHECK(failed_with(outcome_of("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Errc::bad_response));
    CHECK(failed_with(outcome_of(std::string(100, '\0')), Errc::bad_response));
}

TEST_CASE("transport: a header section beyond its limit is a bad response") {
    std::string many = "HTTP/1.1 200 OK\r\n";
    while (many.size() <= response_header_bytes_max) many += "X-Long: " + std::string(1000, 'x') + "\r\n";
    CHECK(failed_with(outcome_of(many + "\r\n"), Errc::bad_response));
    CHECK(
        failed_with(outcome_of("HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x') + "\r\n\r\n"), Errc::bad_response));
}

TEST_CASE("transport: of many small header fields the first ones are kept, and the status counts") {
    std::string tiny = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 300; ++i) tiny += "A: b\r\n";
    const TransportOutcome outcome = outcome_of(tiny + "Content-Length: 0\r\n\r\n");
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.response->headers.count("A") == 256);
}

TEST_CASE("transport: endless interim responses end at the limit too") {
    Server server([](Connection& connection) {
        if (!connection.read_request()) return;
        while (connection.write("HTTP/1.1 102 Processing\r\n\r\n")) {
        }
    });
    CHECK(failed_with(deliver(*make_transport(), server.url()), Errc::bad_response));
}

TEST_CASE("transport: control bytes in a response header reach nobody") {
    const TransportOutcome outcome = outcome_of(
        "HTTP/1.1 200 OK\r\nX-Bad: a\rX-Injected: 1\x1b[31m\r\nbad name: 1\r\nX-Good: \t b \r\n\tX-Folded: 1\r\n"
        "Content-Length: 0\r\n\r\n");
    REQUIRE(answered(outcome, 200));
    CHECK(outcome.response->headers.find("X-Bad") == "a X-Injected: 1 [31m");
    CHECK_FALSE(outcome.response->headers.find("X-Injected"));
    CHECK_FALSE(outcome.response->headers.find("bad name"));
    CHECK_FALSE(outcome.response->headers.find("X-Folded"));
    CHECK(outcome.response->headers.find("X-Good") == "b");
}

TEST_CASE("transport: a peer that closes without an answer leaves the delivery in doubt") {
    Server server([](Connection& connection) { (void)connection.read_request(); });
    CHECK(failed_with(deliver(*make_transport(), server.url()), Errc::no_response));
    Server tls([](Connection& connection) { (void)connection.read_request(); }, {.identity = Trust::shared().identity});
    CHECK(failed_with(deliver(*make_transport(), tls.url()), Errc::no_response));
}

TEST_CASE("transport: a kept connection that always closes without an answer leaves the delivery in doubt") {
    // The first request of the first connection is answered, nothing after it.
    Server server([](Connection& connection) {
        if (!connection.read_request()) return;
        if (connection.number() > 0) return;
        connection.write(response_of(200));
        (void)connection.read_request();
    });
    const auto transport = make_transport();
    REQUIRE(answered(deliver(*transport, server.url()), 200));
    CHECK(failed_with(deliver(*transport, server.url()), Errc::no_response));
}

TEST_CASE("transport: an answer before the whole body was taken counts") {
    Server server([](Connection& connection) {
        connection.write("HTTP/1.1 413 Too large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        connection.wait_for_close();
    });
    TransportRequest request = request_to(server.url());
    request.http.body.assign(16 << 20, 'x');
    CHECK(answered(deliver(*make_transport(), request), 413));
}

TEST_CASE("transport: the detail of an error never holds the peer's bytes") {
    for (const char* bytes :
         {"HTTP/1.1 CANARY\r\n\r\n", "CANARY\r\n\r\n", "HTTP/1.1 103 CANARY\r\nX: CANARY\r\n\r\n"}) {
        const TransportOutcome outcome = outcome_of(bytes);
        REQUIRE_FALSE(outcome.response);
        CHECK(outcome.response.error().message().find("CANARY") == std::string::npos);
    }
}
