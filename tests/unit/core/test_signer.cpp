#include <fpt_webhooks/core/signer.hpp>

#include <fstream>
#include <iterator>
#include <string>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

constexpr std::string_view fpt_secret = "whsec_fpt_test_secret_32_chars_min!!";
const fw::Timestamp signing_time{std::chrono::seconds(1717023600)};

fw::Headers sign(const fw::Scheme& scheme, std::string_view secret, std::string_view body,
                 fw::Timestamp now = signing_time, std::string_view id = {}) {
    return fw::Signer::create(scheme, fw::Secret(secret)).value().sign(fw::bytes_of(body), now, id).value();
}

std::string create_error(const fw::Scheme& scheme, std::string_view secret) {
    const auto signer = fw::Signer::create(scheme, fw::Secret(secret));
    REQUIRE_FALSE(signer.has_value());
    CHECK(signer.error() == fw::Errc::invalid_argument);
    CHECK(signer.error().detail().find(secret.empty() ? "\x01" : secret) == std::string::npos);
    return signer.error().detail();
}

}  // namespace

TEST_CASE("signer: makes the header that npm stripe makes for the same secret, time and body") {
    const auto headers =
        sign(fw::Scheme::fpt, fpt_secret,
             R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated","object":"event"})");
    CHECK(headers == fw::Headers{{"X-FPT-Signature",
                                  "t=1717023600,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86"}});
}

TEST_CASE("signer: makes the header of the Standard Webhooks test vector") {
    const auto headers =
        sign(fw::Scheme::standard_webhooks, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", R"({"test": 2432232314})",
             fw::Timestamp(std::chrono::seconds(1614265330)), "msg_p5jXN8AQM9LWM0D4loKWxJek");
    CHECK(headers == fw::Headers{{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                                 {"webhook-timestamp", "1614265330"},
                                 {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}});
}

TEST_CASE("signer: signs as RFC 4231 says, whatever the key's length") {
    // Test cases 2, 6 and 7: a short key, and keys longer than a block with a short and a long message.
    CHECK(sign(fw::Scheme::ufp, "Jefe", "what do ya want for nothing?") ==
          fw::Headers{{"X-UFP-Signature", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}});
    const std::string long_key(131, '\xaa');
    CHECK(sign(fw::Scheme::ufp, long_key, "Test Using Larger Than Block-Size Key - Hash Key First") ==
          fw::Headers{{"X-UFP-Signature", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}});
    CHECK(sign(fw::Scheme::ufp, long_key,
               "This is a test using a larger than block-size key and a larger than block-size data. The key needs to "
               "be hashed before being used by the HMAC algorithm.") ==
          fw::Headers{{"X-UFP-Signature", "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"}});
}

TEST_CASE("signer: floors the time to whole seconds") {
    const auto headers =
        sign(fw::Scheme::fpt, fpt_secret, "{}", fw::Timestamp(std::chrono::milliseconds(1717023600999)));
    CHECK(headers.find("X-FPT-Signature")->starts_with("t=1717023600,v1="));
}

TEST_CASE("signer: refuses a time before 1970") {
    const auto signer = fw::Signer::create(fw::Scheme::fpt, fw::Secret(fpt_secret)).value();
    const auto headers = signer.sign({}, fw::Timestamp(std::chrono::milliseconds(-1)));
    CHECK(headers.error() == fw::Errc::invalid_argument);
}

TEST_CASE("signer: refuses a secret that the scheme does not allow, with the reason and without the secret") {
    CHECK(create_error(fw::Scheme::fpt, std::string(31, 'x')) ==
          "scheme fpt: the secret has 31 bytes, at least 32 are needed");
    CHECK(create_error(fw::Scheme::ufp, "") == "scheme ufp: the secret has 0 bytes, at least 1 are needed");
    CHECK(create_error(fw::Scheme::ufp, std::string(4097, 'x')) ==
          "scheme ufp: the secret has 4097 bytes, at most 4096 are allowed");
    CHECK(create_error(fw::Scheme::standard_webhooks, "whsec_!!!!") ==
          "scheme standard_webhooks: the secret is not base64 (after an optional \"whsec_\")");
    CHECK(create_error(fw::Scheme::standard_webhooks, "whsec_AAAA") ==
          "scheme standard_webhooks: the secret has 3 bytes after decoding, at least 24 are needed");
    // 44 characters with stray bits in the last one: two texts for one key are one too many
    CHECK(create_error(fw::Scheme::standard_webhooks, std::string(42, 'A') + "B=") ==
          "scheme standard_webhooks: the secret is not base64 (after an optional \"whsec_\")");
}

TEST_CASE("signer: a Standard Webhooks secret is the same with and without its prefix") {
    const std::string key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    CHECK(sign(fw::Scheme::standard_webhooks, key, "{}", signing_time, "m") ==
          sign(fw::Scheme::standard_webhooks, "whsec_" + key, "{}", signing_time, "m"));
}

TEST_CASE("signer: refuses a message id that could shift the signed text") {
    const auto signer =
        fw::Signer::create(fw::Scheme::standard_webhooks, fw::Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).value();
    for (const std::string& id : {std::string(), std::string("a.b"), std::string("a b"), std::string("a\n"),
                                  std::string("\xc3\xa9"), std::string(257, 'a')}) {
        CAPTURE(id);
        CHECK(signer.sign({}, signing_time, id).error() == fw::Errc::invalid_argument);
    }
    CHECK(signer.sign({}, signing_time, std::string(256, 'a')).has_value());
}

TEST_CASE("signer: makes what the worked examples of docs/schemes.md show") {
    std::ifstream file(FPT_WEBHOOKS_SOURCE_DIR "/docs/schemes.md");
    const std::string page((std::istreambuf_iterator<char>(file)), {});
    const auto body_at = page.find("{\"eventId\"");
    REQUIRE(body_at != std::string::npos);
    const std::string body = page.substr(body_at, page.find('\n', body_at) - body_at);
    CHECK(page.find("is " + std::to_string(body.size()) + " bytes") != std::string::npos);

    const auto shown = [&](const fw::Headers& headers) {
        std::string lines;
        for (const auto& field : headers) lines += field.name + ": " + field.value + "\n";
        return page.find(lines) != std::string::npos;
    };
    CHECK(shown(sign(fw::Scheme::fpt, "whsec_docs_example_secret_32_characters", body)));
    CHECK(shown(sign(fw::Scheme::ufp, "my gym secret", body)));
    CHECK(shown(sign(fw::Scheme::standard_webhooks, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", R"({"test": 2432232314})",
                     fw::Timestamp(std::chrono::seconds(1614265330)), "msg_p5jXN8AQM9LWM0D4loKWxJek")));
}
