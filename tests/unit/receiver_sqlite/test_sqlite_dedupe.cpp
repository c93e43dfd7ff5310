#include <fpt_webhooks/receiver_sqlite/sqlite_dedupe.hpp>

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/dedupe_store_contract.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    std::shared_ptr<fw::SqliteDedupe> open(std::size_t keys_max = fw::sqlite_dedupe_keys_default) const {
        return fw::SqliteDedupe::open({.path = folder.file(), .retention = 1h, .keys_max = keys_max, .clock = clock})
            .value();
    }
    static fw::Claim claim(fw::SqliteDedupe& store, const std::string& id, std::chrono::milliseconds lease = 60s) {
        return store.claim({"crm", id}, lease, 0ms).value();
    }
    static void process(fw::SqliteDedupe& store, const std::string& id) {
        store.complete(claim(store, id).token).value();
    }
    int rows() const {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(folder.file().c_str(), &database) == SQLITE_OK);
        int count = -1;
        sqlite3_exec(
            database, "SELECT count(*) FROM fpt_webhooks_claim",
            [](void* to, int, char** values, char**) { return *static_cast<int*>(to) = std::stoi(values[0]), 0; },
            &count, nullptr);
        sqlite3_close(database);
        return count;
    }

    TemporaryFolder folder;
    std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
};

}  // namespace

TEST_CASE("sqlite dedupe: keeps the contract of every dedupe store") {
    const TemporaryFolder folder;
    check_dedupe_store_contract(
        {.open =
             [&](std::shared_ptr<ManualClock> clock, std::chrono::milliseconds retention) {
                 return fw::SqliteDedupe::open(
                            {.path = folder.file(), .retention = retention, .clock = std::move(clock)})
                     .value();
             },
         .waiting = [](fw::DedupeStore& store) { return dynamic_cast<fw::SqliteDedupe&>(store).stats().waiting; }});
}

TEST_CASE("sqlite dedupe: keeps the contract of every durable dedupe store") {
    const TemporaryFolder folder;
    check_durable_dedupe_store_contract(
        {.open = [&](std::shared_ptr<ManualClock> clock, std::chrono::milliseconds retention) {
            return fw::SqliteDedupe::open({.path = folder.file(), .retention = retention, .clock = std::move(clock)})
                .value();
        }});
}

TEST_CASE("sqlite dedupe: an unusable option is refused by its name") {
    CHECK(fw::SqliteDedupe::open({}).error().message() == "invalid argument: path: the name of a file is needed");
    CHECK(fw::SqliteDedupe::open({.path = ":memory:"}).error() == fw::Errc::invalid_argument);
    CHECK(fw::SqliteDedupe::open({.path = "x", .retention = 0ms}).error().message() ==
          "invalid argument: retention: more than zero and at most 3660 days");
    CHECK(fw::SqliteDedupe::open({.path = "x", .keys_max = 0}).error().message() ==
          "invalid argument: keys_max: at least 1 is needed");
    CHECK(fw::SqliteDedupe::open({.path = "x", .busy_timeout = 2h}).error().message() ==
          "invalid argument: busy_timeout: zero to one hour");
}

