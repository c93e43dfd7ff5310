#include <fpt_webhooks/core/explain.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include <fpt_webhooks/core/sha256.hpp>

#include "core/base64.hpp"
#include "core/explain_secrets.hpp"
#include "core/hex.hpp"
#include "core/json_restyle.hpp"
#include "core/json_scan.hpp"
#include "core/key_set.hpp"
#include "core/scheme_key.hpp"
#include "core/signature_header.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using detail::Digest;
using detail::HmacKey;

constexpr std::array<const Scheme*, 3> known_schemes{&Scheme::fpt, &Scheme::ufp, &Scheme::standard_webhooks};

// What the headers say, whatever their grammar: the trials need numbers, not a verdict. Views of the request.
struct Evidence {
    std::vector<Digest> signatures = {};
    std::string_view timestamp = {};
    std::string_view id = {};
};

bool is_seconds(std::string_view text) {
    return !text.empty() && text.size() <= detail::timestamp_digits_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Digest> digest_of(std::string_view text) {
    Digest digest;
    if (text.size() == 2 * digest.size() && detail::decode_hex(text, digest)) return digest;
    if (detail::base64_decoded_size(text) == digest.size() && detail::decode_base64(text, digest)) return digest;
    return std::nullopt;
}

// Every signature and every t in one header's value, in hex or base64, behind any "v1=" or "sha256=".
void gather_from(std::string_view value, Evidence& out) {
    value = value.substr(0, signature_header_bytes_max);
    constexpr std::string_view separators = " \t,;\"'";
    for (std::size_t start = 0; start < value.size();) {
        const auto end = std::min(value.find_first_of(separators, start), value.size());
        std::string_view item = value.substr(start, end - start);
        start = end + 1;
        auto digest = digest_of(item);
        if (const auto equals = item.find('='); !digest && equals != item.npos) {
            const std::string_view behind = item.substr(equals + 1);
            if (item.starts_with("t=") && out.timestamp.empty() && is_seconds(behind)) out.timestamp = behind;
            digest = digest_of(behind);
        }
        if (digest && out.signatures.size() < explain_signatures_max) out.signatures.push_back(*digest);
    }
}

Evidence gather(const Headers& headers, const Scheme& ours) {
    Evidence out;
    const auto gather_as = [&](const Scheme& scheme) {
        for (const auto& field : headers) {
            if (equals_ignoring_case(field.name, scheme.signature_header)) gather_from(field.value, out);
        }
        const auto timestamp = headers.find(scheme.timestamp_header);
        if (out.timestamp.empty() && timestamp && is_seconds(*timestamp)) out.timestamp = *timestamp;
        const auto id = headers.find(scheme.id_header);
        if (out.id.empty() && id && detail::is_message_id(*id)) out.id = *id;
    };
    gather_as(ours);
    for (const Scheme* scheme : known_schemes) {
        if (!equals_ignoring_case(scheme->signature_header, ours.signature_header)) gather_as(*scheme);
    }
    return out;
}

// What stands before the body under the HMAC; nothing when the request lacks a part of it.
std::optional<std::string> text_before(SignedText text, std::string_view id, std::string_view timestamp) {
    if (text == SignedText::body) return std::string();
    if (timestamp.empty() || (text == SignedText::id_dot_timestamp_dot_body && id.empty())) return std::nullopt;
    std::string before;
    if (text == SignedText::id_dot_timestamp_dot_body) (before += id) += '.';
    return (before += timestamp) += '.';
}

// "301 s (5 min 1 s)"
std::string duration_text(std::uint64_t seconds) {
    struct Unit {
        std::uint64_t seconds;
        const char* name;
    };
    constexpr std::array<Unit, 4> units{{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}}};
    std::string text = std::to_string(seconds) + " s";
    if (seconds < 60) return text;
    std::string parts;
    for (const Unit& unit : units) {
        const std::uint64_t count = seconds / unit.seconds;
        seconds %= unit.seconds;
        if (count == 0) continue;
        if (!parts.empty()) parts += ' ';
        parts.append(std::to_string(count)).append(unit.name);
    }
    return text + " (" + parts + ")";
}

std::string on_date(std::string_view words, Timestamp time) {
    const auto date = format_timestamp(time);
    return date ? std::string(words) + *date : std::string();
}

std::string place_of(const char* list, std::size_t index) {
    return std::string(list).append("[").append(std::to_string(index)).append("]");
}

std::string hex_of(ByteView bytes) {
    std::string text(2 * bytes.size(), '\0');
    detail::encode_hex(bytes, text.data());
    return text;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        if (text.substr(at).starts_with(from)) {
            out += to;
            at += from.size();
        } else {
            out += text[at++];
        }
    }
    return out;
}

