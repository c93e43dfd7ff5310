// The name of an FPT event: `<resource>.<past_tense_verb>` (FPT envelope, field `eventType`).
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// A regular value that holds a well-formed name, catalogued or not.
class FPT_WEBHOOKS_CORE_EXPORT EventType {
  public:
    static constexpr std::size_t length_max = 128;  // twice the longest name of both catalogues, and then some

    // Two or more parts joined by dots, each of lower-case letters, digits and underscores, starting with a letter.
    // Errors: malformed with offset, limit_exceeded.
    [[nodiscard]] static Result<EventType> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    // The part before the first dot: "contact" of "contact.created". Valid while this object lives unchanged.
    [[nodiscard]] std::string_view family() const noexcept {
        return std::string_view(text_).substr(0, text_.find('.'));
    }

    friend bool operator==(const EventType&, const EventType&) = default;
    friend auto operator<=>(const EventType&, const EventType&) = default;
    friend bool operator==(const EventType& type, std::string_view text) noexcept { return type.text_ == text; }

  private:
    explicit EventType(std::string_view text) : text_(text) {}

    std::string text_;
};

}  // namespace fpt_webhooks::inline v0_1

template <>
struct std::hash<fpt_webhooks::EventType> {
    std::size_t operator()(const fpt_webhooks::EventType& type) const noexcept {
        return std::hash<std::string>{}(type.text());
    }
};
