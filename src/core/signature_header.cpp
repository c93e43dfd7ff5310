#include "core/signature_header.hpp"

#include <fpt_webhooks/core/verifier.hpp>

#include "core/base64.hpp"
#include "core/hex.hpp"
#include "core/scheme_key.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr std::size_t hex_characters = 2 * std::tuple_size_v<Digest>;
constexpr std::size_t base64_characters = (std::tuple_size_v<Digest> + 2) / 3 * 4;

Error malformed(const char* detail, std::size_t offset) { return {Errc::signature_malformed, detail, offset}; }

// One "<key><separator><value>" of a list.
struct Item {
    std::string_view key;
    std::string_view value;
    bool has_separator = false;
};

// Takes the first item off `rest`. For a keyed list: "t=1,v1=aa" is split at ',' and '='; for a versioned list
// "v1,aa v1,bb" at ' ' and ','.
Item take_item(SignatureGrammar grammar, std::string_view& rest) noexcept {
    const bool keyed = grammar == SignatureGrammar::keyed_list;
    const std::string_view text = rest.substr(0, rest.find(keyed ? ',' : ' '));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    const std::size_t separator = text.find(keyed ? '=' : ',');
    if (separator == std::string_view::npos) return {text, {}, false};
    return {text.substr(0, separator), text.substr(separator + 1), true};
}

bool decode_signature(SignatureEncoding encoding, std::string_view text, Digest& out) noexcept {
    if (encoding == SignatureEncoding::hex)
        return text.size() == hex_characters && decode_hex(text, out) == text.size();
    return text.size() == base64_characters && base64_decoded_size(text) == out.size() && decode_base64(text, out);
}

// Errors are about the text alone: the offset is that of its first wrong byte or of its end.
Result<void> check_signature(SignatureEncoding encoding, std::string_view text, std::size_t offset) {
    Digest ignored;
    if (decode_signature(encoding, text, ignored)) return {};
    if (encoding == SignatureEncoding::base64) return malformed("44 of base64", offset);
    const auto is_hex = [](char c) { return hex_value(c) >= 0; };
    const auto good = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_hex) - text.begin());
    return malformed("64 hex digits", offset + std::min(good, hex_characters));
}

Result<std::uint64_t> parse_seconds(std::string_view text, std::size_t offset) {
    std::uint64_t seconds = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] < '0' || text[i] > '9') return malformed("t: digits only", offset + i);
        if (i == timestamp_digits_max) return malformed("t: 19 digits", offset + i);
        seconds = seconds * 10 + static_cast<std::uint64_t>(text[i] - '0');
    }
    if (text.empty()) return malformed("t: no digits", offset);
    return seconds;
}

// The one value of a header that must be there exactly once.
Result<std::string_view> only_value(const Headers& headers, std::string_view name) {
    std::optional<std::string_view> value;
    for (const auto& field : headers) {
        if (!equals_ignoring_case(field.name, name)) continue;
        if (value) return malformed("header repeated", 0);
        value = field.value;
    }
    if (!value) return Error(Errc::signature_missing, "no such header");
    if (value->size() > signature_header_bytes_max) return malformed("over 4096 bytes", signature_header_bytes_max);
    return *value;
}

Result<void> parse_list(const Scheme& scheme, PresentedSignature& out) {
    const bool keyed = scheme.grammar == SignatureGrammar::keyed_list;
    bool has_signature = false;
    bool has_time = false;
    // An empty last item counts: "t=1," is malformed, and so is an empty header.
    for (std::string_view rest = out.list; true;) {
        const auto start = static_cast<std::size_t>(rest.data() - out.list.data());
        const bool last = rest.find(keyed ? ',' : ' ') == std::string_view::npos;
        const Item item = take_item(scheme.grammar, rest);
        const std::size_t value_at = start + item.key.size() + 1;
        if (item.key.empty() || !item.has_separator) return malformed(keyed ? "key=value" : "version,value", start);
        if (item.key == scheme.label) {
            if (auto checked = check_signature(scheme.encoding, item.value, value_at); !checked) return checked;
            has_signature = true;
        } else if (keyed && item.key == "t") {
            if (has_time) return malformed("t repeated", start);
            auto seconds = parse_seconds(item.value, value_at);
            if (!seconds) return seconds.error();
            out.timestamp = item.value;
            out.seconds = *seconds;
            has_time = true;
        }
        if (last) break;
    }
    if (keyed && !has_time) return Error(Errc::signature_missing, "no t");
    if (!has_signature) return Error(Errc::signature_missing, "no signature");
    return {};
}

}  // namespace

Result<PresentedSignature> parse_signature(const Scheme& scheme, const Headers& headers) {
    PresentedSignature out;
    auto list = only_value(headers, scheme.signature_header);
    if (!list) return list.error();
    out.list = *list;

    if (scheme.grammar != SignatureGrammar::single) {
        if (auto parsed = parse_list(scheme, out); !parsed) return parsed.error();
    } else {
        if (!out.list.starts_with(scheme.label)) return malformed("wrong prefix", 0);
        auto checked = check_signature(scheme.encoding, out.list.substr(scheme.label.size()), scheme.label.size());
        if (!checked) return checked.error();
    }
    if (!scheme.timestamp_header.empty()) {
        auto timestamp = only_value(headers, scheme.timestamp_header);
        if (!timestamp) return timestamp.error();
        auto seconds = parse_seconds(*timestamp, 0);
        if (!seconds) return seconds.error();
        out.timestamp = *timestamp;
        out.seconds = *seconds;
    }
    if (!scheme.id_header.empty()) {
        auto id = only_value(headers, scheme.id_header);
        if (!id) return id.error();
        if (!is_message_id(*id)) return malformed("unusable id", 0);
        out.id = *id;
    }
    return out;
}

bool Candidates::next(Digest& out) noexcept {
    while (!rest_.empty()) {
        if (scheme_->grammar == SignatureGrammar::single) {
            decode_signature(scheme_->encoding, rest_.substr(scheme_->label.size()), out);
            rest_ = {};
            return true;
        }
        const Item item = take_item(scheme_->grammar, rest_);
        if (item.key == scheme_->label) {
            decode_signature(scheme_->encoding, item.value, out);
            return true;
        }
    }
    return false;
}

}  // namespace fpt_webhooks::inline v0_1::detail
