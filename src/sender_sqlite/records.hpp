// Subscriptions as they lie in the tables.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/sender/store.hpp>

#include "sqlite/database.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Patterns as one text, one a line: none holds a line break.
[[nodiscard]] std::string join_lines(const std::vector<std::string>& lines);
[[nodiscard]] std::vector<std::string> split_lines(std::string_view text);

class Records {
  public:
    explicit Records(const Database& database) noexcept : database_(database) {}

    // All of these throw StoreFailure; store_corrupt when what is kept makes no sense.
    [[nodiscard]] std::optional<SubscriptionRecord> find(SubscriptionId id);
    [[nodiscard]] std::vector<SubscriptionRecord> list(SubscriptionId after, std::size_t max);

  private:
    [[nodiscard]] SubscriptionRecord read(const Run& row);
    [[nodiscard]] std::vector<Cut> cuts(SubscriptionId id, Profile profile);

    const Database& database_;
    Statement find_{database_,
                    "SELECT id, url, scope_kind, scope_id, scope_tenant, events, status, pii, version, secret_number,"
                    " deleted, created_at, changed_at, cuts, streak_started, streak_last, streak_warned,"
                    " fifo_per_contact"
                    " FROM fpt_webhooks_subscription WHERE id = ?"};
    Statement list_{database_,
                    "SELECT id, url, scope_kind, scope_id, scope_tenant, events, status, pii, version, secret_number,"
                    " deleted, created_at, changed_at, cuts, streak_started, streak_last, streak_warned,"
                    " fifo_per_contact"
                    " FROM fpt_webhooks_subscription WHERE id > ? AND deleted = 0 ORDER BY id LIMIT ?"};
    Statement cuts_{database_,
                    "SELECT up_to, keep, reason, pii FROM fpt_webhooks_cut WHERE subscription = ? ORDER BY number"};
};

// A number of rows for LIMIT.
[[nodiscard]] std::int64_t limit_of(std::size_t max) noexcept;

// These two throw StoreFailure (store_corrupt).
[[nodiscard]] PiiCategories pii_of(std::int64_t bits);
[[nodiscard]] EventId event_id_of(ByteView bytes);

// A contact as one number, for the columns `contact`.
[[nodiscard]] std::optional<std::int64_t> number_of(const std::optional<ContactKey>& contact) noexcept;

}  // namespace fpt_webhooks::inline v0_1::detail
