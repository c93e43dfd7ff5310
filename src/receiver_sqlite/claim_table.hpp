// The keys that were claimed: what SqliteDedupe and SqliteTransactionDedupe have in common.
#pragma once

#include <optional>

#include <fpt_webhooks/receiver/dedupe_store.hpp>

#include "receiver_sqlite/counters.hpp"
#include "receiver_sqlite/moment.hpp"

namespace fpt_webhooks::inline v0_1::detail {

struct ClaimLimits {
    std::chrono::milliseconds retention{};
    std::size_t keys_max = 0;
};

// Numbers are stored; stable and never reused.
enum class ClaimRowState : std::uint8_t { leased = 1, done = 2, released = 3 };

class ClaimTable {
  public:
    struct Row {
        std::int64_t id = 0;
        ClaimRowState state = ClaimRowState::leased;
        std::int64_t fence = 0;
        std::uint32_t failures = 0;
        Timestamp at = {};
        Hold lease = {};

        // Done, or leased by somebody; nothing: it may be claimed.
        [[nodiscard]] std::optional<Claim> verdict(const Moment& now, std::chrono::milliseconds retention) const;
    };

    ClaimTable(const Database& database, Counters& counters) noexcept : database_(database), counters_(counters) {}

    [[nodiscard]] std::optional<Row> find(const DedupeKey& key);

    // `forgotten` becomes the age of a done key that had to go early. Errors: store_full.
    Result<Claim> claim(const DedupeKey& key, std::chrono::milliseconds lease, const Moment& now,
                        const ClaimLimits& limits, std::optional<std::chrono::milliseconds>& forgotten);
    // Errors of these: lease_lost.
    Result<void> complete(ClaimToken token, const Moment& now);
    Result<void> release(ClaimToken token, ReleaseAs how, const Moment& now);
    Result<void> renew(ClaimToken token, std::chrono::milliseconds lease, const Moment& now);

    // Is the token's claim done?
    [[nodiscard]] bool is_completed(ClaimToken token);
    // Of a claim that was rolled back. A key that is done, or leased by another, is left alone.
    void count_failure(const DedupeKey& key, const Moment& now, const ClaimLimits& limits);

  private:
    // The id of a new row.
    Result<std::int64_t> insert(const DedupeKey& key, const Row& row, const Moment& now, const ClaimLimits& limits,
                                std::optional<std::chrono::milliseconds>& forgotten);
    void purge(const Moment& now, std::chrono::milliseconds retention);
    bool make_room(const Moment& now, std::optional<std::chrono::milliseconds>& forgotten);
    void forget(std::int64_t id);

    const Database& database_;
    Counters& counters_;

    Statement find_{database_,
                    "SELECT id, state, fence, failures, at, until, length FROM fpt_webhooks_claim"
                    " WHERE endpoint = ? AND key = ?"};
    Statement insert_{database_, "INSERT INTO fpt_webhooks_claim VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"};
    Statement update_{database_,
                      "UPDATE fpt_webhooks_claim SET state = ?, fence = ?, failures = ?, at = ?, until = ?, length = ?"
                      " WHERE id = ?"};
    Statement complete_{database_,
                        "UPDATE fpt_webhooks_claim SET state = 2, at = ? WHERE id = ? AND fence = ? AND state = 1"};
    Statement renew_{database_,
                     "UPDATE fpt_webhooks_claim SET at = ?, until = ?, length = ?"
                     " WHERE id = ? AND fence = ? AND state = 1"};
    Statement release_{database_,
                       "UPDATE fpt_webhooks_claim SET state = 3, fence = 0, failures = failures + ?, at = ?"
                       " WHERE id = ? AND fence = ? AND state = 1 RETURNING failures"};
    Statement is_completed_{database_, "SELECT 1 FROM fpt_webhooks_claim WHERE id = ? AND fence = ? AND state = 2"};
    Statement forget_{database_, "DELETE FROM fpt_webhooks_claim WHERE id = ?"};
    Statement purge_{database_,
                     "DELETE FROM fpt_webhooks_claim WHERE id IN"
                     " (SELECT id FROM fpt_webhooks_claim WHERE state = ? AND at <= ? ORDER BY at LIMIT ?)"};
    Statement ended_lease_{database_,
                           "SELECT id FROM fpt_webhooks_claim"
                           " WHERE state = 1 AND NOT (until > ?1 AND until - ?1 <= length) LIMIT 1"};
    Statement oldest_{database_, "SELECT id, at FROM fpt_webhooks_claim WHERE state = ? ORDER BY at LIMIT 1"};
};

}  // namespace fpt_webhooks::inline v0_1::detail
