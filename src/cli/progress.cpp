#include "cli/progress.hpp"

#include <algorithm>

#include <fmt/core.h>

#include <fpt_webhooks/core/clock.hpp>

namespace fpt_webhooks::cli {
namespace {

constexpr std::chrono::milliseconds between_lines{100};

}  // namespace

bool Progress::due() {
    if (!console_.errors_on_terminal()) return false;
    const auto now = system_clock()->steady_now();
    if (last_ && now - *last_ < between_lines) return false;
    last_ = now;
    return true;
}

std::string progress_bar(std::size_t done, std::size_t total) {
    constexpr std::size_t width = 30;
    const std::size_t filled = total == 0 ? width : std::min(width, done * width / total);
    return fmt::format("[{}{}] {} of {}", std::string(filled, '#'), std::string(width - filled, ' '), done, total);
}

}  // namespace fpt_webhooks::cli
