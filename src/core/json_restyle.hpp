// Writes JSON text anew as other libraries would: other white space, other escapes, the same tokens in the same order.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fpt_webhooks::inline v0_1::detail {

enum class JsonEscapes {
    kept,     // strings as they stand
    few,      // "\u00e9" as the character itself, "\/" as "/"
    ascii,    // every character beyond ASCII as \uXXXX
    slashes,  // that, and "/" as "\/"
};

struct JsonStyle {
    std::string_view after_comma = "";  // unused with an indent
    std::string_view after_colon = "";
    std::optional<std::string_view> indent = std::nullopt;  // of each level; nothing: all on one line
    JsonEscapes escapes = JsonEscapes::kept;
};

// `text`: what scan_json has found valid. Nothing when the result would be longer than `bytes_max`.
[[nodiscard]] std::optional<std::string> restyle_json(std::string_view text, const JsonStyle& style,
                                                      std::size_t bytes_max);

}  // namespace fpt_webhooks::inline v0_1::detail
