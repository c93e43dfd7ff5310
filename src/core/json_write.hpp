// Writes one JSON object without white space, member by member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fpt_webhooks::inline v0_1::detail {

// Names and strings are escaped as needed. Text that is not UTF-8 cannot be written: it is remembered and makes
// `valid` false, so that a caller asks once, at the end.
class JsonObjectWriter {
  public:
    // `size_hint`: bytes to reserve.
    explicit JsonObjectWriter(std::size_t size_hint) { text_.reserve(size_hint); }

    JsonObjectWriter& integer(std::string_view name, std::int64_t value);
    JsonObjectWriter& string(std::string_view name, std::string_view value);
    // `json` is one JSON value, copied as it stands.
    JsonObjectWriter& raw(std::string_view name, std::string_view json);

    [[nodiscard]] bool valid() const noexcept { return valid_; }
    // Ends the object; nothing can be added after it.
    [[nodiscard]] std::string finish() {
        text_ += text_.empty() ? "{}" : "}";
        return std::move(text_);
    }

  private:
    void put_name(std::string_view name);
    void put_string(std::string_view text);

    std::string text_;
    bool valid_ = true;
};

}  // namespace fpt_webhooks::inline v0_1::detail
