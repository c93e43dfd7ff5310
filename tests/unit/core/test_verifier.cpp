#include <fpt_webhooks/core/verifier.hpp>

#include <random>
#include <string>

#include <fpt_webhooks/core/signer.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t t0 = 1717023600;
constexpr std::string_view secret_text = "whsec_fpt_test_secret_32_chars_min!!";
constexpr std::string_view body_text =
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated","object":"event"})";
const std::string good_hex = "346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86";
const std::string other_hex(64, 'a');

class FixedClock final : public fw::Clock {
  public:
    fw::Timestamp wall{std::chrono::seconds(t0)};
    fw::Timestamp now() const noexcept override { return wall; }
    std::chrono::steady_clock::time_point steady_now() const noexcept override { return {}; }
};

struct Fixture {
    std::shared_ptr<FixedClock> clock = std::make_shared<FixedClock>();

    fw::Verifier verifier(std::vector<fw::TimedSecret> secrets = {fw::Secret(secret_text)},
                          const fw::Scheme& scheme = fw::Scheme::fpt) {
        return fw::Verifier::create({.scheme = scheme, .secrets = std::move(secrets), .clock = clock}).value();
    }
    fw::Result<fw::Verification> verify(const std::string& header) {
        return verifier().verify(fw::Headers{{"X-FPT-Signature", header}}, fw::bytes_of(body_text));
    }
    // The error's code, place and detail in one text.
    std::string refusal(const std::string& header) {
        const auto result = verify(header);
        return result ? "accepted" : result.error().message();
    }
};

std::string upper(std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return text;
}

}  // namespace

TEST_CASE("verifier: accepts what npm stripe signs, and says when it was signed and by which secret") {
    Fixture f;
    const auto result = f.verify("t=1717023600,v1=" + good_hex);
    REQUIRE(result.has_value());
    CHECK(result->secret_index == 0);
    CHECK(result->signed_at == fw::Timestamp(std::chrono::seconds(t0)));
}

TEST_CASE("verifier: reads either case, several signatures in any position, and skips unknown keys") {
    Fixture f;
    const std::string t = "t=1717023600";
    CHECK(f.verify(t + ",v1=" + upper(good_hex)).has_value());
    CHECK(f.verify(t + ",v1=" + good_hex + ",v1=" + other_hex).has_value());
    CHECK(f.verify(t + ",v1=" + other_hex + ",v1=" + good_hex).has_value());
    CHECK(f.verify("v1=" + good_hex + "," + t).has_value());
    CHECK(f.verify("v0=zz,v1=" + good_hex + ",x=,y=a=b," + t).has_value());
}

TEST_CASE("verifier: refuses a header that breaks the grammar, and names the place") {
    Fixture f;
    const std::string t = "t=1717023600";
    const std::string v1 = ",v1=" + good_hex;
    CHECK(f.refusal("") == "signature header malformed at byte 0: key=value");
    CHECK(f.refusal(t) == "signature missing: no signature");
    CHECK(f.refusal("v1=" + good_hex) == "signature missing: no t");
    CHECK(f.refusal(t + v1 + ",") == "signature header malformed at byte 81: key=value");
    CHECK(f.refusal(t + "," + v1) == "signature header malformed at byte 13: key=value");
    CHECK(f.refusal(t + ",=a" + v1) == "signature header malformed at byte 13: key=value");
    CHECK(f.refusal(t + ",v1" + v1) == "signature header malformed at byte 13: key=value");
    CHECK(f.refusal(t + "," + t + v1) == "signature header malformed at byte 13: t repeated");
    CHECK(f.refusal("t=" + v1) == "signature header malformed at byte 2: t: no digits");
    CHECK(f.refusal("t=12x" + v1) == "signature header malformed at byte 4: t: digits only");
    CHECK(f.refusal("t=-1" + v1) == "signature header malformed at byte 2: t: digits only");
    CHECK(f.refusal("t= 1" + v1) == "signature header malformed at byte 2: t: digits only");
    CHECK(f.refusal("t=" + std::string(20, '1') + v1) == "signature header malformed at byte 21: t: 19 digits");
    CHECK(f.refusal(t + ", v1=" + good_hex) == "signature missing: no signature");
    CHECK(f.refusal(t + ",v1=") == "signature header malformed at byte 16: 64 hex digits");
    CHECK(f.refusal(t + v1 + "0") == "signature header malformed at byte 80: 64 hex digits");
    CHECK(f.refusal(t + ",v1=" + good_hex.substr(1)) == "signature header malformed at byte 79: 64 hex digits");
    CHECK(f.refusal(t + ",v1=g" + good_hex.substr(1)) == "signature header malformed at byte 16: 64 hex digits");
    CHECK(f.refusal(t + v1 + " ") == "signature header malformed at byte 80: 64 hex digits");
    // A broken signature beside a good one is no honest sender's
    CHECK(f.refusal(t + v1 + ",v1=00") == "signature header malformed at byte 86: 64 hex digits");
    const std::string padding(4097 - t.size() - v1.size() - 3, 'p');
    CHECK(f.refusal(t + ",x=" + padding + v1) == "signature header malformed at byte 4096: over 4096 bytes");
    CHECK(f.verify(t + ",x=" + padding.substr(1) + v1).has_value());
}

