#include <fpt_webhooks/core/explain.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include <fpt_webhooks/core/key_ring.hpp>
#include <fpt_webhooks/core/sha256.hpp>
#include <fpt_webhooks/core/signer.hpp>

#include "doubles.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using fw::Mistake;
using namespace std::chrono_literals;

namespace {

constexpr fw::Timestamp now{1717023600s};
const std::string secret = "whsec_UElOQ0hFRC1DQU5BUlktU0VDUkVULTMyLUJZVEVT";  // base64 of 33 bytes
const std::string other_secret = "whsec_XNOTHER_CANARY_SECRET_OF_32_CHARACTERS";
const std::string body = R"({"eventId":"CANARY-BODY","n":[1,{"a":"x"}],"empty":{}})";

fw::Headers sign(std::string_view with, std::string_view text, const fw::Scheme& scheme = fw::Scheme::fpt,
                 fw::Timestamp at = now) {
    return fw::Signer::create(scheme, fw::Secret(with)).value().sign(fw::bytes_of(text), at, "msg_1").value();
}

// A scheme that takes any key, to sign what a mistaken sender signs.
fw::Scheme lenient(fw::SignedText text = fw::SignedText::timestamp_dot_body) {
    fw::Scheme scheme = text == fw::SignedText::body ? fw::Scheme::ufp : fw::Scheme::fpt;
    scheme.key_bytes_min = 1;
    return scheme;
}

fw::VerifierOptions options(std::vector<fw::TimedSecret> secrets = {fw::Secret(secret)}) {
    return {.secrets = std::move(secrets), .clock = std::make_shared<const doubles::FixedClock>(now)};
}

fw::HttpRequest request(fw::Headers headers, std::string text = body) {
    return {.headers = std::move(headers), .body = std::move(text)};
}

std::string hex_of(fw::ByteView bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        for (const unsigned digit : {std::to_integer<unsigned>(byte) >> 4, std::to_integer<unsigned>(byte) & 15U}) {
            text += "0123456789abcdef"[digit];
        }
    }
    return text;
}

std::string value_of(const fw::Headers& headers) { return headers.begin()->value; }
std::string hex_in(const fw::Headers& headers) { return value_of(headers).substr(value_of(headers).size() - 64); }

struct Case {
    const char* name;
    fw::HttpRequest request;
    fw::VerifierOptions options;
    Mistake mistake;
    bool proved;
    std::string words;  // a part of them
};

fw::VerifierOptions tweaked(fw::VerifierOptions options, const std::function<void(fw::VerifierOptions&)>& change) {
    change(options);
    return options;
}

