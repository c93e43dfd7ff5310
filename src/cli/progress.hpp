// How far a long command has come, on a terminal's standard error: a line that is replaced.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cli/console.hpp"

namespace fpt_webhooks::cli {

class Progress {
  public:
    explicit Progress(Console& console) : console_(console) {}
    ~Progress() { console_.progress(""); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // Is it worth to say something now? At most ten times a second, and never where nobody watches.
    [[nodiscard]] bool due();
    void show(std::string_view line) { console_.progress(line); }

  private:
    Console& console_;
    std::optional<std::chrono::steady_clock::time_point> last_ = {};
};

// "[#####               ] 512 of 2048"
[[nodiscard]] std::string progress_bar(std::size_t done, std::size_t total);

}  // namespace fpt_webhooks::cli
