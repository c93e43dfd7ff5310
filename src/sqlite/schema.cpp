#include "sqlite/schema.hpp"

#include <string>
#include <utility>

namespace fpt_webhooks::inline v0_1::detail {

std::int64_t schema_version(Database& database, const Schema& schema) {
    const std::string_view table = schema.version_table;
    {
        Statement look(database, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
        Run row = look(table);
        if (!row.next()) return 0;
    }
    const std::string version = database.ask(std::string("SELECT version FROM ").append(table).c_str());
    return version.empty() ? 0 : std::stoll(version);
}

std::int64_t check_version(Database& database, const Schema& schema) {
    const std::int64_t version = schema_version(database, schema);
    if (version <= schema.last()) return version;
    std::string detail = "its tables have version ";
    detail.append(std::to_string(version)).append(", this release knows ").append(std::to_string(schema.last()));
    throw StoreFailure(Error(Errc::store_version, std::move(detail)));
}

void migrate(Database& database, const Schema& schema) {
    if (check_version(database, schema) == schema.last()) return;
    database.execute("BEGIN IMMEDIATE");
    try {
        const std::int64_t version = check_version(database, schema);  // another process may have been first
        const std::string table = schema.version_table;
        if (version == 0) {
            database.execute(("CREATE TABLE IF NOT EXISTS " + table + " (version INTEGER NOT NULL) STRICT").c_str());
        }
        for (auto step = static_cast<std::size_t>(version); step < schema.steps.size(); ++step) {
            database.execute(schema.steps[step]);
        }
        database.execute(("DELETE FROM " + table).c_str());
        Statement(database, ("INSERT INTO " + table + " VALUES (?)").c_str()).run(schema.last());
        database.execute("COMMIT");
    } catch (...) {
        database.roll_back();
        throw;
    }
}

}  // namespace fpt_webhooks::inline v0_1::detail
