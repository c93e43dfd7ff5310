// Dead letters in a file.
#pragma once

#include <fpt_webhooks/receiver/dead_letter_store.hpp>

#include "receiver_sqlite/counters.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Names of events are shorter.
inline constexpr std::size_t event_type_bytes_max = 256;

// Errors: invalid_argument.
[[nodiscard]] Result<void> check_event_type(std::string_view event_type);
[[nodiscard]] Result<void> check_letter(const NewDeadLetter& letter);

class LetterTable {
  public:
    LetterTable(const Database& database, Counters& counters) noexcept : database_(database), counters_(counters) {}

    // Errors: store_full.
    Result<void> add(const NewDeadLetter& letter, std::size_t letters_max);
    [[nodiscard]] DeadLetterPage page(std::string_view endpoint, DeadLetterId after, std::size_t max);
    // Errors: not_found.
    Result<void> remove(DeadLetterId id);

  private:
    const Database& database_;
    Counters& counters_;

    Statement replace_{database_,
                       "UPDATE fpt_webhooks_dead_letter SET profile = ?, type = ?, reason = ?, detail = ?,"
                       " failures = ?, received_at = ?, body = ? WHERE endpoint = ? AND key = ?"};
    Statement insert_{database_,
                      "INSERT INTO fpt_webhooks_dead_letter (id, profile, type, reason, detail, failures, received_at,"
                      " body, endpoint, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    Statement all_{database_,
                   "SELECT id, endpoint, key, profile, type, reason, detail, failures, received_at, body"
                   " FROM fpt_webhooks_dead_letter WHERE id > ? ORDER BY id LIMIT ?"};
    Statement of_endpoint_{database_,
                           "SELECT id, endpoint, key, profile, type, reason, detail, failures, received_at, body"
                           " FROM fpt_webhooks_dead_letter WHERE id > ? AND endpoint = ? ORDER BY id LIMIT ?"};
    Statement remove_{database_, "DELETE FROM fpt_webhooks_dead_letter WHERE id = ?"};
};

}  // namespace fpt_webhooks::inline v0_1::detail
