#include <fpt_webhooks/receiver_sqlite/sqlite_transaction_dedupe.hpp>

#include <sqlite3.h>

#include "contract/dedupe_store_contract.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

// A host's connection with a table of its own, and a store that joins its transactions.
struct Host {
    explicit Host(const std::string& path, std::shared_ptr<const fw::Clock> clock = nullptr) {
        REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
        run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS effect (name TEXT)");
        store = fw::SqliteTransactionDedupe::create({.database = database, .retention = 1h, .clock = std::move(clock)})
                    .value();
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() {
        store.reset();
        CHECK(sqlite3_close(database) == SQLITE_OK);  // nothing of the store is left on it
    }

    bool run(const char* sql) { return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
    bool affect() { return run("INSERT INTO effect VALUES ('a')"); }
    fw::Claim claim(const std::string& id, std::chrono::milliseconds wait = 0ms) {
        return store->claim({"crm", id}, 60s, wait).value();
    }

    sqlite3* database = nullptr;
    std::shared_ptr<fw::SqliteTransactionDedupe> store;
};

int effects(const std::string& path) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
    int count = -1;
    sqlite3_exec(
        database, "SELECT count(*) FROM effect",
        [](void* to, int, char** values, char**) { return *static_cast<int*>(to) = std::stoi(values[0]), 0; }, &count,
        nullptr);
    sqlite3_close(database);
    return count;
}

}  // namespace

TEST_CASE("sqlite transaction dedupe: effect and mark commit together") {
    const TemporaryFolder folder;
    const auto clock = std::make_shared<ManualClock>();
    Host host(folder.file(), clock);
    CHECK(host.store->joins_transaction());
    const fw::Claim fresh = host.claim("a");
    REQUIRE(fresh.state == fw::ClaimState::fresh);
    CHECK(fresh.token.fence != 0);
    REQUIRE(host.affect());
    CHECK(effects(folder.file()) == 0);
    host.store->complete(fresh.token).value();
    CHECK(effects(folder.file()) == 1);
    clock->advance(5s);
    const fw::Claim done = host.claim("a");
    CHECK(done.state == fw::ClaimState::done);
    CHECK(done.completed_ago == 5s);
    CHECK(sqlite3_get_autocommit(host.database) != 0);
    CHECK(host.store->complete(fresh.token).has_value());  // may be repeated
    clock->advance(1h);
    CHECK(host.claim("a").token.fence > fresh.token.fence);
}

TEST_CASE("sqlite transaction dedupe: what fails takes its effect back, and is counted") {
    const TemporaryFolder folder;
    Host host(folder.file());
    const fw::Claim first = host.claim("a");
    REQUIRE(host.affect());
    host.store->release(first.token, fw::ReleaseAs::failed).value();
    CHECK(effects(folder.file()) == 0);
    CHECK(host.store->complete(first.token).error() == fw::Errc::lease_lost);
    CHECK(host.store->release(first.token, fw::ReleaseAs::failed).error() == fw::Errc::lease_lost);
    CHECK(host.store->renew(first.token, 60s).error() == fw::Errc::lease_lost);

    const fw::Claim second = host.claim("a");
    CHECK(second.failures == 1);
    CHECK(second.token.fence > first.token.fence);
    CHECK(host.store->renew(second.token, 60s).has_value());
    host.store->release(second.token, fw::ReleaseAs::abandoned).value();
    const fw::Claim third = host.claim("a");
    CHECK(third.failures == 1);
    CHECK(third.token.fence > second.token.fence);
    host.store->complete(third.token).value();
    CHECK(host.claim("a").state == fw::ClaimState::done);
}

TEST_CASE("sqlite transaction dedupe: one that is destroyed with a claim takes its effect back") {
    const TemporaryFolder folder;
    Host host(folder.file());
    (void)host.claim("a");
    REQUIRE(host.affect());
    host.store.reset();
    CHECK(sqlite3_get_autocommit(host.database) != 0);
    CHECK(effects(folder.file()) == 0);
}

TEST_CASE("sqlite transaction dedupe: a connection serves one event at a time, its duplicates wait or are told busy") {
    const TemporaryFolder folder;
    Host host(folder.file());
    const fw::Claim holder = host.claim("a");
    CHECK(host.claim("a").state == fw::ClaimState::busy);
    CHECK(host.claim("a", 1ms).state == fw::ClaimState::busy);
    fw::Claim told;
    std::thread waiter([&] { told = host.claim("a", dedupe_contract::long_wait); });
    while (host.store->waiting() != 1) std::this_thread::yield();
    SECTION("done") {
        host.store->complete(holder.token).value();
        waiter.join();
        CHECK(told.state == fw::ClaimState::done);
    }
    SECTION("released") {
        host.store->release(holder.token, fw::ReleaseAs::failed).value();
        waiter.join();
        CHECK(told.state == fw::ClaimState::fresh);
        CHECK(told.failures == 1);
    }
}