std::vector<Case> cases() {
    const auto good = sign(secret, body);
    const std::string base64_of_secret = "d2hzZWNfVUVsT1EwaEZSQzFEUVU1QlVsa3RVMFZEVWtWVUxUTXlMVUpaVkVWVA==";
    const std::string crlf = "{\r\n\"a\":1\r\n}";
    const std::string lf = "{\n\"a\":1\n}";
    const std::string accents = "{\"a\":\"caf\xc3\xa9 \xf0\x9f\x92\xaa/\"}";
    const std::string spaced = R"({"eventId": "CANARY-BODY", "n": [1, {"a": "x"}], "empty": {}})";
    const std::string pretty =
        "{\n  \"eventId\": \"CANARY-BODY\",\n  \"n\": [\n    1,\n    {\n      \"a\": \"x\"\n    }\n  ],\n"
        "  \"empty\": {}\n}";
    std::string tabbed = pretty;
    for (std::size_t at; (at = tabbed.find("  ")) != tabbed.npos;) tabbed.replace(at, 2, "\t");
    const auto fpt_header = [](std::string value) { return fw::Headers{{"X-FPT-Signature", std::move(value)}}; };
    const std::string hash = hex_of(fw::sha256(fw::bytes_of(body)));
    const auto wrapped = [](const std::string& text) { return options({fw::Secret(text)}); };
    auto encoded = sign(other_secret, body);
    encoded.add("Content-Encoding", "gzip");
    auto shortened = sign(secret, body);
    shortened.add("Content-Length", std::to_string(body.size() + 7));
    auto twice = good;
    twice.add("x-fpt-signature", value_of(good));
    const auto standard = tweaked(options(), [](auto& o) { o.scheme = fw::Scheme::standard_webhooks; });
    auto standard_raw = sign(secret, body, fw::Scheme::standard_webhooks);
    fw::Scheme raw_key = fw::Scheme::standard_webhooks;
    raw_key.secret_form = fw::SecretForm::text;
    auto no_timestamp = fw::Headers{{"webhook-id", "msg_1"}, {"webhook-signature", "v1," + base64_of_secret}};

    return {
        {"compact", request(good, spaced), options(), Mistake::body_reserialized, true, "without white space"},
        {"spaced", request(sign(secret, spaced)), options(), Mistake::body_reserialized, true, "a space after"},
        {"pretty", request(sign(secret, pretty)), options(), Mistake::body_reserialized, true, "indent of 2"},
        {"tabs", request(sign(secret, tabbed)), options(), Mistake::body_reserialized, true, "tabs"},
        {"escapes", request(sign(secret, R"({"a":"caf\u00e9 \ud83d\udcaa\/"})"), accents), options(),
         Mistake::body_reserialized, true, "\\/ escapes"},
        {"python", request(sign(secret, R"({"a": "caf\u00e9 \ud83d\udcaa/"})"), accents), options(),
         Mistake::body_reserialized, true, "and \\u escapes"},
        {"unescaped", request(sign(secret, accents), R"({"a": "caf\u00E9 \uD83D\uDCAA\/"})"), options(),
         Mistake::body_reserialized, true, "without \\u escapes"},
        {"LF cut off", request(sign(secret, body + "\n")), options(), Mistake::body_line_end, true, "cut it off"},
        {"CRLF cut off", request(sign(secret, body + "\r\n")), options(), Mistake::body_line_end, true, "CRLF"},
        {"LF added", request(good, body + "\n"), options(), Mistake::body_line_end, true, "added it"},
        {"to LF", request(sign(secret, crlf), lf), options(), Mistake::body_crlf, true, "CRLF for LF"},
        {"to CRLF", request(sign(secret, lf), crlf), options(), Mistake::body_crlf, true, "LF for CRLF"},
        {"empty", request(good, ""), options(), Mistake::body_empty, false, "read before"},
        {"length", request(shortened, body.substr(1)), options(), Mistake::body_length, false, "Content-Length"},
        {"encoded", request(encoded), options(), Mistake::body_encoded, false, "Content-Encoding"},

        {"expired", request(sign(other_secret, body)),
         options({fw::Secret(secret), {fw::Secret(other_secret), fw::Timestamp::min(), now - 1h}}),
         Mistake::other_secret, true, "secrets[1], which has expired; it was valid until 2024-05-29T22:00:00.000Z"},
        {"not yet", request(sign(other_secret, body)),
         options({fw::Secret(secret), {fw::Secret(other_secret), now + 1h}}), Mistake::other_secret, true,
         "secrets[1], which is not valid yet; it will be from 2024-05-30T00:00:00.000Z"},
        {"quoted", request(good), wrapped('"' + secret + '"'), Mistake::secret_wrapped, true, "quotes"},
        {"line break", request(good), wrapped(secret + "\n"), Mistake::secret_wrapped, true, "line break"},
        {"spaces", request(good), wrapped("  '" + secret + "' "), Mistake::secret_wrapped, true, "spaces"},
        {"quoted base64", request(standard_raw),
         tweaked(standard, [](auto& o) { o.secrets = {fw::Secret('"' + secret + '"')}; }), Mistake::secret_wrapped,
         true, "secrets[0]"},
        {"sender's LF", request(sign(secret + "\n", body)), options(), Mistake::secret_line_end, true, "(LF)"},
        {"sender's CRLF", request(sign(secret + "\r\n", body)), options(), Mistake::secret_line_end, true, "(CRLF)"},
        {"prefix off", request(sign(secret.substr(6), body)), options(), Mistake::secret_prefix, true, "without"},
        {"prefix on", request(good), wrapped(secret.substr(6)), Mistake::secret_prefix, true, "with the prefix"},
        {"base64", request(sign(base64_of_secret, body)), options(), Mistake::secret_encoded, true, "base64"},
        {"hex", request(sign(hex_of(fw::bytes_of(secret)), body)), options(), Mistake::secret_encoded, true, "hex"},
        {"from base64", request(sign("PINCHED-CANARY-SECRET-32-BYTES", body, lenient())), options(),
         Mistake::secret_decoded, true, "from base64"},
        {"from hex", request(sign(secret, body)), wrapped(hex_of(fw::bytes_of(secret))), Mistake::secret_decoded, true,
         "from hex"},
        {"not decoded", request(sign(secret, body, raw_key)), standard, Mistake::secret_decoded, true, "the text of"},
        {"stripped only", request(sign(secret.substr(6), body, raw_key)), standard, Mistake::secret_decoded, true,
         "behind whsec_"},
        {"no secrets", request(good), options({}), Mistake::verifier_unusable, false, "none given"},
        {"short secret", request(good), wrapped("short"), Mistake::verifier_unusable, false, "at least 32"},
        {"all over", request(good), options({{fw::Secret(other_secret), now + 1h}}), Mistake::no_active_secret, false,
         "no secret is valid"},
        {"forged", request(sign(other_secret, body)), options(), Mistake::wrong_secret_or_body, false, "no usual"},
        {"too long", request(sign(other_secret, body), std::string(fw::explain_body_bytes_max + 1, ' ')), options(),
         Mistake::wrong_secret_or_body, false, "too long"},

        {"no header", request({}), options(), Mistake::header_missing, false, "X-FPT-Signature"},
        {"no timestamp", request(no_timestamp), standard, Mistake::header_missing, false, "webhook-timestamp"},
        {"no t", request(fpt_header("v1=" + hex_in(good))), options(), Mistake::header_missing, false, "no t"},
        {"twice", request(twice), options(), Mistake::header_malformed, false, "2 times"},
        {"trailing comma", request(fpt_header(value_of(good) + ",")), options(), Mistake::header_malformed, true,
         "at byte 81: key=value; apart from that the signature in it holds"},
        {"no hex", request(fpt_header("t=1717023600,v1=CANARY")), options(), Mistake::header_malformed, false,
         "at byte 18: 64 hex digits"},
        {"bad id",
         request({{"webhook-id", "CANARY.ID"},
                  {"webhook-timestamp", "1717023600"},
                  {"webhook-signature", value_of(standard_raw)}}),
         standard, Mistake::header_malformed, false, "webhook-"},
        {"ufp for fpt", request(sign(secret, body, fw::Scheme::ufp)), options(), Mistake::other_scheme, true,
         "X-UFP-Signature (scheme ufp), and this verifier is for X-FPT-Signature"},
        {"ufp, unknown secret", request(sign(other_secret, body, fw::Scheme::ufp)), options(), Mistake::other_scheme,
         false, "it carries X-UFP-Signature"},
        {"standard for fpt", request(standard_raw), options(), Mistake::other_scheme, true, "standard_webhooks"},
        {"body only", request(fpt_header("t=1717023600,v1=" + hex_in(sign(secret, body, fw::Scheme::ufp)))), options(),
         Mistake::other_text, true, "the body alone"},
        {"hashed", request(sign(secret, hash)), options(), Mistake::other_text, true, "SHA-256"},

        {"old", request(sign(secret, body, fw::Scheme::fpt, now - 301s)), options(), Mistake::too_old, true,
         "signed 301 s (5 min 1 s) ago; 300 s are allowed; the signature holds"},
        {"old and forged", request(sign(other_secret, body, fw::Scheme::fpt, now - 2h)), options(), Mistake::too_old,
         false, "7200 s (2 h) ago"},
        {"ahead", request(sign(secret, body, fw::Scheme::fpt, now + 1h)), options(), Mistake::in_future, true,
         "3600 s (1 h) in the future"},
        {"ms", request(sign(secret, body, fw::Scheme::fpt, fw::Timestamp(1717023600000s))), options(),
         Mistake::milliseconds, true, "has to be seconds"},
        {"ms sent", request(fpt_header("t=1717023600000,v1=" + hex_in(good))), options(), Mistake::milliseconds, true,
         "signed in seconds"},
    };
}

}  // namespace

