// SQLite's file system with a look-out: it names each durable step, keeps what would survive a failure of the power,
// and is full when a test says so.
#pragma once

#include <string>

#include "integration/kill/steps.hpp"

namespace fpt_webhooks::test {

struct WatchedDiskOptions {
    Steps* steps = nullptr;

    // A folder that holds, at each moment, what a machine finds after its power failed: of each file what was synced.
    // It begins with copies of the files that there are. Empty: not kept.
    std::string survivors = {};

    // The system also writes on its own before it is asked to: some of what is not synced survives, pages torn in half.
    bool some_unsynced_survives = false;
};

// While one lives, it is the default file system of SQLite in this process; files opened through it must be closed
// before it ends.
class WatchedDisk {
  public:
    explicit WatchedDisk(WatchedDiskOptions options = {});
    WatchedDisk(const WatchedDisk&) = delete;
    WatchedDisk& operator=(const WatchedDisk&) = delete;
    ~WatchedDisk();

    // Full: nothing can be written.
    void set_full(bool full);
    // How many writes did not fit.
    [[nodiscard]] std::size_t refused() const;
};

}  // namespace fpt_webhooks::test