TEST_CASE("verifier: reads a time of 19 digits without wrapping round") {
    Fixture f;
    const std::string v1 = ",v1=" + good_hex;
    CHECK(f.refusal("t=9999999999999999999" + v1) == "signature timestamp in the future: by over 3 years");
    CHECK(f.refusal("t=9223372036854775808" + v1) == "signature timestamp in the future: by over 3 years");
    CHECK(f.refusal("t=0" + v1) == "signature timestamp too old: by over 3 years");
}

TEST_CASE("verifier: signs over the timestamp's text as received, leading zeros included") {
    Fixture f;
    CHECK(f.refusal("t=01717023600,v1=" + good_hex) == "signature mismatch");
}

TEST_CASE("verifier: accepts a time at either end of the tolerance and refuses one a second beyond") {
    Fixture f;
    const std::string header = "t=1717023600,v1=" + good_hex;
    f.clock->wall = fw::Timestamp(std::chrono::seconds(t0 + 300) + 999ms);
    CHECK(f.verify(header).has_value());
    f.clock->wall = fw::Timestamp(std::chrono::seconds(t0 + 301));
    CHECK(f.refusal(header) == "signature timestamp too old: by 301 s");
    f.clock->wall = fw::Timestamp(std::chrono::seconds(t0 - 300));
    CHECK(f.verify(header).has_value());
    f.clock->wall = fw::Timestamp(std::chrono::seconds(t0 - 301) + 999ms);
    CHECK(f.refusal(header) == "signature timestamp in the future: by 301 s");
}

TEST_CASE("verifier: takes another tolerance, zero included") {
    Fixture f;
    const auto verifier =
        fw::Verifier::create({.secrets = {fw::Secret(secret_text)}, .tolerance = 0s, .clock = f.clock}).value();
    const fw::Headers headers{{"X-FPT-Signature", "t=1717023600,v1=" + good_hex}};
    CHECK(verifier.verify(headers, fw::bytes_of(body_text)).has_value());
    f.clock->wall += 1s;
    CHECK(verifier.verify(headers, fw::bytes_of(body_text)).error() == fw::Errc::timestamp_too_old);
}

TEST_CASE("verifier: refuses every single changed bit of signature and body") {
    Fixture f;
    const auto verifier = f.verifier();
    for (std::size_t digit = 0; digit < good_hex.size(); ++digit) {
        std::string changed = good_hex;
        changed[digit] = changed[digit] == '0' ? '1' : '0';
        const fw::Headers headers{{"X-FPT-Signature", "t=1717023600,v1=" + changed}};
        CHECK(verifier.verify(headers, fw::bytes_of(body_text)).error() == fw::Errc::signature_mismatch);
    }
    const fw::Headers headers{{"X-FPT-Signature", "t=1717023600,v1=" + good_hex}};
    for (std::size_t bit = 0; bit < body_text.size() * 8; ++bit) {
        std::string changed(body_text);
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        CHECK(verifier.verify(headers, fw::bytes_of(changed)).error() == fw::Errc::signature_mismatch);
    }
}

TEST_CASE("verifier: finds the header whatever its case, and refuses two of them") {
    Fixture f;
    const std::string value = "t=1717023600,v1=" + good_hex;
    const auto verifier = f.verifier();
    CHECK(verifier.verify(fw::Headers{{"x-fpt-SIGNATURE", value}}, fw::bytes_of(body_text)).has_value());
    const auto twice =
        verifier.verify(fw::Headers{{"X-FPT-Signature", value}, {"x-fpt-signature", value}}, fw::bytes_of(body_text));
    CHECK(twice.error().message() == "signature header malformed at byte 0: header repeated");
    CHECK(verifier.verify(fw::Headers{}, fw::bytes_of(body_text)).error() == fw::Errc::signature_missing);
}

