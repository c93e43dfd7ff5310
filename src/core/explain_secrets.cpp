#include "core/explain_secrets.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <openssl/crypto.h>

#include "core/base64.hpp"
#include "core/hex.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

using Key = std::optional<Secret>;

constexpr std::string_view prefix = "whsec_";

// A text made of a secret: wiped. Given its size at once, so that it leaves no copy behind by growing.
struct Scratch {
    std::string text;
    ~Scratch() { OPENSSL_cleanse(text.data(), text.size()); }
};

std::string_view without_prefix(std::string_view text) noexcept {
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

Key joined(std::string_view first, std::string_view second) {
    Scratch scratch;
    scratch.text.reserve(first.size() + second.size());
    scratch.text.append(first).append(second);
    return Secret(scratch.text);
}

// Of either alphabet, with padding or without.
Key base64_decoded(std::string_view text) {
    text = text.substr(0, text.find_last_not_of('=') + 1);
    Scratch padded;
    padded.text.reserve(text.size() + 3);
    for (const char c : text) padded.text += c == '-' ? '+' : c == '_' ? '/' : c;
    while (padded.text.size() % 4 != 0) padded.text += '=';
    Scratch bytes{std::string(base64_decoded_size(padded.text), '\0')};
    if (bytes.text.empty() || !decode_base64(padded.text, std::as_writable_bytes(std::span(bytes.text)))) return {};
    return Secret(bytes.text);
}

Key hex_decoded(std::string_view text) {
    if (text.empty() || text.size() % 2 != 0) return {};
    Scratch bytes{std::string(text.size() / 2, '\0')};
    if (!decode_hex(text, std::as_writable_bytes(std::span(bytes.text)))) return {};
    return Secret(bytes.text);
}

Key read_as(const Scheme& scheme, std::string_view text) {
    if (scheme.secret_form == SecretForm::base64) return base64_decoded(without_prefix(text));
    return Secret(text);
}

bool is_text(const Scheme& scheme) noexcept { return scheme.secret_form == SecretForm::text; }

Key unwrapped(const Scheme& scheme, std::string_view text) {
    constexpr std::string_view wrapping = " \t\r\n\"'`";
    const auto first = text.find_first_not_of(wrapping);
    if (first == text.npos) return {};
    const auto inner = text.substr(first, text.find_last_not_of(wrapping) - first + 1);
    return inner.size() == text.size() ? Key() : read_as(scheme, inner);
}

Key with_lf(const Scheme& scheme, std::string_view text) { return is_text(scheme) ? joined(text, "\n") : Key(); }
Key with_crlf(const Scheme& scheme, std::string_view text) { return is_text(scheme) ? joined(text, "\r\n") : Key(); }

Key prefix_stripped(const Scheme& scheme, std::string_view text) {
    return is_text(scheme) && text.starts_with(prefix) ? Key(Secret(without_prefix(text))) : Key();
}
Key prefix_added(const Scheme& scheme, std::string_view text) {
    return is_text(scheme) && !text.starts_with(prefix) ? joined(prefix, text) : Key();
}

Key base64_of(const Scheme&, std::string_view text) {
    const Scratch encoded{encode_base64(std::as_bytes(std::span(text)))};
    return Secret(encoded.text);
}
Key hex_of(const Scheme&, std::string_view text) {
    Scratch encoded{std::string(2 * text.size(), '\0')};
    encode_hex(std::as_bytes(std::span(text)), encoded.text.data());
    return Secret(encoded.text);
}

Key from_base64(const Scheme& scheme, std::string_view text) {
    return is_text(scheme) ? base64_decoded(without_prefix(text)) : Key();
}
Key from_hex(const Scheme& scheme, std::string_view text) {
    return is_text(scheme) ? hex_decoded(without_prefix(text)) : Key();
}
Key not_decoded(const Scheme& scheme, std::string_view text) { return is_text(scheme) ? Key() : Key(Secret(text)); }
Key stripped_not_decoded(const Scheme& scheme, std::string_view text) {
    return is_text(scheme) || !text.starts_with(prefix) ? Key() : Key(Secret(without_prefix(text)));
}

constexpr std::array<SecretMistake, 11> mistakes{{
    {Mistake::secret_wrapped, "has quotes, spaces or a line break around it here; without them the signature holds",
     unwrapped},
    {Mistake::secret_line_end, "the sender's copy has a line break (LF) behind it", with_lf},
    {Mistake::secret_line_end, "the sender's copy has a line break (CRLF) behind it", with_crlf},
    {Mistake::secret_prefix, "signed without the prefix whsec_, which is a part of the key", prefix_stripped},
    {Mistake::secret_prefix, "signed with the prefix whsec_ in front, which is missing here", prefix_added},
    {Mistake::secret_encoded, "signed with the base64 of the secret", base64_of},
    {Mistake::secret_encoded, "signed with the hex of the secret", hex_of},
    {Mistake::secret_decoded, "signed with what the secret decodes to from base64; its text is the key", from_base64},
    {Mistake::secret_decoded, "signed with what the secret decodes to from hex; its text is the key", from_hex},
    {Mistake::secret_decoded, "signed with the text of the secret; what it decodes to is the key", not_decoded},
    {Mistake::secret_decoded, "signed with the text behind whsec_; what it decodes to is the key",
     stripped_not_decoded},
}};

}  // namespace

std::span<const SecretMistake> secret_mistakes() noexcept { return mistakes; }

}  // namespace fpt_webhooks::inline v0_1::detail
