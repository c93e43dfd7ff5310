// Runs examples/send as its user would: a program, a URL, a CA file.
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include <fpt_webhooks/core.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"

namespace fw = fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

int run(const std::string& arguments) {
    const int status = std::system((FPT_WEBHOOKS_EXAMPLE_SEND " " + arguments + " >/dev/null 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("example send: delivers a signed event over TLS that a receiver with the secret verifies") {
    const CertificateAuthority authority;
    const TemporaryFile ca_file(authority.certificate_pem());
    const Server server(answer_always(response_of(200)),
                        {.identity = authority.issue({.dns_names = {}, .addresses = {"127.0.0.1"}})});
    REQUIRE(run(server.url() + " " + ca_file.path() + " 127.0.0.1") == 0);

    const std::string request = server.last_request();
    const auto body_at = request.find("\r\n\r\n") + 4;
    const auto signature_at = request.find("X-FPT-Signature: ") + 17;
    REQUIRE(request.find("X-FPT-Signature: ") != std::string::npos);
    const fw::Headers headers{
        {"X-FPT-Signature", request.substr(signature_at, request.find("\r\n", signature_at) - signature_at)}};
    const auto verifier =
        fw::Verifier::create({.secrets = {fw::Secret("whsec_an_example_of_32_characters_or_more")}}).value();
    CHECK(verifier.verify(headers, fw::bytes_of(std::string_view(request).substr(body_at))).has_value());
}

TEST_CASE("example send: says by its exit status that nothing was delivered") {
    CHECK(run("https://127.0.0.1:1/hooks") == 1);  // not allowed
    CHECK(run("http://partner.example/hooks") == 1);
    CHECK(run("https://127.0.0.1:1/hooks /no/such/file 127.0.0.1") == 2);
    CHECK(run("") == 2);
}
