// The embedded default Store: one SQLite file in WAL mode with synchronous=FULL. What a call returned from is on the
// disk. docs/store.md: what is kept, for how long, and how to back it up.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/sender/memory_store.hpp>
#include <fpt_webhooks/sender/store.hpp>
#include <fpt_webhooks/sender_sqlite/export.hpp>

namespace fpt_webhooks::inline v0_1 {

inline constexpr std::size_t store_key_bytes = 32;  // AES-256

struct SqliteStoreOptions {
    // Of the database; created if it is not there, readable by its owner alone. Its folder must be there and be
    // writable: SQLite keeps two files beside it, and we a third. Not on a network file system.
    std::string path = {};

    // Signing secrets are kept under this key (AES-256-GCM): store_key_bytes bytes, or their 64 hex digits. Needed.
    // Under another key than theirs everything works but the secrets.
    Secret encryption_key{""};

    // False: a file that is not there, or has no store in it, is not_found and stays as it is. For programs that look
    // after a store, so that a mistyped path makes none.
    bool may_create = true;

    StoreLimits limits = {};

    // How long to wait for a file that another process has locked, before store_busy. Zero to one hour; zero: not.
    std::chrono::milliseconds busy_timeout{5'000};

    // For the nonces of encrypted secrets. Null: system_random().
    std::shared_ptr<RandomSource> random = {};
};

// May be shared between threads and opened by several processes at once; one of them may run a dispatcher, decided by a
// lock on the file "<path>-dispatcher". All tables have the prefix fpt_webhooks_, and their version stands in a table
// of our own: the database may be the host's. Open it after fork, not before: in a child every call returns `forked`.
//
// After a failure of the disk the same store may be used again: the next call opens the file anew.
class FPT_WEBHOOKS_SENDER_SQLITE_EXPORT SqliteStore final : public Store {
  public:
    // Creates the tables, or upgrades older ones.
    // Errors: invalid_argument (path, encryption_key, busy_timeout), not_found (see may_create), store_version (made by
    // a newer release), store_corrupt (no database, or a damaged one; it is left as it is), store_busy, store_failed.
    [[nodiscard]] static Result<std::shared_ptr<SqliteStore>> open(SqliteStoreOptions options);
    ~SqliteStore() override;

    Result<std::uint64_t> acquire(Timestamp now) override;
    void release(std::uint64_t epoch) noexcept override;
    Result<StoreBatchResult> commit(const StoreBatch& batch) override;
    Result<std::vector<PendingDelivery>> take_fresh(DeliveryId after, std::size_t max) override;
    Result<WaitingPage> take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max) override;
    Result<ExpireResult> expire_waiting(std::uint64_t epoch, SubscriptionId subscription, Timestamp started_before,
                                        Timestamp now, std::size_t max) override;
    Result<std::vector<SubscriptionWake>> wakes() override;
    Result<StoreChanges> changes(std::uint64_t since) override;
    Result<KeptContact> contact(const ContactKey& key) override;
    Result<std::vector<KeptContact>> due_contacts(Timestamp now, Timestamp latest, std::size_t max) override;
    Result<SubscriptionRecord> create_subscription(const Subscription& subscription, Timestamp now) override;
    Result<SubscriptionRecord> edit_subscription(const SubscriptionEdit& edit) override;
    Result<SubscriptionRecord> subscription(SubscriptionId id) override;
    Result<std::vector<SubscriptionId>> subscriptions_at(std::string_view url, std::size_t max) override;
    Result<std::vector<SubscriptionRecord>> subscriptions(SubscriptionId after, std::size_t max) override;
    Result<Secret> secret(SubscriptionId id) override;
    Result<DeliveryPage> deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max) override;
    Result<std::vector<Attempt>> attempts(DeliveryId delivery) override;
    Result<std::string> event_body(const EventId& id) override;
    Result<ReplayPage> replay(const ReplayRequest& request) override;
    Result<std::size_t> maintain(const Retention& retention, Timestamp now, std::size_t max) override;
    Result<StoreStats> stats() override;

    class Impl;
    explicit SqliteStore(std::unique_ptr<Impl> impl) noexcept;  // only open() can make an Impl

  private:
    std::unique_ptr<Impl> impl_;
};

// Publishes inside the caller's own transaction (an outbox): the event is there exactly if the caller's changes are.
// `database`: the caller's `sqlite3*`, with a transaction open, on a file whose tables SqliteStore::open has made (its
// main database, not an attached one); of the same SQLite library as ours, since two libraries in one process break
// each other's locks. Call between BEGIN and COMMIT, from the thread that uses the connection; the dispatcher sees the
// events within a second of the commit. When it fails, the caller's transaction stays open and as it was.
// Errors: invalid_argument (no open transaction, journal mode not WAL, synchronous below FULL, no tables),
// store_version, those of Store; store_busy also when the transaction began with reading and another wrote since: roll
// back and begin again (BEGIN IMMEDIATE avoids it). The verdicts as from Store::commit.
[[nodiscard]] FPT_WEBHOOKS_SENDER_SQLITE_EXPORT Result<std::vector<AppendVerdict>> publish_in_transaction(
    void* database, const std::vector<NewEvent>& events, Timestamp now, const StoreLimits& limits = {});

}  // namespace fpt_webhooks::inline v0_1