TEST_CASE("sqlite transaction dedupe: who waits in vain for a connection that serves another event must come again") {
    const TemporaryFolder folder;
    Host host(folder.file());
    const fw::Claim holder = host.claim("a");
    // `busy` may be answered 200, and nobody works on these.
    CHECK(host.store->claim({"crm", "b"}, 60s, 0ms).error() == fw::Errc::store_busy);
    CHECK(host.store->claim({"crm", "b"}, 60s, 1ms).error() == fw::Errc::store_busy);
    CHECK(host.store->claim({"erp", "a"}, 60s, 0ms).error() == fw::Errc::store_busy);
    host.store->complete(holder.token).value();
    CHECK(host.claim("b").state == fw::ClaimState::fresh);
}

TEST_CASE("sqlite transaction dedupe: a done key is told at once, whoever has the connection or the file") {
    const TemporaryFolder folder;
    const auto clock = std::make_shared<ManualClock>();
    Host host(folder.file(), clock);
    host.store->complete(host.claim("done").token).value();
    clock->advance(5s);
    SECTION("an event of this connection") { REQUIRE(host.claim("slow").state == fw::ClaimState::fresh); }
    SECTION("another process") {
        Host other(folder.file(), clock);
        REQUIRE(other.claim("slow").state == fw::ClaimState::fresh);
        CHECK(host.claim("done").state == fw::ClaimState::done);
    }
    const fw::Claim told = host.claim("done");
    CHECK(told.state == fw::ClaimState::done);
    CHECK(told.completed_ago == 5s);
}

TEST_CASE("sqlite transaction dedupe: a file that nobody else may read is used all the same") {
    const TemporaryFolder folder;
    Host host(folder.file());
    host.store.reset();
    REQUIRE(host.run("PRAGMA locking_mode = EXCLUSIVE"));
    host.store = fw::SqliteTransactionDedupe::create({.database = host.database}).value();
    host.store->complete(host.claim("a").token).value();
    CHECK(host.claim("a").state == fw::ClaimState::done);
    CHECK(host.claim("b").state == fw::ClaimState::fresh);
}

TEST_CASE("sqlite transaction dedupe: while another process holds the file, claims wait or must come again") {
    const TemporaryFolder folder;
    Host host(folder.file());
    Host other(folder.file());
    const fw::Claim holder = other.claim("a");
    CHECK(host.store->claim({"crm", "a"}, 60s, 0ms).error() == fw::Errc::store_busy);
    fw::Claim told;
    std::thread waiter([&] { told = host.claim("a", dedupe_contract::long_wait); });
    while (host.store->waiting() != 1) std::this_thread::yield();
    REQUIRE(other.affect());
    other.store->complete(holder.token).value();
    waiter.join();
    CHECK(told.state == fw::ClaimState::done);
}

TEST_CASE("sqlite transaction dedupe: of many threads that claim one key, one at a time holds it") {
    const TemporaryFolder folder;
    dedupe_contract::Fixture f({.open =
                                    [&](std::shared_ptr<ManualClock> clock, std::chrono::milliseconds) {
                                        const auto host = std::make_shared<Host>(folder.file(), std::move(clock));
                                        return std::shared_ptr<fw::DedupeStore>(host, host->store.get());
                                    },
                                .waiting = nullptr});
    dedupe_contract::check_race(f);
}

TEST_CASE("sqlite transaction dedupe: shares its table with the store that leases") {
    const TemporaryFolder folder;
    const auto clock = std::make_shared<ManualClock>();
    Host host(folder.file(), clock);
    const auto leases = fw::SqliteDedupe::open({.path = folder.file(), .retention = 1h, .clock = clock}).value();
    host.store->complete(host.claim("a").token).value();
    CHECK(leases->claim({"crm", "a"}, 60s, 0ms)->state == fw::ClaimState::done);
    const fw::Claim leased = leases->claim({"crm", "b"}, 60s, 0ms).value();
    CHECK(host.claim("b").state == fw::ClaimState::busy);
    leases->release(leased.token, fw::ReleaseAs::failed).value();
    const fw::Claim joined = host.claim("b");
    CHECK(joined.failures == 1);
    CHECK(joined.token.fence > leased.token.fence);
}