TEST_CASE("verifier: is exact on any bytes, at every length around the hash's blocks") {
    Fixture f;
    std::mt19937 random(7);
    for (const auto* scheme : {&fw::Scheme::fpt, &fw::Scheme::ufp, &fw::Scheme::standard_webhooks}) {
        const fw::Secret secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        const auto signer = fw::Signer::create(*scheme, secret).value();
        const auto verifier = f.verifier({secret}, *scheme);
        for (std::size_t size = 0; size < 300; ++size) {
            std::string body(size, '\0');
            for (char& c : body) c = static_cast<char>(random());
            const auto headers = signer.sign(fw::bytes_of(body), f.clock->now(), "msg_1").value();
            CHECK(verifier.verify(headers, fw::bytes_of(body)).has_value());
            CHECK(verifier.verify(headers, fw::bytes_of(body + "\n")).error() == fw::Errc::signature_mismatch);
        }
    }
}

TEST_CASE("verifier: tells which secret matched and honours their validity, both ends included") {
    Fixture f;
    const fw::Secret old_secret(std::string(32, 'o'));
    const fw::Secret new_secret(std::string(32, 'n'));
    const fw::Timestamp change{std::chrono::seconds(t0)};
    const auto verifier = f.verifier({{old_secret, fw::Timestamp::min(), change + 60s}, {new_secret, change}});
    const auto index = [&](const fw::Secret& secret) -> fw::Result<std::size_t> {
        const auto headers = fw::Signer::create(fw::Scheme::fpt, secret).value().sign({}, f.clock->now()).value();
        return verifier.verify(headers, {}).transform([](const fw::Verification& v) { return v.secret_index; });
    };
    f.clock->wall = change - 1ms;
    CHECK(index(old_secret).value() == 0);
    CHECK(index(new_secret).error() == fw::Errc::signature_mismatch);
    f.clock->wall = change;
    CHECK(index(old_secret).value() == 0);
    CHECK(index(new_secret).value() == 1);
    f.clock->wall = change + 60s;
    CHECK(index(old_secret).value() == 0);
    f.clock->wall = change + 60s + 1ms;
    CHECK(index(old_secret).error() == fw::Errc::signature_mismatch);
    CHECK(index(new_secret).value() == 1);
}

TEST_CASE("verifier: says so when no secret is valid now") {
    Fixture f;
    const auto verifier = f.verifier({{fw::Secret(secret_text), f.clock->now() + 1s}});
    const fw::Headers headers{{"X-FPT-Signature", "t=1717023600,v1=" + good_hex}};
    CHECK(verifier.verify(headers, fw::bytes_of(body_text)).error() == fw::Errc::no_active_secret);
}

TEST_CASE("verifier: takes as many secrets as promised, each of which is tried") {
    Fixture f;
    std::vector<fw::TimedSecret> secrets;
    for (std::size_t i = 0; i < fw::verifier_secrets_max; ++i) {
        secrets.emplace_back(fw::Secret(std::string(32, static_cast<char>('a' + i))));
    }
    const auto verifier = f.verifier(secrets);
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        const auto signer = fw::Signer::create(fw::Scheme::fpt, secrets[i].secret).value();
        const auto headers = signer.sign(fw::bytes_of(body_text), f.clock->now()).value();
        CHECK(verifier.verify(headers, fw::bytes_of(body_text)).value().secret_index == i);
    }
}

TEST_CASE("verifier: refuses unusable options and names them") {
    const auto message = [](fw::VerifierOptions options) {
        const auto verifier = fw::Verifier::create(std::move(options));
        return verifier ? "created" : verifier.error().detail();
    };
    const fw::Secret good(secret_text);
    CHECK(message({}) == "secrets: none given");
    CHECK(message({.secrets = std::vector<fw::TimedSecret>(9, good)}) == "secrets: 9 given, at most 8 are allowed");
    CHECK(message({.secrets = {good, fw::Secret("short")}}) ==
          "secrets[1]: scheme fpt: the secret has 5 bytes, at least 32 are needed");
    CHECK(message({.scheme = fw::Scheme::ufp, .secrets = {fw::Secret("")}}) ==
          "secrets[0]: scheme ufp: the secret has 0 bytes, at least 1 are needed");
    CHECK(message({.secrets = {good}, .tolerance = -1s}) == "tolerance: outside 0 to 100 years");
    CHECK(message({.secrets = {fw::TimedSecret(good, fw::Timestamp(2s), fw::Timestamp(1s))}}) ==
          "secrets[0]: ends before it begins");
}

TEST_CASE("verifier: the incremental form agrees with the whole, however the body is cut") {
    Fixture f;
    const auto verifier = f.verifier({fw::Secret(std::string(40, 'x')), fw::Secret(secret_text)});
    const fw::Headers headers{{"X-FPT-Signature", "t=1717023600,v1=" + good_hex}};
    for (std::size_t step = 1; step <= body_text.size(); ++step) {
        auto stream = verifier.begin(headers).value();
        for (std::size_t at = 0; at < body_text.size(); at += step)
            stream.update(fw::bytes_of(body_text.substr(at, step)));
        auto moved = std::move(stream);
        CHECK(moved.finish().value().secret_index == 1);
        CHECK(moved.finish().error() == fw::Errc::signature_mismatch);
    }
    auto stream = verifier.begin(headers).value();
    stream.update(fw::bytes_of(body_text.substr(1)));
    CHECK(stream.finish().error() == fw::Errc::signature_mismatch);
    CHECK(verifier.begin(fw::Headers{}).error() == fw::Errc::signature_missing);
}

