#include "cli/capture.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/input.hpp"

namespace fpt_webhooks::cli {
namespace {

// Takes the lines of a head off a text, and knows where it is.
class HeadLines {
  public:
    HeadLines(std::string_view text, std::string_view name) : rest_(text), size_(text.size()), name_(name) {}

    std::string_view next() {
        ++number_;
        if (rest_.empty()) {
            throw refused("the head does not end", "behind the headers comes an empty line, then the body");
        }
        std::string_view line = rest_.substr(0, rest_.find('\n'));
        rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
        if (size_ - rest_.size() > capture_head_bytes_max) {
            throw refused(fmt::format("the head is longer than {} bytes", capture_head_bytes_max));
        }
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

    [[nodiscard]] Failure refused(const std::string& why, const char* hint = "") const {
        return {ExitStatus::input, fmt::format("{}: line {}: {}", name_, number_, why), hint};
    }

  private:
    std::string_view rest_;
    std::size_t size_;
    std::string_view name_;
    int number_ = 0;
};

}  // namespace

HttpRequest parse_capture(std::string_view text, std::string_view name) {
    HeadLines lines(text, name);
    HttpRequest request;
    std::string_view line = lines.next();
    const auto method_end = line.find(' ');
    const auto url_end = line.rfind(" HTTP/");
    if (url_end == std::string_view::npos || method_end >= url_end) {
        throw lines.refused("no request line like \"POST /hooks HTTP/1.1\"",
                            "a body alone needs its headers beside it: --header 'Name: value'");
    }
    request.method = line.substr(0, method_end);
    request.url = line.substr(method_end + 1, url_end - method_end - 1);
    while (!(line = lines.next()).empty()) {
        auto field = split_header(line);
        if (!field) throw lines.refused(field.error().detail());
        request.headers.add(std::move(field->name), std::move(field->value));
    }
    request.body = lines.rest();
    return request;
}

}  // namespace fpt_webhooks::cli
