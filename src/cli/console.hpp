// Where a command writes: for people on a terminal (colour only there), or as JSON for machines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::cli {

enum class Colour { none, green, red, yellow, faint, bold };

struct Cell {
    Cell(std::string text_, Colour colour_ = Colour::none) : text(std::move(text_)), colour(colour_) {}
    Cell(const char* text_) : text(text_) {}

    std::string text;
    Colour colour = Colour::none;
};

// A heading and rows of as many cells; printed with columns aligned, the last one open.
struct Table {
    std::vector<std::string> heading;
    std::vector<std::vector<Cell>> rows = {};
};

// Named values, one a line, the values in one column.
using Fields = std::vector<std::pair<std::string, Cell>>;

// Text of others as it may stand on a terminal: control characters and what is not UTF-8 as "\x1b", line breaks and
// tabs too unless `lines`.
[[nodiscard]] std::string printable(std::string_view text, bool lines = false);

// Its lines, each two columns to the right.
[[nodiscard]] std::string indented(std::string_view lines);

// To standard error, as far as it takes it: there is no place left to say that it does not.
void write_error(std::string_view text) noexcept;

// Shared by the threads of a command: every call writes whole lines, one caller at a time.
class Console {
  public:
    Console();

    bool json = false;  // --json
    bool utc = false;   // --utc

    // To standard output, with a line break, at once. Throws Failure(machine) when it cannot be written.
    void print(std::string_view line);
    template <class... Args>
    void print(fmt::format_string<Args...> format, Args&&... args) {
        print(std::string_view(fmt::format(format, std::forward<Args>(args)...)));
    }
    void print(const Table& table);
    void print(const Fields& fields);

    // To standard error: what a person should know and a machine should not read.
    void note(std::string_view line) const;

    // A line of standard error that the next one replaces; only on a terminal. "": clears it.
    void progress(std::string_view line);

    // With its escape sequences if standard output is a terminal and NO_COLOR is not set, else as it is.
    [[nodiscard]] std::string paint(Colour colour, std::string_view text) const;

    // "2026-06-10 23:45:00.123 +0200" in the local zone, or "2026-06-10T23:45:00.123Z" with --utc.
    [[nodiscard]] std::string time(Timestamp time) const;
    [[nodiscard]] std::string time(std::optional<Timestamp> time) const;  // "-" for none

    [[nodiscard]] bool errors_on_terminal() const noexcept { return errors_on_terminal_; }

  private:
    bool colours_ = false;
    bool errors_on_terminal_ = false;
};

}  // namespace fpt_webhooks::cli