struct BodyTrial {
    Mistake mistake;
    const char* words;  // go on from "the signature holds for the body "
    std::string body;
};

struct NamedStyle {
    const char* words;
    detail::JsonStyle style;
};

constexpr std::array<NamedStyle, 8> json_styles{{
    {"without white space", {}},
    {"with a space after ',' and ':'", {.after_comma = " ", .after_colon = " "}},
    {"with an indent of 2", {.after_colon = " ", .indent = "  "}},
    {"with an indent of 4", {.after_colon = " ", .indent = "    "}},
    {"with tabs", {.after_colon = " ", .indent = "\t"}},
    {"without white space and without \\u escapes", {.escapes = detail::JsonEscapes::few}},
    {"with a space after ',' and ':' and \\u escapes",
     {.after_comma = " ", .after_colon = " ", .escapes = detail::JsonEscapes::ascii}},
    {"without white space, with \\u and \\/ escapes", {.escapes = detail::JsonEscapes::slashes}},
}};

std::vector<BodyTrial> body_trials(const std::string& body) {
    std::vector<BodyTrial> trials;
    trials.push_back({Mistake::body_line_end, "with LF behind it: somebody cut it off", body + "\n"});
    trials.push_back({Mistake::body_line_end, "with CRLF behind it: somebody cut it off", body + "\r\n"});
    const auto last = body.find_last_not_of("\r\n");
    trials.push_back({Mistake::body_line_end, "without the line end behind it: somebody added it",
                      body.substr(0, last == body.npos ? 0 : last + 1)});
    trials.push_back(
        {Mistake::body_crlf, "with LF for CRLF: somebody changed its line ends", replaced(body, "\r\n", "\n")});
    trials.push_back({Mistake::body_crlf, "with CRLF for LF: somebody changed its line ends",
                      replaced(replaced(body, "\r\n", "\n"), "\n", "\r\n")});
    if (const auto json = detail::scan_json(body, detail::JsonRoot::any, json_depth_max)) {
        for (const auto& [words, style] : json_styles) {
            auto text = detail::restyle_json(*json, style, explain_growth_max * explain_body_bytes_max);
            if (text) trials.push_back({Mistake::body_reserialized, words, std::move(*text)});
        }
    }
    std::erase_if(trials, [&](const BodyTrial& trial) { return trial.body == body; });
    return trials;
}

// One moment for the verdict and for what is said about it.
class Moment final : public Clock {
  public:
    explicit Moment(Timestamp now) noexcept : now_(now) {}
    [[nodiscard]] Timestamp now() const noexcept override { return now_; }
    [[nodiscard]] chr::steady_clock::time_point steady_now() const noexcept override { return {}; }

  private:
    Timestamp now_;
};

class Explainer {
  public:
    // `options`: with a clock.
    Explainer(const HttpRequest& request, const VerifierOptions& options)
        : request_(request),
          options_(options),
          scheme_(options.scheme),
          now_(options.clock->now()),
          evidence_(gather(request.headers, options.scheme)) {
        const std::size_t count = std::min(options.secrets.size(), verifier_secrets_max);
        ring_.reserve(verifier_secrets_max + count);  // no reallocation: it would leave keys behind in freed memory
        if (options.key_ring) {
            const auto set = KeyRing::State::keys_of(*options.key_ring);
            for (const auto& key : set->keys) {
                ring_.push_back({"key_ring", ring_.size(), key.hmac, key.not_before, key.not_after, nullptr});
            }
        }
        for (std::size_t i = 0; i < count; ++i) {
            const TimedSecret& timed = options.secrets[i];
            if (auto key = detail::make_key(scheme_, timed.secret)) {
                ring_.push_back({"secrets", i, *key, timed.not_before, timed.not_after, &timed.secret});
            }
        }
    }

    std::vector<Finding> run() && {
        const auto before = text_before(scheme_.signed_text, evidence_.id, evidence_.timestamp);
        const RingKey* signer = before ? signer_of(*before, request_.body) : nullptr;
        look_at_headers(signer != nullptr);
        look_at_time(signer != nullptr);
        look_at_ring(signer);
        if (!signer && !evidence_.signatures.empty()) {
            if (request_.body.size() <= explain_body_bytes_max) try_mistakes(before);
            look_at_body();
            if (!is_explained()) give_up();
        }
        std::stable_partition(findings_.begin(), findings_.end(), [](const Finding& found) { return found.proved; });
        return std::move(findings_);
    }

