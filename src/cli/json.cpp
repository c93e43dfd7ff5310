#include "cli/json.hpp"

namespace fpt_webhooks::cli {
namespace {

class Restyling {
  public:
    explicit Restyling(bool lines) : lines_(lines) {}

    std::string operator()(std::string_view json) && {
        bool in_string = false;
        for (std::size_t i = 0; i < json.size(); ++i) {
            const char c = json[i];
            if (in_string) {
                out_ += c;
                if (c == '\\') out_ += json[++i];
                in_string = c != '"';
            } else if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) {
                add(c);
                in_string = c == '"';
            }
        }
        return std::move(out_);
    }

  private:
    // A character outside of strings.
    void add(char c) {
        const bool closes = c == '}' || c == ']';
        if (closes) --depth_;
        if (empty_ != closes) break_line();  // an empty object or list stays "{}"
        out_ += c;
        empty_ = c == '{' || c == '[';
        if (empty_) ++depth_;
        if (c == ',') break_line();
        if (c == ':' && lines_) out_ += ' ';
    }

    void break_line() {
        if (!lines_) return;
        out_ += '\n';
        out_.append(2 * depth_, ' ');
    }

    const bool lines_;
    std::string out_;
    std::size_t depth_ = 0;
    bool empty_ = false;  // the last character opened an object or list
};

}  // namespace

std::string pretty_json(std::string_view json) { return Restyling(true)(json); }

std::string compact_json(std::string_view json) { return Restyling(false)(json); }

}  // namespace fpt_webhooks::cli