TEST_CASE("sqlite dedupe: the file is its owner's, and lies in WAL mode") {
    const Fixture f;
    const auto store = f.open();
    f.process(*store, "a");
    struct stat status {};
    REQUIRE(stat(f.folder.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(std::filesystem::exists(f.folder.file() + "-wal"));
}

TEST_CASE("sqlite dedupe: full, it forgets what matters least and says how old that was") {
    const Fixture f;
    const auto store = f.open(3);
    f.process(*store, "a");
    f.clock->advance(10s);
    f.process(*store, "b");
    f.clock->advance(20s);
    f.process(*store, "c");
    SECTION("the oldest done key") {
        f.process(*store, "d");
        f.process(*store, "e");
        CHECK(store->stats().forgotten_early == 2);
        CHECK(store->stats().forgotten_age_min == 20s);
        CHECK(f.rows() == 3);
        CHECK(f.claim(*store, "c").state == fw::ClaimState::done);
        CHECK(f.claim(*store, "a").state == fw::ClaimState::fresh);
    }
    SECTION("rather one whose lease has ended") {
        const auto dead = f.claim(*store, "dead", 5s);
        f.clock->advance(5s);
        f.process(*store, "d");
        CHECK(store->stats().forgotten_early == 1);  // for "dead" itself
        CHECK(store->complete(dead.token).error() == fw::Errc::lease_lost);
        CHECK(f.claim(*store, "b").state == fw::ClaimState::done);
    }
    SECTION("at last one that was released; a running lease never") {
        (void)f.claim(*store, "x");
        (void)f.claim(*store, "y");
        const auto failed = f.claim(*store, "z");
        CHECK(store->claim({"crm", "w"}, 60s, 0ms).error() == fw::Errc::store_full);
        store->release(failed.token, fw::ReleaseAs::failed).value();
        CHECK(f.claim(*store, "w").state == fw::ClaimState::fresh);
        CHECK(f.rows() == 3);
    }
}

TEST_CASE("sqlite dedupe: keys past their retention go a few with each claim") {
    const Fixture f;
    const auto store = f.open();
    for (int i = 0; i < 10; ++i) f.process(*store, std::to_string(i));
    f.clock->advance(1h);
    f.process(*store, "a");
    CHECK(f.rows() == 9);
    for (const char* id : {"b", "c", "d", "e"}) f.process(*store, id);
    CHECK(f.rows() == 5);
}

TEST_CASE("sqlite dedupe: a claim that nobody ended is forgotten two days after its retention") {
    const Fixture f;
    const auto store = f.open();
    (void)f.claim(*store, "lost");
    f.clock->advance(49h - 1ms);
    f.process(*store, "a");
    CHECK(f.rows() == 2);
    f.clock->advance(1ms);
    f.process(*store, "b");
    CHECK(f.rows() == 2);
}

TEST_CASE("sqlite dedupe: a wall clock that is set back makes no age negative") {
    const Fixture f;
    const auto store = f.open();
    f.process(*store, "a");
    f.clock->jump_wall(-30min);
    CHECK(f.claim(*store, "a").completed_ago == 0ms);
    f.clock->jump_wall(1h);
    CHECK(f.claim(*store, "a").completed_ago == 30min);
}

TEST_CASE("sqlite dedupe: the database may be the host's, with tables of its own") {
    const Fixture f;
    sqlite3* host = nullptr;
    REQUIRE(sqlite3_open(f.folder.file().c_str(), &host) == SQLITE_OK);
    REQUIRE(sqlite3_exec(host,
                         "PRAGMA user_version = 42; CREATE TABLE fpt_webhooks_version (version INTEGER);"
                         "INSERT INTO fpt_webhooks_version VALUES (99)",
                         nullptr, nullptr, nullptr) == SQLITE_OK);  // the sender's: not our business
    f.process(*f.open(), "a");
    CHECK(f.claim(*f.open(), "a").state == fw::ClaimState::done);
    REQUIRE(sqlite3_exec(host, "UPDATE fpt_webhooks_receiver_version SET version = version + 1", nullptr, nullptr,
                         nullptr) == SQLITE_OK);
    CHECK(fw::SqliteDedupe::open({.path = f.folder.file()}).error() == fw::Errc::store_version);
    sqlite3_close(host);
}

TEST_CASE("sqlite dedupe: a forked child is told so, and leaves the parent's file alone") {
    const Fixture f;
    const auto store = f.open();
    const auto claim = f.claim(*store, "a");
    const pid_t child = fork();
    if (child == 0) {
        const bool told = store->claim({"crm", "b"}, 60s, 0ms).error() == fw::Errc::forked &&
                          store->complete(claim.token).error() == fw::Errc::forked;
        _exit(told ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(store->complete(claim.token).has_value());
}
