// The sending half: publish an event, and every subscription that wants it gets it, signed, whatever crashes in between
// (FPT and UFP). What happens between the lines is in docs/dispatcher.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/sender/actor.hpp>
#include <fpt_webhooks/sender/contact_window.hpp>
#include <fpt_webhooks/sender/deliver_once.hpp>
#include <fpt_webhooks/sender/metrics.hpp>
#include <fpt_webhooks/sender/notice.hpp>
#include <fpt_webhooks/sender/retry_policy.hpp>
#include <fpt_webhooks/sender/store.hpp>
#include <fpt_webhooks/sender/transport.hpp>

namespace fpt_webhooks::inline v0_1 {

struct DispatcherOptions {
    std::shared_ptr<Store> store = {};          // needed
    std::shared_ptr<Transport> transport = {};  // needed

    // For endpoints that did not answer last time, so that waiting for them costs the others nothing: a second
    // transport of the same kind. Null: the first serves all.
    std::shared_ptr<Transport> quarantine_transport = {};

    std::shared_ptr<const EndpointPolicy> policy = {};  // null: HTTPS to public addresses
    std::shared_ptr<const Clock> clock = {};            // null: system_clock()
    std::shared_ptr<RandomSource> random = {};          // null: system_random()
    NoticeHandler on_notice = {};

    RetryPolicy fpt = RetryPolicy::fpt();
    RetryPolicy ufp = RetryPolicy::ufp();
    std::chrono::milliseconds disable_after = std::chrono::hours(24);  // of uninterrupted failure (FPT). Over zero
    std::chrono::milliseconds no_secret_max = std::chrono::hours(24);  // how long deliveries wait for a first secret

