#include "sqlite/database.hpp"

#include <system_error>
#include <utility>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

Errc errc_of(int code) noexcept {
    switch (code & 0xff) {  // the low byte is the kind
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL: return Errc::store_busy;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Errc::store_corrupt;
        case SQLITE_NOMEM: return Errc::local_failure;
        default: return Errc::store_failed;
    }
}

}  // namespace

Database::Database(const std::string& path, int flags, std::chrono::milliseconds busy_timeout) : path_(path) {
    // Each connection is used by one thread at a time, under its owner's lock.
    const int code =
        sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    if (code != SQLITE_OK) {
        StoreFailure failure(error(code));
        sqlite3_close_v2(handle_);
        throw failure;
    }
    sqlite3_busy_timeout(handle_, static_cast<int>(busy_timeout.count()));
}

Database::Database(sqlite3* handle) : handle_(handle), owned_(false) {
    const char* const path = sqlite3_db_filename(handle, "main");
    if (path != nullptr) path_ = path;
}

Database::~Database() {
    if (owned_) sqlite3_close_v2(handle_);
}

void Database::execute(const char* sql) {
    const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

std::string Database::ask(const char* sql) {
    Statement statement(*this, sql);
    Run answer = statement();
    return answer.next() ? std::string(answer.text(0)) : std::string();
}

void Database::roll_back() noexcept {
    if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Error Database::error(int code) const {
    std::string detail = path_;
    detail.append(": ").append(handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code));
    detail.append(" (SQLite ").append(std::to_string(code)).append(")");
    const int cause = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
    const int kind = code & 0xff;
    if (cause != 0 && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_FULL)) {
        detail.append(", ").append(std::generic_category().message(cause));
    }
    return {errc_of(code), std::move(detail)};
}

void Statement::prepare() {
    const int code = sqlite3_prepare_v3(database_.handle(), sql_, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
    if (code != SQLITE_OK) database_.fail(code);
}

}  // namespace fpt_webhooks::inline v0_1::detail
