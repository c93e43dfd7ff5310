#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "contract/store_contract.hpp"
#include "support/catch.hpp"
#include "unit/sender_sqlite/faulty_disk.hpp"
#include "unit/sender_sqlite/store_files.hpp"

namespace fw = fpt_webhooks;
using store_contract::at;
using store_contract::Fixture;

namespace {

fw::Error refused(const std::string& path) {
    const auto store = open_store(path);
    REQUIRE_FALSE(store.has_value());
    return store.error();
}

void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << bytes;
}

// A store with a subscription and 50 deliveries, closed: everything is in the one file.
void fill(const std::string& path) {
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(path).value(); }});
    f.create();
    f.publish_numbers(1, 50);
}

std::string ask(const std::string& path, const char* sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
    std::string answer;
    sqlite3_exec(
        database, sql,
        [](void* to, int, char** values, char**) {
            *static_cast<std::string*>(to) = values[0] == nullptr ? "" : values[0];
            return 0;
        },
        &answer, nullptr);
    sqlite3_close(database);
    return answer;
}

}  // namespace

TEST_CASE("sqlite store: what is no database is refused and left as it is") {
    const TemporaryFolder folder;
    std::mt19937 random(1);
    std::string noise(20'000, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    for (const std::string& bytes : {std::string("these are the customer's notes\n"), noise, std::string(100, '\0')}) {
        write_file(folder.file(), bytes);
        const fw::Error error = refused(folder.file());
        CHECK(error == fw::Errc::store_corrupt);
        CHECK(error == fw::Condition::permanent);
        CHECK(error.detail().find(folder.file()) != std::string::npos);
        CHECK(contents(folder.file()) == bytes);
    }
}

TEST_CASE("sqlite store: a damaged database is refused, when opened or when it is met, and never reset") {
    const TemporaryFolder folder;
    fill(folder.file());
    const std::string good = contents(folder.file());
    SECTION("the tables' description") {
        std::string damaged = good;
        damaged.replace(100, 300, 300, '\xee');
        write_file(folder.file(), damaged);
        CHECK(refused(folder.file()) == fw::Errc::store_corrupt);
        CHECK(contents(folder.file()) == damaged);
    }
    SECTION("all pages but the first") {
        std::string damaged = good;
        damaged.replace(4096, good.size() - 4096, good.size() - 4096, '\xee');
        write_file(folder.file(), damaged);
        CHECK(refused(folder.file()) == fw::Errc::store_corrupt);
        CHECK(contents(folder.file()) == damaged);
    }
    SECTION("the later half") {
        std::string damaged = good;
        damaged.replace(good.size() / 2, good.size() / 2, good.size() / 2, '\xee');
        write_file(folder.file(), damaged);
        const auto store = open_store(folder.file());
        bool met = !store.has_value();
        if (store) {
            Fixture f({.open = [&](fw::StoreLimits) { return *store; }});
            met = !f.store->take_fresh({}, 100) || !f.store->deliveries({}, {}, 100);
            const auto created = f.store->create_subscription(store_contract::subscription({}), at(1));
            const auto published = f.store->commit({.at = at(1), .events = {store_contract::make({.number = 99})}});
            for (const auto& error : {created ? std::nullopt : std::optional(created.error()),
                                      published ? std::nullopt : std::optional(published.error())}) {
                if (error) CHECK(*error == fw::Errc::store_corrupt);
            }
        }
        CHECK(met);
    }
    SECTION("cut short") {
        write_file(folder.file(), good.substr(0, good.size() - 8192));
        const auto store = open_store(folder.file());
        if (store) CHECK_FALSE(store.value()->deliveries({}, {}, 100).has_value());
    }
}

TEST_CASE("sqlite store: a folder that is missing or a path that is a folder is named in the error") {
    const TemporaryFolder folder;
    for (const std::string& path : {(folder.path / "missing" / "a.db").string(), folder.path.string()}) {
        const fw::Error error = refused(path);
        CHECK(error == fw::Errc::store_failed);
        CHECK(error == fw::Condition::transient);
        CHECK(error.detail().find(path) != std::string::npos);
        CHECK(error.detail().find("unable to open database file") != std::string::npos);
    }
}

