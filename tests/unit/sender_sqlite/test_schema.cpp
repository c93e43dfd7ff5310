#include "sender_sqlite/schema.hpp"

#include <array>
#include <vector>

#include "contract/store_contract.hpp"
#include "support/catch.hpp"
#include "unit/sender_sqlite/store_files.hpp"

namespace fw = fpt_webhooks;
using fw::detail::Database;

namespace {

constexpr int create = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

// What an imagined earlier and an imagined later release would have shipped.
constexpr const char* first_step =
    "CREATE TABLE fpt_webhooks_thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT";
constexpr const char* second_step =
    "ALTER TABLE fpt_webhooks_thing ADD COLUMN size INTEGER NOT NULL DEFAULT 7;"
    "CREATE INDEX fpt_webhooks_thing_size ON fpt_webhooks_thing (size)";
constexpr const char* broken_step = "CREATE TABLE fpt_webhooks_other (id INTEGER); CREATE TABLE nonsense nonsense";

std::int64_t version_of(Database& database) { return fw::detail::schema_version(database, fw::detail::schema_of({})); }

fw::Errc code_of(const fw::detail::StoreFailure& failure) {
    return static_cast<fw::Errc>(failure.error().code().value());
}

fw::Errc upgrade(Database& database, const std::vector<const char*>& steps) {
    try {
        fw::detail::migrate(database, fw::detail::schema_of(steps));
    } catch (const fw::detail::StoreFailure& failure) {
        CHECK_FALSE(database.in_transaction());
        return code_of(failure);
    }
    return {};
}

}  // namespace

TEST_CASE("schema: tables of an older release become today's, with what is in them") {
    const TemporaryFolder folder;
    {
        Database older(folder.file(), create, std::chrono::seconds(1));
        CHECK(version_of(older) == 0);
        CHECK(upgrade(older, {first_step}) == fw::Errc{});
        CHECK(version_of(older) == 1);
        older.execute("INSERT INTO fpt_webhooks_thing VALUES (1, 'kept')");
    }
    Database newer(folder.file(), create, std::chrono::seconds(1));
    CHECK(upgrade(newer, {first_step, second_step}) == fw::Errc{});
    CHECK(version_of(newer) == 2);
    CHECK(newer.ask("SELECT name || size FROM fpt_webhooks_thing") == "kept7");
    CHECK(upgrade(newer, {first_step, second_step}) == fw::Errc{});
}

TEST_CASE("schema: an upgrade that fails leaves everything as it was") {
    const TemporaryFolder folder;
    Database database(folder.file(), create, std::chrono::seconds(1));
    CHECK(upgrade(database, {first_step}) == fw::Errc{});
    CHECK(upgrade(database, {first_step, second_step, broken_step}) == fw::Errc::store_failed);
    CHECK(version_of(database) == 1);
    CHECK(database.ask("SELECT count(*) FROM sqlite_master WHERE name = 'fpt_webhooks_other'") == "0");
    CHECK(upgrade(database, {first_step, second_step}) == fw::Errc{});
}

TEST_CASE("schema: tables of a later release are refused and left alone") {
    const TemporaryFolder folder;
    { REQUIRE(open_store(folder.file()).has_value()); }
    {
        Database later(folder.file(), create, std::chrono::seconds(1));
        later.execute("UPDATE fpt_webhooks_version SET version = version + 1");
    }
    const std::string before = contents(folder.file());
    const auto refused = open_store(folder.file());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == fw::Errc::store_version);
    CHECK(refused.error() == fw::Condition::permanent);
    CHECK(contents(folder.file()) == before);
}

TEST_CASE("schema: the database may be the host's, with tables of its own") {
    const TemporaryFolder folder;
    {
        Database host(folder.file(), create, std::chrono::seconds(1));
        host.execute("PRAGMA user_version = 42; CREATE TABLE customer (name TEXT); INSERT INTO customer VALUES ('a')");
    }
    { REQUIRE(open_store(folder.file()).has_value()); }
    Database host(folder.file(), create, std::chrono::seconds(1));
    CHECK(host.ask("PRAGMA user_version") == "42");
    CHECK(host.ask("SELECT name FROM customer") == "a");
    CHECK(host.ask("SELECT count(*) FROM sqlite_master WHERE name <> 'customer' AND name NOT LIKE 'fpt\\_webhooks\\_%'"
                   " ESCAPE '\\' AND name NOT LIKE 'sqlite\\_autoindex\\_fpt\\_webhooks\\_%' ESCAPE '\\'") == "0");
}

// Today's tables as they were first shipped: when a step is added, this file must still open and keep what it holds.
TEST_CASE("schema: today's steps, one by one and at once, make the same tables") {
    const TemporaryFolder folder;
    const auto steps = fw::detail::migrations();
    Database one_by_one(folder.file("a"), create, std::chrono::seconds(1));
    for (std::size_t n = 1; n <= steps.size(); ++n)
        fw::detail::migrate(one_by_one, fw::detail::schema_of(steps.first(n)));
    Database at_once(folder.file("b"), create, std::chrono::seconds(1));
    fw::detail::migrate(at_once, fw::detail::schema_of(steps));
    const char* const all = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master ORDER BY name)";
    CHECK(one_by_one.ask(all) == at_once.ask(all));
    CHECK(version_of(at_once) == static_cast<std::int64_t>(steps.size()));
}
