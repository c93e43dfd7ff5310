#include "core/signature_header.hpp"

#include <algorithm>
#include <optional>

#include "core/base64.hpp"
#include "core/hex.hpp"
#include "core/scheme_key.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr std::size_t hex_characters = 2 * std::tuple_size_v<Digest>;
constexpr std::size_t base64_characters = (std::tuple_size_v<Digest> + 2) / 3 * 4;

Error malformed(const char* detail, std::size_t offset) { return {Errc::signature_malformed, detail, offset}; }

// Errors are about the text alone: the offset is that of its first wrong byte or of its end.
Result<void> take_signature(SignatureEncoding encoding, std::string_view text, std::size_t offset,
                            PresentedSignature& out) {
    if (out.count == out.signatures.size()) return malformed("too many", offset);  // no scheme's items are so short
    Digest& digest = out.signatures[out.count];
    if (encoding == SignatureEncoding::hex) {
        if (text.size() == hex_characters && decode_hex(text, digest)) return ++out.count, Result<void>();
        const auto is_hex = [](char c) { return hex_value(c) >= 0; };
        const auto good = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_hex) - text.begin());
        return malformed("64 hex digits", offset + std::min(good, hex_characters));
    }
    if (text.size() != base64_characters || base64_decoded_size(text) != digest.size() ||
        !decode_base64(text, digest)) {
        return malformed("44 of base64", offset);
    }
    ++out.count;
    return {};
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
        if (field.name.size() != name.size() || !equals_ignoring_case(field.name, name)) continue;  // rarely calls
        if (value) return malformed("header repeated", 0);
        value = field.value;
    }
    if (!value) return Error(Errc::signature_missing, "no such header");
    if (value->size() > signature_header_bytes_max) return malformed("over 4096 bytes", signature_header_bytes_max);
    return *value;
}

// "t=1,v1=aa" (keyed) or "v1,aa v1,bb" (versioned).
Result<void> parse_list(const Scheme& scheme, std::string_view list, PresentedSignature& out) {
    const bool keyed = scheme.grammar == SignatureGrammar::keyed_list;
    bool has_time = false;
    // An empty last item counts: "t=1," is malformed, and so is an empty header.
    for (std::size_t start = 0, end = 0; end != list.npos; start = end + 1) {
        end = list.find(keyed ? ',' : ' ', start);
        const std::string_view item = list.substr(start, end - start);
        const std::size_t separator = item.find(keyed ? '=' : ',');
        if (separator == item.npos || separator == 0) return malformed(keyed ? "key=value" : "version,value", start);
        const std::string_view key = item.substr(0, separator);
        const std::string_view value = item.substr(separator + 1);
        if (key == scheme.label) {
            auto taken = take_signature(scheme.encoding, value, start + separator + 1, out);
            if (!taken) return taken;
        } else if (keyed && key == "t") {
            if (has_time) return malformed("t repeated", start);
            auto seconds = parse_seconds(value, start + separator + 1);
            if (!seconds) return seconds.error();
            out.timestamp = value;
            out.seconds = *seconds;
            has_time = true;
        }
    }
    if (keyed && !has_time) return Error(Errc::signature_missing, "no t");
    if (out.count == 0) return Error(Errc::signature_missing, "no signature");
    return {};
}

}  // namespace

Result<void> parse_signature(const Scheme& scheme, const Headers& headers, PresentedSignature& out) {
    auto list = only_value(headers, scheme.signature_header);
    if (!list) return list.error();
    if (scheme.grammar != SignatureGrammar::single) {
        if (auto parsed = parse_list(scheme, *list, out); !parsed) return parsed;
    } else {
        if (!list->starts_with(scheme.label)) return malformed("wrong prefix", 0);
        const std::size_t at = scheme.label.size();
        if (auto taken = take_signature(scheme.encoding, list->substr(at), at, out); !taken) return taken;
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
    return {};
}

}  // namespace fpt_webhooks::inline v0_1::detail
