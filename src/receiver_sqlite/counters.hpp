// What is counted over all rows, in one row of its own.
#pragma once

#include <cstdint>

#include "sqlite/database.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Used inside a transaction that its owner opens and commits.
class Counters {
  public:
    struct Values {
        std::int64_t last_fence = 0;     // of all claims and inbox leases: they only grow
        std::int64_t claims = 0;         // rows
        std::int64_t inbox_waiting = 0;  // events that are not done
        std::int64_t last_letter = 0;    // numbers are never used twice
        std::int64_t letters = 0;        // rows

        friend bool operator==(const Values&, const Values&) = default;
    };

    explicit Counters(const Database& database) noexcept : database_(database) {}

    // After BEGIN: reads them. Throws.
    void begin() {
        Run row = read_();
        if (!row.next()) throw StoreFailure(Error(Errc::store_corrupt, "fpt_webhooks_receiver_meta: no row"));
        now = {row.integer(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4)};
        read_values_ = now;
    }
    // Before COMMIT: writes what has changed. Throws.
    void finish() {
        if (now == read_values_) return;
        write_.run(now.last_fence, now.claims, now.inbox_waiting, now.last_letter, now.letters);
    }

    Values now;

  private:
    const Database& database_;
    Values read_values_;
    Statement read_{database_,
                    "SELECT last_fence, claims, inbox_waiting, last_letter, letters FROM fpt_webhooks_receiver_meta"};
    Statement write_{database_,
                     "UPDATE fpt_webhooks_receiver_meta SET last_fence = ?, claims = ?, inbox_waiting = ?,"
                     " last_letter = ?, letters = ?"};
};

}  // namespace fpt_webhooks::inline v0_1::detail