  private:
    struct RingKey {
        const char* list;  // the option that it comes from
        std::size_t index;
        HmacKey key;
        Timestamp not_before;
        Timestamp not_after;
        const Secret* secret;  // null: of a key ring, which keeps no texts
    };

    // The verifier has this one: secrets beside a key ring are there for their texts.
    bool is_in_force(const RingKey& ring) const { return !options_.key_ring || !ring.secret; }

    void add(Mistake mistake, bool proved, std::string words) {
        findings_.push_back({mistake, proved, std::move(words)});
    }

    bool is_signed_with(const HmacKey& key, std::string_view before, std::string_view body) const {
        SHA256_CTX context = key.inner();
        detail::sha256_update(context, bytes_of(before));
        detail::sha256_update(context, bytes_of(body));
        Digest expected;
        key.finish(context, expected);
        const bool found = std::any_of(evidence_.signatures.begin(), evidence_.signatures.end(), [&](const Digest& d) {
            return CRYPTO_memcmp(d.data(), expected.data(), expected.size()) == 0;
        });
        OPENSSL_cleanse(expected.data(), expected.size());
        return found;
    }

    const RingKey* signer_of(std::string_view before, std::string_view body) const {
        const auto found = std::find_if(ring_.begin(), ring_.end(),
                                        [&](const RingKey& ring) { return is_signed_with(ring.key, before, body); });
        return found == ring_.end() ? nullptr : &*found;
    }

    void look_at_headers(bool holds) {
        for (const auto name : {scheme_.signature_header, scheme_.timestamp_header, scheme_.id_header}) {
            if (name.empty()) continue;
            const std::size_t count = request_.headers.count(name);
            if (count == 0) add(Mistake::header_missing, false, "there is no header " + std::string(name));
            if (count > 1) {
                add(Mistake::header_malformed, false,
                    "the header " + std::string(name) + " stands there " + std::to_string(count) + " times");
            }
        }
        if (!findings_.empty()) return;
        detail::PresentedSignature presented;
        const auto parsed = detail::parse_signature(scheme_, request_.headers, presented);
        if (!parsed) malformed(parsed.error(), holds);
    }

    void malformed(const Error& error, bool holds) {
        // The headers are read in this order, so the first that cannot be read without those behind it is the one.
        detail::PresentedSignature presented;
        Scheme shorter = scheme_;
        shorter.id_header = {};
        std::string_view name = scheme_.id_header;
        if (!detail::parse_signature(shorter, request_.headers, presented)) name = scheme_.timestamp_header;
        shorter.timestamp_header = {};
        presented.count = 0;
        if (!detail::parse_signature(shorter, request_.headers, presented)) name = scheme_.signature_header;

        std::string words = "the header " + std::string(name) + ": " + error.message();
        if (holds) words += "; apart from that the signature in it holds";
        add(error == Errc::signature_missing ? Mistake::header_missing : Mistake::header_malformed, holds,
            std::move(words));
    }

    void look_at_time(bool holds) {
        if (!detail::has_timestamp(scheme_) || evidence_.timestamp.empty()) return;
        std::uint64_t at = 0;
        std::from_chars(evidence_.timestamp.data(), evidence_.timestamp.data() + evidence_.timestamp.size(), at);
        const auto now = static_cast<std::uint64_t>(
            std::max<std::int64_t>(0, chr::floor<chr::seconds>(now_).time_since_epoch().count()));
        const auto allowed = static_cast<std::uint64_t>(
            std::max<std::int64_t>(0, options_.tolerance.value_or(scheme_.tolerance).count()));
        const std::uint64_t distance = at > now ? at - now : now - at;
        if (distance <= allowed) return;

        constexpr std::uint64_t year = 365 * 86400;  // milliseconds read as seconds lie 50,000 years ahead
        const std::uint64_t in_milliseconds = at / 1000;
        const bool thousandfold = at > now && in_milliseconds + year > now && in_milliseconds < now + year;
        if (thousandfold) {
            const auto before = text_before(scheme_.signed_text, evidence_.id, std::to_string(in_milliseconds));
            const bool seconds_signed = before && signer_of(*before, request_.body);
            add(Mistake::milliseconds, holds || seconds_signed,
                seconds_signed ? "the time is sent in milliseconds and signed in seconds: send seconds"
                               : "the time counts milliseconds: it has to be seconds");
            return;
        }
        std::string words = "signed " + duration_text(distance) + (at > now ? " in the future; " : " ago; ") +
                            std::to_string(allowed) + " s are allowed";
        if (holds) words += "; the signature holds, so one side's clock is wrong or an old request was sent again";
        add(at > now ? Mistake::in_future : Mistake::too_old, holds, std::move(words));
    }

