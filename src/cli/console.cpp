#include "cli/console.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

std::mutex output;
bool progress_shown = false;  // under it

// Before a line that stays; with the lock held.
void clear_progress() {
    if (std::exchange(progress_shown, false)) write_error("\r\x1b[K");
}

std::string_view sequence_of(Colour colour) noexcept {
    switch (colour) {
        case Colour::none: return "";
        case Colour::green: return "\x1b[32m";
        case Colour::red: return "\x1b[31m";
        case Colour::yellow: return "\x1b[33m";
        case Colour::faint: return "\x1b[2m";
        case Colour::bold: return "\x1b[1m";
    }
    return "";
}

// Length of the UTF-8 character that `text` begins with; 0 if it begins with none, or with a C1 control.
std::size_t character_at(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first == 0xc2) return follows(1, 0xa0) ? 2 : 0;
    if (first >= 0xc3 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = first == 0xed ? 0x9f : 0xbf;
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const unsigned low = first == 0xf0 ? 0x90 : 0x80;
        const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

// Columns on a terminal, as far as it matters for tables of ids, times and words: one a character.
std::size_t width_of(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string printable(std::string_view text, bool lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text.front());
        const bool kept = lines && (byte == '\n' || byte == '\t');
        const std::size_t length = (byte < 0x20 || byte == 0x7f) && !kept ? 0 : character_at(text);
        if (length == 0) {
            out += fmt::format("\\x{:02x}", byte);
            text.remove_prefix(1);
        } else {
            out += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return out;
}

std::string indented(std::string_view lines) {
    std::string out;
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        out += fmt::format("{}  {}", out.empty() ? "" : "\n", lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return out;
}

void write_error(std::string_view text) noexcept { std::fwrite(text.data(), 1, text.size(), stderr); }

Console::Console()
    : colours_(isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr),
      errors_on_terminal_(isatty(STDERR_FILENO) == 1) {}

void Console::print(std::string_view line) {
    const std::lock_guard lock(output);
    clear_progress();
    errno = 0;
    const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
                         std::fputc('\n', stdout) != EOF && std::fflush(stdout) == 0;
    if (!written) throw Failure(ExitStatus::machine, "standard output: " + std::generic_category().message(errno));
}

void Console::print(const Table& table) {
    std::vector<std::size_t> widths;
    for (const std::string& name : table.heading) widths.push_back(width_of(name));
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
    }
    const auto print_row = [&](const std::vector<Cell>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i > 0) line += "  ";
            line += paint(row[i].colour, row[i].text);
            if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i].text), ' ');
        }
        print(line);
    };
    std::vector<Cell> heading;
    for (const std::string& name : table.heading) heading.emplace_back(name, Colour::bold);
    print_row(heading);
    for (const auto& row : table.rows) print_row(row);
}

void Console::print(const Fields& fields) {
    std::size_t widest = 0;
    for (const auto& [name, value] : fields) widest = std::max(widest, width_of(name));
    for (const auto& [name, value] : fields) {
        const std::string padding(widest - width_of(name) + 2, ' ');
        print(paint(Colour::bold, name) + padding + paint(value.colour, value.text));
    }
}

void Console::note(std::string_view line) const {
    const std::lock_guard lock(output);
    clear_progress();
    write_error(fmt::format("{}\n", line));
}

void Console::progress(std::string_view line) {
    if (!errors_on_terminal_) return;
    const std::lock_guard lock(output);
    clear_progress();
    write_error(line);
    progress_shown = !line.empty();
}

std::string Console::paint(Colour colour, std::string_view text) const {
    if (!colours_ || colour == Colour::none) return std::string(text);
    return fmt::format("{}{}\x1b[0m", sequence_of(colour), text);
}

std::string Console::time(Timestamp time) const {
    if (utc) return format_timestamp(time).value_or("(no date)");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const std::time_t count = std::chrono::system_clock::to_time_t(seconds);
    std::tm parts{};
    if (localtime_r(&count, &parts) == nullptr) return "(no date)";
    char date[32];
    char zone[16];
    std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
    std::strftime(zone, sizeof zone, "%z", &parts);
    return fmt::format("{}.{:03} {}", date, (time - seconds).count(), zone);
}

std::string Console::time(std::optional<Timestamp> time) const { return time ? this->time(*time) : "-"; }

}  // namespace fpt_webhooks::cli