TEST_CASE("verifier: a stream may outlive the verifier that began it") {
    Fixture f;
    const fw::Headers headers{{"X-FPT-Signature", "t=1717023600,v1=" + good_hex}};
    auto stream = [&] { return f.verifier().begin(headers).value(); }();
    stream.update(fw::bytes_of(body_text));
    CHECK(stream.finish().has_value());
}

TEST_CASE("verifier: reads UFP's bare signature strictly") {
    Fixture f;
    const auto verifier = f.verifier({fw::Secret("k")}, fw::Scheme::ufp);
    const auto headers =
        fw::Signer::create(fw::Scheme::ufp, fw::Secret("k")).value().sign(fw::bytes_of("{}"), {}).value();
    const auto verification = verifier.verify(headers, fw::bytes_of("{}")).value();
    CHECK_FALSE(verification.signed_at.has_value());
    const std::string hex(headers.find("X-UFP-Signature").value());
    const auto refusal = [&](const std::string& value) {
        return verifier.verify(fw::Headers{{"X-UFP-Signature", value}}, fw::bytes_of("{}")).error().message();
    };
    CHECK(refusal("sha256=" + hex) == "signature header malformed at byte 0: 64 hex digits");
    CHECK(refusal(hex + hex) == "signature header malformed at byte 64: 64 hex digits");
    CHECK(refusal("") == "signature header malformed at byte 0: 64 hex digits");
}

TEST_CASE("verifier: reads Standard Webhooks headers strictly") {
    Fixture f;
    f.clock->wall = fw::Timestamp(std::chrono::seconds(1614265330));
    const auto verifier =
        f.verifier({fw::Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, fw::Scheme::standard_webhooks);
    const std::string good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const auto verdict = [&](const std::string& signature, const std::string& time = "1614265330",
                             const std::string& id = "msg_p5jXN8AQM9LWM0D4loKWxJek") {
        const fw::Headers headers{{"webhook-id", id}, {"webhook-timestamp", time}, {"webhook-signature", signature}};
        const auto result = verifier.verify(headers, fw::bytes_of(R"({"test": 2432232314})"));
        return result ? "accepted" : result.error().message();
    };
    CHECK(verdict(good) == "accepted");
    CHECK(verdict("v1a,anything " + good) == "accepted");
    CHECK(verdict("v1," + std::string(43, 'A') + "= " + good) == "accepted");
    CHECK(verdict("v2,x") == "signature missing: no signature");
    CHECK(verdict(good + " ") == "signature header malformed at byte 48: version,value");
    CHECK(verdict("v1") == "signature header malformed at byte 0: version,value");
    CHECK(verdict("v1,abc=") == "signature header malformed at byte 3: 44 of base64");
    // The last character's unused bits set: another text of the same bytes
    CHECK(verdict("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=") ==
          "signature header malformed at byte 3: 44 of base64");
    CHECK(verdict(good, "1614265330abc") == "signature header malformed at byte 10: t: digits only");
    CHECK(verdict(good, "1614265330", "a.b") == "signature header malformed at byte 0: unusable id");
    CHECK(verdict(good, "1614265330", "other") == "signature mismatch");
    CHECK(verdict(good, "1614265331") == "signature mismatch");
}

TEST_CASE("verifier: allocates nothing between request and verdict, whatever the verdict") {
    Fixture f;
    const auto verifier = f.verifier({fw::Secret(std::string(40, 'x')), fw::Secret(secret_text)});
    const std::string t = "t=1717023600";
    const std::vector<std::string> values = {
        t + ",v1=" + good_hex, t + ",v1=" + other_hex,        t + "," + t,  "t=1" + std::string(30, '1'),
        "t=1,v1=" + good_hex,  "t=9999999999,v1=" + good_hex, t + ",v1=zz", std::string(5000, 'a'),
    };
    std::vector<fw::Headers> requests{fw::Headers{}};
    for (const auto& value : values) requests.push_back(fw::Headers{{"Host", "h"}, {"X-FPT-Signature", value}});
    std::size_t accepted = 0;
    const auto before = allocations();
    for (const auto& headers : requests) accepted += verifier.verify(headers, fw::bytes_of(body_text)).has_value();
    const auto after = allocations();
    CHECK(accepted == 1);
    CHECK(after == before);
}
