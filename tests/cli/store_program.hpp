// `fpt-webhooks` on a store of its own: what the tests of subscriptions, publish and deliveries share.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include "cli/program.hpp"
#include "cli/text.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace cli_test {

inline const std::string store_key(64, 'a');
inline const std::string other_key(64, 'b');

// An FPT event as one line. `number`: of its contact and its id.
inline std::string event_line(int number, const std::string& type = "contact.updated", int location = 1234) {
    char id[33];
    std::snprintf(id, sizeof id, "%032x", static_cast<unsigned>(number));
    return std::string(R"({"eventId":")") + id + R"(","eventType":")" + type +
           R"(","eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":)" + std::to_string(location) +
           R"(,"organizationId":5678,"apiVersion":"v1","data":{"contactId":)" + std::to_string(number) +
           R"(,"operation":"update"}})";
}

// The environment of a program whose commits are in doubt: that they got to the disk nobody can tell it.
inline std::map<std::string, std::string> with_commits_in_doubt() {
    return {{"LD_PRELOAD", FPT_WEBHOOKS_SYNC_FAULT}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
}

// Events `first` to `last`, one a line.
inline std::string event_lines(int first, int last, const std::string& type = "contact.updated") {
    std::string lines;
    for (int i = first; i <= last; ++i) lines += event_line(i, type) + "\n";
    return lines;
}

class StoreProgram {
  public:
    // Runs "fpt-webhooks ARGUMENTS --store ... --key-env STORE_KEY".
    Ended run(std::vector<std::string> arguments, ProgramOptions options = {}) const {
        return run_program(with_store(std::move(arguments)), with_key(std::move(options)));
    }
    RunningProgram start(std::vector<std::string> arguments, ProgramOptions options = {}) const {
        return RunningProgram(with_store(std::move(arguments)), with_key(std::move(options)));
    }

    // "fpt-webhooks subscriptions ARGUMENTS --as ROLE ..."
    Ended subscriptions(std::vector<std::string> arguments, const std::string& role = "host",
                        ProgramOptions options = {}) const {
        arguments.insert(arguments.begin(), "subscriptions");
        arguments.insert(arguments.end(), {"--as", role});
        return run(std::move(arguments), std::move(options));
    }

    // Of location 1234, for contact.*, at that URL on this machine or anywhere; returns its number.
    std::string create(const std::string& url = "https://partner.example/hook") const {
        const Ended ended = subscriptions({"create", "--url", url, "--events", "contact.*", "--scope", "location:1234",
                                           "--allow-address", "127.0.0.1", "--json"});
        CAPTURE(ended.out, ended.err);
        REQUIRE(ended.status == 0);
        return field_of(ended.out, "id");
    }

    Ended publish(const std::string& lines, std::vector<std::string> options = {}) const {
        options.insert(options.begin(), "publish");
        return run(std::move(options), {.input = lines});
    }

    // A statement on the store, as another program could make it.
    void sql(const std::string& statement) const {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(path().c_str(), &database) == SQLITE_OK);
        const int code = sqlite3_exec(database, statement.c_str(), nullptr, nullptr, nullptr);
        sqlite3_close(database);
        REQUIRE(code == SQLITE_OK);
    }

    // From this process.
    std::shared_ptr<fpt_webhooks::SqliteStore> look_into() const {
        return fpt_webhooks::SqliteStore::open({.path = path(), .encryption_key = fpt_webhooks::Secret(store_key)})
            .value();
    }

    // Looks into the store again and again, up to 30 s, until this holds: another process's commit wakes nobody.
    template <typename Holds>
    [[nodiscard]] bool wait_until(const Holds& holds) const {
        const auto store = look_into();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!holds(*store)) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return true;
    }

    [[nodiscard]] std::string path() const { return folder.file(); }

    TemporaryFolder folder;

  private:
    std::vector<std::string> with_store(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--store", path(), "--key-env", "STORE_KEY"});
        return arguments;
    }
    static ProgramOptions with_key(ProgramOptions options) {
        options.variables.emplace("STORE_KEY", store_key);
        return options;
    }
};

// While it lives nobody else can write to the store.
class WriteLock {
  public:
    explicit WriteLock(const StoreProgram& store) : WriteLock(store.path()) {}
    explicit WriteLock(const std::string& path) {
        REQUIRE(sqlite3_open(path.c_str(), &database_) == SQLITE_OK);
        sqlite3_busy_timeout(database_, 30'000);
        run("BEGIN IMMEDIATE");
    }
    ~WriteLock() { sqlite3_close(database_); }
    WriteLock(const WriteLock&) = delete;
    WriteLock& operator=(const WriteLock&) = delete;

    void run(const std::string& statements) const {
        REQUIRE(sqlite3_exec(database_, statements.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    }

  private:
    sqlite3* database_ = nullptr;
};

}  // namespace cli_test
