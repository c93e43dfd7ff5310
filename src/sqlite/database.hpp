// SQLite's C interface with owners. Failures are thrown here as StoreFailure and end as a Result at the store's edge.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <sqlite3.h>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/error.hpp>
#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// Never leaves a component.
class StoreFailure : public std::exception {
  public:
    explicit StoreFailure(Error error) : error_(std::move(error)) {}
    [[nodiscard]] const Error& error() const noexcept { return error_; }
    [[nodiscard]] const char* what() const noexcept override { return "store failure"; }

  private:
    Error error_;
};

// A connection: owned, or the host's.
class Database {
  public:
    // `flags`: SQLITE_OPEN_READWRITE and so on. Throws.
    Database(const std::string& path, int flags, std::chrono::milliseconds busy_timeout);
    // `handle` stays the caller's.
    explicit Database(sqlite3* handle);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }
    [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }
    [[nodiscard]] std::int64_t changed_rows() const noexcept { return sqlite3_changes(handle_); }
    [[nodiscard]] std::int64_t last_rowid() const noexcept { return sqlite3_last_insert_rowid(handle_); }

    // Statements without results, or with results that do not matter. Throws.
    void execute(const char* sql);
    // The first column of the first row, as text; "" without a row. Throws.
    [[nodiscard]] std::string ask(const char* sql);
    // Ends a transaction that is open, whatever the disk says.
    void roll_back() noexcept;

    // What an SQLite result code means to the caller of a store.
    [[nodiscard]] Error error(int code) const;
    [[noreturn]] void fail(int code) const { throw StoreFailure(error(code)); }

  private:
    std::string path_;
    sqlite3* handle_ = nullptr;
    bool owned_ = true;
};

struct Blob {
    ByteView bytes;
};

// One run of a statement. Its bindings are views: what was bound must live until the run ends.
class Run {
  public:
    template <class... Values>
    Run(const Database& database, sqlite3_stmt* statement, const Values&... values)
        : database_(database), statement_(statement) {
        [[maybe_unused]] int index = 0;
        (bind(++index, values), ...);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run() { sqlite3_reset(statement_); }

    // Throws.
    [[nodiscard]] bool next() {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code != SQLITE_DONE) database_.fail(code);
        return false;
    }

    [[nodiscard]] bool is_null(int column) const noexcept {
        return sqlite3_column_type(statement_, column) == SQLITE_NULL;
    }
    [[nodiscard]] std::int64_t integer(int column) const noexcept { return sqlite3_column_int64(statement_, column); }
    template <class T>
    [[nodiscard]] T as(int column) const noexcept {
        return static_cast<T>(integer(column));
    }
    [[nodiscard]] Timestamp time(int column) const noexcept {
        return Timestamp(std::chrono::milliseconds(integer(column)));
    }
    // Valid until the next row.
    [[nodiscard]] std::string_view text(int column) const noexcept {
        const void* const data = sqlite3_column_blob(statement_, column);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return data == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(data), size);
    }
    [[nodiscard]] ByteView bytes(int column) const noexcept { return bytes_of(text(column)); }

  private:
    template <std::integral Value>
    void bind(int index, Value value) {
        check(sqlite3_bind_int64(statement_, index, static_cast<std::int64_t>(value)));
    }
    template <class Enumeration>
    requires std::is_enum_v<Enumeration>
    void bind(int index, Enumeration value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, std::nullopt_t) { check(sqlite3_bind_null(statement_, index)); }
    void bind(int index, Timestamp value) { bind(index, value.time_since_epoch().count()); }
    void bind(int index, std::string_view value) {
        const char* const data = value.empty() ? "" : value.data();
        check(sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
    }
    void bind(int index, Blob value) {
        const void* const data = value.bytes.empty() ? static_cast<const void*>("") : value.bytes.data();
        check(sqlite3_bind_blob64(statement_, index, data, value.bytes.size(), SQLITE_STATIC));
    }
    template <class Value>
    void bind(int index, const std::optional<Value>& value) {
        value ? bind(index, *value) : bind(index, std::nullopt);
    }
    void check(int code) const {
        if (code != SQLITE_OK) database_.fail(code);
    }

    const Database& database_;
    sqlite3_stmt* statement_;
};

// Prepared at its first run and kept.
class Statement {
  public:
    Statement(const Database& database, const char* sql) noexcept : database_(database), sql_(sql) {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(statement_); }

    // Integers, texts, times, blobs, std::nullopt and optionals of these, in the order of the parameters. Throws.
    template <class... Values>
    [[nodiscard]] Run operator()(const Values&... values) {
        if (statement_ == nullptr) prepare();
        return Run(database_, statement_, values...);
    }

    // To its end. Throws.
    template <class... Values>
    void run(const Values&... values) {
        Run once = (*this)(values...);
        while (once.next()) {
        }
    }

  private:
    void prepare();

    const Database& database_;
    const char* sql_;
    sqlite3_stmt* statement_ = nullptr;
};

}  // namespace fpt_webhooks::inline v0_1::detail
