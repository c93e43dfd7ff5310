// A JSON object (RFC 8259) as the text it arrived in, known to be valid: `data` and `payload` of an event.
//
// The text is kept byte for byte, so that what this library does not know survives a round trip; read what is not
// catalogued with the JSON library of your choice.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// Nesting of objects and arrays, the outermost included: far above any documented event, far below any stack.
inline constexpr std::size_t json_depth_max = 64;

// A regular value; equal when the text is equal.
class FPT_WEBHOOKS_CORE_EXPORT JsonObject {
  public:
    // "{}"
    JsonObject() : text_("{}") {}

    // Strict RFC 8259 and UTF-8: one object, white space around it dropped. Refused: anything after it, more than
    // json_depth_max levels, invalid UTF-8, a lone surrogate escape. A repeated key is kept as it is: which of the two
    // counts is the reader's choice. Errors, each with offset: malformed, limit_exceeded, out_of_range (a number beyond
    // a double's range).
    [[nodiscard]] static Result<JsonObject> parse(std::string_view text);

    // Without the members whose name `unwanted` holds for; it is asked once for each, in their order, with the decoded
    // name. Of what is nested it is not asked. The others keep their text, white space within them included, and their
    // order; when all stay, so does the whole text. Errors: malformed for a moved-from object, which has no text.
    [[nodiscard]] Result<JsonObject> without(const std::function<bool(std::string_view name)>& unwanted) const;

    // Valid while this object lives unchanged.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    friend bool operator==(const JsonObject&, const JsonObject&) = default;

  private:
    friend struct JsonObjectAccess;  // the codecs, which have just validated the text
    explicit JsonObject(std::string text) : text_(std::move(text)) {}

    std::string text_;
};

}  // namespace fpt_webhooks::inline v0_1
