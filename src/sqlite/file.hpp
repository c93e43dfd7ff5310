// Database files that keep what was written to them: how ours are made, and what a host's must be like.
#pragma once

#include <chrono>
#include <string>

#include <fpt_webhooks/core/result.hpp>

#include "sqlite/database.hpp"
#include "sqlite/schema.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Errors: invalid_argument that names the option; local_failure: of this SQLite or this process nothing good can come.
[[nodiscard]] Result<void> check_file_options(const std::string& path, std::chrono::milliseconds busy_timeout);

// One name for the file, whatever the working folder becomes and whoever asks.
[[nodiscard]] std::string one_name(const std::string& path);

// Makes the file (readable by its owner alone) if it is not there, sets WAL mode, makes or upgrades the tables. A file
// that is refused is not touched; without `may_create` one that is not there, or has no tables of ours, is not_found.
// Throws StoreFailure.
void prepare_file(const std::string& path, std::chrono::milliseconds busy_timeout, const Schema& schema,
                  bool may_create = true);

// The last write reached the file or not, and the system cannot say which: after a failed fsync, SQLite's next reading
// of its log may find the transaction whole.
[[nodiscard]] bool leaves_doubt(int code) noexcept;

// That the host's connection keeps what it commits, and is of the SQLite library that we link. Throws StoreFailure
// with invalid_argument that says why.
void check_durable(Database& database);

}  // namespace fpt_webhooks::inline v0_1::detail
