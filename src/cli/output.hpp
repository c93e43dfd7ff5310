// Files that commands write.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

namespace fpt_webhooks::cli {

// Whole or not at all: under another name first, which then takes `path`'s place. What is there and no file (a
// terminal, a pipe, a device) is written to as it is. `mode`: of a new file, less the umask; one that is there keeps
// its own. Throws Failure(machine).
void write_file(const std::string& path, std::string_view content, mode_t mode = 0666);

}  // namespace fpt_webhooks::cli
