// What tests ask of a text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cli_test {

[[nodiscard]] inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// How often `part` stands in `text`.
[[nodiscard]] std::size_t count_of(std::string_view text, std::string_view part);
[[nodiscard]] std::size_t count_of(std::string_view text, char wanted);

// Without its last `\n`.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

// The text behind `"name":` in a line of JSON, up to the comma, or its content if it is a text.
[[nodiscard]] std::string field_of(const std::string& json, const std::string& name);

}  // namespace cli_test
