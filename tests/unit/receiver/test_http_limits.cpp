#include <fpt_webhooks/receiver/http_limits.hpp>

#include <stdexcept>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

int refused(fw::Headers headers, std::string method = "POST", fw::HttpLimits limits = {}) {
    const auto response = fw::refuse_head({.method = std::move(method), .headers = std::move(headers)}, limits);
    return response ? response->status : 0;
}

}  // namespace

TEST_CASE("http limits: let through what a sender sends") {
    CHECK(refused({{"Content-Length", "17"}, {"Content-Type", "application/json"}}) == 0);
    CHECK(refused({{"transfer-encoding", "Chunked"}, {"Content-Encoding", "Identity"}}) == 0);
    CHECK(refused({}) == 0);
}

TEST_CASE("http limits: refuse a length that two readers may understand in two ways") {
    CHECK(refused({{"Content-Length", "1"}, {"content-length", "1"}}) == 400);
    CHECK(refused({{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}}) == 400);
    CHECK(refused({{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}) == 400);
    for (const char* length : {"", "-1", "+1", "0x10", "1, 1", " 1", "18446744073709551616"}) {
        CHECK(refused({{"Content-Length", length}}) == 400);
    }
    CHECK(refused({{"Transfer-Encoding", "gzip, chunked"}}) == 501);
}

TEST_CASE("http limits: refuse too many headers, the method, an encoding and a long body, in this order") {
    fw::Headers many;
    for (int i = 0; i < 65; ++i) many.add("a", "b");
    CHECK(refused(many, "GET") == 431);
    CHECK(refused({{"a", std::string(16 * 1024, 'b')}}, "GET") == 431);
    CHECK(refused({{"a", std::string(16 * 1024 - 1, 'b')}}) == 0);
    const fw::Headers both{{"Content-Encoding", "gzip"}, {"Content-Length", "1048577"}};
    CHECK(refused(both, "GET") == 405);
    CHECK(refused(both) == 415);
    CHECK(refused({{"Content-Encoding", "identity"}, {"Content-Encoding", "identity"}}) == 415);
    CHECK(refused({{"Content-Length", "1048577"}}) == 413);
    CHECK(refused({{"Content-Length", "1048576"}}) == 0);
    CHECK(fw::refuse_head({.method = "PUT"}, {})->headers.find("Allow") == "POST");
}

TEST_CASE("http limits: know whether a body is announced") {
    CHECK_FALSE(fw::announces_body({}));
    CHECK_FALSE(fw::announces_body({.headers = {{"Content-Length", "0"}}}));
    CHECK(fw::announces_body({.headers = {{"Content-Length", "1"}}}));
    CHECK(fw::announces_body({.headers = {{"Content-Length", "no number"}}}));
    CHECK(fw::announces_body({.headers = {{"Transfer-Encoding", "chunked"}}}));
    CHECK(fw::announces_body({.headers = {{"Content-Length", "0"}, {"Content-Length", "40"}}}));
    CHECK(fw::announces_body({.headers = {{"Content-Length", "0"}, {"Content-Length", "0"}}}));
    CHECK(fw::announces_body({.headers = {{"Content-Length", "00"}}}));
}

TEST_CASE("http limits: what a handler throws is no business of the peer's") {
    const auto response =
        fw::answer([](const fw::HttpRequest&) -> fw::HttpResponse { throw std::runtime_error("secret"); }, {});
    CHECK(response.status == 500);
    CHECK(response.body == "handler_failed");
}

TEST_CASE("http limits: a handler's status that ends no request is answered 500") {
    const auto answered = [](int status) {
        return fw::answer([=](const fw::HttpRequest&) { return fw::HttpResponse{.status = status}; }, {}).status;
    };
    for (const int status : {-1, 0, 99, 100, 199, 600, 1000}) CHECK(answered(status) == 500);
    for (const int status : {200, 204, 404, 503, 599}) CHECK(answered(status) == status);
}
