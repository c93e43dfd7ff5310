// The receiver's tables in a file, on one connection.
#pragma once

#include "receiver_sqlite/claim_table.hpp"
#include "receiver_sqlite/counters.hpp"
#include "receiver_sqlite/inbox_table.hpp"
#include "receiver_sqlite/letter_table.hpp"
#include "sqlite/schema.hpp"

namespace fpt_webhooks::inline v0_1::detail {

[[nodiscard]] Schema receiver_schema() noexcept;

// Every function of theirs throws StoreFailure when SQLite fails; the transaction must then be rolled back. One that
// returns an error has written nothing that its caller would have to take back.
struct Tables {
    explicit Tables(const Database& database) noexcept
        : counters(database),
          claims(database, counters),
          letters(database, counters),
          inbox(database, counters, letters) {}

    Counters counters;
    ClaimTable claims;
    LetterTable letters;
    InboxTable inbox;
};

}  // namespace fpt_webhooks::inline v0_1::detail