    static std::string signed_with(const RingKey& ring) {
        return std::string("signed with ").append(place_of(ring.list, ring.index));
    }

    void look_at_ring(const RingKey* signer) {
        const auto is_valid = [this](const RingKey& ring) { return ring.not_before <= now_ && now_ <= ring.not_after; };
        if (signer && !is_in_force(*signer)) {
            add(Mistake::other_secret, true, signed_with(*signer) + ", which is not in the key ring");
        } else if (signer && !is_valid(*signer)) {
            add(Mistake::other_secret, true,
                signed_with(*signer) +
                    (now_ < signer->not_before
                         ? ", which is not valid yet" + on_date("; it will be from ", signer->not_before)
                         : ", which has expired" + on_date("; it was valid until ", signer->not_after)));
        }
        const auto is_active = [&](const RingKey& ring) { return is_in_force(ring) && is_valid(ring); };
        if (!ring_.empty() && std::none_of(ring_.begin(), ring_.end(), is_active)) {
            add(Mistake::no_active_secret, false, "no secret is valid at this time");
        }
    }

    void try_mistakes(const std::optional<std::string>& before) {
        if (before) {
            try_bodies(*before);
            try_secrets(*before);
        }
        try_texts();
        try_other_schemes();
    }

    void try_bodies(const std::string& before) {
        for (const BodyTrial& trial : body_trials(request_.body)) {
            if (!signer_of(before, trial.body)) continue;
            std::string words = std::string("the signature holds for the body ") + trial.words;
            if (trial.mistake == Mistake::body_reserialized) words += ": somebody parsed it and wrote it again";
            return add(trial.mistake, true, std::move(words));
        }
    }

    void try_secrets(const std::string& before) {
        const std::size_t count = std::min(options_.secrets.size(), verifier_secrets_max);
        for (std::size_t i = 0; i < count; ++i) {
            for (const auto& trial : detail::secret_mistakes()) {
                const auto key = trial.key(scheme_, options_.secrets[i].secret.reveal());
                if (!key || !is_signed_with(HmacKey(bytes_of(key->reveal())), before, request_.body)) continue;
                return add(trial.mistake, true, place_of("secrets", i) + ": " + std::string(trial.words));
            }
        }
    }

    void try_texts() {
        struct Text {
            SignedText form;
            bool hashed;
            const char* words;
        };
        constexpr std::array<Text, 5> texts{{
            {SignedText::body, false, "the body alone, without a time"},
            {SignedText::timestamp_dot_body, false, "\"<time>.<body>\""},
            {SignedText::id_dot_timestamp_dot_body, false, "\"<id>.<time>.<body>\""},
            {SignedText::timestamp_dot_body, true,
             "\"<time>.<SHA-256 of the body in hex>\", as another product does under the same header name"},
            {SignedText::body, true, "the SHA-256 of the body in hex"},
        }};
        const std::string hash = hex_of(sha256(bytes_of(request_.body)));
        for (const Text& text : texts) {
            if (text.form == scheme_.signed_text && !text.hashed) continue;
            const auto before = text_before(text.form, evidence_.id, evidence_.timestamp);
            if (!before || !signer_of(*before, text.hashed ? hash : request_.body)) continue;
            return add(Mistake::other_text, true, std::string("the secret is right, but signed is ") + text.words);
        }
    }

    void try_other_schemes() {
        for (const Scheme* other : known_schemes) {
            if (equals_ignoring_case(other->signature_header, scheme_.signature_header) ||
                request_.headers.count(other->signature_header) == 0) {
                continue;
            }
            const std::string names = std::string(other->signature_header) + " (scheme " + std::string(other->name) +
                                      "), and this verifier is for " + std::string(scheme_.signature_header);
            const auto before = text_before(other->signed_text, evidence_.id, evidence_.timestamp);
            const bool proved = before && std::any_of(ring_.begin(), ring_.end(), [&](const RingKey& ring) {
                                    // Without its text: the same key, where both schemes make theirs in the same way.
                                    if (!ring.secret) {
                                        return other->secret_form == scheme_.secret_form &&
                                               is_signed_with(ring.key, *before, request_.body);
                                    }
                                    const auto key = detail::make_key(*other, *ring.secret);
                                    return key && is_signed_with(*key, *before, request_.body);
                                });
            if (proved || request_.headers.count(scheme_.signature_header) == 0) {
                add(Mistake::other_scheme, proved, (proved ? "rightly signed under " : "it carries ") + names);
            }
        }
    }

