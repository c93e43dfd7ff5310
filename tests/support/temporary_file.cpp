#include "support/temporary_file.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace fpt_webhooks::test {

TemporaryFile::TemporaryFile(std::string_view content) {
    path_ = (std::filesystem::temp_directory_path() / "fpt_webhooks.XXXXXX").string();
    const int file = mkstemp(path_.data());
    if (file < 0) throw std::runtime_error("no temporary file");
    const ssize_t written = write(file, content.data(), content.size());
    close(file);
    if (written != static_cast<ssize_t>(content.size())) throw std::runtime_error("no room for a temporary file");
}

TemporaryFile::~TemporaryFile() { unlink(path_.c_str()); }

}  // namespace fpt_webhooks::test
