#include "core/scheme_key.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fpt_webhooks/core/headers.hpp>

#include "core/base64.hpp"
#include "core/declassify.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

Error scheme_error(const Scheme& scheme, std::string_view what) {
    return {Errc::invalid_argument, "scheme " + std::string(scheme.name) + ": " + std::string(what)};
}

Result<void> check_key_size(const Scheme& scheme, std::size_t size, std::string_view unit) {
    if (size < scheme.key_bytes_min) {
        return scheme_error(scheme, "the secret has " + std::to_string(size) + std::string(unit) + ", at least " +
                                        std::to_string(scheme.key_bytes_min) + " are needed");
    }
    if (size > scheme.key_bytes_max) {
        return scheme_error(scheme, "the secret has " + std::to_string(size) + std::string(unit) + ", at most " +
                                        std::to_string(scheme.key_bytes_max) + " are allowed");
    }
    return {};
}

}  // namespace

bool is_message_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= message_id_bytes_max &&
           std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~' && c != '.'; });
}

Result<void> check_scheme(const Scheme& scheme) {
    const bool is_list = scheme.grammar != SignatureGrammar::single;
    const bool keyed = scheme.grammar == SignatureGrammar::keyed_list;
    const bool has_id = scheme.signed_text == SignedText::id_dot_timestamp_dot_body;
    for (const auto name : {scheme.signature_header, scheme.id_header, scheme.timestamp_header}) {
        if (!name.empty() && !check_header(name, "")) return scheme_error(scheme, "a header name is not a token");
    }
    if (scheme.signature_header.empty()) return scheme_error(scheme, "signature_header is empty");
    if (!check_header("label", scheme.label)) return scheme_error(scheme, "label holds a control or non-ASCII byte");
    if (is_list &&
        (scheme.label.empty() || scheme.label == "t" || scheme.label.find_first_of(" ,=") != scheme.label.npos)) {
        return scheme_error(scheme, "label of a list is neither empty nor \"t\" and has no ' ', ',' or '='");
    }
    if (keyed && (!has_timestamp(scheme) || !scheme.timestamp_header.empty())) {
        return scheme_error(scheme, "a keyed list carries the timestamp itself, and it must be signed");
    }
    if (!keyed && has_timestamp(scheme) == scheme.timestamp_header.empty()) {
        return scheme_error(scheme, "timestamp_header goes with a signed timestamp");
    }
    if (has_id == scheme.id_header.empty()) return scheme_error(scheme, "id_header goes with a signed id");
    if (scheme.key_bytes_min == 0)
        return scheme_error(scheme, "key_bytes_min is 0: an empty secret signs for everybody");
    if (scheme.tolerance < std::chrono::seconds(0)) return scheme_error(scheme, "tolerance is negative");
    return {};
}

Result<HmacKey> make_key(const Scheme& scheme, const Secret& secret) {
    const std::string_view text = secret.reveal();
    if (scheme.secret_form == SecretForm::text) {
        if (auto sized = check_key_size(scheme, text.size(), " bytes"); !sized) return sized.error();
        return HmacKey(bytes_of(text));
    }
    constexpr std::string_view prefix = "whsec_";
    const bool prefixed = text.size() >= prefix.size() && CRYPTO_memcmp(text.data(), prefix.data(), prefix.size()) == 0;
    const std::string_view encoded = prefixed ? text.substr(prefix.size()) : text;
    const std::size_t size = base64_decoded_size(encoded);
    FPT_WEBHOOKS_DECLASSIFY(size);
    std::vector<std::byte> key(size);
    const bool decoded = !key.empty() && decode_base64(encoded, key);
    FPT_WEBHOOKS_DECLASSIFY(decoded);  // whether a secret is usable is said aloud
    auto sized = check_key_size(scheme, key.size(), " bytes after decoding");
    auto result = !decoded
                      ? Result<HmacKey>(scheme_error(scheme, "the secret is not base64 (after an optional \"whsec_\")"))
                  : !sized ? Result<HmacKey>(sized.error())
                           : Result<HmacKey>(HmacKey(key));
    OPENSSL_cleanse(key.data(), key.size());
    return result;
}

}  // namespace fpt_webhooks::inline v0_1::detail
