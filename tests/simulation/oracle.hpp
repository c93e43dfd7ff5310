// What must hold, by the rules for senders alone: a plain model that shares no code with the dispatcher.
//
// It is told what the outside sees: durable writes as they happen, edits, starts and ends of attempts, notices,
// crashes. It names the first broken rule. Times are milliseconds on the time line of the process that owns the store.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <fpt_webhooks/sender/notice.hpp>
#include <fpt_webhooks/sender/store.hpp>
#include <fpt_webhooks/sender/transport.hpp>

#include "contact_model.hpp"

namespace simulation {

namespace fw = fpt_webhooks;
using Ms = std::int64_t;

inline constexpr Ms second = 1'000;
inline constexpr Ms minute = 60 * second;
inline constexpr Ms hour = 60 * minute;

inline constexpr std::size_t process_count = 2;  // at one store; one of them owns it, or none

inline Ms ms(fw::Timestamp time) noexcept { return time.time_since_epoch().count(); }

// An event as its publisher knows it.
struct Event {
    fw::EventId id;
    fw::Profile profile = fw::Profile::fpt;
    std::string type = {};
    std::vector<fw::Scope> scopes = {};
    std::string whole = {};    // the body with everything
    std::string reduced = {};  // without the personal field, for subscriptions that may not see `category`
    std::optional<fw::PiiCategory> category = {};
    std::optional<fw::ContactKey> contact = {};  // that it is about
};

enum class Act { pause, resume, disable, enable, generate, rotate, edit_url, edit_events, edit_pii, remove };

// An edit, as it was asked for.
struct Edit {
    Act act = Act::pause;
    std::string url = {};
    std::vector<std::string> events = {};
    fw::PiiCategories pii = {};
};

// What the oracle needs to know of one answer.
struct Answer {
    int status = 0;
    std::optional<fw::Errc> error = {};
    std::optional<Ms> retry_after = {};
    bool disable = false;  // the header webhook-delivery
    bool abort = false;
};

struct OracleOptions {
    std::size_t pending_max = 0;
    std::size_t subscription_pending_max = 0;
    std::size_t slots = 0;
    std::size_t quarantine_slots = 0;
    bool gone_disables = false;
};

class Oracle {
  public:
    Oracle(OracleOptions options, fw::Store& store) : options_(options), store_(store) {}

    [[nodiscard]] const std::string& broken() const noexcept { return broken_; }
    void fail(Ms now, const std::string& rule);

    // ---- what happened. `now` first, everywhere; `by`: the process
    void offered(const Event& event) { events_.emplace(event.id, Known{.event = event}); }
    void publish_answered(Ms now, const fw::EventId& id, const fw::Result<fw::AppendVerdict>& answer);
    void committed(Ms now, std::size_t by, const fw::StoreBatch& batch, const fw::StoreBatchResult& result);
    void fenced(Ms now, std::size_t by);  // a commit was
    void observe_begins(std::size_t by, const fw::ContactChange& change);
    void observed(Ms now, std::size_t by, Ms tick, const fw::StoreBatch& batch, const fw::StoreBatchResult& result);
    void observe_returned(Ms now, std::size_t by, Ms line_now, bool succeeded);
    void created(Ms now, const fw::SubscriptionRecord& record);
    void edit_durable(Ms now, std::size_t by, fw::SubscriptionId id, const Edit& edit, const fw::Secret* secret);
    void edit_returned(std::size_t by);
    [[nodiscard]] std::uint64_t durable_edits() const noexcept { return edits_; }
    void changes_read(std::size_t by, std::uint64_t up_to);  // so many edits it knows of now
    void expired(Ms now, std::size_t by, fw::SubscriptionId id, const std::vector<fw::DeliveryId>& ended,
                 bool reply_lost);
    void replayed(Ms now, const fw::ReplayRequest& request, std::size_t count);

    // Returns the subscription, whom the answer is then reported for; nothing: a rule is broken. `wall`: the wall
    // clock's time.
    std::optional<fw::SubscriptionId> started(Ms now, std::size_t by, Ms wall, const fw::TransportRequest& request);
    void answered(Ms now, std::size_t by, fw::SubscriptionId id, const Answer& answer);
    void noticed(Ms now, std::size_t by, const fw::Notice& notice);
    void store_failed(Ms now) noexcept { last_fault_ = now; }

    void crashed(Ms now, std::size_t by);
    void stopped(Ms now, std::size_t by);   // gracefully: every answer is recorded
    void ousted(Ms now, std::size_t by);    // it lives, and does not know that the store is not its own any more
    void acquired(Ms now, std::size_t by);  // it owns the store
    void began(Ms now);                     // and dispatches

