// Everything that a store writes. Used inside a transaction that its caller opens and commits.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <fpt_webhooks/sender/memory_store.hpp>
#include <fpt_webhooks/sender/store.hpp>

#include "sender_sqlite/records.hpp"
#include "sender_sqlite/secret_box.hpp"
#include "sqlite/database.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Every function throws StoreFailure when SQLite fails; the transaction must then be rolled back.
class Writer {
  public:
    Writer(const Database& database, StoreLimits limits) noexcept : database_(database), limits_(limits) {}

    // After BEGIN IMMEDIATE: what was known of an earlier transaction is forgotten.
    void begin();
    // Before COMMIT: writes the counts.
    void finish();

    [[nodiscard]] std::uint64_t epoch() const noexcept { return meta_.epoch; }

    // A new epoch; what was in flight waits again.
    std::uint64_t take_over(Timestamp now);

    void apply(const DeliveryUpdate& update, std::vector<DroppedDelivery>& dropped);
    void apply(const StreakUpdate& update, std::vector<SubscriptionId>& disabled);
    void apply(const AttemptStart& start);
    AppendVerdict append(const NewEvent& event, Timestamp at);
    void apply(const TestDelivery& test, Timestamp at);
    bool apply(const ContactWrite& write, Timestamp at);
    ExpireResult expire(SubscriptionId subscription, Timestamp started_before, Timestamp now, std::size_t max);

    Result<SubscriptionRecord> create(const Subscription& subscription, Timestamp now);
    // `seal` encrypts the edit's secret under its new number.
    using Seal = std::function<Result<SealedSecret>(const Secret& secret, std::uint32_t number)>;
    Result<SubscriptionRecord> edit(const SubscriptionEdit& edit, const Seal& seal);

    Result<ReplayPage> replay(const ReplayRequest& request);
    std::size_t maintain(const Retention& retention, Timestamp now, std::size_t max);

  private:
    struct Meta {
        std::uint64_t epoch = 0;
        std::int64_t last_delivery = 0;
        std::int64_t last_change = 0;
        std::int64_t pending = 0;

        friend bool operator==(const Meta&, const Meta&) = default;
    };
    // What this transaction knows of a subscription.
    struct Lane {
        SubscriptionStatus status = SubscriptionStatus::active;
        PiiCategories pii = {};
        bool has_cuts = false;
        bool deleted = false;
        bool fifo_per_contact = false;
        bool counts_changed = false;
        std::int64_t pending = 0;
        std::int64_t skipped = 0;
        std::optional<SubscriptionRecord> record = {};  // read when its cuts are asked
    };
    struct Candidate {  // for a replay
        Delivery delivery;
        std::int64_t event = 0;
        PiiCategories pii;
        std::optional<std::int64_t> contact;
    };

    Lane& lane(SubscriptionId id);
    void add_attempt(DeliveryId delivery, const Attempt& made);
    CutVerdict verdict(SubscriptionId subscription, DeliveryId id, std::int64_t event, PiiCategories pii);
    void set_waiting(DeliveryId id, unsigned attempts, std::optional<Timestamp> first, PiiCategories pii,
                     Timestamp due);
    void count_end(SubscriptionId subscription);

    [[nodiscard]] std::optional<AppendVerdict> known(const NewEvent& event);
    [[nodiscard]] bool has_room_for(const std::vector<NewEvent>& events);
    [[nodiscard]] const std::vector<SubscriptionId>& wanted_by(const Scope& scope, const std::string& pattern);
    [[nodiscard]] std::vector<SubscriptionId> matches(const NewEvent& event);
    // `contact`: of the event, whether the subscription is fifo_per_contact or not.
    void add_delivery(SubscriptionId subscription, std::int64_t event, std::optional<std::int64_t> contact,
                      PiiCategories pii, bool replay, Timestamp at);

    void write_record(const SubscriptionRecord& record);
    void write_choices(const Subscription& subscription);
    void write_cuts(const SubscriptionRecord& record);

    std::vector<Candidate> candidates(const ReplayRequest& request, DeliveryId up_to, std::size_t max);
    std::size_t forget_deliveries(Timestamp ended_before, std::size_t max);
    std::size_t forget_bodies(Timestamp older_than, std::size_t max);
    void forget_cuts();
    [[nodiscard]] bool is_needed(const Cut& cut, SubscriptionId id);

    const Database& database_;
    const StoreLimits limits_;
    Records records_{database_};
    Meta meta_;
    Meta meta_before_;
    std::unordered_map<SubscriptionId, Lane> lanes_;

    // Who wants what, as it was at this change of subscriptions.
    std::unordered_map<std::string, std::vector<SubscriptionId>> wanted_;
    std::int64_t wanted_at_ = -1;
    std::string wanted_key_;

