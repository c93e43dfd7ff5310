#include <fpt_webhooks/core/headers.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace fpt_webhooks::inline v0_1 {
namespace {

constexpr std::array<bool, 256> token_characters = [] {
    std::array<bool, 256> characters{};
    for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
        characters[static_cast<unsigned char>(c)] = true;
    }
    return characters;
}();

bool is_token_character(char c) noexcept { return token_characters[static_cast<unsigned char>(c)]; }

constexpr bool is_value_character(char c) noexcept { return (c >= ' ' && c <= '~') || c == '\t'; }

// In bytes, and without a stop at the first wrong one, so that a compiler makes vector code of it.
bool all_value_characters(std::string_view value) noexcept {
    std::uint8_t wrong = 0;
    for (const char c : value) wrong |= is_value_character(c) ? std::uint8_t{0} : std::uint8_t{1};
    return wrong == 0;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    constexpr unsigned case_bit = 0x20;  // the one bit that sets 'A' and 'a' apart
    if (a.size() != b.size()) return false;
    if (a == b) return true;  // by far the commonest way to be equal, and much faster
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto difference = static_cast<unsigned>(a[i] ^ b[i]);
        if (difference == 0) continue;
        const char lower = static_cast<char>(a[i] | static_cast<char>(case_bit));
        if (difference != case_bit || lower < 'a' || lower > 'z') return false;
    }
    return true;
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
    for (const Field& field : fields_) {
        if (equals_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(std::count_if(
        fields_.begin(), fields_.end(), [&](const Field& field) { return equals_ignoring_case(field.name, name); }));
}

Result<void> check_header(std::string_view name, std::string_view value) {
    if (name.empty()) return Error(Errc::invalid_argument, "header name is empty");
    if (const auto bad = std::find_if_not(name.begin(), name.end(), is_token_character); bad != name.end()) {
        return Error(Errc::invalid_argument, "header name holds a character that is not a token character",
                     static_cast<std::size_t>(bad - name.begin()));
    }
    if (!all_value_characters(value)) {
        const auto bad = std::find_if_not(value.begin(), value.end(), is_value_character);
        return Error(Errc::invalid_argument,
                     "value of header " + std::string(name) + " holds a control or non-ASCII byte",
                     static_cast<std::size_t>(bad - value.begin()));
    }
    return {};
}

}  // namespace fpt_webhooks::inline v0_1