TEST_CASE("sqlite store: a file locked by another process is waited for, then reported busy, then used again") {
    const TemporaryFolder folder;
    { REQUIRE(open_store(folder.file()).has_value()); }
    int ready[2];
    int done[2];
    REQUIRE(pipe(ready) == 0);
    REQUIRE(pipe(done) == 0);
    const pid_t child = fork();
    if (child == 0) {
        sqlite3* database = nullptr;
        char byte = 0;
        const bool locked = sqlite3_open(folder.file().c_str(), &database) == SQLITE_OK &&
                            sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK;
        if (!locked || write(ready[1], "x", 1) != 1 || read(done[0], &byte, 1) != 1) _exit(1);
        _exit(0);
    }
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);

    auto options = store_options(folder.file());
    options.busy_timeout = std::chrono::milliseconds(200);
    const auto store = fw::SqliteStore::open(std::move(options)).value();
    const auto begin = std::chrono::steady_clock::now();
    const auto busy = store->create_subscription(store_contract::subscription({}), at(0));
    REQUIRE_FALSE(busy.has_value());
    CHECK(busy.error() == fw::Errc::store_busy);
    CHECK(busy.error() == fw::Condition::transient);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(150));
    CHECK(store->subscriptions({}, 10)->empty());  // reading goes on
    CHECK(store->acquire(at(0)).error() == fw::Errc::store_busy);

    REQUIRE(write(done[1], "x", 1) == 1);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(store->create_subscription(store_contract::subscription({}), at(0)).has_value());
    CHECK(store->acquire(at(0)).has_value());
    for (const int descriptor : {ready[0], ready[1], done[0], done[1]}) close(descriptor);
}

