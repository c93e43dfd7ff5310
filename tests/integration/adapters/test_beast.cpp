#include "servers.hpp"

#include <atomic>

using namespace adapters;

namespace {

// Sends `piece` again and again, some MiB at most, until there is an answer.
void send_without_end(RawClient& client, const std::string& piece) {
    for (int i = 0; i < 1000 && !client.readable(0ms); ++i) client.send(piece);
}

}  // namespace

TEST_CASE("beast: pipelined requests are answered in their order, also behind an error") {
    Endpoint<BeastServer> endpoint;
    RawClient client(endpoint.server.port());
    client.send(head("", "GET") + head("Content-Length: 2\r\n") + "{}" + signed_request(event_body()) +
                signed_request(event_body()));
    CHECK(client.receive().status == 405);
    CHECK(client.receive().status == 401);
    CHECK(client.receive().body == "processed");
    CHECK(client.receive().body == "duplicate");
    CHECK(endpoint.effects == 1);
}

TEST_CASE("beast: headers that never end, and a connection that says nothing, are cut") {
    Endpoint<BeastServer> endpoint({.header_deadline = 50ms});
    RawClient silent(endpoint.server.port());
    CHECK(silent.is_closed());
    RawClient dripping(endpoint.server.port());
    dripping.send("POST /hooks HTTP/1.1\r\nHost: localhost\r\nX-A: ");
    for (int i = 0; i < 2000 && !dripping.readable(5ms); ++i) dripping.send("x");
    CHECK(dripping.receive().status == 0);
}

TEST_CASE("beast: a connection too many is closed, and its place is free when another one ends") {
    Endpoint<BeastServer> endpoint({.connections_max = 1});
    auto first = std::make_unique<RawClient>(endpoint.server.port());
    first->send(head("", "GET"));
    CHECK(first->receive().status == 405);
    RawClient second(endpoint.server.port());
    CHECK(second.is_closed());
    first.reset();
    int status = 0;
    for (int i = 0; i < 1000 && status == 0; ++i) {  // until the server has noticed
        RawClient third(endpoint.server.port());
        third.send(signed_request(event_body()));
        status = third.receive().status;
    }
    CHECK(status == 200);
}

TEST_CASE("beast: what is no HTTP is answered 400") {
    Endpoint<BeastServer> endpoint;
    RawClient client(endpoint.server.port());
    client.send("\x16\x03\x01 what a TLS client says first\r\n\r\n");
    CHECK(client.receive().status == 400);
    CHECK(client.is_closed());
}

TEST_CASE("beast: trailers without end are refused before they are stored") {
    Endpoint<BeastServer> endpoint;
    RawClient client(endpoint.server.port());
    client.send(head(signature("x") + "Transfer-Encoding: chunked\r\n") + "1\r\nx\r\n0\r\n");
    send_without_end(client, "X-Trailer: " + std::string(4000, 'a') + "\r\n");
    CHECK(client.receive().status == 431);
    CHECK(client.is_closed());
    CHECK(endpoint.receiver->stats().total() == 0);
}

TEST_CASE("beast: a chunk extension without end is refused before it is stored") {
    Endpoint<BeastServer> endpoint;
    RawClient client(endpoint.server.port());
    client.send(head(signature("x") + "Transfer-Encoding: chunked\r\n") + "1;a=");
    send_without_end(client, std::string(4000, 'a'));
    CHECK(client.receive().status == 431);
    CHECK(client.is_closed());
    CHECK(endpoint.receiver->stats().total() == 0);
}

TEST_CASE("beast: a body over the buffer's size comes in whole, and so do honest trailers and extensions") {
    std::atomic<std::size_t> size{0};
    BeastServer server([&](const fw::HttpRequest& request) {
        size = request.body.size();
        return fw::HttpResponse{.status = 200};
    });
    RawClient client(server.port());
    const std::string body(500'000, 'x');
    client.send(head("Transfer-Encoding: chunked\r\n") + "7a120;a=b\r\n" + body + "\r\n0\r\nX-Trailer: a\r\n\r\n");
    CHECK(client.receive().status == 200);
    CHECK(size == body.size());
}

TEST_CASE("beast: a response that Beast cannot hold is answered 500, and the server goes on") {
    std::atomic<std::size_t> length{70'000};  // its fields hold less than 64 KiB
    BeastServer server([&](const fw::HttpRequest&) {
        return fw::HttpResponse{.status = 200, .headers = {{"X-Long", std::string(length, 'a')}}};
    });
    RawClient client(server.port());
    client.send(signed_request(event_body()));
    CHECK(client.receive().status == 500);
    length = 10;
    client.send(signed_request(event_body()));
    CHECK(client.receive().status == 200);
}
