#include <fpt_webhooks/curl/curl_transport.hpp>

#include <string>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/temporary_file.hpp"

namespace fw = fpt_webhooks;
using fpt_webhooks::test::CertificateAuthority;
using fpt_webhooks::test::TemporaryFile;

namespace {

struct Setup {
    CertificateAuthority authority;
    TemporaryFile ca_file{authority.certificate_pem()};
    fw::CurlTransportOptions options{.ca_file = ca_file.path()};
    std::shared_ptr<const fw::EndpointPolicy> policy = fw::EndpointPolicy::create().value();
};

fw::Error creation_error(fw::CurlTransportOptions options) {
    auto transport = fw::CurlTransport::create(std::move(options));
    REQUIRE_FALSE(transport);
    return transport.error();
}

fw::Result<fw::Transport::Token> start(fw::Transport& transport, fw::TransportRequest request) {
    return transport.start(std::move(request), [](fw::TransportOutcome) {});
}

}  // namespace

TEST_CASE("curl transport: names the option that cannot be used") {
    const Setup setup;
    const auto with = [&](auto change) {
        fw::CurlTransportOptions options = setup.options;
        change(options);
        return creation_error(std::move(options));
    };
    const auto in_flight = with([](auto& options) { options.in_flight_max = 0; });
    CHECK(in_flight == fw::Errc::invalid_argument);
    CHECK(in_flight.detail().starts_with("in_flight_max"));
    CHECK(with([](auto& o) { o.in_flight_max = fw::in_flight_limit + 1; }).detail().starts_with("in_flight_max"));
    CHECK(with([](auto& o) { o.idle_connections_max = 1'000'000; }).detail().starts_with("idle_connections_max"));
    for (const char* proxy : {"proxy.example:3128", "https://127.0.0.1:3128", "http://proxy.example:3128",
                              "http://127.0.0.1:3128/path", "socks5://127.0.0.1:1080"}) {
        const auto error = with([&](auto& options) { options.proxy = proxy; });
        CHECK(error.condition() == fw::Condition::permanent);
        CHECK(error.detail().starts_with("proxy"));
    }
}

TEST_CASE("curl transport: a CA file that is missing or holds no certificate is refused at once, by its name") {
    const TemporaryFile empty("");
    const TemporaryFile half("-----BEGIN CERTIFICATE-----\nMIIB\n");
    for (const std::string& path : {std::string("/does/not/exist.pem"), std::string("/"), empty.path(), half.path()}) {
        const auto error = creation_error({.ca_file = path});
        CHECK(error == fw::Errc::invalid_argument);
        CHECK(error.detail().starts_with("ca_file"));
        CHECK(error.detail().find(path) != std::string::npos);
    }
}

TEST_CASE("curl transport: says that the authorities are cached with Debian's libcurl") {
    const Setup setup;
    CHECK(fw::CurlTransport::create(setup.options).value()->caches_authorities());
}

TEST_CASE("curl transport: refuses a request that could smuggle a second one") {
    const Setup setup;
    const auto transport = fw::CurlTransport::create(setup.options).value();
    const auto refused = [&](const std::string& method, const fw::Headers& headers) {
        const auto started = start(
            *transport,
            {.http = {.method = method, .url = "https://93.184.215.14/", .headers = headers}, .policy = setup.policy});
        return !started && started.error() == fw::Errc::invalid_argument;
    };
    CHECK(refused("POST", {{"X-A", "b\r\nX-C: d"}}));
    CHECK(refused("POST", {{"X-A", "b\nX-C: d"}}));
    CHECK(refused("POST", {{"X-A", std::string("b\0c", 3)}}));
    CHECK(refused("POST", {{"X A", "b"}}));
    CHECK(refused("POST", {{"", "b"}}));
    CHECK(refused("POST /x HTTP/1.1\r\nX-A: b", {}));
    CHECK(refused("", {}));
    CHECK(refused("HEAD", {}));
    CHECK(refused("CONNECT", {}));
    CHECK(refused("POST", {{"content-length", "3"}}));
    CHECK(refused("POST", {{"Transfer-Encoding", "chunked"}}));
    CHECK(refused("POST", {{"HOST", "other.example"}}));
}

TEST_CASE("curl transport: refuses a request without a policy, a completion or sensible limits") {
    const Setup setup;
    const auto transport = fw::CurlTransport::create(setup.options).value();
    const fw::TransportRequest good{.http = {.url = "https://93.184.215.14/"}, .policy = setup.policy};
    const auto code = [&](auto change) {
        fw::TransportRequest request = good;
        change(request);
        const auto started = start(*transport, std::move(request));
        REQUIRE_FALSE(started);
        return started.error();
    };
    CHECK(code([](auto& request) { request.policy = nullptr; }) == fw::Errc::invalid_argument);
    CHECK(code([](auto& request) { request.timeout = {}; }) == fw::Errc::invalid_argument);
    CHECK(code([](auto& request) { request.timeout = std::chrono::hours(25); }) == fw::Errc::invalid_argument);
    CHECK(code([](auto& request) { request.connect_timeout = {}; }) == fw::Errc::invalid_argument);
    CHECK(transport->start(good, nullptr).error() == fw::Errc::invalid_argument);
}

TEST_CASE("curl transport: refuses a URL that the policy condemns before anything is resolved") {
    const Setup setup;
    const auto transport = fw::CurlTransport::create(setup.options).value();
    for (const char* url : {"http://hooks.example/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/",
                            "https://169.254.169.254/latest", "https://localhost/"}) {
        const auto started = start(*transport, {.http = {.url = url}, .policy = setup.policy});
        REQUIRE_FALSE(started);
        CHECK(started.error() == fw::Errc::refused_by_policy);
    }
    for (const char* url : {"", "https://user@hooks.example/", "file:///etc/passwd", "https://hooks.example/\r\n"}) {
        const auto started = start(*transport, {.http = {.url = url}, .policy = setup.policy});
        REQUIRE_FALSE(started);
        CHECK(started.error().condition() == fw::Condition::permanent);
    }
}

TEST_CASE("curl transport: an unknown token is ignored by cancel") {
    const Setup setup;
    const auto transport = fw::CurlTransport::create(setup.options).value();
    transport->cancel(0);
    transport->cancel(12345);
    transport->cancel(~fw::Transport::Token{0});
}
