#include <fpt_webhooks/testing/signature_vectors.hpp>

#include <set>
#include <string>

#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("signature vectors: the verifier reaches the verdict of each") {
    for (const auto& vector : fw::testing::signature_vectors()) {
        INFO(vector.name);
        const auto verifier =
            fw::Verifier::create({.scheme = vector.scheme,
                                  .secrets = {fw::Secret(vector.secret)},
                                  .clock = std::make_shared<fw::testing::ManualClock>(vector.verified_at_time())})
                .value();
        const auto verdict = verifier.verify(vector.headers(), fw::bytes_of(vector.body));
        REQUIRE(verdict.has_value() == !vector.refusal.has_value());
        if (vector.refusal) CHECK(verdict.error() == *vector.refusal);
    }
}

TEST_CASE("signature vectors: the signer writes the canonical ones to the byte") {
    std::set<std::string_view> schemes;
    for (const auto& vector : fw::testing::signature_vectors()) {
        if (!vector.canonical) continue;
        INFO(vector.name);
        schemes.insert(vector.scheme.name);
        const auto signer = fw::Signer::create(vector.scheme, fw::Secret(vector.secret)).value();
        const auto headers = signer.sign(fw::bytes_of(vector.body), vector.verified_at_time(), vector.id).value();
        const auto expected = vector.headers();
        CHECK(headers.size() == expected.size());
        for (const auto& field : expected) CHECK(headers.find(field.name) == field.value);
    }
    CHECK(schemes.size() == 3);
}

TEST_CASE("signature vectors: each has a name of its own") {
    std::set<std::string_view> names;
    for (const auto& vector : fw::testing::signature_vectors()) CHECK(names.insert(vector.name).second);
    CHECK(names.size() > 25);
}