    void look_at_body() {
        const auto length = request_.headers.find("Content-Length");
        if (length && is_seconds(*length) && *length != std::to_string(request_.body.size())) {
            add(Mistake::body_length, false,
                "Content-Length is not the length of the body, " + std::to_string(request_.body.size()) +
                    " bytes: somebody changed it on the way");
        }
        const auto encoding = request_.headers.find("Content-Encoding");
        if (encoding && !equals_ignoring_case(*encoding, "identity")) {
            add(Mistake::body_encoded, false, "there is a Content-Encoding: signed are the bytes before or after it");
        }
        if (request_.body.empty()) {
            add(Mistake::body_empty, false, "the body is empty: was it read before, by a framework's parser?");
        }
    }

    // A wrong time or a wrong length does not say why the signature is another one.
    bool is_explained() const {
        return std::any_of(findings_.begin(), findings_.end(), [](const Finding& found) {
            return found.proved || found.mistake == Mistake::header_missing ||
                   found.mistake == Mistake::header_malformed;
        });
    }

    void give_up() {
        std::string words = "no usual mistake explains it: another secret, or bytes that were changed";
        if (options_.key_ring && options_.secrets.empty()) {
            words +=
                "; mistakes with a secret's text were not tried, a key ring keeps none: give the secrets beside it";
        }
        if (request_.body.size() > explain_body_bytes_max) {
            words = "the body is too long to try mistakes on it: " + std::to_string(request_.body.size()) + " bytes";
        }
        add(Mistake::wrong_secret_or_body, false, std::move(words));
    }

    const HttpRequest& request_;
    const VerifierOptions& options_;
    const Scheme& scheme_;
    const Timestamp now_;
    const Evidence evidence_;
    std::vector<RingKey> ring_;
    std::vector<Finding> findings_;
};

}  // namespace

std::string_view name_of(Mistake mistake) noexcept {
    switch (mistake) {
        case Mistake::body_reserialized: return "body_reserialized";
        case Mistake::body_line_end: return "body_line_end";
        case Mistake::body_crlf: return "body_crlf";
        case Mistake::body_empty: return "body_empty";
        case Mistake::body_length: return "body_length";
        case Mistake::body_encoded: return "body_encoded";
        case Mistake::other_secret: return "other_secret";
        case Mistake::secret_wrapped: return "secret_wrapped";
        case Mistake::secret_line_end: return "secret_line_end";
        case Mistake::secret_prefix: return "secret_prefix";
        case Mistake::secret_encoded: return "secret_encoded";
        case Mistake::secret_decoded: return "secret_decoded";
        case Mistake::verifier_unusable: return "verifier_unusable";
        case Mistake::no_active_secret: return "no_active_secret";
        case Mistake::wrong_secret_or_body: return "wrong_secret_or_body";
        case Mistake::header_missing: return "header_missing";
        case Mistake::header_malformed: return "header_malformed";
        case Mistake::other_scheme: return "other_scheme";
        case Mistake::other_text: return "other_text";
        case Mistake::too_old: return "too_old";
        case Mistake::in_future: return "in_future";
        case Mistake::milliseconds: return "milliseconds";
    }
    return "?";
}

std::string Explanation::to_string() const {
    if (verified) return "the signature holds";
    std::string text;
    for (const Finding& finding : findings) {
        if (!text.empty()) text += '\n';
        ((text += name_of(finding.mistake)) += finding.proved ? " (proved): " : ": ") += finding.words;
    }
    return text;
}

Explanation explain(const HttpRequest& request, const VerifierOptions& verifier_options) {
    VerifierOptions options = verifier_options;
    options.clock = std::make_shared<const Moment>((options.clock ? options.clock : system_clock())->now());
    if (options.key_ring) options.key_ring = KeyRing::State::copy_of(*options.key_ring);  // to look is not to use
    VerifierOptions verifying = options;
    if (options.key_ring) verifying.secrets.clear();
    const auto verifier = Verifier::create(std::move(verifying));
    if (verifier && verifier->verify(request)) return {.verified = true};
    Explanation explanation;
    if (!verifier) {
        explanation.findings.push_back({Mistake::verifier_unusable, false, verifier.error().message()});
        if (!detail::check_scheme(options.scheme)) return explanation;
    }
    auto found = Explainer(request, options).run();
    explanation.findings.insert(verifier ? explanation.findings.end() : explanation.findings.begin(),
                                std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    return explanation;
}

}  // namespace fpt_webhooks::inline v0_1
