// Folders for databases, and stores in them.
#pragma once

#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <stdlib.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "support/catch.hpp"

// A folder of its own, removed with everything in it.
struct TemporaryFolder {
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "fpt_webhooks_store_XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        umount2(path.c_str(), MNT_DETACH);  // what a test that failed may have left
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    [[nodiscard]] std::string file(const std::string& name = "webhooks.db") const { return (path / name).string(); }

    std::filesystem::path path;
};

inline constexpr const char* store_key = "an encryption key of 32 bytes ok";

inline fpt_webhooks::SqliteStoreOptions store_options(const std::string& path) {
    return {.path = path,
            .encryption_key = fpt_webhooks::Secret(store_key),
            .busy_timeout = std::chrono::milliseconds(2'000)};
}

inline fpt_webhooks::Result<std::shared_ptr<fpt_webhooks::SqliteStore>> open_store(
    const std::string& path, fpt_webhooks::StoreLimits limits = {}) {
    auto options = store_options(path);
    options.limits = limits;
    return fpt_webhooks::SqliteStore::open(std::move(options));
}

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
