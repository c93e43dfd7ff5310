#include <fpt_webhooks/core/key_ring.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>

#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/verifier.hpp>

#include "doubles.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view old_text = "whsec_the_old_secret_of_32_characters";
constexpr std::string_view new_text = "whsec_the_new_secret_of_32_characters";
const std::string body = R"({"hello":"world"})";
const fw::Timestamp now{1717023600s};

fw::TimedSecret secret(std::string_view text, std::string label = {}, fw::Timestamp not_before = fw::Timestamp::min(),
                       fw::Timestamp not_after = fw::Timestamp::max()) {
    return {fw::Secret(text), not_before, not_after, std::move(label)};
}

fw::Headers signed_with(std::string_view text) {
    return fw::Signer::create(fw::Scheme::fpt, fw::Secret(text)).value().sign(fw::bytes_of(body), now).value();
}

struct Fixture {
    fw::Result<fw::Verification> verify(std::string_view text) const {
        return verifier.verify(signed_with(text), fw::bytes_of(body));
    }

    std::shared_ptr<fw::KeyRing> ring = fw::KeyRing::create({.secrets = {secret(old_text, "old")}}).value();
    fw::Verifier verifier =
        fw::Verifier::create({.key_ring = ring, .clock = std::make_shared<doubles::FixedClock>(now)}).value();
};

}  // namespace

TEST_CASE("key ring: secrets come and go while a verifier runs, and each verdict says which it was") {
    const Fixture f;
    CHECK(f.verify(old_text)->secret_label.text() == "old");
    CHECK(f.verify(new_text).error() == fw::Errc::signature_mismatch);

    f.ring->set({secret(old_text, "old"), secret(new_text, "new")}).value();
    CHECK(f.verify(old_text)->secret_index == 0);
    CHECK(f.verify(new_text)->secret_index == 1);
    CHECK(f.verify(new_text)->secret_label.text() == "new");

    f.ring->set({secret(new_text, "new")}).value();
    CHECK(f.verify(old_text).error() == fw::Errc::signature_mismatch);
    CHECK(f.verify(new_text)->secret_index == 0);
}

TEST_CASE("key ring: tells what each secret was used for, and those that stay go on counting") {
    const Fixture f;
    CHECK(f.ring->usage().at(0).uses == 0);
    CHECK_FALSE(f.ring->usage().at(0).last_used.has_value());
    for (int i = 0; i < 3; ++i) CHECK(f.verify(old_text).has_value());
    CHECK_FALSE(f.verify(new_text).has_value());

    f.ring->set({secret(new_text, "new", now - 1s, now + 1s), secret(old_text, "leaving")}).value();
    CHECK(f.verify(new_text).has_value());
    const auto usage = f.ring->usage();
    REQUIRE(usage.size() == 2);
    CHECK(usage[0].label == "new");
    CHECK(usage[0].not_before == now - 1s);
    CHECK(usage[0].not_after == now + 1s);
    CHECK(usage[0].uses == 1);
    CHECK(usage[0].last_used == now);
    CHECK(usage[1].label == "leaving");
    CHECK(usage[1].uses == 3);
    CHECK(usage[1].last_used == now);
}

TEST_CASE("key ring: an unusable set is refused by the secret that is wrong, and the ring is as it was") {
    const Fixture f;
    const auto refusal = [&](std::vector<fw::TimedSecret> secrets) {
        const auto set = f.ring->set(std::move(secrets));
        CHECK(f.verify(old_text).has_value());
        return set ? "accepted" : set.error().detail();
    };
    CHECK(refusal({}) == "secrets: none given");
    CHECK(refusal({secret(old_text), secret("short", "new")}) ==
          "secrets[1] (new): scheme fpt: the secret has 5 bytes, at least 32 are needed");
    CHECK(refusal({secret(old_text, std::string(32, 'x'))}) ==
          "secrets[0]: label: up to 31 bytes of printable ASCII are allowed");
    CHECK(refusal({secret(old_text, "", now, now - 1s)}) == "secrets[0]: ends before it begins");
    CHECK(refusal(std::vector(9, secret(old_text))) == "secrets: 9 given, at most 8 are allowed");
    CHECK(fw::KeyRing::create({}).error().detail() == "secrets: none given");
}