    std::chrono::milliseconds timeout{30'000};          // of an attempt
    std::chrono::milliseconds connect_timeout{10'000};  // DNS, connect and TLS, of it
    std::string user_agent{default_user_agent};
    std::size_t in_flight_max = 512;             // attempts at a time; each takes a descriptor
    std::size_t quarantine_in_flight_max = 128;  // of them, at endpoints that did not answer last time

    std::size_t publish_queue_max = 16'384;        // events that wait for their commit; more: overloaded
    std::chrono::milliseconds poll_interval{250};  // how soon other processes' publishes and edits are seen
    Retention retention = {};
    ContactWindowOptions contact_window = {};  // for observe()
};

// A subscription that is to be created.
struct NewSubscription {
    Actor actor = {};
    std::string url = {};
    std::optional<Scope> scope = {};  // nothing: the actor's own
    std::vector<std::string> events = {};
    PiiCategories pii = {};
    bool fifo_per_contact = false;  // see SubscriptionOptions
};

// What is set is changed. A scope cannot be changed.
struct SubscriptionPatch {
    std::optional<std::string> url = {};
    std::optional<std::vector<std::string>> events = {};  // pending deliveries that no longer match are dropped
    std::optional<PiiCategories> pii = {};                // narrowing acts on pending deliveries too, widening does not
    std::optional<bool> fifo_per_contact = {};            // turning it on orders what is published from then on
};

struct ReplayOptions {
    DeliveryFilter filter = {};
    bool include_delivered = false;
    bool dry_run = false;            // count only
    std::size_t per_second = 1'000;  // deliveries made; 0: no cap. What a receiver can take
};

// May be shared between threads. Every call in a forked child is an error, `forked`.
class FPT_WEBHOOKS_SENDER_EXPORT Dispatcher {
  public:
    // Errors: invalid_argument that names the option.
    [[nodiscard]] static Result<std::unique_ptr<Dispatcher>> create(DispatcherOptions options);

    // Stops at once, as stop() with no time would.
    ~Dispatcher();
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    // Becomes the one dispatcher on the store and begins to deliver. Publishing and managing work without it.
    // Errors: store_busy (another dispatcher works on it), those of Store; wrong_state (started before).
    [[nodiscard]] Result<void> start();

    // Starts no attempt any more, waits until those in flight have come back or `patience` is over (then they are
    // cancelled, and tried again after the next start), records all outcomes and gives the store up. Nothing is lost.
    // Not to be called inside the notice handler. Repeated: does nothing.
    void stop(std::chrono::milliseconds patience = std::chrono::seconds(30));

    // ---- publishing

    // A new FPT event of this moment. Make it once and keep it: to publish it again is safe, to make it again is not.
    template <TypedEvent T>
    [[nodiscard]] Result<Envelope> make_event(const T& event, const EventOrigin& origin) const {
        return make_envelope(event, origin, *clock_, *random_);
    }

    // Durable when it returns: accepted or duplicate.
    // Errors: conflict (the id is another event's), overloaded (the queue is full; transient), store_full (the store's
    // cap on pending deliveries; transient), what Store::commit says, stopped, those of NewEvent::from. After
    // commit_unknown publish the same again.
    [[nodiscard]] Result<AppendVerdict> publish(const Envelope& event);
    [[nodiscard]] Result<AppendVerdict> publish(const UfpEvent& event, const EventId& id);

    // Many at once, one result for each, in one commit or a few.
    [[nodiscard]] std::vector<Result<AppendVerdict>> publish(std::span<const Envelope> events);

    // Does not wait. `done` is called once, on a thread of the dispatcher's own, and must not block; what it throws is
    // caught. An error that is returned here means that it is not called.
    using PublishDone = std::function<void(const Result<AppendVerdict>&)>;
    [[nodiscard]] Result<void> publish_async(NewEvent event, PublishDone done);

    // A change to a contact, of which events are made: many in quick succession become one contact.updated with the
    // final state, with its companions; see ContactChange and ContactWindow. Durable when it returns; the events are
    // published when the window closes, by the dispatcher that runs, with the same ids whatever crashes in between.
    // For a contact that moved to another location observe both halves of split_move.
    // Errors: those of the free observe(); conflict when others change the same contact all the time; those of Store.
    [[nodiscard]] Result<void> observe(const ContactChange& change);

    // ---- subscriptions. Every call: forbidden when the actor's role does not reach, not_found, those of Store.

    // Active at once; sends as soon as a secret is generated. Two subscriptions with one URL get every common event
    // twice: a notice `same_url` says so, here and when a URL is edited. Errors: those of Subscription::create.
    [[nodiscard]] Result<SubscriptionRecord> create_subscription(const NewSubscription& subscription);
    [[nodiscard]] Result<SubscriptionRecord> edit_subscription(const Actor& actor, SubscriptionId id,
                                                               const SubscriptionPatch& patch);

    // The first secret, revealed this once. Errors: wrong_state where there is one (rotate it).
    [[nodiscard]] Result<Secret> generate_secret(const Actor& actor, SubscriptionId id);
    // A new one, revealed this once. When it returns, nothing is signed with the old one any more; in other processes
    // within a second. Errors: wrong_state where there is none.
    [[nodiscard]] Result<Secret> rotate_secret(const Actor& actor, SubscriptionId id);
    // UFP: the user's own secret, the first one or the next. Errors: wrong_state for FPT; invalid_argument if it is
    // empty.
    [[nodiscard]] Result<void> set_secret(const Actor& actor, SubscriptionId id, const Secret& secret);

    // active → paused → active. Errors: wrong_state.
    [[nodiscard]] Result<SubscriptionRecord> pause(const Actor& actor, SubscriptionId id);
    [[nodiscard]] Result<SubscriptionRecord> resume(const Actor& actor, SubscriptionId id);
    // Pending deliveries are dropped. Errors: wrong_state if it is.
    [[nodiscard]] Result<SubscriptionRecord> disable(const Actor& actor, SubscriptionId id);
    // disabled → active; no catch-up. Errors: wrong_state.
    [[nodiscard]] Result<SubscriptionRecord> enable(const Actor& actor, SubscriptionId id);
    // For good: pending deliveries are dropped, the secret is gone, the history stays.
    [[nodiscard]] Result<void> remove(const Actor& actor, SubscriptionId id);

    [[nodiscard]] Result<SubscriptionRecord> subscription(const Actor& actor, SubscriptionId id);
    // Those that the actor may see, by id; a page may be short. Go on after the last id that was looked at.
    struct SubscriptionPage {
        std::vector<SubscriptionRecord> subscriptions = {};
        std::optional<SubscriptionId> next = {};
    };
    [[nodiscard]] Result<SubscriptionPage> subscriptions(const Actor& actor, SubscriptionId after = {},
                                                         std::size_t max = 100);

    // ---- testing, history, replay

    // One attempt with a sample of this type, a fresh id and the current secret; in the history, outside the streak.
    // Waits for it.
    // Not to be called inside the notice handler or a completion. Errors: wrong_state without a secret,
    // invalid_argument for an event type that has no sample.
    [[nodiscard]] Result<Attempt> send_test(const Actor& actor, SubscriptionId id, std::string_view event_type);

    [[nodiscard]] Result<DeliveryPage> deliveries(const DeliveryFilter& filter, DeliveryId after = {},
                                                  std::size_t max = 100);
    [[nodiscard]] Result<std::vector<Attempt>> attempts(DeliveryId delivery);

    // Makes new deliveries of ended ones; returns how many, or would make with dry_run. Works through the history a
    // page at a time, so `stop` ends it early: then the error is `stopped`.
    [[nodiscard]] Result<std::size_t> replay(const ReplayOptions& options);

    [[nodiscard]] Result<DispatcherMetrics> metrics();

    struct Impl;
    Dispatcher(std::unique_ptr<Impl> impl, std::shared_ptr<const Clock> clock,
               std::shared_ptr<RandomSource> random) noexcept;  // only create() can make an Impl

  private:
    std::shared_ptr<const Clock> clock_;
    std::shared_ptr<RandomSource> random_;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fpt_webhooks::inline v0_1
