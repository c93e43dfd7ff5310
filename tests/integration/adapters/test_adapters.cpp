// What both adapters promise, over real HTTP on loopback.
#include "servers.hpp"

#include <atomic>
#include <mutex>

using namespace adapters;

#define BOTH_SERVERS HttplibServer, BeastServer

TEMPLATE_TEST_CASE("adapters: a signed event has its effect, a tampered one has none", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    RawClient client(endpoint.server.port());
    client.send(signed_request(event_body()));
    const Answer good = client.receive();
    CHECK(good.status == 200);
    CHECK(good.body == "processed");

    std::string tampered = signed_request(event_body());
    tampered.replace(tampered.find("9876"), 4, "9877");
    client.send(tampered);
    CHECK(client.receive().status == 401);
    CHECK(endpoint.effects == 1);
}

TEMPLATE_TEST_CASE("adapters: a connection is kept after an answer to a request that was read", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    RawClient client(endpoint.server.port());
    client.send(head("", "GET"));
    CHECK(client.receive().status == 405);
    client.send(head("Content-Length: 2\r\n") + "{}");
    CHECK(client.receive().status == 401);
    client.send(signed_request(event_body()));
    CHECK(client.receive().status == 200);
}

TEMPLATE_TEST_CASE("adapters: only POST", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    for (const std::string method : {"GET", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        RawClient client(endpoint.server.port());
        client.send(head("", method));
        const Answer answer = client.receive();
        CHECK(answer.status == 405);
        CHECK(answer.head.find("Allow: POST") != std::string::npos);
    }
    RawClient client(endpoint.server.port());
    client.send(head("", "HEAD"));
    CHECK(client.receive(true).status == 405);
    client.send(signed_request(event_body()));  // nothing of the HEAD's answer is left over
    CHECK(client.receive().status == 200);
}

TEMPLATE_TEST_CASE("adapters: a body over the limit is answered 413, and the answer arrives", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint({.body_bytes_max = 1000});
    const std::string body(1500, 'x');
    RawClient client(endpoint.server.port());
    client.send(signed_request(body));
    CHECK(client.receive().status == 413);
    CHECK(client.is_closed());

    RawClient second(endpoint.server.port());
    second.send(head(signature(body) + "Transfer-Encoding: chunked\r\n") + chunked(body, 100));
    CHECK(second.receive().status == 413);
    CHECK(second.is_closed());
}

TEMPLATE_TEST_CASE("adapters: a chunked body is verified as what the chunks carry", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    RawClient client(endpoint.server.port());
    const std::string body = event_body();
    client.send(head(signature(body) + "Transfer-Encoding: chunked\r\n") + chunked(body, 7));
    CHECK(client.receive().status == 200);
    CHECK(endpoint.effects == 1);
}

TEMPLATE_TEST_CASE("adapters: the handler gets the raw bytes and every header line", "", BOTH_SERVERS) {
    std::mutex mutex;
    fw::HttpRequest got;
    TestType server([&](const fw::HttpRequest& request) {
        const std::lock_guard lock(mutex);
        got = request;
        return fw::HttpResponse{.status = 202, .headers = {{"X-Answer", "yes"}}, .body = "taken"};
    });
    std::string body("\0\r\n\xff\xef\xbb\xbf{ \"a\" : 1 }\r\n", 20);
    RawClient client(server.port());
    client.send(head("X-One: 1\r\nx-one: 2\r\nContent-Encoding: identity\r\n" + length_of(body)) + body);
    const Answer answer = client.receive();
    CHECK(answer.status == 202);
    CHECK(answer.body == "taken");
    CHECK(answer.head.find("X-Answer: yes") != std::string::npos);

    const std::lock_guard lock(mutex);
    CHECK(got.body == body);
    CHECK(got.method == "POST");
    CHECK(got.url == "/hooks");
    CHECK(got.headers.count("X-One") == 2);
    CHECK(got.headers.count("Host") == 1);
    CHECK(got.headers.size() == 6);  // nothing that the peer did not send
}

TEMPLATE_TEST_CASE("adapters: an encoded body is refused, and its bytes are not taken for a request", "",
                   BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    const std::string inner = signed_request(event_body());
    for (const std::string encoding : {"gzip", "deflate", "br", "x-unknown"}) {
        RawClient client(endpoint.server.port());
        client.send(head(signature(inner) + length_of(inner) + "Content-Encoding: " + encoding + "\r\n") + inner);
        const Answer answer = client.receive();
        CHECK(answer.status == 415);
        CHECK(answer.head.find("Accept-Encoding: identity") != std::string::npos);
        CHECK(client.is_closed());
    }
    RawClient client(endpoint.server.port());
    client.send(head(length_of(inner), "PUT") + inner);
    CHECK(client.receive().status == 405);
    CHECK(client.is_closed());
    CHECK(endpoint.effects == 0);
}

TEMPLATE_TEST_CASE("adapters: a multipart body is refused", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    RawClient client(endpoint.server.port());
    client.send("POST /hooks HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n" +
                length_of("--b--\r\n") + "\r\n--b--\r\n");
    CHECK(client.receive().status == 415);
}

TEMPLATE_TEST_CASE("adapters: a body that drips is cut when its deadline has passed", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint({.body_deadline = 50ms});
    RawClient client(endpoint.server.port());
    client.send(head(signature("x") + "Content-Length: 100000\r\n"));
    for (int i = 0; i < 2000 && !client.readable(5ms); ++i) client.send("x");
    CHECK(client.receive().status == TestType::slow_status);
    CHECK(client.is_closed());
    CHECK(endpoint.receiver->stats().total() == 0);
}

TEMPLATE_TEST_CASE("adapters: too many headers, and too long ones, are answered 431", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint({.headers_max = 8, .header_bytes_max = 1000});
    const std::string body = event_body();
    std::string many;
    for (int i = 0; i < 8; ++i) many += "X-A: b\r\n";
    RawClient client(endpoint.server.port());
    client.send(signed_request(body, many));
    CHECK(client.receive().status == 431);
    CHECK(client.is_closed());

    RawClient second(endpoint.server.port());
    second.send(signed_request(body, "X-A: " + std::string(1000, 'a') + "\r\n"));
    CHECK(second.receive().status == 431);
    CHECK(second.is_closed());
}

TEMPLATE_TEST_CASE("adapters: two signature headers are refused, even if both are right", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    RawClient client(endpoint.server.port());
    client.send(signed_request(event_body(), signature(event_body())));
    CHECK(client.receive().status == 401);
    CHECK(endpoint.effects == 0);
}

TEMPLATE_TEST_CASE("adapters: a body whose end is ambiguous is refused", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    const std::string body = event_body();
    for (const char* second : {"Transfer-Encoding: chunked\r\n", "Content-Length: 1\r\n", "Content-Length: 0x10\r\n"}) {
        RawClient client(endpoint.server.port());
        client.send(signed_request(body, second));
        CHECK(client.receive().status == 400);
        CHECK(client.is_closed());
    }
    RawClient client(endpoint.server.port());
    client.send(head(signature(body) + "Transfer-Encoding: gzip, chunked\r\n") + chunked(body, 1000));
    CHECK(client.receive().status >= 400);
    CHECK(client.is_closed());
    CHECK(endpoint.effects == 0);
}

TEMPLATE_TEST_CASE("adapters: what stands behind two lengths is not taken for a request, whichever comes first", "",
                   BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    const std::string inner = signed_request(event_body());
    for (const std::string method : {"POST", "GET"}) {
        RawClient client(endpoint.server.port());
        client.send(head("Content-Length: 0\r\n" + length_of(inner), method));
        CHECK(client.receive().status == 400);
        client.send(inner);  // only now: httplib forgets what it has read beyond a request
        CHECK(client.is_closed());

        RawClient other(endpoint.server.port());
        other.send(head(length_of(inner) + "Content-Length: 0\r\n", method) + inner);
        CHECK(other.receive().status == 400);
        CHECK(other.is_closed());
    }
    CHECK(endpoint.effects == 0);
}

TEMPLATE_TEST_CASE("adapters: a sender that waits for 100 Continue gets it", "", BOTH_SERVERS) {
    Endpoint<TestType> endpoint;
    const std::string body = event_body();
    RawClient client(endpoint.server.port());
    client.send(head(signature(body) + length_of(body) + "Expect: 100-continue\r\n"));
    CHECK(client.receive().status == 100);
    client.send(body);
    CHECK(client.receive().status == 200);
}

TEMPLATE_TEST_CASE("adapters: what a handler throws stays inside", "", BOTH_SERVERS) {
    TestType server([](const fw::HttpRequest&) -> fw::HttpResponse { throw std::runtime_error("CANARY"); });
    RawClient client(server.port());
    client.send(signed_request(event_body()));
    const Answer answer = client.receive();
    CHECK(answer.status == 500);
    CHECK((answer.head + answer.body).find("CANARY") == std::string::npos);
}

TEMPLATE_TEST_CASE("adapters: a status that is none is answered 500, and the server goes on", "", BOTH_SERVERS) {
    std::atomic<int> status{0};
    TestType server([&](const fw::HttpRequest&) { return fw::HttpResponse{.status = status, .body = "CANARY"}; });
    for (const int none : {-1, 0, 99, 100, 600, 1000}) {
        status = none;
        RawClient client(server.port());
        client.send(signed_request(event_body()));
        const Answer answer = client.receive();
        CHECK(answer.status == 500);
        CHECK(answer.body == "handler_failed");
    }
    status = 599;
    RawClient client(server.port());
    client.send(signed_request(event_body()));
    CHECK(client.receive().status == 599);
}
