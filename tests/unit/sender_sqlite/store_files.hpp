// Stores in files.
#pragma once

#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <memory>
#include <string>

#include "support/temporary_folder.hpp"

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
