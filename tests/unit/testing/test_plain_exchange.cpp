#include <fpt_webhooks/testing/plain_exchange.hpp>

#include <string>

#include "support/catch.hpp"
#include "support/server.hpp"

namespace fw = fpt_webhooks;
namespace test = fpt_webhooks::test;
namespace testing = fpt_webhooks::testing;

namespace {

fw::HttpRequest request_to(const test::Server& server, std::string body = "{}") {
    return {.url = server.url(), .headers = {{"X-FPT-Signature", "t=1,v1=2"}}, .body = std::move(body)};
}

fw::Result<fw::HttpResponse> answer_of(std::string bytes) {
    const test::Server server([&](test::Connection& connection) {
        if (connection.read_request()) connection.write(bytes);
    });
    return testing::plain_exchange(request_to(server));
}

}  // namespace

TEST_CASE("plain exchange: sends the request as it is, and reads the answer") {
    const test::Server server(test::answer_always(test::response_of(503, "busy", "Retry-After: 30\r\n")));
    const auto answer = testing::plain_exchange(request_to(server, "{\"a\":1}")).value();
    CHECK(answer.status == 503);
    CHECK(answer.body == "busy");
    CHECK(answer.headers.find("retry-after") == "30");
    CHECK(server.last_request() ==
          "POST /hook HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
              "\r\nX-FPT-Signature: t=1,v1=2\r\nContent-Length: 7\r\nConnection: close\r\n\r\n" + "{\"a\":1}");
}

TEST_CASE("plain exchange: reads a body by length, in chunks, and to the end of the connection") {
    CHECK(answer_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay").value().body == "ok");
    CHECK(answer_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3;x=y\r\nay!\r\n0\r\n\r\n")
              .value()
              .body == "okay!");
    CHECK(answer_of("HTTP/1.0 200 OK\r\n\r\nto the end").value().body == "to the end");
    CHECK(answer_of("HTTP/1.1 204 No Content\r\n\r\n").value().status == 204);
    CHECK(answer_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").value().status == 200);
}

TEST_CASE("plain exchange: an answer that is no HTTP, or is not complete, is bad_response") {
    for (const char* bytes : {"nonsense\r\n\r\n", "HTTP/1.1 2xx OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "HTTP/1.1 200 OK\r\nContent-Le",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok\r\n"}) {
        const auto answer = answer_of(bytes);
        INFO(bytes);
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error() == fw::Errc::bad_response);
    }
}

TEST_CASE("plain exchange: a peer that closes without an answer is no_response") {
    const test::Server server([](test::Connection& connection) { (void)connection.read_request(); });
    CHECK(testing::plain_exchange(request_to(server)).error() == fw::Errc::no_response);
}

TEST_CASE("plain exchange: a peer that is silent is no_response when the time is over") {
    const test::Server server([](test::Connection& connection) { connection.wait_for_close(); });
    const auto answer = testing::plain_exchange(request_to(server), {}, std::chrono::milliseconds(50));
    CHECK(answer.error() == fw::Errc::no_response);
}

TEST_CASE("plain exchange: nobody listening is connect_failed") {
    const fw::HttpRequest request{.url = "http://127.0.0.1:" + std::to_string(test::free_port()) + "/hook"};
    CHECK(testing::plain_exchange(request).error() == fw::Errc::connect_failed);
}

TEST_CASE("plain exchange: a body in pieces arrives whole") {
    const test::Server server(test::answer_always(test::response_of(200)));
    CHECK(testing::plain_exchange(request_to(server, "0123456789"), {.pieces = 4}).value().status == 200);
    CHECK(server.last_request().ends_with("\r\n\r\n0123456789"));
}

TEST_CASE("plain exchange: promises more than it sends, ends its sending, and still reads an answer") {
    const test::Server server([](test::Connection& connection) {
        const bool whole = connection.read_request().has_value();
        connection.write(test::response_of(whole ? 200 : 400));
    });
    CHECK(testing::plain_exchange(request_to(server, "cut"), {.missing_bytes = 5}).value().status == 400);
}

TEST_CASE("plain exchange: refuses what it cannot send, and says what is wrong") {
    const auto refused = [](fw::HttpRequest request, const testing::BodyManner& manner = {}) {
        const auto answer = testing::plain_exchange(request, manner);
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error() == fw::Errc::invalid_argument);
        return answer.error().detail();
    };
    for (const char* url :
         {"", "https://127.0.0.1/", "http://", "http:///path", "http://user@127.0.0.1/", "http://127.0.0.1:/",
          "http://127.0.0.1:80x/", "http://127.0.0.1/a b", "http://127.0.0.1/#a", "http://[]/"}) {
        INFO(url);
        CHECK(refused({.url = url}).starts_with("url: "));
    }
    const std::string url = "http://127.0.0.1/";
    CHECK(refused({.method = "po st", .url = url}).starts_with("method: "));
    CHECK(refused({.url = url, .headers = {{"A", "b\r\nC: d"}}}).starts_with("headers: "));
    CHECK(refused({.url = url}, {.pieces = 0}).starts_with("pieces: "));
}
