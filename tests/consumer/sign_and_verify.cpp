// A program that signs a body, verifies it, and sees a changed one refused. Needs the core only.
#include <fpt_webhooks/core.hpp>

#include <cstdio>

namespace fw = fpt_webhooks;

int main() {
    const fw::Secret secret("whsec_consumer_test_secret_of_32_characters");
    const auto signer = fw::Signer::create(fw::Scheme::fpt, secret);
    const auto verifier = fw::Verifier::create({.scheme = fw::Scheme::fpt, .secrets = {secret}});
    if (!signer || !verifier) return 1;

    const auto body = fw::bytes_of(R"({"contactId":9876})");
    const auto headers = signer->sign(body, fw::system_clock()->now());
    if (!headers || !verifier->verify(*headers, body)) return 2;

    const auto refused = verifier->verify(*headers, fw::bytes_of(R"({"contactId":9877})"));
    if (refused || refused.error() != fw::Errc::signature_mismatch) return 3;
    std::puts(refused.error().message().c_str());
    return 0;
}
