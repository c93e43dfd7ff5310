#include "core/json_restyle.hpp"

#include <cstdint>

#include "core/hex.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr bool is_white(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Restyler {
  public:
    Restyler(std::string_view text, const JsonStyle& style, std::size_t bytes_max)
        : text_(text), style_(style), bytes_max_(bytes_max) {}

    std::optional<std::string> run() {
        for (; at_ < text_.size() && out_.size() <= bytes_max_; ++at_) step(text_[at_]);
        if (out_.size() > bytes_max_) return std::nullopt;
        return std::move(out_);
    }

  private:
    void step(char c) {
        if (is_white(c)) return;
        switch (c) {
            case '"': put_string(); break;
            case '{':
            case '[':
                out_ += c;
                ++depth_;
                if (!is_closing_next()) new_line();
                break;
            case '}':
            case ']':
                --depth_;
                if (out_.back() != '{' && out_.back() != '[') new_line();
                out_ += c;
                break;
            case ',':
                out_ += c;
                if (style_.indent) {
                    new_line();
                } else {
                    out_ += style_.after_comma;
                }
                break;
            case ':': (out_ += c) += style_.after_colon; break;
            default: out_ += c;
        }
    }

    bool is_closing_next() const {
        std::size_t next = at_ + 1;
        while (is_white(text_[next])) ++next;  // valid text closes what it opens
        return text_[next] == '}' || text_[next] == ']';
    }

    void new_line() {
        if (!style_.indent) return;
        out_ += '\n';
        for (std::size_t i = 0; i < depth_; ++i) out_ += *style_.indent;
    }

    // From the opening quote to the closing one, where at_ is left.
    void put_string() {
        out_ += '"';
        for (++at_; text_[at_] != '"'; ++at_) {
            if (style_.escapes == JsonEscapes::kept) {
                out_ += text_[at_];
                if (text_[at_] == '\\') out_ += text_[++at_];
            } else if (text_[at_] == '\\') {
                put_escape();
            } else {
                put_character(take_utf8());
            }
        }
        out_ += '"';
    }

    // at_ is at the backslash, and is left at the escape's last byte.
    void put_escape() {
        const char kind = text_[++at_];
        if (kind == '/') return put_character('/');
        if (kind != 'u') {
            (out_ += '\\') += kind;
            return;
        }
        std::uint32_t unit = take_unit();
        if (unit >= 0xd800 && unit < 0xdc00) {  // valid text has the other half right behind
            at_ += 2;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (take_unit() - 0xdc00);
        }
        put_character(unit);
    }

    // at_ is at the 'u', and is left at the last digit.
    std::uint32_t take_unit() {
        std::uint32_t unit = 0;
        for (int i = 0; i < 4; ++i) unit = unit << 4 | static_cast<std::uint32_t>(hex_value(text_[++at_]));
        return unit;
    }

    // at_ is left at the character's last byte.
    std::uint32_t take_utf8() {
        const auto byte = [this](std::size_t i) {
            return static_cast<std::uint32_t>(static_cast<unsigned char>(text_[i]));
        };
        const std::uint32_t first = byte(at_);
        if (first < 0x80) return first;
        const int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        std::uint32_t character = first & (0x3fU >> more);
        for (int i = 0; i < more; ++i) character = character << 6 | (byte(++at_) & 0x3fU);
        return character;
    }

    void put_character(std::uint32_t c) {
        const bool ascii = style_.escapes != JsonEscapes::few;
        if (c == '/' && style_.escapes == JsonEscapes::slashes) {
            out_ += "\\/";
        } else if (c == '"' || c == '\\') {
            (out_ += '\\') += static_cast<char>(c);
        } else if (c < 0x20 || (ascii && c > 0x7f)) {
            if (c > 0xffff) put_unit(0xd800 + ((c - 0x10000) >> 10));
            put_unit(c > 0xffff ? 0xdc00 + ((c - 0x10000) & 0x3ff) : c);
        } else {
            put_utf8(c);
        }
    }

    void put_unit(std::uint32_t unit) {
        constexpr std::string_view digits = "0123456789abcdef";
        out_ += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) out_ += digits[unit >> shift & 15];
    }

    void put_utf8(std::uint32_t c) {
        const auto tail = [this, c](int shift) { out_ += static_cast<char>(0x80 | (c >> shift & 0x3f)); };
        if (c < 0x80) {
            out_ += static_cast<char>(c);
        } else if (c < 0x800) {
            out_ += static_cast<char>(0xc0 | c >> 6);
            tail(0);
        } else if (c < 0x10000) {
            out_ += static_cast<char>(0xe0 | c >> 12);
            tail(6), tail(0);
        } else {
            out_ += static_cast<char>(0xf0 | c >> 18);
            tail(12), tail(6), tail(0);
        }
    }

    std::string_view text_;
    const JsonStyle& style_;
    std::size_t bytes_max_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    std::string out_;
};

}  // namespace

std::optional<std::string> restyle_json(std::string_view text, const JsonStyle& style, std::size_t bytes_max) {
    return Restyler(text, style, bytes_max).run();
}

}  // namespace fpt_webhooks::inline v0_1::detail