TEST_CASE("key ring: is read again through a function, whose failure changes nothing") {
    const Fixture f;
    CHECK(f.ring
              ->reload([]() -> fw::Result<std::vector<fw::TimedSecret>> {
                  return fw::Error(fw::Errc::local_failure, "vault: sealed");
              })
              .error()
              .detail() == "vault: sealed");
    CHECK(f.ring->reload([]() -> fw::Result<std::vector<fw::TimedSecret>> { throw std::runtime_error("vault"); })
              .error()
              .detail() == "reading secrets: exception: vault");
    CHECK(f.ring->reload([] { return fw::parse_secrets("short\n"); }).error() == fw::Errc::invalid_argument);
    CHECK(f.verify(old_text).has_value());
    f.ring->reload([] { return fw::parse_secrets("# new\n" + std::string(new_text)); }).value();
    CHECK(f.verify(new_text)->secret_label.text() == "line 2");
}

TEST_CASE("key ring: a verifier takes one of its own scheme, and no secrets beside it") {
    const Fixture f;
    const auto refusal = [](fw::VerifierOptions options) {
        return fw::Verifier::create(std::move(options)).error().detail();
    };
    CHECK(refusal({.secrets = {secret(old_text)}, .key_ring = f.ring}) == "secrets: given beside a key_ring");
    CHECK(refusal({.scheme = fw::Scheme::ufp, .key_ring = f.ring}) == "key_ring: made for the scheme fpt");
}

TEST_CASE("key ring: a stream keeps the secrets that it began with") {
    const Fixture f;
    auto stream = f.verifier.begin(signed_with(old_text)).value();
    f.ring->set({secret(new_text)}).value();
    stream.update(fw::bytes_of(body));
    CHECK(stream.finish()->secret_label.text() == "old");
    CHECK(f.verify(old_text).error() == fw::Errc::signature_mismatch);
}

TEST_CASE("key ring: a verdict allocates nothing") {
    const Fixture f;
    const fw::Headers good = signed_with(old_text);
    const fw::Headers bad = signed_with(new_text);
    const auto before = allocations();
    const bool accepted = f.verifier.verify(good, fw::bytes_of(body)).has_value();
    const bool refused = !f.verifier.verify(bad, fw::bytes_of(body)).has_value();
    const auto after = allocations();
    CHECK(accepted);
    CHECK(refused);
    CHECK(after == before);
}

TEST_CASE("key ring: swapped again and again under many verifications, none is refused wrongly or counted twice") {
    const Fixture f;
    const fw::Headers both = [] {
        fw::Headers headers;
        const auto hex = [](std::string_view text) {
            const std::string value(signed_with(text).find("X-FPT-Signature").value());
            return value.substr(value.find("v1="));
        };
        headers.add("X-FPT-Signature", "t=1717023600," + hex(old_text) + "," + hex(new_text));
        return headers;
    }();
    constexpr int thread_count = 4;
    std::atomic<int> wrong{0};
    std::atomic<std::uint64_t> verified{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i) {
        threads.emplace_back([&] {
            while (!stop) {
                const auto verdict = f.verifier.verify(both, fw::bytes_of(body));
                if (!verdict || (verdict->secret_label.text() != "old" && verdict->secret_label.text() != "new"))
                    ++wrong;
                ++verified;
            }
        });
    }
    for (int i = 0; i < 50 || verified < 200; ++i) {
        f.ring->set({i % 2 == 0 ? secret(new_text, "new") : secret(old_text, "old")}).value();
    }
    f.ring->set({secret(new_text, "new")}).value();
    CHECK(f.verify(old_text).error() == fw::Errc::signature_mismatch);
    stop = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(f.ring->usage().at(0).uses <= verified);
}