    Statement read_meta_{database_, "SELECT epoch, last_delivery, last_change, pending FROM fpt_webhooks_meta"};
    Statement write_meta_{database_,
                          "UPDATE fpt_webhooks_meta SET epoch = ?, last_delivery = ?, last_change = ?, pending = ?"};
    Statement read_lane_{database_,
                         "SELECT s.status, s.pii, s.cuts, s.deleted, s.fifo_per_contact, c.pending, c.skipped"
                         " FROM fpt_webhooks_subscription s JOIN fpt_webhooks_count c ON c.subscription = s.id"
                         " WHERE s.id = ?"};
    Statement write_counts_{database_, "UPDATE fpt_webhooks_count SET pending = ?, skipped = ? WHERE subscription = ?"};
    Statement forget_skipped_{database_,
                              "DELETE FROM fpt_webhooks_delivery WHERE id IN (SELECT id FROM fpt_webhooks_delivery"
                              " WHERE state = 5 AND subscription = ? ORDER BY id LIMIT ?)"};

    Statement find_delivery_{database_,
                             "SELECT subscription, event, state, attempts, pii, first_started"
                             " FROM fpt_webhooks_delivery WHERE id = ?"};
    Statement event_type_{database_, "SELECT type FROM fpt_webhooks_event WHERE seq = ?"};
    Statement event_id_{database_, "SELECT event_id FROM fpt_webhooks_event WHERE seq = ?"};
    Statement set_waiting_{
        database_,
        "UPDATE fpt_webhooks_delivery SET state = 1, attempts = ?, first_started = ?, pii = ?, due = ?"
        " WHERE id = ?"};
    Statement set_ended_{database_,
                         "UPDATE fpt_webhooks_delivery SET state = ?, reason = ?, attempts = ?, first_started = ?,"
                         " pii = ?, due = NULL, ended_at = ? WHERE id = ?"};
    Statement add_attempt_{database_,
                           "INSERT OR REPLACE INTO fpt_webhooks_attempt VALUES (?, ?, ?, ?, ?, nullif(?, 0), ?, ?)"};
    Statement add_flight_{database_, "INSERT OR REPLACE INTO fpt_webhooks_flight VALUES (?, ?, ?)"};
    Statement end_flight_{database_, "DELETE FROM fpt_webhooks_flight WHERE delivery = ? AND number <= ?"};
    Statement flights_{database_,
                       "SELECT f.delivery, f.number, f.at, d.attempts, d.first_started, d.pii"
                       " FROM fpt_webhooks_flight f JOIN fpt_webhooks_delivery d ON d.id = f.delivery"};
    Statement waiting_started_{database_,
                               "SELECT id, first_started FROM fpt_webhooks_delivery"
                               " INDEXED BY fpt_webhooks_delivery_waiting"
                               " WHERE state = 1 AND subscription = ? AND attempts > 0"
                               " AND id NOT IN (SELECT delivery FROM fpt_webhooks_flight) ORDER BY due, id"};
    Statement set_expired_{database_,
                           "UPDATE fpt_webhooks_delivery SET state = 3, reason = 2, due = NULL, ended_at = ?"
                           " WHERE id = ?"};

    Statement add_event_{database_,
                         "INSERT INTO fpt_webhooks_event (event_id, hash, profile, type, at, contact, whole)"
                         " VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (event_id) DO NOTHING"};
    Statement find_hash_{database_, "SELECT hash FROM fpt_webhooks_event WHERE event_id = ?"};
    Statement add_body_{database_, "INSERT INTO fpt_webhooks_body VALUES (?, ?)"};
    Statement find_choice_{database_,
                           "SELECT subscription FROM fpt_webhooks_choice WHERE scope_kind = ? AND scope_id = ?"
                           " AND scope_tenant = ? AND pattern = ?"};
    Statement add_delivery_{database_,
                            "INSERT INTO fpt_webhooks_delivery (id, subscription, event, state, reason, replay, pii,"
                            " attempts, queued_at, ended_at, contact) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)"};

