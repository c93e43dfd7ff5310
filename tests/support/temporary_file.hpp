// Files of a test.
#pragma once

#include <string>
#include <string_view>

namespace fpt_webhooks::test {

// A file that lives as long as the object, readable by its owner only.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
};

}  // namespace fpt_webhooks::test
