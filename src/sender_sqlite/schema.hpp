// The tables, and how those of older releases become today's.
#pragma once

#include <span>

#include "sender_sqlite/database.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Number n leads from version n to version n + 1; an empty database has version 0. What a release has shipped is never
// changed: add one.
[[nodiscard]] std::span<const char* const> migrations() noexcept;

// The version of the tables in this file; 0: there are none. Throws StoreFailure.
[[nodiscard]] std::int64_t schema_version(Database& database);

// The same. Throws store_version when it is later than the last step's.
std::int64_t check_version(Database& database, std::span<const char* const> steps);

// Brings the tables to the last version, in one transaction; nothing to do: writes nothing. Throws
// StoreFailure, as check_version.
void migrate(Database& database, std::span<const char* const> steps);

}  // namespace fpt_webhooks::inline v0_1::detail