    Statement add_test_{database_,
                        "INSERT INTO fpt_webhooks_delivery (id, subscription, event, state, reason, replay, pii,"
                        " attempts, queued_at, ended_at, first_started) VALUES (?, ?, ?, ?, ?, 2, ?, ?, ?, ?, ?)"};
    Statement contact_version_{database_,
                               "SELECT version FROM fpt_webhooks_contact WHERE location = ? AND contact = ?"};
    Statement write_contact_{database_, "INSERT OR REPLACE INTO fpt_webhooks_contact VALUES (?, ?, ?, ?, ?)"};
    Statement last_subscription_{database_, "SELECT max(id) FROM fpt_webhooks_subscription"};
    Statement write_subscription_{database_,
                                  "INSERT OR REPLACE INTO fpt_webhooks_subscription"
                                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    Statement write_streak_{database_,
                            "UPDATE fpt_webhooks_subscription SET streak_started = ?, streak_last = ?,"
                            " streak_warned = ? WHERE id = ? AND version = ? AND deleted = 0"};
    Statement add_count_{database_, "INSERT INTO fpt_webhooks_count VALUES (?, 0, 0)"};
    Statement forget_choice_{database_,
                             "DELETE FROM fpt_webhooks_choice WHERE scope_kind = ? AND scope_id = ?"
                             " AND scope_tenant = ? AND pattern = ? AND subscription = ?"};
    Statement add_choice_{database_, "INSERT INTO fpt_webhooks_choice VALUES (?, ?, ?, ?, ?)"};
    Statement forget_cuts_{database_, "DELETE FROM fpt_webhooks_cut WHERE subscription = ?"};
    Statement add_cut_{database_, "INSERT INTO fpt_webhooks_cut VALUES (?, ?, ?, ?, ?, ?)"};
    Statement set_cuts_{database_, "UPDATE fpt_webhooks_subscription SET cuts = ? WHERE id = ?"};
    Statement write_secret_{database_, "INSERT OR REPLACE INTO fpt_webhooks_secret VALUES (?, ?, ?, ?)"};
    Statement forget_secret_{database_, "DELETE FROM fpt_webhooks_secret WHERE subscription = ?"};

    Statement scan_{
        database_,
        "SELECT d.id, d.subscription, e.event_id, e.type, d.state, d.queued_at, d.event, d.pii, e.whole,"
        " d.replay, e.contact FROM fpt_webhooks_delivery d CROSS JOIN fpt_webhooks_event e ON e.seq = d.event"
        " WHERE d.id > ? AND d.id <= ? ORDER BY d.id LIMIT ?"};
    Statement scan_event_{database_,
                          "SELECT d.id, d.subscription, e.event_id, e.type, d.state, d.queued_at, d.event, d.pii,"
                          " e.whole, d.replay, e.contact FROM fpt_webhooks_event e"
                          " CROSS JOIN fpt_webhooks_delivery d INDEXED BY fpt_webhooks_delivery_event"
                          " ON d.event = e.seq"
                          " WHERE e.event_id = ? AND d.id > ? AND d.id <= ? ORDER BY d.id LIMIT ?"};
    Statement ended_{database_,
                     "SELECT id, subscription, state FROM fpt_webhooks_delivery"
                     " INDEXED BY fpt_webhooks_delivery_ended"
                     " WHERE state >= 2 AND ended_at <= ? ORDER BY ended_at LIMIT ?"};
    Statement forget_attempts_{database_, "DELETE FROM fpt_webhooks_attempt WHERE delivery = ?"};
    Statement forget_delivery_{database_, "DELETE FROM fpt_webhooks_delivery WHERE id = ?"};
    Statement whole_events_{database_,
                            "SELECT seq FROM fpt_webhooks_event INDEXED BY fpt_webhooks_event_whole"
                            " WHERE whole = 1 AND at <= ? AND NOT EXISTS"
                            " (SELECT 1 FROM fpt_webhooks_delivery WHERE event = seq) ORDER BY at LIMIT ?"};
    Statement forget_body_{database_, "DELETE FROM fpt_webhooks_body WHERE event = ?"};
    Statement set_bare_{database_, "UPDATE fpt_webhooks_event SET whole = 0 WHERE seq = ?"};
    Statement forget_events_{database_,
                             "DELETE FROM fpt_webhooks_event WHERE seq IN (SELECT seq FROM fpt_webhooks_event"
                             " INDEXED BY fpt_webhooks_event_bare WHERE whole = 0 AND at <= ? ORDER BY at LIMIT ?)"};
    Statement with_cuts_{database_, "SELECT DISTINCT subscription FROM fpt_webhooks_cut"};
    Statement older_fresh_{database_,  // of any subscription: to find out whose would be long
                           "SELECT 1 FROM fpt_webhooks_delivery INDEXED BY fpt_webhooks_delivery_fresh"
                           " WHERE state = 0 AND id <= ? LIMIT 1"};
    Statement older_waiting_{database_,
                             "SELECT 1 FROM fpt_webhooks_delivery INDEXED BY fpt_webhooks_delivery_waiting"
                             " WHERE state = 1 AND subscription = ? AND id <= ? LIMIT 1"};
};

}  // namespace fpt_webhooks::inline v0_1::detail
