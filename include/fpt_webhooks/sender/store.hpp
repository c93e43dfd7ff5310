// Where the sending half keeps everything that must survive: subscriptions, secrets, events, deliveries, attempts.
//
// Coarse, atomic, idempotent: each call is one transaction, and each write may be repeated with the same arguments when
// its reply was lost. MemoryStore and SqliteStore implement it; tests/contract holds what every one must keep.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/sha256.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/sender/delivery.hpp>
#include <fpt_webhooks/sender/subscription_record.hpp>

namespace fpt_webhooks::inline v0_1 {

inline constexpr std::size_t deliveries_pending_max_default = 10'000'000;  // some 5 GB of SQLite file
inline constexpr std::size_t subscription_pending_max_default = 100'000;   // for each
inline constexpr std::size_t subscription_skipped_max = 1'000;             // kept records; a long pause is long

// One contact: its id means something only together with its location.
struct ContactKey {
    LocationId location = {};
    ContactId contact = {};

    friend auto operator<=>(const ContactKey&, const ContactKey&) = default;
};

// An event as it is handed to a store: encoded once, with what matching needs.
struct FPT_WEBHOOKS_SENDER_EXPORT NewEvent {
    EventId id;
    Profile profile = Profile::fpt;
    std::string type = {};                   // FPT: eventType. UFP: the catalogued key
    std::vector<Scope> scopes = {};          // that want it: its location and organization, or company and tenant
    std::optional<ContactKey> contact = {};  // that it is about; see SubscriptionOptions::fifo_per_contact
    std::string body = {};                   // the whole event, as it is sent when nothing is left out
    Sha256 hash = {};                        // SHA-256 of `body`: tells a repeated publish from another event

