// The one strict pass over JSON text that every decoder of this library makes (RFC 8259).
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/json_object.hpp>
#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// The codecs' way into JsonObject, for text that a scan has just found valid.
struct JsonObjectAccess {
    static JsonObject make(std::string text) { return JsonObject(std::move(text)); }
};

namespace detail {

enum class JsonKind : std::uint8_t { null, boolean, number, string, object, array };

// One member of the root object. The views live as long as the call that hands them over.
struct JsonMember {
    std::string_view name;        // decoded
    std::size_t name_offset = 0;  // of its opening quote, in the scanned text
    JsonKind kind = JsonKind::null;
    std::string_view raw;    // the value as it stands, quotes and brackets included; lives as long as the input
    std::string_view text;   // of a string: decoded
    std::size_t offset = 0;  // of the value, in the scanned text

    // Where the decoded text's byte `index` stands in the input; with escapes in it, the start of the value.
    [[nodiscard]] std::size_t offset_of(std::size_t index) const noexcept {
        return raw.size() == text.size() + 2 ? offset + 1 + index : offset;
    }
    // An error about this member. To be used where `name` is one of our own: a peer's text is never in an error.
    [[nodiscard]] Error error(Errc code, std::string_view what) const;
    // The same for the error of a parser that was given `text`.
    [[nodiscard]] Error error(const Error& cause) const;
};

// Is handed the root object's members one by one, in their order.
class JsonVisitor {
  public:
    // False, from `fail`, ends the scan.
    virtual bool member(const JsonMember& member) = 0;

    // What the scan ended with.
    [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }

  protected:
    ~JsonVisitor() = default;

    // A bool and not a Result<void>: this is done for each member of each body.
    bool fail(Error error);
    // Keeps the value, or fails.
    template <class To, class From>
    bool take(To& to, Result<From> from) {
        if (!from) return fail(std::move(from).error());
        to = std::move(*from);
        return true;
    }

  private:
    std::optional<Error> error_;
};

enum class JsonRoot { object, any };

// Strict: one value of the wanted kind with white space around it, at most `depth_max` levels of nesting, valid UTF-8
// throughout, no lone surrogate, no byte order mark. Repeated names are the visitor's business. Returns the root value
// as it stands, a part of `text`. Errors: malformed, out_of_range (a number beyond a double), limit_exceeded, each with
// offset; or the visitor's.
[[nodiscard]] Result<std::string_view> scan_json(std::string_view text, JsonRoot root, std::size_t depth_max,
                                                 JsonVisitor* visitor = nullptr);

// The member as an integer of type Rep. Errors: malformed for what is not written as an integer, out_of_range.
template <class Rep>
[[nodiscard]] Result<Rep> read_integer(const JsonMember& member) {
    constexpr std::size_t shown_max = 20;  // the digits of 64 bits; more would only fill a log
    Rep value = 0;
    const char* const end = member.raw.data() + member.raw.size();
    const auto parsed = std::from_chars(member.raw.data(), end, value);
    if (member.kind != JsonKind::number || parsed.ptr != end) {  // a fraction or an exponent is left over
        return member.error(Errc::malformed, "an integer is needed");
    }
    if (parsed.ec != std::errc()) {
        const auto shown = member.raw.size() <= shown_max ? member.raw : std::string_view("the number");
        return member.error(Errc::out_of_range,
                            std::string(shown) + " does not fit " + std::to_string(sizeof(Rep) * 8) + " bits");
    }
    return value;
}

}  // namespace detail
}  // namespace fpt_webhooks::inline v0_1
