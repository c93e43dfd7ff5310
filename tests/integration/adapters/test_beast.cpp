#include "servers.hpp"

using namespace adapters;

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
