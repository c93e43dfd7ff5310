// Signing and verifying beside the limit: HMAC-SHA256 with saved inner and outer states and nothing around it.
#include <cstdlib>
#include <string>
#include <vector>

#include <fpt_webhooks/core/key_ring.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/verifier.hpp>

#define OPENSSL_SUPPRESS_DEPRECATED  // the limit is made of the SHA256_* functions
#include <openssl/sha.h>

#include "ratio.hpp"

namespace fw = fpt_webhooks;

namespace {

const std::string body(255, 'b');  // the size that all figures of the project are given for
const fw::Secret secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

// The header section of a request as it comes through a proxy, the signature among it.
fw::Headers request_headers(const fw::Scheme& scheme) {
    fw::Headers headers{{"Host", "partner.example"},
                        {"User-Agent", "FitProTracker-Webhooks/1.1"},
                        {"Content-Type", "application/json; charset=utf-8"},
                        {"Content-Length", "255"},
                        {"X-Forwarded-For", "192.0.2.1"},
                        {"X-Forwarded-Proto", "https"}};
    const auto signer = fw::Signer::create(scheme, secret).value();
    for (const auto& field : signer.sign(fw::bytes_of(body), fw::system_clock()->now(), "msg_1").value()) {
        headers.add(field.name, field.value);
    }
    return headers;
}

bench::Suite::Once limit() {
    SHA256_CTX inner;
    SHA256_CTX outer;
    const std::string block(SHA256_CBLOCK, 'k');
    SHA256_Init(&inner);
    SHA256_Update(&inner, block.data(), block.size());
    SHA256_Init(&outer);
    SHA256_Update(&outer, block.data(), block.size());
    return [inner, outer] {
        unsigned char digest[SHA256_DIGEST_LENGTH];
        SHA256_CTX running = inner;
        SHA256_Update(&running, "1717023600.", 11);
        SHA256_Update(&running, body.data(), body.size());
        SHA256_Final(digest, &running);
        running = outer;
        SHA256_Update(&running, digest, sizeof digest);
        SHA256_Final(digest, &running);
        benchmark::DoNotOptimize(digest);
    };
}

bench::Suite::Once sign(const fw::Scheme& scheme) {
    return [signer = fw::Signer::create(scheme, secret).value(), now = fw::system_clock()->now()] {
        auto headers = signer.sign(fw::bytes_of(body), now, "msg_1");
        benchmark::DoNotOptimize(headers);
    };
}

bench::Suite::Once verify(const fw::Scheme& scheme, std::size_t secrets) {
    std::vector<fw::TimedSecret> ring(secrets - 1, fw::Secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    ring.emplace_back(secret);
    return [verifier = fw::Verifier::create({.scheme = scheme, .secrets = ring}).value(),
            headers = request_headers(scheme)] {
        auto verdict = verifier.verify(headers, fw::bytes_of(body));
        if (!verdict) std::abort();
        benchmark::DoNotOptimize(verdict);
    };
}

// Through a ring, whose secrets could be swapped at any moment.
bench::Suite::Once verify_with_key_ring() {
    auto ring = fw::KeyRing::create({.secrets = {secret}}).value();
    return [verifier = fw::Verifier::create({.key_ring = ring}).value(), headers = request_headers(fw::Scheme::fpt)] {
        auto verdict = verifier.verify(headers, fw::bytes_of(body));
        if (!verdict) std::abort();
        benchmark::DoNotOptimize(verdict);
    };
}

}  // namespace

int main(int argc, char* argv[]) {
    bench::Suite suite;
    suite.add("limit", limit());
    suite.add("verify_fpt", verify(fw::Scheme::fpt, 1));
    suite.add("verify_fpt_two_secrets", verify(fw::Scheme::fpt, 2));
    suite.add("verify_fpt_key_ring", verify_with_key_ring());
    suite.add("verify_ufp", verify(fw::Scheme::ufp, 1));
    suite.add("verify_standard_webhooks", verify(fw::Scheme::standard_webhooks, 1));
    suite.add("sign_fpt", sign(fw::Scheme::fpt));
    constexpr bench::Ratio ratios[] = {
        {"verify_fpt", "limit", 0.6}, {"verify_fpt_key_ring", "verify_fpt"},
        {"verify_ufp", "limit"},      {"verify_standard_webhooks", "limit"},
        {"sign_fpt", "limit"},
    };
    return suite.run(argc, argv, ratios);
}
