// HTTP header fields (RFC 9110 section 5): an ordered list, names compared without case.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// A regular value. A header that stands several times is kept several times: whoever reads it decides what that means.
class FPT_WEBHOOKS_CORE_EXPORT Headers {
  public:
    struct Field {
        std::string name;
        std::string value;
        friend bool operator==(const Field&, const Field&) = default;
    };
    using const_iterator = std::vector<Field>::const_iterator;

    Headers() = default;
    Headers(std::initializer_list<Field> fields) : fields_(fields) {}

    // Appends; keeps what is there. Nothing is checked here: see check_header.
    void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }

    // The first value under `name`, or nothing. Valid until the next change.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
    [[nodiscard]] const_iterator begin() const noexcept { return fields_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return fields_.end(); }

    friend bool operator==(const Headers&, const Headers&) = default;

  private:
    std::vector<Field> fields_;
};

// May this field be sent? The name is a token, the value holds visible characters, spaces and tabs only (RFC 9110
// sections 5.1 and 5.5), so that no line break can smuggle a second field in. Errors: invalid_argument with offset.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<void> check_header(std::string_view name, std::string_view value);

// ASCII only, as header names are.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace fpt_webhooks::inline v0_1
