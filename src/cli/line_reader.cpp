#include "cli/line_reader.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr std::size_t read_bytes = std::size_t{64} * 1024;

}  // namespace

LineReader::Got LineReader::next(bool may_wait) {
    for (;;) {
        const std::size_t end = buffer_.find('\n', scanned_);
        if (end != std::string::npos || (ended_ && begin_ < buffer_.size())) {
            const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
            begin_ = end == std::string::npos ? buffer_.size() : end + 1;
            scanned_ = begin_;
            if (std::exchange(skipping_, false) || line.size() > line_bytes_max_) return {.kind = Kind::too_long};
            return {.kind = Kind::line, .line = line};
        }
        if (ended_) return {.kind = std::exchange(skipping_, false) ? Kind::too_long : Kind::end};
        buffer_.erase(0, begin_);
        begin_ = 0;
        if (buffer_.size() > line_bytes_max_) {
            skipping_ = true;
            buffer_.clear();
        }
        scanned_ = buffer_.size();
        const auto input = stop_.wait_for_input(descriptor_, may_wait);
        if (input == Stop::Input::requested) return {.kind = Kind::interrupted};
        if (input == Stop::Input::none) return {.kind = Kind::none_yet};
        ended_ = !read_more();
    }
}

bool LineReader::read_more() {
    const std::size_t size = buffer_.size();
    buffer_.resize(size + read_bytes);
    for (;;) {
        const ssize_t count = read(descriptor_, buffer_.data() + size, read_bytes);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            throw Failure(ExitStatus::input, "standard input: " + std::generic_category().message(errno));
        }
        buffer_.resize(size + static_cast<std::size_t>(count));
        return count > 0;
    }
}

}  // namespace fpt_webhooks::cli