    // Errors: those of encode_envelope and encode_ufp_event.
    [[nodiscard]] static Result<NewEvent> from(const Envelope& event);
    // `id`: UFP events have none of their own; it names the event here and is not sent.
    [[nodiscard]] static Result<NewEvent> from(const UfpEvent& event, const EventId& id);
};

enum class AppendVerdict {
    accepted,
    duplicate,  // this id with the same content was there
    conflict,   // this id was there with other content
    full,       // the store's cap on pending deliveries is reached
};

// An attempt that has started and has not come back: found after a crash, it is in doubt.
struct AttemptStart {
    DeliveryId delivery = {};
    unsigned number = 1;
    Timestamp at = {};
};

// What became of a pending delivery. Absolute values, so that a repeated write changes nothing.
struct DeliveryUpdate {
    DeliveryId delivery = {};
    DeliveryState state = DeliveryState::waiting;
    EndReason reason = EndReason::none;
    Timestamp at = {};                     // of this update: the end's time
    Timestamp due = {};                    // while it waits
    unsigned attempts = 0;                 // made so far
    Timestamp first_attempt_started = {};  // when attempts > 0
    std::optional<Attempt> attempt = {};   // the one that led here
};

// What an attempt means for its subscription.
struct StreakUpdate {
    SubscriptionId subscription = {};
    std::uint64_t version = 0;                 // of the record that the attempt was started with; another: ignored
    std::optional<FailureStreak> streak = {};  // nothing: it has ended
    EndReason disable = EndReason::none;       // other than none: disable; as an edit, with its cut
    Timestamp at = {};
};

// A contact as the coalescing of its changes needs it: an encoded ContactState or ContactWindow (contact_codec.hpp).
struct KeptContact {
    ContactKey key = {};
    std::uint64_t version = 0;          // 0: nothing was ever kept of it
    std::string record = {};            // "": nothing is known of it
    std::optional<Timestamp> due = {};  // when its open window closes
};

// Keeps a contact's new record if the version is still the expected one, and appends what its window closed in.
struct ContactWrite {
    ContactKey key = {};
    std::uint64_t expected_version = 0;
    std::string record = {};  // "": nothing is to be known of it any more
    std::optional<Timestamp> due = {};
    std::vector<NewEvent> events = {};  // in this order; one that is a duplicate counts as appended
};

// A test delivery that has been made: it is kept as history, and in no streak.
struct TestDelivery {
    SubscriptionId subscription = {};
    NewEvent event;
    Attempt attempt = {};
    bool delivered = false;  // else exhausted(attempts)
};

struct StoreBatch {
    std::uint64_t epoch = 0;  // from acquire; 0: a publisher that owns nothing and brings events only
    Timestamp at = {};
    std::vector<NewEvent> events = {};
    std::vector<AttemptStart> starts = {};
    std::vector<DeliveryUpdate> updates = {};
    std::vector<StreakUpdate> streaks = {};
    std::vector<ContactWrite> contacts = {};
    std::vector<TestDelivery> tests = {};
};

// A delivery that was to wait, and that a cut withdrew instead.
struct DroppedDelivery {
    DeliveryId delivery = {};
    SubscriptionId subscription = {};
    EventId event_id;
    EndReason reason = EndReason::none;
};

struct StoreBatchResult {
    std::vector<AppendVerdict> events = {};  // one for each event
    // One for each write; false: another version, or no room for all of its events: nothing of it is kept.
    std::vector<bool> contacts = {};
    std::vector<SubscriptionId> disabled = {};  // by this batch
    std::vector<DroppedDelivery> dropped = {};  // by this batch, of its updates to `waiting`
};

// A delivery that is to be attempted.
struct PendingDelivery {
    DeliveryId id = {};
    SubscriptionId subscription = {};
    EventId event_id;
    Profile profile = Profile::fpt;
    std::string event_type = {};
    std::string body = {};
    PiiCategories pii = {};  // fixed at matching
    bool replay = false;
    bool waiting = false;  // false: fresh
    Timestamp queued_at = {};
    Timestamp due = {};  // of a fresh one: queued_at
    unsigned attempts = 0;
    Timestamp first_attempt_started = {};
};

struct WaitingPage {
    std::vector<PendingDelivery> deliveries = {};  // oldest due first
    std::optional<Timestamp> next_due = {};        // of what waits beyond these
};

struct ExpireResult {
    std::vector<DeliveryId> ended = {};
    std::optional<Timestamp> oldest_started = {};  // the first attempt's start, of what still waits after one
};

// When a subscription must be looked at: it has a waiting delivery that is due then, or a failure streak.
struct SubscriptionWake {
    SubscriptionId subscription = {};
    std::optional<Timestamp> due = {};  // when an edit has withdrawn something that waits: long ago
    std::optional<FailureStreak> streak = {};
};

struct StoreChanges {
    std::uint64_t sequence = 0;  // ask for the changes since this one next time
    std::vector<SubscriptionId> subscriptions = {};
};

struct DeliveryPage {
    std::vector<Delivery> deliveries = {};  // in the order of their ids
    std::optional<DeliveryId> next = {};    // go on from here; nothing: that was all. A page may be short or empty
};

struct ReplayRequest {
    DeliveryFilter filter = {};
    bool include_delivered = false;
    bool dry_run = false;   // count only
    DeliveryId after = {};  // go on from here
    DeliveryId up_to = {};  // set by the first page: what the replay makes is never replayed by it
    std::size_t max = 100;  // deliveries examined
    Timestamp at = {};
};

struct ReplayPage {
    std::size_t count = 0;  // deliveries made, or that would be
    DeliveryId up_to = {};
    std::optional<DeliveryId> next = {};  // nothing: that was all
};

struct Retention {
    std::chrono::milliseconds history = std::chrono::hours(30 * 24);  // ended deliveries with their attempts and events
    std::chrono::milliseconds ids = std::chrono::hours(90 * 24);      // event ids: a repeated publish is known so long
};

struct StoreStats {
    std::size_t pending = 0;
    std::optional<Timestamp> oldest_pending = {};  // queued at
    std::size_t subscriptions_active = 0;
};

// Implementations may be called from any thread at once.
// Every call may end in: store_failed (disk or file; transient), store_busy (held by another process for too long;
// transient), store_corrupt and store_version (permanent), forked.
class FPT_WEBHOOKS_SENDER_EXPORT Store {
  public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store();

    // ---- the dispatcher's side

    // Makes the caller the one dispatcher on this store, and puts what an earlier one left in flight back to waiting:
    // such an attempt counts, as no_response, and is due again at `now`. Returns the epoch, higher every time.
    // Errors: store_busy when another dispatcher is alive.
    [[nodiscard]] virtual Result<std::uint64_t> acquire(Timestamp now) = 0;
    virtual void release(std::uint64_t epoch) noexcept = 0;

    // Everything in one durable transaction, in this order: updates, streaks, starts, tests, events, contacts.
    // An event is matched against the subscriptions as they are now; for each match a delivery is made: fresh, or
    // skipped with its reason. An update or start for a delivery that has ended, or does not exist, is ignored, except
    // that `delivered` is accepted as a fact over waiting and fresh. An update to `waiting` that the record's cuts do
    // not keep becomes `dropped`.
    // Errors: fenced (the epoch is not the current one; nothing was written), in_doubt conditions for a lost reply.
    [[nodiscard]] virtual Result<StoreBatchResult> commit(const StoreBatch& batch) = 0;