TEST_CASE("sqlite store: a read-only file system is reported with the path") {
    const TemporaryFolder folder;
    fill(folder.file());
    if (mount("tmpfs", folder.path.c_str(), "tmpfs", 0, "size=8m") != 0) {
        WARN("no right to mount a file system here: not tested");
        return;
    }
    fill(folder.file());
    REQUIRE(mount(nullptr, folder.path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
    const fw::Error error = refused(folder.file());
    CHECK(error == fw::Errc::store_failed);
    CHECK(error.detail().find(folder.file()) != std::string::npos);
    REQUIRE(umount(folder.path.c_str()) == 0);
}

TEST_CASE("sqlite store: a full disk fails the call and nothing else, and is used again when there is room") {
    const TemporaryFolder folder;
    if (mount("tmpfs", folder.path.c_str(), "tmpfs", 0, "size=1m") != 0) {
        WARN("no right to mount a file system here: not tested");
        return;
    }
    const std::string ballast = folder.file("ballast");
    write_file(ballast, std::string(200'000, 'x'));
    {
        Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
        f.create();
        std::uint8_t accepted = 0;
        for (;; ++accepted) {
            REQUIRE(accepted < 200);
            const auto body = std::string(20'000, 'x').append(std::to_string(accepted));
            const auto result =
                f.store->commit({.at = at(1), .events = {store_contract::make({.number = accepted, .body = body})}});
            if (result) continue;
            CHECK(result.error() == fw::Errc::store_failed);
            CHECK(result.error() == fw::Condition::transient);
            CHECK(result.error().detail().find(folder.file()) != std::string::npos);
            break;
        }
        CHECK(accepted > 3);
        CHECK(f.fresh().size() == accepted);
        std::filesystem::remove(ballast);
        CHECK(f.publish({{.number = 201}}) == std::vector{fw::AppendVerdict::accepted});
        CHECK(f.fresh().size() == accepted + 1U);
        CHECK(ask(folder.file(), "PRAGMA integrity_check") == "ok");
    }
    REQUIRE(umount(folder.path.c_str()) == 0);
}

TEST_CASE("sqlite store: a file that may not grow fails the call, and heals") {
    const TemporaryFolder folder;
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
    f.create();
    f.publish_numbers(1, 3);
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 4096;
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
    const auto failed = f.store->commit({.at = at(1), .events = {store_contract::make({.number = 9})}});
    REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, old_handler);
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error() == fw::Errc::store_failed);
    CHECK(f.publish({{.number = 9}}) == std::vector{fw::AppendVerdict::accepted});
    CHECK(f.fresh().size() == 4);
}

// Each write, sync and truncation of a small history fails once, and so does everything after it until the disk is
// well: what was acknowledged is there, what was refused is not, what is in doubt is one or the other and may be
// repeated, and the same store goes on.
TEST_CASE("sqlite store: no fault of the disk at any moment loses what was acknowledged") {
    struct Kind {
        FaultyDisk::Operation operation;
        int code;
    };
    const auto kind = GENERATE(values<Kind>({{FaultyDisk::Operation::write, SQLITE_FULL},
                                             {FaultyDisk::Operation::write, SQLITE_IOERR_WRITE},
                                             {FaultyDisk::Operation::sync, SQLITE_IOERR_FSYNC},
                                             {FaultyDisk::Operation::truncate, SQLITE_IOERR_TRUNCATE},
                                             {FaultyDisk::Operation::read, SQLITE_IOERR_READ}}));
    FaultyDisk disk;
    const TemporaryFolder folder;
    int rounds = 0;
    for (long skip = 0;; ++skip) {
        const std::string path = folder.file(std::to_string(skip));
        bool has_failed = false;
        {
            Fixture f({.open = [&](fw::StoreLimits) { return open_store(path).value(); }});
            f.create();
            f.own();
            disk.fail(kind.operation, kind.code, skip);
            std::set<std::uint8_t> acknowledged;
            std::set<std::uint8_t> refused_ones;
            for (std::uint8_t number = 1; number <= 6; ++number) {
                const auto result =
                    f.store->commit({.at = at(1), .events = {store_contract::make({.number = number})}});
                if (result) {
                    acknowledged.insert(number);
                    if (f.epoch != 0 && f.store->deliveries({}, {}, 1)) (void)f.store->take_fresh({}, 1);
                } else {
                    CHECK(result.error() != fw::Condition::permanent);
                    if (result.error() == fw::Condition::transient) refused_ones.insert(number);
                }
            }
            has_failed = disk.has_failed();
            disk.heal();
            for (int reopened = 0; reopened < 2; ++reopened) {
                if (reopened == 1) {
                    f.store.reset();
                    f.store = open_store(path).value();
                }
                std::set<fw::EventId> there;
                for (const auto& delivery : f.fresh()) there.insert(delivery.event_id);
                for (const auto number : acknowledged) CHECK(there.count(store_contract::event_id(number)) == 1);
                for (const auto number : refused_ones) CHECK(there.count(store_contract::event_id(number)) == 0);
                CHECK(f.pending() == there.size());
            }
            std::vector<store_contract::Event> again;
            for (std::uint8_t number = 1; number <= 6; ++number) again.push_back({.number = number});
            f.publish(again);
            CHECK(f.fresh().size() == 6);
        }
        CHECK(ask(path, "PRAGMA integrity_check") == "ok");
        if (!has_failed) break;
        ++rounds;
        REQUIRE(rounds < 1000);
    }
    if (kind.operation == FaultyDisk::Operation::write || kind.operation == FaultyDisk::Operation::sync) {
        CHECK(rounds > 3);
    }
}

TEST_CASE("sqlite store: a failed sync of a commit is in doubt, and the call may be repeated") {
    FaultyDisk disk;
    const TemporaryFolder folder;
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
    f.create();
    disk.fail(FaultyDisk::Operation::sync, SQLITE_IOERR_FSYNC);
    const auto lost = f.store->commit({.at = at(1), .events = {store_contract::make({.number = 1})}});
    disk.heal();
    REQUIRE_FALSE(lost.has_value());
    CHECK(lost.error() == fw::Errc::commit_unknown);
    CHECK(lost.error() == fw::Condition::in_doubt);
    (void)f.publish({{.number = 1}});
    CHECK(f.fresh().size() == 1);
}

TEST_CASE("sqlite store: a dispatcher that could not be recorded is none") {
    FaultyDisk disk;
    const TemporaryFolder folder;
    const auto store = open_store(folder.file()).value();
    disk.fail(FaultyDisk::Operation::write, SQLITE_FULL);
    CHECK(store->acquire(at(0)).error() == fw::Errc::store_failed);
    disk.heal();
    CHECK(open_store(folder.file()).value()->acquire(at(0)).has_value());
}