TEST_CASE("explain: says that a request is fine") {
    const auto explained = fw::explain(request(sign(secret, body)), options());
    CHECK(explained.verified);
    CHECK(explained.findings.empty());
    CHECK(explained.to_string() == "the signature holds");
}

TEST_CASE("explain: names each usual mistake") {
    for (const Case& test : cases()) {
        INFO(test.name);
        const auto explained = fw::explain(test.request, test.options);
        INFO(explained.to_string());
        CHECK_FALSE(explained.verified);
        const auto found = std::find_if(explained.findings.begin(), explained.findings.end(),
                                        [&](const fw::Finding& finding) { return finding.mistake == test.mistake; });
        REQUIRE(found != explained.findings.end());
        CHECK(found->proved == test.proved);
        CHECK(found->words.find(test.words) != std::string::npos);
        // What is proved stands first.
        if (test.proved) CHECK(explained.findings.front().proved);
    }
}

TEST_CASE("explain: the table above meets every finding") {
    std::set<std::string_view> met;
    for (const Case& test : cases()) met.insert(fw::name_of(test.mistake));
    CHECK(met.size() == 22);
    CHECK(met.count("?") == 0);
}

TEST_CASE("explain: prints nothing of a secret, a signature, the body or a header's value") {
    for (const Case& test : cases()) {
        INFO(test.name);
        const std::string text = fw::explain(test.request, test.options).to_string();
        CHECK_FALSE(text.empty());
        for (const auto& timed : test.options.secrets) {
            const std::string_view hidden = timed.secret.reveal();
            if (hidden.size() >= 12) CHECK(text.find(hidden.substr(6, 6)) == text.npos);
        }
        CHECK(text.find("PINCHED") == text.npos);
        CHECK(text.find("CANARY") == text.npos);
        for (const auto& field : test.request.headers) {
            for (std::size_t at = 0; at + 12 <= field.value.size(); at += 4) {
                CHECK(text.find(field.value.substr(at, 12)) == text.npos);
            }
        }
    }
}