    // Fresh deliveries after this one in the order of their ids, with their events. Read only.
    [[nodiscard]] virtual Result<std::vector<PendingDelivery>> take_fresh(DeliveryId after, std::size_t max) = 0;

    // The subscription's waiting deliveries that are due at `now`, and those that its cuts withdraw, whenever they are
    // due: to be dropped. Under fifo_per_contact not those that wait behind an earlier one of their contact; the page's
    // next_due is then when to look again. Read only.
    [[nodiscard]] virtual Result<WaitingPage> take_waiting(SubscriptionId subscription, Timestamp now,
                                                           std::size_t max) = 0;

    // Ends the subscription's waiting deliveries whose first attempt started before this time, at most `max` of them:
    // exhausted(window). For paused ones, whose windows run on. An attempt whose start is recorded and whose end is not
    // may still deliver: such a delivery is left out. Errors: fenced (another epoch than the owner's).
    [[nodiscard]] virtual Result<ExpireResult> expire_waiting(std::uint64_t epoch, SubscriptionId subscription,
                                                              Timestamp started_before, Timestamp now,
                                                              std::size_t max) = 0;

    // Every subscription with waiting deliveries or a streak. Read only; once, at start.
    [[nodiscard]] virtual Result<std::vector<SubscriptionWake>> wakes() = 0;

    // Subscriptions that were created or edited since, by any process, each once.
    [[nodiscard]] virtual Result<StoreChanges> changes(std::uint64_t since) = 0;

    // ---- contacts

    // Version 0 for a contact that nothing was kept of.
    [[nodiscard]] virtual Result<KeptContact> contact(const ContactKey& key) = 0;
    // Contacts whose windows are due: at `now` or before, or after `latest`, which a clock that went back leaves
    // behind.
    [[nodiscard]] virtual Result<std::vector<KeptContact>> due_contacts(Timestamp now, Timestamp latest,
                                                                        std::size_t max) = 0;

    // ---- subscriptions

    // The id in `subscription` is ignored: the store gives the next one. Errors: limit_exceeded (ids used up).
    [[nodiscard]] virtual Result<SubscriptionRecord> create_subscription(const Subscription& subscription,
                                                                         Timestamp now) = 0;
    // Errors: not_found, conflict (another version).
    [[nodiscard]] virtual Result<SubscriptionRecord> edit_subscription(const SubscriptionEdit& edit) = 0;
    // Errors: not_found. Deleted ones are found.
    [[nodiscard]] virtual Result<SubscriptionRecord> subscription(SubscriptionId id) = 0;
    // Those that are not deleted and have this URL, in the order of their ids.
    [[nodiscard]] virtual Result<std::vector<SubscriptionId>> subscriptions_at(std::string_view url,
                                                                               std::size_t max) = 0;
    // In the order of their ids, deleted ones left out.
    [[nodiscard]] virtual Result<std::vector<SubscriptionRecord>> subscriptions(SubscriptionId after,
                                                                                std::size_t max) = 0;
    // The current secret. Errors: not_found (none, or deleted), crypto_failed (another key than it was kept under).
    [[nodiscard]] virtual Result<Secret> secret(SubscriptionId id) = 0;

    // ---- history

    // Examines at most `max` deliveries after `after`.
    [[nodiscard]] virtual Result<DeliveryPage> deliveries(const DeliveryFilter& filter, DeliveryId after,
                                                          std::size_t max) = 0;
    [[nodiscard]] virtual Result<std::vector<Attempt>> attempts(DeliveryId delivery) = 0;
    // The event's whole body. Errors: not_found (unknown, or past its retention).
    [[nodiscard]] virtual Result<std::string> event_body(const EventId& id) = 0;
    // Makes new fresh deliveries of ended ones; those of deleted subscriptions and of events past their
    // retention are left out. A page ends early where the cap on pending deliveries is reached.
    // Errors: store_full (it was reached before the first one).
    [[nodiscard]] virtual Result<ReplayPage> replay(const ReplayRequest& request) = 0;

    // Removes what is past its retention, at most `max` deliveries (with their attempts), bodies and ids; returns how
    // many. 0: nothing left to do. Cuts that no pending delivery needs go too.
    [[nodiscard]] virtual Result<std::size_t> maintain(const Retention& retention, Timestamp now, std::size_t max) = 0;
    [[nodiscard]] virtual Result<StoreStats> stats() = 0;
};

}  // namespace fpt_webhooks::inline v0_1
