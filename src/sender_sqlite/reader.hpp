// Everything that a store reads. Used inside a read transaction that its caller opens and ends.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <fpt_webhooks/sender/store.hpp>

#include "sender_sqlite/records.hpp"
#include "sender_sqlite/secret_box.hpp"
#include "sqlite/database.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// At which version of a subscription none of its waiting deliveries was one that its cuts withdraw. It stays so until
// the next version, since what is to wait is judged when it is committed.
using KeptAt = std::unordered_map<SubscriptionId, std::uint64_t>;

// Every function throws StoreFailure when SQLite fails.
class Reader {
  public:
    explicit Reader(const Database& database) noexcept : database_(database) {}

    std::vector<PendingDelivery> take_fresh(DeliveryId after, std::size_t max);
    WaitingPage take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max, KeptAt& kept_at);
    std::vector<SubscriptionWake> wakes(KeptAt& kept_at);
    StoreChanges changes(std::uint64_t since);

    Records& records() noexcept { return records_; }
    std::vector<SubscriptionId> subscriptions_at(std::string_view url, std::size_t max);
    Result<Secret> secret(SubscriptionId id, const SecretBox& box);

    DeliveryPage deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max);
    std::vector<Attempt> attempts(DeliveryId delivery);
    Result<std::string> event_body(const EventId& id);
    StoreStats stats();

    KeptContact contact(const ContactKey& key);
    std::vector<KeptContact> due_contacts(Timestamp now, Timestamp latest, std::size_t max);

  private:
    struct Due {
        DeliveryId id;
        Timestamp due;
        bool withdrawn = false;
        bool behind = false;  // an earlier one of its contact
    };

    // Waiting deliveries, oldest due first: the first `max`.
    std::vector<Due> due_list(SubscriptionId subscription, std::size_t max);
    // The same of one whose deliveries have to be looked at: all if its cuts may drop some, else until `max` of them
    // are not behind another.
    std::vector<Due> judged_list(const SubscriptionRecord& record, std::size_t max, KeptAt& kept_at);
    static bool judges(const SubscriptionRecord& record, const KeptAt& kept_at);

    const Database& database_;
    Records records_{database_};

    Statement fresh_{database_,
                     "SELECT d.id, d.subscription, e.event_id, e.profile, e.type, b.body, d.pii, d.replay, d.state,"
                     " d.queued_at, d.due, d.attempts, d.first_started"
                     " FROM fpt_webhooks_delivery d INDEXED BY fpt_webhooks_delivery_fresh"
                     " CROSS JOIN fpt_webhooks_event e ON e.seq = d.event"
                     " CROSS JOIN fpt_webhooks_body b ON b.event = d.event"
                     " WHERE d.state = 0 AND d.id > ? ORDER BY d.id LIMIT ?"};
    Statement pending_{database_,
                       "SELECT d.id, d.subscription, e.event_id, e.profile, e.type, b.body, d.pii, d.replay, d.state,"
                       " d.queued_at, d.due, d.attempts, d.first_started"
                       " FROM fpt_webhooks_delivery d CROSS JOIN fpt_webhooks_event e ON e.seq = d.event"
                       " CROSS JOIN fpt_webhooks_body b ON b.event = d.event WHERE d.id = ?"};
    Statement due_{database_,
                   "SELECT id, due FROM fpt_webhooks_delivery INDEXED BY fpt_webhooks_delivery_waiting"
                   " WHERE state = 1 AND subscription = ? ORDER BY due, id LIMIT ?"};
    Statement judged_{database_,
                      "SELECT d.id, d.due, d.pii, e.type, d.contact IS NOT NULL AND EXISTS"
                      " (SELECT 1 FROM fpt_webhooks_delivery p INDEXED BY fpt_webhooks_delivery_contact"
                      "  WHERE p.state = 1 AND p.contact IS NOT NULL AND p.subscription = d.subscription"
                      "  AND p.contact = d.contact AND p.id < d.id)"
                      " FROM fpt_webhooks_delivery d INDEXED BY fpt_webhooks_delivery_waiting"
                      " CROSS JOIN fpt_webhooks_event e ON e.seq = d.event"
                      " WHERE d.state = 1 AND d.subscription = ? ORDER BY d.due, d.id"};
    Statement wakes_{database_,
                     "SELECT s.id, s.cuts, s.streak_started, s.streak_last, s.streak_warned,"
                     " (SELECT d.due FROM fpt_webhooks_delivery d INDEXED BY fpt_webhooks_delivery_waiting"
                     "  WHERE d.state = 1 AND d.subscription = s.id ORDER BY d.due LIMIT 1)"
                     " FROM fpt_webhooks_subscription s ORDER BY s.id"};
    Statement last_change_{database_, "SELECT last_change FROM fpt_webhooks_meta"};
    Statement changes_{database_, "SELECT id FROM fpt_webhooks_subscription WHERE change > ? ORDER BY change"};
    Statement at_url_{database_,
                      "SELECT id FROM fpt_webhooks_subscription INDEXED BY fpt_webhooks_subscription_url"
                      " WHERE deleted = 0 AND url = ? ORDER BY id LIMIT ?"};
    Statement secret_{database_, "SELECT number, nonce, ciphertext FROM fpt_webhooks_secret WHERE subscription = ?"};

    Statement history_{database_,
                       "SELECT d.id, d.subscription, e.event_id, e.type, d.state, d.reason, d.replay, d.attempts,"
                       " d.queued_at, d.due, d.ended_at"
                       " FROM fpt_webhooks_delivery d CROSS JOIN fpt_webhooks_event e ON e.seq = d.event"
                       " WHERE d.id > ? AND d.id <= ? ORDER BY d.id LIMIT ?"};
    Statement history_of_event_{database_,
                                "SELECT d.id, d.subscription, e.event_id, e.type, d.state, d.reason, d.replay,"
                                " d.attempts, d.queued_at, d.due, d.ended_at FROM fpt_webhooks_event e"
                                " CROSS JOIN fpt_webhooks_delivery d INDEXED BY fpt_webhooks_delivery_event"
                                " ON d.event = e.seq WHERE e.event_id = ? AND d.id > ? ORDER BY d.id LIMIT ?"};
    Statement attempts_{database_,
                        "SELECT number, started, duration, status, error, detail, head FROM fpt_webhooks_attempt"
                        " WHERE delivery = ? ORDER BY number"};
    Statement body_{database_,
                    "SELECT b.body FROM fpt_webhooks_event e JOIN fpt_webhooks_body b ON b.event = e.seq"
                    " WHERE e.event_id = ?"};
    Statement contact_{database_,
                       "SELECT version, record, due FROM fpt_webhooks_contact WHERE location = ? AND contact = ?"};
    Statement due_contacts_{database_,
                            "SELECT version, record, due, location, contact FROM fpt_webhooks_contact"
                            " INDEXED BY fpt_webhooks_contact_due"
                            " WHERE due IS NOT NULL AND (due <= ? OR due > ?) ORDER BY due LIMIT ?"};
    Statement pending_count_{database_, "SELECT pending FROM fpt_webhooks_meta"};
    Statement oldest_{database_,
                      "SELECT queued_at FROM fpt_webhooks_delivery WHERE id ="
                      " (SELECT min(id) FROM (SELECT min(id) AS id FROM fpt_webhooks_delivery"
                      " INDEXED BY fpt_webhooks_delivery_fresh WHERE state = 0 UNION ALL"
                      " SELECT min(id) FROM fpt_webhooks_delivery INDEXED BY fpt_webhooks_delivery_waiting"
                      " WHERE state = 1))"};
    Statement active_{database_, "SELECT count(*) FROM fpt_webhooks_subscription WHERE status = 0 AND deleted = 0"};
};

}  // namespace fpt_webhooks::inline v0_1::detail