TEST_CASE("explain: what fails for the time alone is not called a wrong secret") {
    const auto explained = fw::explain(request(sign(secret, body, fw::Scheme::fpt, now - 1h)), options());
    REQUIRE(explained.findings.size() == 1);
    CHECK(explained.findings[0].mistake == Mistake::too_old);
}

TEST_CASE("explain: a wrong time does not hide that the signature is another one") {
    const auto explained = fw::explain(request(sign(other_secret, body, fw::Scheme::fpt, now - 1h)), options());
    REQUIRE(explained.findings.size() == 2);
    CHECK(explained.findings[1].mistake == Mistake::wrong_secret_or_body);
}

TEST_CASE("explain: a body that grows without end when it is written anew is given up") {
    const std::string deep = std::string(60, '[') + "0" + std::string(60, ']');
    std::string wide = "[" + deep;
    while (wide.size() + deep.size() + 2 < fw::explain_body_bytes_max) wide += "," + deep;
    const auto explained = fw::explain(request(sign(other_secret, body), wide + "]"), options());
    REQUIRE_FALSE(explained.findings.empty());
    CHECK(explained.findings.back().mistake == Mistake::wrong_secret_or_body);
}

namespace {

fw::VerifierOptions ring_options(std::vector<fw::TimedSecret> in_ring, std::vector<fw::TimedSecret> beside = {}) {
    auto ring = fw::KeyRing::create({.secrets = std::move(in_ring)}).value();
    return tweaked(options(std::move(beside)), [&](auto& o) { o.key_ring = std::move(ring); });
}

fw::Finding first_finding(const fw::HttpRequest& request, const fw::VerifierOptions& options) {
    const auto explained = fw::explain(request, options);
    REQUIRE_FALSE(explained.findings.empty());
    return explained.findings.front();
}

}  // namespace

TEST_CASE("explain: tries the keys of a key ring") {
    const auto with = ring_options({fw::Secret(secret), {fw::Secret(other_secret), fw::Timestamp::min(), now - 1h}});
    CHECK(first_finding(request(sign(secret, body), body + "\n"), with).mistake == Mistake::body_line_end);
    const auto expired = first_finding(request(sign(other_secret, body)), with);
    CHECK(expired.mistake == Mistake::other_secret);
    CHECK(expired.words.find("key_ring[1], which has expired") != std::string::npos);
    const auto other = fw::explain(request(sign(secret, body, fw::Scheme::ufp)), with);
    CHECK(other.to_string().find("other_scheme (proved)") != std::string::npos);
    CHECK(first_finding(request(sign(secret, body)), ring_options({{fw::Secret(secret), now + 1h}})).mistake ==
          Mistake::other_secret);
}

TEST_CASE("explain: says what it did not try for want of the secrets' texts, and tries it with them") {
    const auto wrong = request(sign(secret + "\n", body));
    const auto unexplained = first_finding(wrong, ring_options({fw::Secret(secret)}));
    CHECK(unexplained.mistake == Mistake::wrong_secret_or_body);
    CHECK(unexplained.words.find("give the secrets") != std::string::npos);

    const auto with_both = ring_options({fw::Secret(secret)}, {fw::Secret(secret)});
    CHECK(fw::explain(request(sign(secret, body)), with_both).verified);
    const auto explained = first_finding(wrong, with_both);
    CHECK(explained.mistake == Mistake::secret_line_end);
    CHECK(explained.proved);
    CHECK(first_finding(request(sign(other_secret, body)), with_both).words.find("give the") == std::string::npos);

    const auto forgotten = first_finding(request(sign(other_secret, body)),
                                         ring_options({fw::Secret(secret)}, {fw::Secret(other_secret)}));
    CHECK(forgotten.mistake == Mistake::other_secret);
    CHECK(forgotten.words.find("secrets[0], which is not in the key ring") != std::string::npos);
}

TEST_CASE("explain: is no use of a key ring's secrets") {
    const auto with = ring_options({fw::Secret(secret)});
    CHECK(fw::explain(request(sign(secret, body)), with).verified);
    CHECK(with.key_ring->usage().at(0).uses == 0);
    CHECK(with.key_ring->usage().at(0).last_used == std::nullopt);
    CHECK(fw::Verifier::create(with).value().verify(request(sign(secret, body))));
    CHECK(with.key_ring->usage().at(0).uses == 1);
}
