#include "cli/output.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/core.h>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

// 0, or what went wrong.
int write_all(int file, std::string_view content) noexcept {
    while (!content.empty()) {
        const ssize_t count = write(file, content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return 0;
}

// Likewise. `durable`: on the disk when this returns.
int write_to(const std::string& path, std::string_view content, int flags, mode_t mode, bool durable) noexcept {
    const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, mode);
    if (file < 0) return errno;
    int error = write_all(file, content);
    if (error == 0 && durable && fsync(file) != 0) error = errno;
    if (close(file) != 0 && error == 0) error = errno;
    return error;
}

}  // namespace

void write_file(const std::string& path, std::string_view content, mode_t mode) {
    std::error_code ignored;
    const auto there = std::filesystem::status(path, ignored);
    int error = 0;
    if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
        error = write_to(path, content, 0, mode, false);
    } else {
        // Behind a symbolic link stands the file that is meant.
        const auto target = std::filesystem::exists(there) ? std::filesystem::canonical(path, ignored).string() : path;
        const std::string part = fmt::format("{}.{}.part", target, getpid());
        error = write_to(part, content, O_CREAT | O_TRUNC, mode, true);
        if (error == 0 && std::rename(part.c_str(), target.c_str()) != 0) error = errno;
        if (error != 0) unlink(part.c_str());
    }
    if (error != 0) {
        throw Failure(ExitStatus::machine, fmt::format("{}: {}", path, std::generic_category().message(error)));
    }
}

}  // namespace fpt_webhooks::cli
