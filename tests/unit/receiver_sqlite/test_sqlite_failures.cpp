// The receiver's stores on a disk that fails: what a call says, and that they heal by themselves.
#include <fpt_webhooks/receiver_sqlite.hpp>

#include <sqlite3.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"
#include "unit/sender_sqlite/faulty_disk.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using Operation = FaultyDisk::Operation;

TEST_CASE("sqlite receiver: a disk that is full fails every call of a group, and nothing of them was written") {
    FaultyDisk disk;
    const TemporaryFolder folder;
    const auto store = fw::SqliteDedupe::open({.path = folder.file()}).value();
    disk.fail(Operation::write, SQLITE_FULL);
    std::vector<std::thread> threads;
    std::atomic<int> failed = 0;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            const auto claim = store->claim({"crm", std::to_string(i)}, 60s, 0ms);
            if (!claim && claim.error() == fw::Errc::store_failed && claim.error() == fw::Condition::transient)
                ++failed;
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(failed == 8);
    disk.heal();
    for (int i = 0; i < 8; ++i) {
        CHECK(store->claim({"crm", std::to_string(i)}, 60s, 0ms)->state == fw::ClaimState::fresh);
    }
}

TEST_CASE("sqlite receiver: after an fsync that failed nobody knows, and repeating tells") {
    FaultyDisk disk;
    const TemporaryFolder folder;
    SECTION("completion") {
        const auto store = fw::SqliteDedupe::open({.path = folder.file()}).value();
        const auto claim = store->claim({"crm", "a"}, 60s, 0ms).value();
        disk.fail(Operation::sync, SQLITE_IOERR_FSYNC);
        CHECK(store->complete(claim.token).error() == fw::Errc::commit_unknown);
        disk.heal();
        CHECK(store->complete(claim.token).has_value());
        CHECK(store->claim({"crm", "a"}, 60s, 0ms)->state == fw::ClaimState::done);
    }
    SECTION("arrival") {
        const auto inbox = fw::SqliteInbox::open({.path = folder.file()}).value();
        const auto body = fw::bytes_of("body");
        disk.fail(Operation::sync, SQLITE_IOERR_FSYNC);
        CHECK(inbox->add({"crm", "a"}, "", body, {}).error() == fw::Errc::commit_unknown);
        disk.heal();
        CHECK(inbox->add({"crm", "a"}, "", body, {}).has_value());
        CHECK(inbox->take("crm", 60s, 10, 0ms)->size() == 1);
    }
}

TEST_CASE("sqlite receiver: a file that another process holds too long is busy, and free again later") {
    const TemporaryFolder folder;
    const auto store = fw::SqliteDedupe::open({.path = folder.file(), .busy_timeout = 0ms}).value();
    const auto inbox = fw::SqliteInbox::open({.path = folder.file(), .busy_timeout = 0ms}).value();
    sqlite3* other = nullptr;
    REQUIRE(sqlite3_open(folder.file().c_str(), &other) == SQLITE_OK);
    REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(store->claim({"crm", "a"}, 60s, 0ms).error() == fw::Errc::store_busy);
    CHECK(inbox->add({"crm", "a"}, "", {}, {}).error() == fw::Errc::store_busy);
    CHECK(inbox->dead_letters().page("", {}, 1).has_value());  // reading waits for nobody
    REQUIRE(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(store->claim({"crm", "a"}, 60s, 0ms)->state == fw::ClaimState::fresh);
    CHECK(inbox->add({"crm", "a"}, "", {}, {}).has_value());
    sqlite3_close(other);
}

TEST_CASE("sqlite receiver: a file that is no database is refused and left as it is") {
    const TemporaryFolder folder;
    const std::string text(5'000, 'x');
    std::ofstream(folder.file()) << text;
    CHECK(fw::SqliteDedupe::open({.path = folder.file()}).error() == fw::Errc::store_corrupt);
    CHECK(fw::SqliteInbox::open({.path = folder.file()}).error() == fw::Errc::store_corrupt);
    CHECK(fw::SqliteDeadLetters::open({.path = folder.file()}).error() == fw::Errc::store_corrupt);
    CHECK(contents(folder.file()) == text);
}

TEST_CASE("sqlite receiver: an effect whose commit fails is taken back with its mark") {
    FaultyDisk disk;
    const TemporaryFolder folder;
    sqlite3* host = nullptr;
    REQUIRE(sqlite3_open(folder.file().c_str(), &host) == SQLITE_OK);
    REQUIRE(sqlite3_exec(host, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE effect (name TEXT)",
                         nullptr, nullptr, nullptr) == SQLITE_OK);
    {
        const auto store = fw::SqliteTransactionDedupe::create({.database = host}).value();
        const auto claim = store->claim({"crm", "a"}, 60s, 0ms).value();
        REQUIRE(sqlite3_exec(host, "INSERT INTO effect VALUES ('a')", nullptr, nullptr, nullptr) == SQLITE_OK);
        disk.fail(Operation::write, SQLITE_FULL);
        CHECK(store->complete(claim.token).error() == fw::Errc::store_failed);
        disk.heal();
        CHECK(sqlite3_get_autocommit(host) != 0);
        const auto again = store->claim({"crm", "a"}, 60s, 0ms).value();
        CHECK(again.state == fw::ClaimState::fresh);
        store->complete(again.token).value();
        int effects = -1;
        sqlite3_exec(
            host, "SELECT count(*) FROM effect",
            [](void* to, int, char** values, char**) { return *static_cast<int*>(to) = std::stoi(values[0]), 0; },
            &effects, nullptr);
        CHECK(effects == 0);
    }
    sqlite3_close(host);
}
