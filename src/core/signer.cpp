#include <fpt_webhooks/core/signer.hpp>

#include <string>

#include "core/base64.hpp"
#include "core/declassify.hpp"
#include "core/hex.hpp"
#include "core/scheme_key.hpp"

namespace fpt_webhooks::inline v0_1 {

struct Signer::State {
    Scheme scheme;
    detail::HmacKey key;
};

namespace {

// What stands before the body in the signed text.
std::string signed_prefix(const Scheme& scheme, std::string_view id, std::string_view timestamp) {
    switch (scheme.signed_text) {
        case SignedText::body: return {};
        case SignedText::timestamp_dot_body: return std::string(timestamp) + ".";
        case SignedText::id_dot_timestamp_dot_body: return std::string(id) + "." + std::string(timestamp) + ".";
    }
    return {};
}

std::string encode(SignatureEncoding encoding, const detail::Digest& digest) {
    if (encoding == SignatureEncoding::base64) return detail::encode_base64(digest);
    std::string hex(2 * digest.size(), '0');
    detail::encode_hex(digest, hex.data());
    return hex;
}

std::string header_value(const Scheme& scheme, std::string_view timestamp, std::string_view signature) {
    std::string value;
    switch (scheme.grammar) {
        case SignatureGrammar::keyed_list:
            value.append("t=").append(timestamp).append(",").append(scheme.label).append("=");
            break;
        case SignatureGrammar::single: value.append(scheme.label); break;
        case SignatureGrammar::versioned_list: value.append(scheme.label).append(","); break;
    }
    return value.append(signature);
}

}  // namespace

Result<Signer> Signer::create(const Scheme& scheme, const Secret& secret) {
    if (auto checked = detail::check_scheme(scheme); !checked) return checked.error();
    auto key = detail::make_key(scheme, secret);
    if (!key) return key.error();
    return Signer(std::make_shared<const State>(State{scheme, *key}));
}

Result<Headers> Signer::sign(ByteView body, Timestamp now, std::string_view message_id) const {
    const Scheme& scheme = state_->scheme;
    if (!scheme.id_header.empty() && !detail::is_message_id(message_id)) {
        return Error(Errc::invalid_argument, "message_id: 1 to " + std::to_string(detail::message_id_bytes_max) +
                                                 " visible ASCII characters without '.' are needed");
    }
    std::string timestamp;
    if (detail::has_timestamp(scheme)) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
        if (seconds < 0) return Error(Errc::invalid_argument, "now: the time is before 1970");
        timestamp = std::to_string(seconds);
    }

    detail::Digest digest;
    SHA256_CTX running = state_->key.inner();
    detail::sha256_update(running, bytes_of(signed_prefix(scheme, message_id, timestamp)));
    detail::sha256_update(running, body);
    state_->key.finish(running, digest);
    FPT_WEBHOOKS_DECLASSIFY(digest);  // it is about to be sent

    Headers headers;
    if (!scheme.id_header.empty()) headers.add(std::string(scheme.id_header), std::string(message_id));
    if (!scheme.timestamp_header.empty()) headers.add(std::string(scheme.timestamp_header), timestamp);
    headers.add(std::string(scheme.signature_header), header_value(scheme, timestamp, encode(scheme.encoding, digest)));
    return headers;
}

const Scheme& Signer::scheme() const noexcept { return state_->scheme; }

}  // namespace fpt_webhooks::inline v0_1
