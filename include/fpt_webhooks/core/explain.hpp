// Why was this request refused? Says in words what is wrong with its signature, and tries out the usual mistakes.
//
// For logs and for people who help others to integrate: never for the response, which is the same for every refusal.
// docs/receiver.md, "Explain".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/verifier.hpp>

namespace fpt_webhooks::inline v0_1 {

// Longer bodies are verified as they are, but no mistakes are tried on them: some 40 trials for each secret, a megabyte
// each, would cost a second. Honest events are far shorter.
inline constexpr std::size_t explain_body_bytes_max = std::size_t{64} * 1024;

// A body written anew with white space may grow: by no more than this many times explain_body_bytes_max.
inline constexpr std::size_t explain_growth_max = 4;

// Signatures looked at, in all headers together; an honest request has one or two.
inline constexpr std::size_t explain_signatures_max = 8;

// The closed set of findings. Numbers are stable and never reused; those of one kind stand together, the likelier ones
// first.
enum class Mistake : std::uint8_t {
    // Of the body
    body_reserialized = 1,  // it is JSON that was parsed and written again
    body_line_end = 2,      // a line end behind it was added or cut off
    body_crlf = 3,          // its line ends were changed, CRLF to LF or LF to CRLF
    body_empty = 4,         // it is empty: something has read it before
    body_length = 5,        // it has another length than its Content-Length
    body_encoded = 6,       // it has a Content-Encoding: compressed, or decompressed on the way

    // Of the secret
    other_secret = 20,          // another one of the ring signed: expired, or not valid yet
    secret_wrapped = 21,        // ours stands in quotes, spaces or line breaks
    secret_line_end = 22,       // signed with a line break behind the secret
    secret_prefix = 23,         // signed without its "whsec_", or with one that ours lacks
    secret_encoded = 24,        // signed with the base64 or hex of the secret
    secret_decoded = 25,        // signed with what the secret decodes to, or with its text where it is to be decoded
    verifier_unusable = 26,     // no verifier can be made of these options
    no_active_secret = 27,      // none of the ring is valid now
    wrong_secret_or_body = 28,  // nothing explains it: another secret, or bytes that changed

    // Of the headers
    header_missing = 40,    // the signature header, or another one that the scheme needs, is not there
    header_malformed = 41,  // it does not follow the scheme's grammar
    other_scheme = 42,      // signed under another scheme than ours
    other_text = 43,        // the right secret over another text: the body alone, a hash of the body, ...

    // Of the time
    too_old = 60,       // signed longer ago than the tolerance
    in_future = 61,     // signed further ahead than the tolerance
    milliseconds = 62,  // the time counts milliseconds, not seconds
};

// "body_reserialized" and so on: for logs and metric labels.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::string_view name_of(Mistake mistake) noexcept;

struct Finding {
    Mistake mistake = Mistake::wrong_secret_or_body;

    // The signature was computed with this mistake undone, and it holds. (Without: the request looks like that.)
    bool proved = false;

    // Our own words, safe to log: nothing of the body, of a secret, of a signature or of a header's value is in them.
    std::string words = {};

    friend bool operator==(const Finding&, const Finding&) = default;
};

// A regular value.
struct FPT_WEBHOOKS_CORE_EXPORT Explanation {
    // The request is fine: it verifies. Then there are no findings.
    bool verified = false;

    // What is wrong, the most likely first: what was proved, then what stands in plain sight, then guesses. Never
    // empty unless `verified`.
    std::vector<Finding> findings = {};

    // One line for each finding, or "the signature holds". Safe to log.
    [[nodiscard]] std::string to_string() const;
};

// `request`: as it arrived, and as it was refused. `options`: the verifier's. Options that make no verifier are a
// finding too, and the other secrets are still tried.
// Its key ring gives the verdict, and its keys are tried; that counts as no use of theirs. A ring keeps no texts of its
// secrets: give these too, in `secrets`, and the mistakes with a text are tried as well.
// The work is bounded: under 50 HMACs, each over at most explain_growth_max * explain_body_bytes_max bytes, for each of
// at most verifier_secrets_max secrets, and as many of a ring. That is far more than a refusal costs: do not call it
// for every request that a stranger sends, but for one out of many, or when somebody asks. May be called from any
// thread. Throws std::bad_alloc only.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Explanation explain(const HttpRequest& request, const VerifierOptions& options);

}  // namespace fpt_webhooks::inline v0_1
