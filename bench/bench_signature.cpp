// Signing and verifying beside the limit: HMAC-SHA256 with saved inner and outer states and nothing around it.
#include <string>
#include <string_view>

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

void limit(benchmark::State& state) {
    SHA256_CTX inner;
    SHA256_CTX outer;
    std::string block(SHA256_CBLOCK, 'k');
    SHA256_Init(&inner);
    SHA256_Update(&inner, block.data(), block.size());
    SHA256_Init(&outer);
    SHA256_Update(&outer, block.data(), block.size());
    unsigned char digest[SHA256_DIGEST_LENGTH];
    for (auto _ : state) {
        SHA256_CTX running = inner;
        SHA256_Update(&running, "1717023600.", 11);
        SHA256_Update(&running, body.data(), body.size());
        SHA256_Final(digest, &running);
        running = outer;
        SHA256_Update(&running, digest, sizeof digest);
        SHA256_Final(digest, &running);
        benchmark::DoNotOptimize(digest);
    }
    state.SetItemsProcessed(state.iterations());
}

void sign(benchmark::State& state, const fw::Scheme& scheme) {
    const auto signer = fw::Signer::create(scheme, secret).value();
    const auto now = fw::system_clock()->now();
    for (auto _ : state) {
        auto headers = signer.sign(fw::bytes_of(body), now, "msg_1");
        benchmark::DoNotOptimize(headers);
    }
    state.SetItemsProcessed(state.iterations());
}

void verify(benchmark::State& state, const fw::Scheme& scheme, std::size_t secrets) {
    std::vector<fw::TimedSecret> ring(secrets - 1, fw::Secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    ring.emplace_back(secret);
    const auto verifier = fw::Verifier::create({.scheme = scheme, .secrets = ring}).value();
    const auto headers = request_headers(scheme);
    for (auto _ : state) {
        auto verdict = verifier.verify(headers, fw::bytes_of(body));
        if (!verdict) state.SkipWithError("refused");
        benchmark::DoNotOptimize(verdict);
    }
    state.SetItemsProcessed(state.iterations());
}

}  // namespace

int main(int argc, char* argv[]) {
    benchmark::RegisterBenchmark("limit", limit);
    benchmark::RegisterBenchmark("verify_fpt", verify, fw::Scheme::fpt, 1);
    benchmark::RegisterBenchmark("verify_fpt_two_secrets", verify, fw::Scheme::fpt, 2);
    benchmark::RegisterBenchmark("verify_ufp", verify, fw::Scheme::ufp, 1);
    benchmark::RegisterBenchmark("verify_standard_webhooks", verify, fw::Scheme::standard_webhooks, 1);
    benchmark::RegisterBenchmark("sign_fpt", sign, fw::Scheme::fpt);
    const bench::Ratio ratios[] = {
        {"verify_fpt", "limit", 0.6},
        {"verify_ufp", "limit"},
        {"verify_standard_webhooks", "limit"},
        {"sign_fpt", "limit"},
    };
    return bench::run(argc, argv, ratios);
}
