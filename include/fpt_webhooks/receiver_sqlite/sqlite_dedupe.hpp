// A durable DedupeStore in an SQLite file: what was processed stays known when the process ends
// (docs/receiver-stores.md).
//
// WAL mode, synchronous=FULL: what a call returned from is on the disk. Claims and completions that come from several
// threads at once share one transaction and its fsync. docs/receiver-stores.md: what is kept, and for how long.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>
#include <fpt_webhooks/receiver_sqlite/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// Some 2 GB on disk when full (200 bytes a key), and seven days at 16 events a second.
inline constexpr std::size_t sqlite_dedupe_keys_default = 10'000'000;

struct SqliteDedupeOptions {
    // Of the database; created if it is not there, readable by its owner alone. It may be the host's own, and the same
    // as that of other stores of ours. Not on a network file system.
    std::string path = {};

    // How long a done key is remembered, by the wall clock from its completion; more than zero, up to
    // dedupe_retention_max. A wall clock that is set moves it by as much.
    std::chrono::milliseconds retention = dedupe_retention_default;

    // Keys held at once; at least 1. When full, a new key pushes out one whose lease has ended, else the oldest done
    // one, else the oldest released one. A running lease never.
    std::size_t keys_max = sqlite_dedupe_keys_default;

    // How long to wait for a file that another process has locked, before store_busy. Zero to one hour; zero: not.
    std::chrono::milliseconds busy_timeout{5'000};

    // Leases run on its steady time, retention on its wall time. All processes that share a file must have steady
    // clocks that agree, as the system's do on one machine. Nothing: the system's.
    std::shared_ptr<const Clock> clock = nullptr;
};

// Counted by this object since its creation; other processes count for themselves.
struct SqliteDedupeStats {
    std::size_t waiting = 0;            // threads inside claim() that wait for another holder's result
    std::uint64_t forgotten_early = 0;  // done keys pushed out before their retention ended: keys_max is too small
    std::optional<std::chrono::milliseconds> forgotten_age_min = {};  // the least age among those
};

// May be shared between threads and by several receivers, and opened by several processes at once. Open it after fork,
// not before: in a child every call returns `forked`.
//
// A process that dies leaves its claims leased until their leases end. A lease runs by the machine's steady clock, so a
// wall clock that is set does not move it, and a reboot ends it at the latest after its own length. A key that is
// claimed and neither done nor released is forgotten two days after its retention. Done keys past their retention go a
// few with each claim.
//
// A wait inside claim() passes in real steady time. Of what another process does to the key it learns by looking again,
// at most a quarter of a second later.
//
// Errors of every function, beside those of DedupeStore: store_busy, store_failed (transient), commit_unknown (the last
// fsync failed: repeat it), store_corrupt, forked. After a failure of the disk the same object may be used again.
class FPT_WEBHOOKS_RECEIVER_SQLITE_EXPORT SqliteDedupe final : public DedupeStore {
  public:
    // Creates the tables, or upgrades older ones.
    // Errors: invalid_argument that names the option, store_version (made by a newer release), store_corrupt,
    // store_busy, store_failed.
    [[nodiscard]] static Result<std::shared_ptr<SqliteDedupe>> open(SqliteDedupeOptions options);
    ~SqliteDedupe() override;

    [[nodiscard]] Result<Claim> claim(const DedupeKey& key, std::chrono::milliseconds lease,
                                      std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> complete(ClaimToken token) override;
    [[nodiscard]] Result<void> release(ClaimToken token, ReleaseAs how) override;
    [[nodiscard]] Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) override;

    [[nodiscard]] SqliteDedupeStats stats() const;

    class Impl;
    explicit SqliteDedupe(std::unique_ptr<Impl> impl) noexcept;  // only open() can make an Impl

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace fpt_webhooks::inline v0_1
