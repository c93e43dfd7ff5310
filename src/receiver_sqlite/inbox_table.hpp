// Events that were accepted and are to be processed.
#pragma once

#include <optional>
#include <vector>

#include <fpt_webhooks/receiver/inbox_store.hpp>

#include "receiver_sqlite/counters.hpp"
#include "receiver_sqlite/letter_table.hpp"
#include "receiver_sqlite/moment.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Numbers are stored; stable and never reused.
enum class InboxRowState : std::uint8_t {
    ready = 1,
    held = 2,  // leased to a worker (its fence is not 0), or put off after a failure
    done = 3,
};

class InboxTable {
  public:
    InboxTable(const Database& database, Counters& counters, LetterTable& letters) noexcept
        : database_(database), counters_(counters), letters_(letters) {}

    // Once after the file was opened: what was held before the machine's last start is ready.
    void wake_after_restart(const Moment& now);

    // Errors: store_full.
    Result<InboxVerdict> add(const DedupeKey& key, std::string_view event_type, ByteView body, Timestamp received_at,
                             const Moment& now, std::chrono::milliseconds retention, std::size_t waiting_max);

    // Is there something to take at this endpoint, or when does the next hold of any endpoint end?
    struct Outlook {
        bool ready = false;
        std::optional<std::int64_t> next_end = {};  // as Moment::steady
    };
    [[nodiscard]] Outlook outlook(std::string_view endpoint, const Moment& now);
    std::vector<InboxItem> take(std::string_view endpoint, std::chrono::milliseconds lease, std::size_t max,
                                const Moment& now);

    // Errors of these: lease_lost. bury: store_full.
    Result<void> complete(ClaimToken token, const Moment& now);
    Result<void> release(ClaimToken token, ReleaseAs how, std::chrono::milliseconds retry_after, const Moment& now);
    Result<void> renew(ClaimToken token, std::chrono::milliseconds lease, const Moment& now);
    Result<void> bury(ClaimToken token, const NewDeadLetter& letter, const Moment& now, std::size_t letters_max);

  private:
    [[nodiscard]] bool is_taken(ClaimToken token);

    const Database& database_;
    Counters& counters_;
    LetterTable& letters_;

    Statement wake_{database_,
                    "UPDATE fpt_webhooks_inbox SET state = 1 WHERE state = 2 AND (until <= ?1 OR until - ?1 > length)"};
    Statement wake_due_{database_, "UPDATE fpt_webhooks_inbox SET state = 1 WHERE state = 2 AND until <= ?"};
    Statement find_{database_, "SELECT id, state, at FROM fpt_webhooks_inbox WHERE endpoint = ? AND key = ?"};
    Statement insert_{database_, "INSERT INTO fpt_webhooks_inbox VALUES (NULL, ?, ?, 1, 0, 0, ?, ?, 0, 0, 0)"};
    Statement insert_body_{database_, "INSERT INTO fpt_webhooks_inbox_body VALUES (?, ?)"};
    Statement delete_{database_, "DELETE FROM fpt_webhooks_inbox WHERE id = ?"};
    Statement delete_body_{database_, "DELETE FROM fpt_webhooks_inbox_body WHERE item = ?"};
    Statement purge_{database_,
                     "DELETE FROM fpt_webhooks_inbox WHERE id IN"
                     " (SELECT id FROM fpt_webhooks_inbox WHERE state = 3 AND at <= ? ORDER BY at LIMIT ?)"};
    Statement any_ready_{database_, "SELECT 1 FROM fpt_webhooks_inbox WHERE endpoint = ? AND state = 1 LIMIT 1"};
    Statement next_end_{database_, "SELECT min(until) FROM fpt_webhooks_inbox WHERE state = 2"};
    Statement ready_{database_,
                     "SELECT i.id, i.key, i.type, b.body, i.failures, i.received_at FROM fpt_webhooks_inbox i"
                     " CROSS JOIN fpt_webhooks_inbox_body b ON b.item = i.id"
                     " WHERE i.endpoint = ? AND i.state = 1 ORDER BY i.id LIMIT ?"};
    Statement lease_{database_,
                     "UPDATE fpt_webhooks_inbox SET state = 2, fence = ?, until = ?, length = ? WHERE id = ?"};
    Statement is_taken_{database_, "SELECT 1 FROM fpt_webhooks_inbox WHERE id = ? AND fence = ? AND state IN (1, 2)"};
    Statement is_done_{database_, "SELECT 1 FROM fpt_webhooks_inbox WHERE id = ? AND fence = ? AND state = 3"};
    Statement complete_{database_, "UPDATE fpt_webhooks_inbox SET state = 3, at = ? WHERE id = ?"};
    Statement release_{database_,
                       "UPDATE fpt_webhooks_inbox SET state = ?, fence = 0, failures = failures + ?, until = ?,"
                       " length = ? WHERE id = ?"};
    Statement renew_{database_, "UPDATE fpt_webhooks_inbox SET state = 2, until = ?, length = ? WHERE id = ?"};
};

}  // namespace fpt_webhooks::inline v0_1::detail
