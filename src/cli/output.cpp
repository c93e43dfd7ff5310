#include "cli/output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
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

// Likewise; closes the file.
int write_and_close(int file, std::string_view content, bool durable) noexcept {
    int error = write_all(file, content);
    if (error == 0 && durable && fsync(file) != 0) error = errno;
    if (close(file) != 0 && error == 0) error = errno;
    return error;
}

// Likewise. What is there and no file.
int write_into(const std::string& path, std::string_view content) noexcept {
    const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    return file < 0 ? errno : write_and_close(file, content, false);
}

// Asked for once: it can only be read by being changed, for all threads.
mode_t creation_mask() noexcept {
    static const mode_t mask = [] {
        const mode_t found = umask(0);
        umask(found);
        return found;
    }();
    return mask;
}

// Likewise. By way of a file beside `target`, whose name nobody can know before and whose mode is right before it has
// content.
int replace(const std::string& target, std::string_view content, mode_t mode) {
    std::string part = target + ".XXXXXX";
    const int file = mkostemp(part.data(), O_CLOEXEC);
    if (file < 0) return errno;
    int error = fchmod(file, mode) != 0 ? errno : 0;
    const int write_error = write_and_close(file, error == 0 ? content : "", true);
    if (error == 0) error = write_error;
    if (error == 0 && std::rename(part.c_str(), target.c_str()) != 0) error = errno;
    if (error != 0) unlink(part.c_str());
    return error;
}

}  // namespace

void write_file(const std::string& path, std::string_view content, mode_t mode) {
    std::error_code ignored;
    const auto there = std::filesystem::status(path, ignored);
    int error = 0;
    if (!std::filesystem::exists(there)) {
        error = replace(path, content, mode & ~creation_mask());
    } else if (std::filesystem::is_regular_file(there)) {
        // Behind a symbolic link stands the file that is meant.
        error = replace(std::filesystem::canonical(path, ignored).string(), content,
                        static_cast<mode_t>(there.permissions()));
    } else {
        error = write_into(path, content);
    }
    if (error != 0) {
        throw Failure(ExitStatus::machine, fmt::format("{}: {}", path, std::generic_category().message(error)));
    }
}

}  // namespace fpt_webhooks::cli