    // ---- what must hold
    // Nobody has anything to do: neither writer nor pump nor network. `wake`: when the dispatcher wakes by itself.
    void quiet(Ms now, Ms tick, std::optional<Ms> wake);
    void check_whole_store(Ms now);
    void finished(Ms now);

    // ---- for the scenario
    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }
    [[nodiscard]] const ContactModel& contacts() const noexcept { return contacts_; }
    [[nodiscard]] bool is_last_attempt(fw::SubscriptionId id) const;  // that is in flight
    [[nodiscard]] bool has_pending(fw::SubscriptionId id, const fw::EventId& event) const;
    [[nodiscard]] std::vector<fw::Delivery> ended() const;

  private:
    struct Known {
        Event event;
        bool stored = false;
        bool promised = false;  // publish answered accepted or duplicate
    };
    struct View {  // what decides whether and how a subscription is sent to
        std::string url = {};
        std::string secret = {};
        fw::SubscriptionStatus status = fw::SubscriptionStatus::active;
        bool deleted = false;
        fw::PiiCategories pii = {};
    };
    // What a process may still go by, since it has not heard of the edit that ended it.
    struct Old {
        View view = {};
        std::map<fw::DeliveryId, fw::PiiCategories> masks = {};  // of what could be sent under it
        std::uint64_t edit = 0;                                  // the number of the edit that ended it
        Ms since = 0;
    };
    struct Sub {
        fw::SubscriptionId id = {};
        fw::Profile profile = fw::Profile::fpt;
        std::optional<fw::Scope> scope = {};
        std::vector<std::string> patterns = {};
        bool fifo_per_contact = false;
        View view = {};
        std::array<std::vector<Old>, process_count> unseen = {};  // oldest first
        unsigned edits = 0;                                       // durable ones
        Ms edited_at = 0;

        std::optional<fw::DeliveryId> flight = {};
        unsigned flight_edits = 0;
        Ms flight_started = 0;
        std::size_t unrecorded = 0;  // answered 2xx, not durable
        bool barrier = false;        // a failure is not durable
        Ms free_since = 0;
        Ms hold_min = 0;  // before it nothing may start
        Ms hold_max = 0;  // from it on everything due must
        Ms hold_step_min = 0;
        Ms hold_step_max = 0;

        // The streak's start is one of these two; only if both are set there surely is one.
        std::optional<Ms> streak_first = {};
        std::optional<Ms> streak_last = {};
        Ms last_attempt = 0;         // its end
        Ms last_known_attempt = 0;   // what a restart knows of it: the last failure that counted
        bool counted_surely = true;  // the last failure did
        bool counted_maybe = true;
        unsigned warned = 0;
        Ms succeeded_at = 0;
        bool to_disable = false;   // must be, by a peer's stop or UFP's rule
        bool may_disable = false;  // the same, and an edit may have come between
        std::size_t skipped = 0;
        std::size_t pending = 0;
        std::set<fw::DeliveryId> queue = {};  // pending ones
    };
    struct Item {
        fw::DeliveryId id = {};
        fw::SubscriptionId sub = {};
        const Event* event = nullptr;
        bool replay = false;
        fw::PiiCategories mask = {};
        fw::DeliveryState state = fw::DeliveryState::fresh;
        fw::EndReason reason = fw::EndReason::none;
        Ms queued_at = 0;
        Ms due_min = 0;
        Ms due_max = 0;
        bool seen = false;  // was there, and due then as now, when all was quiet
        unsigned attempts = 0;
        unsigned recorded_attempts = 0;
        unsigned durable_start = 0;  // the number of an attempt whose start is recorded
        Ms durable_start_at = 0;
        Ms first_started = 0;
        Ms wall_started = 0;  // the last attempt, by the wall clock
        Ms recorded_first_started = 0;
        bool late = false;       // it was withdrawn before its last attempt started, unknown to who started it
        bool outrun = false;     // what is written of it is older than its last answer
        bool succeeded = false;  // answered 2xx in this life of the process
        bool answered = false;   // an answer is not durable yet
        Answer last = {};
        unsigned withdrawn = 0;  // bits of EndReason
        bool told = false;       // a notice said how it ended
    };

    // A process that was ousted and does not know it yet. What it still does is no part of the model; it may repeat
    // what a crash would have repeated.
    struct GhostLane {
        std::optional<fw::DeliveryId> flight = {};
        std::size_t unrecorded = 0;
        bool barrier = false;
        std::set<fw::DeliveryId> pending = {};  // when it was ousted
        std::set<fw::DeliveryId> done = {};     // answered 2xx, as it knows
    };
    struct Ghost {
        std::map<fw::SubscriptionId, GhostLane> lanes = {};
        fw::DeliveryId last_row = {};
        bool fenced = false;
        bool told = false;  // a notice said so
    };

