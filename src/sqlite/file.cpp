#include "sqlite/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <thread>

#include "core/fork.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// Bodies hold people's data: a file that we make is its owner's. An existing one is left as it is.
void create_private(const std::string& path) noexcept {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor >= 0) ::close(descriptor);
}

// Of several that turn a new file into WAL mode, SQLite tells one at once that it is busy, without its usual wait: that
// one could be what the others wait for.
void set_wal_mode(Database& database, const std::string& path, std::chrono::milliseconds busy_timeout) {
    constexpr std::chrono::milliseconds step{10};
    sqlite3_busy_timeout(database.handle(), 0);
    for (std::chrono::milliseconds waited{0};; waited += step) {
        try {
            if (database.ask("PRAGMA journal_mode = WAL") == "wal") break;
            throw StoreFailure(
                Error(Errc::store_failed, std::string(path).append(": no WAL mode on this file system")));
        } catch (const StoreFailure& failure) {
            if (failure.error() != Errc::store_busy || waited >= busy_timeout) throw;
        }
        std::this_thread::sleep_for(step);
    }
    sqlite3_busy_timeout(database.handle(), static_cast<int>(busy_timeout.count()));
}

}  // namespace

Result<void> check_file_options(const std::string& path, std::chrono::milliseconds busy_timeout) {
    if (path.empty() || path.front() == ':' || path.find('\0') != std::string::npos) {
        return Error(Errc::invalid_argument, "path: the name of a file is needed");
    }
    constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(1);
    if (busy_timeout < std::chrono::milliseconds::zero() || busy_timeout > longest_wait) {
        return Error(Errc::invalid_argument, "busy_timeout: zero to one hour");
    }
    if (sqlite3_threadsafe() == 0) return Error(Errc::local_failure, "SQLite was built for a single thread");
    if (fork_generation() == 0) return Error(Errc::local_failure, "no memory for the fork handler");
    return {};
}

std::string one_name(const std::string& path) {
    std::error_code error;
    const std::filesystem::path name = std::filesystem::weakly_canonical(path, error);
    return error ? path : name.string();
}

void prepare_file(const std::string& path, std::chrono::milliseconds busy_timeout, const Schema& schema,
                  bool may_create) {
    const auto not_found = [&] { return StoreFailure(Error(Errc::not_found, path + ": there is no store")); };
    std::error_code ignored;
    if (may_create) {
        create_private(path);
    } else if (!std::filesystem::exists(path, ignored)) {
        throw not_found();
    }
    Database database(path, SQLITE_OPEN_READWRITE | (may_create ? SQLITE_OPEN_CREATE : 0), busy_timeout);
    sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // Reads the file: is it a database at all?
    if (schema_version(database, schema) == 0 && !may_create) throw not_found();
    if (sqlite3_db_readonly(database.handle(), "main") == 1) {
        throw StoreFailure(Error(Errc::store_failed, std::string(path).append(": it is read-only")));
    }
    check_version(database, schema);
    set_wal_mode(database, path, busy_timeout);
    database.execute("PRAGMA synchronous = FULL");
    migrate(database, schema);
    sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

bool leaves_doubt(int code) noexcept { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

void check_durable(Database& database) {
    const auto refuse = [](const char* why) { throw StoreFailure(Error(Errc::invalid_argument, why)); };
    if (database.ask("SELECT sqlite_source_id()") != sqlite3_sourceid()) refuse("database: of another SQLite library");
    if (database.ask("PRAGMA main.journal_mode") != "wal") refuse("database: its journal mode is not WAL");
    if (database.ask("PRAGMA main.synchronous") < "2") refuse("database: its synchronous setting is below FULL");
}

}  // namespace fpt_webhooks::inline v0_1::detail
