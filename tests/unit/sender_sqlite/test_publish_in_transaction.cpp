#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <sqlite3.h>

#include "contract/store_contract.hpp"
#include "support/catch.hpp"
#include "unit/sender_sqlite/store_files.hpp"

namespace fw = fpt_webhooks;
using store_contract::at;
using store_contract::Fixture;
using store_contract::make;
using store_contract::Verdicts;

namespace {

// A host with its own table in the file of the store.
struct Host {
    explicit Host(const std::string& path) {
        REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
        run("PRAGMA synchronous = FULL");
        run("CREATE TABLE IF NOT EXISTS customer (name TEXT)");
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() { sqlite3_close(database); }

    bool run(const char* sql) { return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
    int customers() {
        int count = -1;
        sqlite3_exec(
            database, "SELECT count(*) FROM customer",
            [](void* to, int, char** values, char**) { return *static_cast<int*>(to) = std::stoi(values[0]), 0; },
            &count, nullptr);
        return count;
    }
    fw::Result<std::vector<fw::AppendVerdict>> publish(const std::vector<fw::NewEvent>& events,
                                                       const fw::StoreLimits& limits = {}) {
        return fw::publish_in_transaction(database, events, at(1), limits);
    }

    sqlite3* database = nullptr;
};

}  // namespace

TEST_CASE("publish in transaction: the event is there exactly if the caller's changes are") {
    const TemporaryFolder folder;
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
    f.create();
    Host host(folder.file());
    SECTION("committed") {
        REQUIRE(host.run("BEGIN; INSERT INTO customer VALUES ('a')"));
        CHECK(host.publish({make({.number = 1}), make({.number = 1}), make({.number = 2})}).value() ==
              Verdicts{fw::AppendVerdict::accepted, fw::AppendVerdict::duplicate, fw::AppendVerdict::accepted});
        CHECK(f.fresh().empty());
        REQUIRE(host.run("COMMIT"));
        CHECK(f.fresh_ids() == std::vector<std::int64_t>{1, 2});
        CHECK(f.pending() == 2);
        CHECK(f.fresh().at(0).body == "body of 1");
        f.publish_numbers(3, 3);
        CHECK(f.fresh_ids() == std::vector<std::int64_t>{1, 2, 3});
    }
    SECTION("rolled back") {
        REQUIRE(host.run("BEGIN; INSERT INTO customer VALUES ('a')"));
        CHECK(host.publish({make({.number = 1})}).has_value());
        REQUIRE(host.run("ROLLBACK"));
        CHECK(f.fresh().empty());
        CHECK(f.pending() == 0);
        CHECK(host.customers() == 0);
        CHECK(f.publish({{.number = 1}}) == Verdicts{fw::AppendVerdict::accepted});
        CHECK(f.fresh_ids() == std::vector<std::int64_t>{1});
    }
    SECTION("the limits hold") {
        REQUIRE(host.run("BEGIN"));
        CHECK(host.publish({make({.number = 1}), make({.number = 2})}, {.pending_max = 1}).value() ==
              Verdicts{fw::AppendVerdict::accepted, fw::AppendVerdict::full});
        REQUIRE(host.run("COMMIT"));
        CHECK(f.pending() == 1);
    }
    SECTION("several calls in one transaction") {
        REQUIRE(host.run("BEGIN IMMEDIATE"));
        CHECK(host.publish({make({.number = 1})}).has_value());
        CHECK(host.publish({make({.number = 2})}).has_value());
        REQUIRE(host.run("COMMIT"));
        CHECK(f.fresh_ids() == std::vector<std::int64_t>{1, 2});
    }
}

TEST_CASE("publish in transaction: refuses a connection that would not keep the promise") {
    const TemporaryFolder folder;
    { REQUIRE(open_store(folder.file()).has_value()); }
    const auto why = [](Host& host) {
        const auto refused = host.publish({make({.number = 1})});
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error() == fw::Errc::invalid_argument);
        return refused.error().detail();
    };
    CHECK(fw::publish_in_transaction(nullptr, {}, at(1)).error() == fw::Errc::invalid_argument);
    Host host(folder.file());
    CHECK(why(host) == "database: no transaction is open");
    REQUIRE(host.run("PRAGMA synchronous = NORMAL; BEGIN"));
    CHECK(why(host) == "database: its synchronous setting is below FULL");
    REQUIRE(host.run("COMMIT; PRAGMA synchronous = EXTRA; BEGIN"));
    CHECK(host.publish({make({.number = 1})}).has_value());
    REQUIRE(host.run("UPDATE fpt_webhooks_version SET version = version + 1"));
    CHECK(host.publish({make({.number = 2})}).error() == fw::Errc::store_version);
    REQUIRE(host.run("ROLLBACK"));

    Host elsewhere(folder.file("other.db"));
    REQUIRE(elsewhere.run("BEGIN"));
    CHECK(why(elsewhere) == "database: its journal mode is not WAL");
    REQUIRE(elsewhere.run("COMMIT; PRAGMA journal_mode = WAL; BEGIN"));
    CHECK(why(elsewhere) == "database: it has no tables of ours; SqliteStore::open makes them");
}

TEST_CASE("publish in transaction: what fails leaves the caller's own changes") {
    const TemporaryFolder folder;
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
    f.create();
    Host host(folder.file());
    SECTION("the file is busy") {
        REQUIRE(host.run("BEGIN"));
        CHECK(host.customers() == 0);  // reads: its view of the file is from now
        f.publish_numbers(1, 1);
        const auto busy = host.publish({make({.number = 2})});
        REQUIRE_FALSE(busy.has_value());
        CHECK(busy.error() == fw::Errc::store_busy);
        REQUIRE(host.run("ROLLBACK; BEGIN; INSERT INTO customer VALUES ('a')"));
        CHECK(host.publish({make({.number = 2})}).has_value());
        REQUIRE(host.run("COMMIT"));
        CHECK(f.pending() == 2);
    }
    SECTION("a table of ours is gone") {
        REQUIRE(host.run("BEGIN; DROP TABLE fpt_webhooks_body; INSERT INTO customer VALUES ('a')"));
        CHECK(host.publish({make({.number = 2})}).error() == fw::Errc::store_failed);
        CHECK(sqlite3_get_autocommit(host.database) == 0);
        CHECK(host.customers() == 1);
        REQUIRE(host.run("ROLLBACK"));
    }
}
