// TLS with authorities and certificates of our own, and HTTP/2 against another implementation.
#include "integration/transport_fixture.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

TransportOutcome deliver_to(Identity identity, std::string_view host = "127.0.0.1") {
    Server server(answer_always(response_of(200)), {.identity = std::move(identity)});
    TransportOutcome outcome = deliver(*make_transport(), server.url(host));
    CHECK((outcome.response || server.requests() == 0));
    return outcome;
}

// nghttpd, the HTTP/2 server of the nghttp2 project.
class Nghttpd {
  public:
    explicit Nghttpd(const Identity& identity) : key_(identity.key_pem), certificate_(identity.certificate_pem) {
        int pipe_ends[2];
        REQUIRE(pipe2(pipe_ends, O_CLOEXEC) == 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
        const std::string port = std::to_string(port_);
        std::vector<const char*> words{"nghttpd",
                                       "-v",
                                       "--echo-upload",
                                       "-a",
                                       "127.0.0.1",
                                       "-d",
                                       "/nonexistent",
                                       port.c_str(),
                                       key_.path().c_str(),
                                       certificate_.path().c_str(),
                                       nullptr};
        const int failed =
            posix_spawnp(&process_, "nghttpd", &actions, nullptr, const_cast<char**>(words.data()), environ);
        posix_spawn_file_actions_destroy(&actions);
        close(pipe_ends[1]);
        output_ = pipe_ends[0];
        INFO("nghttpd is needed (Debian: apt-get install nghttp2-server)");
        REQUIRE(failed == 0);
        REQUIRE(wait_until_it_listens());
        drain_ = std::thread([this] {  // a full pipe would stop it
            char chunk[4096];
            while (read(output_, chunk, sizeof(chunk)) > 0) {
            }
        });
    }
    ~Nghttpd() {
        if (process_ > 0) {
            kill(process_, SIGTERM);
            waitpid(process_, nullptr, 0);
        }
        if (drain_.joinable()) drain_.join();
        close(output_);
    }
    Nghttpd(const Nghttpd&) = delete;
    Nghttpd& operator=(const Nghttpd&) = delete;

    std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/hook"; }

  private:
    bool wait_until_it_listens() const {
        std::string text;
        char chunk[256];
        ssize_t got = 0;
        while (text.find("listen 127.0.0.1") == std::string::npos && (got = read(output_, chunk, sizeof(chunk))) > 0) {
            text.append(chunk, static_cast<std::size_t>(got));
        }
        return got > 0;
    }

    TemporaryFile key_;
    TemporaryFile certificate_;
    std::uint16_t port_ = free_port();
    pid_t process_ = 0;
    int output_ = -1;
    std::thread drain_;
};

}  // namespace

TEST_CASE("tls: delivers to an endpoint whose certificate our authority signed, by name and by address") {
    const TransportOutcome by_address = deliver_to(Trust::shared().identity);
    REQUIRE(answered(by_address, 200));
    CHECK(by_address.timings.secured >= by_address.timings.connected);
    CHECK(answered(deliver_to(Trust::shared().identity, "hooks.example.com"), 200));
    CHECK(answered(deliver_to(Trust::shared().authority.issue({.dns_names = {"*.example.com"}}), "hooks.example.com"),
                   200));
}

TEST_CASE("tls: an unknown authority, a self-signed, an expired and another host's certificate are rejected") {
    const CertificateAuthority unknown;
    CHECK(failed_with(deliver_to(unknown.issue({.addresses = {"127.0.0.1"}})), Errc::certificate_rejected));
    CHECK(failed_with(deliver_to(self_signed({.addresses = {"127.0.0.1"}})), Errc::certificate_rejected));
    const CertificateAuthority& known = Trust::shared().authority;
    CHECK(failed_with(deliver_to(known.issue({.addresses = {"127.0.0.1"}, .expired = true})),
                      Errc::certificate_rejected));
    CHECK(failed_with(deliver_to(known.issue({.dns_names = {"other.example.com"}}), "hooks.example.com"),
                      Errc::certificate_rejected));
    CHECK(failed_with(deliver_to(known.issue({.addresses = {"127.0.0.2"}})), Errc::certificate_rejected));
    CHECK(failed_with(deliver_to(known.issue({})), Errc::certificate_rejected));
}

TEST_CASE("tls: the system's authorities do not vouch for ours, nor ours for each other's files") {
    Server server(answer_always(response_of(200)), {.identity = Trust::shared().identity});
    const CertificateAuthority other;
    const TemporaryFile other_file(other.certificate_pem());
    CurlTransportOptions options = local_options();
    options.ca_file = other_file.path();
    CHECK(failed_with(deliver(*make_transport(options), server.url()), Errc::certificate_rejected));
}

TEST_CASE("tls: the environment does not say whom to trust") {
    const CertificateAuthority other;
    const TemporaryFile other_file(other.certificate_pem());
    for (const char* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"})
        REQUIRE(setenv(name, other_file.path().c_str(), 1) == 0);
    CHECK(failed_with(deliver_to(other.issue({.addresses = {"127.0.0.1"}})), Errc::certificate_rejected));
    for (const char* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) REQUIRE(unsetenv(name) == 0);
}

TEST_CASE("tls: a CA file that breaks after the start is our fault, not the endpoint's") {
    Server server(answer_always(response_of(200)), {.identity = Trust::shared().identity});
    auto file = std::make_unique<TemporaryFile>(Trust::shared().authority.certificate_pem());
    CurlTransportOptions options = local_options();
    options.ca_file = file->path();
    const auto transport = make_transport(options);
    file.reset();
    CHECK(failed_with(deliver(*transport, server.url()), Errc::local_failure));
}

TEST_CASE("tls: a peer that does not speak TLS, or closes in the handshake, failed the handshake") {
    Server plain([](Connection& connection) { connection.write("HTTP/1.1 400 Bad\r\n\r\n"); },
                 {.identity = Trust::shared().identity, .speaks_tls = false});
    CHECK(failed_with(deliver(*make_transport(), plain.url()), Errc::tls_failed));
    Server closing([](Connection&) {}, {.identity = Trust::shared().identity, .speaks_tls = false});
    CHECK(failed_with(deliver(*make_transport(), closing.url()), Errc::tls_failed));
}

TEST_CASE("tls: HTTP/2 is spoken where it is offered, and not when it is switched off") {
    const Nghttpd server(Trust::shared().identity);
    const auto transport = make_transport();
    for (int i = 0; i < 5; ++i) {
        const TransportOutcome outcome = deliver(*transport, server.url());
        REQUIRE(answered(outcome, 200));
        CHECK(outcome.response->headers.find("server").value_or("").starts_with("nghttpd"));
        CHECK(outcome.response->body == R"({"eventId":"1"})");
        CHECK(outcome.connection_reused == (i > 0));
    }
    std::vector<Pending> together;
    for (int i = 0; i < 100; ++i) together.push_back(start(*transport, request_to(server.url())));
    for (Pending& pending : together) CHECK(answered(await(std::move(pending)), 200));

    CurlTransportOptions options = local_options();
    options.http2 = false;
    const TransportOutcome refused = deliver(*make_transport(options), server.url());  // nghttpd speaks nothing else
    CHECK_FALSE(refused.response);
}