    Sub& sub(fw::SubscriptionId id) { return subs_.at(id); }
    [[nodiscard]] static unsigned bit(fw::EndReason reason) { return 1U << static_cast<unsigned>(reason); }
    [[nodiscard]] static bool wants(const Sub& sub, const Event& event);
    [[nodiscard]] static bool fits(const std::vector<std::string>& patterns, const std::string& type, fw::Profile of);
    [[nodiscard]] static const std::string& body_for(const Item& item, fw::PiiCategories mask);
    [[nodiscard]] static std::vector<Ms> delays_of(fw::Profile profile);
    [[nodiscard]] static bool counts(const Answer& answer);
    [[nodiscard]] static bool is_signed_with(const std::string& secret, fw::Profile profile, Ms wall,
                                             const fw::TransportRequest& request);
    [[nodiscard]] static const char* why_not(const Sub& of, const View& view, const std::string* body, Ms wall,
                                             const fw::TransportRequest& request);
    void keep_old(Ms now, Sub& of, std::size_t knows_itself);
    void forget_attempts(Ms now);
    void record(Ms now, const fw::DeliveryUpdate& update);
    void check_streak_write(Ms now, const fw::StreakUpdate& update);
    bool match(Ms now, const fw::NewEvent& event, fw::AppendVerdict verdict, const std::vector<fw::Delivery>& rows,
               std::size_t& next);
    std::optional<fw::SubscriptionId> started_by_ghost(Ms now, std::size_t by, Ms wall, Sub& of,
                                                       const fw::TransportRequest& request);
    void check_unseen(Ms now, const Sub& of);
    void window_closed(Ms now, const fw::ContactWrite& write, bool kept, Ms at, const std::vector<fw::Delivery>& rows,
                       std::size_t& next);
    void check_told(Ms now, const fw::ContactKey& contact, const ContactModel::Window& open,
                    const ContactModel::Told& told, const fw::NewEvent& event);
    [[nodiscard]] bool has_room_for(const std::vector<fw::NewEvent>& events) const;
    void check_windows(Ms now, Ms tick);
    void withdraw(Ms now, Sub& of, fw::EndReason reason, fw::DeliveryId up_to);
    void check_start(Ms now, Ms wall, Sub& of, Item& item, const fw::TransportRequest& request);
    void check_order(Ms now, const Sub& of, const Item& item);
    [[nodiscard]] static bool is_over(Ms now, const Sub& of, const Item& item);
    [[nodiscard]] std::optional<fw::DeliveryId> is_behind(Ms now, const Sub& of, const Item& item) const;
    void after_failure(Ms now, Sub& of, Item& item, const Answer& answer);
    void check_row(Ms now, Item& item, const fw::Delivery& row);
    void check_end(Ms now, Item& item, const fw::Delivery& row);
    void add_item(Ms now, const fw::Delivery& row, const Known& known);
    std::vector<fw::Delivery> new_rows();
    void ends(Item& item, const fw::Delivery& row);
    void check_disabled(Ms now, Sub& of);
    void check_streak(Ms now, Sub& of);
    void end_streak(Sub& of);
    std::optional<Ms> must_act_at(Ms now, const Sub& of, const Item& item, bool slot_free) const;
    std::optional<fw::Delivery> row_of(fw::DeliveryId id);
    std::string name(const Item& item) const;

    const OracleOptions options_;
    fw::Store& store_;
    std::string broken_;
    std::map<fw::EventId, Known> events_;
    std::map<fw::SubscriptionId, Sub> subs_;
    std::map<std::string, fw::SubscriptionId> urls_;
    std::unordered_map<fw::DeliveryId, Item> items_;
    fw::DeliveryId last_row_ = {};
    std::size_t pending_ = 0;
    std::size_t in_flight_ = 0;
    std::vector<fw::DeliveryId> to_tell_;
    std::vector<Ms> disabled_at_;       // by the dispatcher, in this life of the process
    bool halted_ = false;               // it disables nothing
    std::optional<std::size_t> owner_;  // of the store
    std::array<bool, process_count> dispatches_ = {};
    std::array<std::optional<Ghost>, process_count> ghosts_ = {};
    ContactModel contacts_;
    struct Observing {
        fw::ContactChange change = {};
        std::uint64_t version = 0;
        bool durable = false;
    };
    std::array<std::optional<Observing>, process_count> observing_ = {};
    std::uint64_t edits_ = 0;  // durable ones, of all
    struct DurableEdit {
        fw::SubscriptionId id = {};
        std::uint64_t number = 0;
    };
    std::array<std::optional<DurableEdit>, process_count> durable_edit_ = {};  // and has not returned
    bool running_ = false;
    Ms running_since_ = 0;
    Ms last_fault_ = 0;
};

}  // namespace simulation
