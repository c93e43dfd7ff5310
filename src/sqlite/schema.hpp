// The versions of our tables, and how those of older releases become today's.
#pragma once

#include <span>

#include "sqlite/database.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// The tables of one component. Several may share a file, so each has a version in a table of its own.
struct Schema {
    const char* version_table;
    // Number n leads from version n to version n + 1; without tables it is version 0. What a release has shipped is
    // never changed: add one.
    std::span<const char* const> steps;

    [[nodiscard]] std::int64_t last() const noexcept { return static_cast<std::int64_t>(steps.size()); }
};

// The version of the tables in this file; 0: there are none. Throws StoreFailure.
[[nodiscard]] std::int64_t schema_version(Database& database, const Schema& schema);

// The same. Throws store_version when it is later than the last step's.
std::int64_t check_version(Database& database, const Schema& schema);

// Brings the tables to the last version, in one transaction; nothing to do: writes nothing. Throws StoreFailure, as
// check_version.
void migrate(Database& database, const Schema& schema);

}  // namespace fpt_webhooks::inline v0_1::detail
