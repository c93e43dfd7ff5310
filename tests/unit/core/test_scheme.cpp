#include <fpt_webhooks/core/scheme.hpp>

#include <string>

#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/verifier.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

// GitHub's scheme, as a user would write one of another vendor.
constexpr fw::Scheme github{
    .name = "github",
    .signature_header = "X-Hub-Signature-256",
    .id_header = "",
    .timestamp_header = "",
    .label = "sha256=",
};

std::string create_error(const fw::Scheme& scheme) {
    const auto signer = fw::Signer::create(scheme, fw::Secret(std::string(40, 's')));
    return signer ? "" : signer.error().detail();
}

}  // namespace

TEST_CASE("scheme: another vendor's is one more value") {
    // The example of GitHub's own documentation.
    const fw::Secret secret("It's a Secret to Everybody");
    const auto headers = fw::Signer::create(github, secret).value().sign(fw::bytes_of("Hello, World!"), {}).value();
    CHECK(headers.find("X-Hub-Signature-256") ==
          "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    const auto verifier = fw::Verifier::create({.scheme = github, .secrets = {secret}}).value();
    CHECK(verifier.verify(headers, fw::bytes_of("Hello, World!")).has_value());
    CHECK(verifier.verify(headers, fw::bytes_of("Hello, World?")).error() == fw::Errc::signature_mismatch);
    const fw::Headers unprefixed{{"X-Hub-Signature-256", std::string(64, 'a')}};
    CHECK(verifier.verify(unprefixed, {}).error() == fw::Errc::signature_malformed);
}

TEST_CASE("scheme: an inconsistent one is refused with the field that is wrong") {
    fw::Scheme scheme = fw::Scheme::fpt;
    scheme.signature_header = "";
    CHECK(create_error(scheme) == "scheme fpt: signature_header is empty");

    scheme = fw::Scheme::fpt;
    scheme.signature_header = "X FPT";
    CHECK(create_error(scheme) == "scheme fpt: a header name is not a token");

    scheme = fw::Scheme::fpt;
    scheme.label = "t";
    CHECK(create_error(scheme).starts_with("scheme fpt: label of a list"));

    scheme = fw::Scheme::fpt;
    scheme.signed_text = fw::SignedText::body;
    CHECK(create_error(scheme).starts_with("scheme fpt: a keyed list carries the timestamp"));

    scheme = github;
    scheme.signed_text = fw::SignedText::timestamp_dot_body;
    CHECK(create_error(scheme) == "scheme github: timestamp_header goes with a signed timestamp");

    scheme = github;
    scheme.id_header = "X-Id";
    CHECK(create_error(scheme) == "scheme github: id_header goes with a signed id");

    scheme = github;
    scheme.label = "sha256=\r\n";
    CHECK(create_error(scheme).starts_with("scheme github: label holds a control"));

    scheme = github;
    scheme.key_bytes_min = 0;
    CHECK(create_error(scheme).starts_with("scheme github: key_bytes_min is 0"));

    scheme = github;
    scheme.tolerance = std::chrono::seconds(-1);
    CHECK(create_error(scheme) == "scheme github: tolerance is negative");

    CHECK(create_error(github).empty());
}

TEST_CASE("scheme: the shortest label fills the longest header with signatures, and all are tried") {
    fw::Scheme scheme = fw::Scheme::standard_webhooks;
    scheme.label = "s";
    const fw::Secret secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const auto clock = fw::system_clock();
    const auto ours = fw::Signer::create(scheme, secret).value().sign({}, clock->now(), "m").value();
    std::string list;
    while (list.size() + 47 + 46 <= fw::signature_header_bytes_max) list += "s," + std::string(43, 'A') + "= ";
    list += *ours.find("webhook-signature");
    CHECK(list.size() > 4000);
    const fw::Headers headers{{"webhook-id", "m"},
                              {"webhook-timestamp", std::string(*ours.find("webhook-timestamp"))},
                              {"webhook-signature", list}};
    CHECK(fw::Verifier::create({.scheme = scheme, .secrets = {secret}}).value().verify(headers, {}).has_value());
}
