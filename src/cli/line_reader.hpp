// Lines of an input that may be endless: in bounded memory, and interrupted at any moment.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/stop.hpp"

namespace fpt_webhooks::cli {

class LineReader {
  public:
    // `line_bytes_max`: of a line, without its end.
    LineReader(int descriptor, std::size_t line_bytes_max, const Stop& stop)
        : descriptor_(descriptor), line_bytes_max_(line_bytes_max), stop_(stop) {}

    enum class Kind {
        line,
        too_long,     // it is skipped
        end,          // the last line may have had no line break
        none_yet,     // and next() was not to wait
        interrupted,  // what was read of a line is dropped
    };
    struct Got {
        Kind kind = Kind::end;
        std::string_view line = {};  // valid until the next call
    };
    // Throws Failure(input) when the input cannot be read.
    [[nodiscard]] Got next(bool may_wait = true);

  private:
    [[nodiscard]] bool read_more();

    const int descriptor_;
    const std::size_t line_bytes_max_;
    const Stop& stop_;
    std::string buffer_ = {};
    std::size_t begin_ = 0;    // of what was not handed out
    std::size_t scanned_ = 0;  // up to there is no line break
    bool skipping_ = false;    // in a line that is too long
    bool ended_ = false;
};

}  // namespace fpt_webhooks::cli
