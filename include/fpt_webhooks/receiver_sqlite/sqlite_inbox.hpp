// A durable InboxStore in an SQLite file: verified events wait in it until they have been processed
// (docs/receiver-stores.md).
//
// WAL mode, synchronous=FULL: what add() returned from is on the disk, and the event will be processed, whatever dies.
// Calls that come from several threads at once share one transaction and its fsync.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/receiver/inbox_store.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>
#include <fpt_webhooks/receiver_sqlite/export.hpp>
#include <fpt_webhooks/receiver_sqlite/sqlite_dead_letters.hpp>

namespace fpt_webhooks::inline v0_1 {

// Workers that have stopped are noticed long before: at 1,000 events a second this is a quarter of an hour.
inline constexpr std::size_t inbox_waiting_max_default = 1'000'000;

// A taken batch is held in memory, and its leases run while the first of it is processed.
inline constexpr std::size_t inbox_take_max = 1'000;

struct SqliteInboxOptions {
    // As in SqliteDedupeOptions; may be the same file.
    std::string path = {};

    // How long the key of a processed event is remembered; as in SqliteDedupeOptions.
    std::chrono::milliseconds retention = dedupe_retention_default;

    // Events that wait or are being processed, of all endpoints; at least 1. Full: add() fails with store_full, the
    // sender is told 503 and tries again.
    std::size_t waiting_max = inbox_waiting_max_default;

    // Dead letters kept at once; at least 1. Full: bury() fails with store_full, and the event stays.
    std::size_t letters_max = dead_letters_max_default;

    // As in SqliteDedupeOptions.
    std::chrono::milliseconds busy_timeout{5'000};
    std::shared_ptr<const Clock> clock = nullptr;
};

// May be shared between threads, and opened by several processes at once, each with workers if you like. Open it after
// fork, not before: in a child every call returns `forked`.
//
// Leases and delays run by the machine's steady clock; a reboot ends them at the latest after their own length. A wait
// inside take() passes in real steady time; of what another process added it learns by looking again, at most a quarter
// of a second later. Keys past their retention go a few with each add().
//
// Bodies are personal data and are not encrypted; the file is readable by its owner alone if this made it.
class FPT_WEBHOOKS_RECEIVER_SQLITE_EXPORT SqliteInbox final : public InboxStore {
  public:
    // Errors: as SqliteDedupe::open.
    [[nodiscard]] static Result<std::shared_ptr<SqliteInbox>> open(SqliteInboxOptions options);
    ~SqliteInbox() override;

    // Further errors of every function: commit_unknown, forked; see SqliteDedupe.
    [[nodiscard]] Result<InboxVerdict> add(const DedupeKey& key, std::string_view event_type, ByteView body,
                                           Timestamp received_at) override;
    // At most inbox_take_max, whatever `max` says.
    [[nodiscard]] Result<std::vector<InboxItem>> take(std::string_view endpoint, std::chrono::milliseconds lease,
                                                      std::size_t max, std::chrono::milliseconds wait) override;
    // Ends the waits of this moment; a take() that comes later waits again.
    void interrupt() noexcept override;
    [[nodiscard]] Result<void> complete(ClaimToken token) override;
    // `retry_after`: zero to dedupe_lease_max.
    [[nodiscard]] Result<void> release(ClaimToken token, ReleaseAs how, std::chrono::milliseconds retry_after) override;
    [[nodiscard]] Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) override;
    [[nodiscard]] Result<void> bury(ClaimToken token, const NewDeadLetter& letter) override;
    [[nodiscard]] DeadLetterStore& dead_letters() noexcept override;

    // How many events wait or are being processed, of all endpoints.
    [[nodiscard]] Result<std::size_t> waiting();

    class Impl;
    explicit SqliteInbox(std::unique_ptr<Impl> impl) noexcept;  // only open() can make an Impl

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace fpt_webhooks::inline v0_1