TEST_CASE("sqlite transaction dedupe: a handler that ends the transaction is found out") {
    const TemporaryFolder folder;
    Host host(folder.file());
    SECTION("by COMMIT: its effect stands, the event is not marked as done") {
        const fw::Claim claim = host.claim("a");
        REQUIRE(host.run("INSERT INTO effect VALUES ('a'); COMMIT"));
        CHECK(host.store->complete(claim.token).error() == fw::Errc::wrong_state);
        CHECK(host.claim("a").state == fw::ClaimState::busy);  // its row was committed too, as leased
    }
    SECTION("by ROLLBACK") {
        const fw::Claim claim = host.claim("a");
        REQUIRE(host.run("ROLLBACK"));
        CHECK(host.store->complete(claim.token).error() == fw::Errc::wrong_state);
        CHECK(host.claim("a").state == fw::ClaimState::fresh);
    }
    SECTION("by ROLLBACK, and begins another one") {
        const fw::Claim claim = host.claim("a");
        REQUIRE(host.run("ROLLBACK; BEGIN; INSERT INTO effect VALUES ('a')"));
        CHECK(host.store->complete(claim.token).error() == fw::Errc::wrong_state);
        CHECK(effects(folder.file()) == 0);
    }
    SECTION("by COMMIT, and begins another one") {
        const fw::Claim claim = host.claim("a");
        REQUIRE(host.run("COMMIT; BEGIN; INSERT INTO effect VALUES ('a')"));
        CHECK(host.store->complete(claim.token).error() == fw::Errc::wrong_state);
        CHECK(sqlite3_get_autocommit(host.database) != 0);
        CHECK(effects(folder.file()) == 0);
        CHECK(host.claim("a").state == fw::ClaimState::busy);
    }
}

TEST_CASE("sqlite transaction dedupe: a handler may use savepoints, and leave them open") {
    const TemporaryFolder folder;
    Host host(folder.file());
    const fw::Claim claim = host.claim("a");
    REQUIRE(host.affect());
    REQUIRE(host.run("SAVEPOINT mine; INSERT INTO effect VALUES ('b'); ROLLBACK TO mine; SAVEPOINT open"));
    REQUIRE(host.affect());
    host.store->complete(claim.token).value();
    CHECK(effects(folder.file()) == 2);
}

TEST_CASE("sqlite transaction dedupe: a transaction of the host's own is refused and left alone") {
    const TemporaryFolder folder;
    Host host(folder.file());
    REQUIRE(host.run("BEGIN; INSERT INTO effect VALUES ('a')"));
    CHECK(host.store->claim({"crm", "a"}, 60s, 0ms).error() == fw::Errc::wrong_state);
    REQUIRE(host.run("COMMIT"));
    CHECK(effects(folder.file()) == 1);
    CHECK(host.claim("a").state == fw::ClaimState::fresh);
}

TEST_CASE("sqlite transaction dedupe: refuses a connection that would not keep the promise") {
    const TemporaryFolder folder;
    const auto why = [](sqlite3* database) {
        const auto refused = fw::SqliteTransactionDedupe::create({.database = database});
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error() == fw::Errc::invalid_argument);
        return refused.error().detail();
    };
    CHECK(why(nullptr) == "database: null");
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(folder.file().c_str(), &database) == SQLITE_OK);
    const auto run = [&](const char* sql) { sqlite3_exec(database, sql, nullptr, nullptr, nullptr); };
    CHECK(why(database) == "database: its journal mode is not WAL");
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    CHECK(why(database) == "database: its synchronous setting is below FULL");
    run("PRAGMA synchronous = FULL; BEGIN");
    CHECK(why(database) == "database: a transaction is open");
    run("COMMIT; PRAGMA synchronous = EXTRA");
    CHECK(fw::SqliteTransactionDedupe::create({.database = database}).has_value());
    CHECK(fw::SqliteTransactionDedupe::create({.database = database, .retention = 0ms}).error() ==
          fw::Errc::invalid_argument);
    CHECK(fw::SqliteTransactionDedupe::create({.database = database, .keys_max = 0}).error() ==
          fw::Errc::invalid_argument);
    run("UPDATE fpt_webhooks_receiver_version SET version = version + 1");
    CHECK(fw::SqliteTransactionDedupe::create({.database = database}).error() == fw::Errc::store_version);
    sqlite3_close(database);
}
