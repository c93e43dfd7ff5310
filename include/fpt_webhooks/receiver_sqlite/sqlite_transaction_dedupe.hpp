// Exactly-once effects: a DedupeStore that joins the transaction of your own SQLite connection
// (docs/receiver-stores.md).
//
// A fresh claim begins a transaction on your connection, your handler writes through the same connection, and the mark
// "done" commits with what it wrote. Effect and mark stand or fall together, whatever dies in between.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>
#include <fpt_webhooks/receiver_sqlite/export.hpp>
#include <fpt_webhooks/receiver_sqlite/sqlite_dedupe.hpp>

namespace fpt_webhooks::inline v0_1 {

struct SqliteTransactionDedupeOptions {
    // Your `sqlite3*`, open on the main database that your effects go to: WAL mode, synchronous FULL or EXTRA, without
    // an open transaction, and of the very SQLite library that we link. It stays yours and must outlive the store.
    void* database = nullptr;

    // As in SqliteDedupeOptions.
    std::chrono::milliseconds retention = dedupe_retention_default;
    std::size_t keys_max = sqlite_dedupe_keys_default;
    std::shared_ptr<const Clock> clock = nullptr;
};

// Its connection serves one event at a time: from a fresh claim to its complete or release nobody but the handler may
// use it. Other claims wait for it, up to their `wait`; so do claims while another process writes to the file. Who has
// waited in vain is told `busy` if it is this very key that is being processed here, or that another store has leased;
// else store_busy: nobody works on that event, and it must come again. (Your connection's own busy timeout comes on
// top: keep it short.) For more throughput at once: several connections, each with a store and a receiver of its own,
// on one file.
//
// A key that is done is told at once, from a small connection of the store's own that only reads. It reads the file by
// the name under which yours is open; where it cannot (another VFS than SQLite's default, an encrypted file, exclusive
// locking), done keys wait like the others. Set exclusive locking before you make the store, not after.
//
// The handler must not end the transaction (COMMIT, ROLLBACK), also not to begin another one; savepoints are its own
// business. When it did, complete() fails with wrong_state.
//
// complete() commits, release() rolls back; one released as failed is then counted in a small transaction of its own.
// When complete() fails, everything has been rolled back, but after commit_unknown, where repeating complete() tells.
// The claim lives in the transaction: there is no lease that could end, renew() only says whether the token is good,
// and when the process dies SQLite rolls back. The table is that of SqliteDedupe: both may be used on one file.
//
// May be shared between threads. Destroy it before you close the connection; an open transaction is rolled back then.
// Errors: as SqliteDedupe.
class FPT_WEBHOOKS_RECEIVER_SQLITE_EXPORT SqliteTransactionDedupe final : public DedupeStore {
  public:
    // Creates the tables on the connection, or upgrades older ones.
    // Errors: invalid_argument (an option, or a connection that would not keep the promise; the detail says why),
    // store_version, store_corrupt, store_busy, store_failed.
    [[nodiscard]] static Result<std::shared_ptr<SqliteTransactionDedupe>> create(
        SqliteTransactionDedupeOptions options);
    ~SqliteTransactionDedupe() override;

    // Further errors: store_busy when the connection or the file was taken for all of `wait`; wrong_state when you have
    // left a transaction open on the connection.
    [[nodiscard]] Result<Claim> claim(const DedupeKey& key, std::chrono::milliseconds lease,
                                      std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> complete(ClaimToken token) override;
    [[nodiscard]] Result<void> release(ClaimToken token, ReleaseAs how) override;
    [[nodiscard]] Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) override;
    [[nodiscard]] bool joins_transaction() const noexcept override { return true; }

    // Threads inside claim() that wait for the connection, or for the file.
    [[nodiscard]] std::size_t waiting() const noexcept;

    class Impl;
    explicit SqliteTransactionDedupe(std::unique_ptr<Impl> impl) noexcept;  // only create() can make an Impl

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace fpt_webhooks::inline v0_1
