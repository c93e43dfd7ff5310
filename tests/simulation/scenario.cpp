#include "scenario.hpp"

#include <algorithm>

#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>

#include "plants.hpp"

namespace simulation {
namespace {

constexpr fw::Actor host{.role = fw::Role::host};
constexpr std::size_t steps_max = 200'000;
constexpr Ms poll_interval = 250;
constexpr Ms store_retry_delay = 200;
constexpr Ms start_write_delay = 50;

struct Kind {
    const char* type;
    const char* field;  // of the personal field
    fw::PiiCategory category;
};
constexpr Kind fpt_kinds[] = {{"contact.created", "firstName", fw::PiiCategory::identity},
                              {"contact.updated", "firstName", fw::PiiCategory::identity},
                              {"payment.succeeded", "amount", fw::PiiCategory::financial},
                              {"message.sms_received", "text", fw::PiiCategory::message_content}};
constexpr const char* ufp_kinds[] = {"newlead_created", "invoice_created"};

template <class T, std::size_t n>
const T& pick(Rng& rng, const T (&from)[n]) {
    return from[rng.below(n)];
}

}  // namespace

Scenario::Scenario(std::uint64_t seed, bool traces)
    : rng_(seed * 0x2545f4914f6cdd1dU + 1), traces_(traces), random_(std::make_shared<SimRandom>(rng_.next())) {
    begun_at_ = now();
    limits_ = {.pending_max = rng_.chance(100) ? 60U : 1'000'000U,
               .subscription_pending_max = rng_.chance(150) ? 8U : 100'000U,
               .slots = rng_.chance(150) ? static_cast<std::size_t>(rng_.between(1, 3)) : 512U,
               .quarantine_slots = rng_.chance(150) ? static_cast<std::size_t>(rng_.between(1, 3)) : 128U,
               .gone_disables = rng_.chance(200)};
    many_ = rng_.chance(15);
    clock_jumps_ = rng_.chance(200);
    memory_ = std::make_shared<fw::MemoryStore>(fw::StoreLimits{
        .pending_max = limits_.pending_max, .subscription_pending_max = limits_.subscription_pending_max});
    oracle_ = std::make_unique<Oracle>(limits_, *memory_);
    store_ = std::make_shared<FaultyStore>(memory_, *clock_, *oracle_, *this, store_plants());
    transport_ = std::make_shared<SimTransport>(*clock_, *oracle_,
                                                [this](fw::SubscriptionId id) { return fate_of_attempt(id); });
    dispatcher_clock_ = plant_clock(clock_);
    policy_ = fw::EndpointPolicy::create().value();
}

Scenario::~Scenario() {
    if (dispatcher_) {
        impl_->stopping = true;  // its destructor then does nothing
        dispatcher_.reset();
    }
}

void Scenario::plan() {
    const Ms spans[] = {30 * second, 6 * hour, 3 * 24 * hour, 3 * 24 * hour};
    horizon_ = many_ ? 3 * 24 * hour : pick(rng_, spans);
    const auto add = [&](Happening what, std::int64_t least, std::int64_t most) {
        for (std::int64_t i = rng_.between(least, most); i > 0; --i) {
            // many things at the beginning, some in the course of time
            const Ms at = rng_.chance(300) ? rng_.between(0, 5 * second) : rng_.between(0, horizon_);
            plan_.push_back({.at = begun_at_ + at, .what = what});
        }
    };
    add(Happening::publish, 35, 50);
    add(Happening::burst, 0, many_ ? 0 : 1);
    add(Happening::edit, many_ ? 0 : 6, many_ ? 3 : 24);
    add(Happening::mood, 4, 16);
    add(Happening::outage, 1, 4);
    add(Happening::fault, 9, 16);
    add(Happening::crash, 2, 5);
    add(Happening::stop, 0, 1);
    add(Happening::replay, 0, 4);
    add(Happening::subscribe, 0, 2);
    std::sort(plan_.begin(), plan_.end(), [](const Planned& a, const Planned& b) { return a.at < b.at; });
}

std::string Scenario::run() {
    others_run_ = false;
    start_process();
    for (int i = many_ ? 30 : 5; i > 0; --i) subscribe();
    others_run_ = true;
    plan();
    try {
        while (oracle_->broken().empty()) {
            if (++counts_.steps > steps_max) {
                oracle_->fail(now(), "it turns and turns and time does not pass");
                break;
            }
            try {
                if (take_turn()) {
                    if (rng_.chance(150)) advance(rng_.between(0, 3));
                    continue;
                }
                tell_notices();
                const bool settled = dispatcher_ && begun_ && !blind_ && now() >= writer_blocked_ &&
                                     now() >= pump_blocked_ && now() >= outage_until_;
                if (settled) {
                    std::optional<Ms> wake;
                    if (const auto at = impl_->engine->next_wake()) wake = ms(*at);
                    if (impl_->engine->wants_reads()) oracle_->fail(now(), "a read is wanted and nobody was woken");
                    oracle_->quiet(now(), wake);
                    if (rng_.chance(20)) oracle_->check_whole_store(now());
                }
                if (plan_.empty() && open_offers_ == 0) {
                    if (!healed_) {
                        heal();
                        continue;
                    }
                    if (settled && oracle_->pending() == 0) break;
                    if (now() > begun_at_ + horizon_ + 8 * 24 * hour) break;
                }
                pass_time();
            } catch (const Crash&) {
                end_process();
            }
        }
        if (oracle_->broken().empty()) oracle_->finished(now());
    } catch (const std::exception& thrown) {
        oracle_->fail(now(), std::string("thrown: ") + thrown.what());
    }
    return oracle_->broken();
}

// ---- processes ----

void Scenario::start_process() {
    fw::DispatcherOptions options{.store = store_,
                                  .transport = transport_,
                                  .quarantine_transport = transport_,
                                  .policy = policy_,
                                  .clock = dispatcher_clock_,
                                  .random = random_,
                                  .on_notice = [](const fw::Notice&) {}};
    options.fpt = plant_policy(fw::RetryPolicy::fpt());
    options.ufp = plant_policy(fw::RetryPolicy::ufp());
    options.fpt.gone_disables = options.ufp.gone_disables = limits_.gone_disables;
    options.in_flight_max = limits_.slots;
    options.quarantine_in_flight_max = limits_.quarantine_slots;
    auto impl = std::make_unique<fw::Dispatcher::Impl>(std::move(options));
    impl_ = impl.get();
    dispatcher_ = std::make_unique<fw::Dispatcher>(std::move(impl), dispatcher_clock_, random_);
    begun_ = false;
    note([] { return "a process starts"; });
}

// Somebody sets the clock while no process runs.
void Scenario::jump() {
    if (!clock_jumps_ || healed_ || !rng_.chance(500)) return;
    const Ms by = rng_.between(-hour, hour);
    clock_->set_wall(clock_->now() + std::chrono::milliseconds(by));
    note([&] { return "the clock jumps by " + std::to_string(by); });
}

void Scenario::restart_later(Ms delay) {
    jump();
    const auto least = healed_ ? 0 : delay;
    restart_at_ = now() + least;
    crash_in_.reset();
    writer_busy_ = pump_busy_ = host_busy_ = false;
    others_run_ = true;
    depth_ = 0;
    begun_ = false;
    starts_wait_since_.reset();
    for (Offer& offer : offers_) offer.waits = false;  // the host asks again
}

void Scenario::end_process() {
    ++counts_.crashes;
    note([] { return "CRASH"; });
    impl_->stopping = true;  // its destructor then does nothing: nothing is flushed, nothing given back
    dispatcher_.reset();
    impl_ = nullptr;
    transport_->lose_all();
    store_->unlock();
    oracle_->crashed(now());
    const Ms delays[] = {0, 100, 5 * second, 10 * minute, 3 * hour, 14 * hour};
    restart_later(many_ || rng_.chance(800) ? rng_.between(0, 2 * second) : pick(rng_, delays));
}

// As Dispatcher::stop, step by step.
void Scenario::stop_gracefully() {
    if (!begun_) return;
    note([] { return "stop"; });
    impl_->engine->drain();
    if (rng_.chance(500)) {
        while (transport_->in_flight() > 0) {
            if (const Ms at = *transport_->next(); at > now()) advance(at - now());
            deliver_answer();
        }
    }
    impl_->cancelling = true;
    while (transport_->in_flight() > 0) transport_->complete_one(true);
    for (int tries = 0; tries < 20 && (!impl_->publishes.empty() || impl_->outcomes_wait()); ++tries) {
        write();
        if (impl_->store_failing) advance(store_retry_delay);
    }
    if (!impl_->publishes.empty() || impl_->outcomes_wait()) throw Crash();
    tell_notices();
    std::unique_lock lock(impl_->mutex);
    impl_->stopping = true;
    impl_->owns = false;
    const std::uint64_t epoch = impl_->epoch;
    lock.unlock();
    dispatcher_.reset();
    impl_ = nullptr;
    store_->release(epoch);
    oracle_->stopped(now());
    restart_later(rng_.between(0, minute));
}

// ---- turns ----

bool Scenario::writer_has_work() {
    if (!dispatcher_ || writer_busy_ || now() < writer_blocked_) return false;
    if (!impl_->publishes.empty() || impl_->outcomes_wait()) return true;
    if (!impl_->writes_wait()) {
        starts_wait_since_.reset();
        return false;
    }
    if (!starts_wait_since_) starts_wait_since_ = now();
    return now() >= *starts_wait_since_ + start_write_delay;
}

bool Scenario::pump_has_work() {
    if (!begun_ || pump_busy_ || now() < pump_blocked_) return false;
    if (pump_again_ || impl_->pump_work) return true;
    const auto wake = impl_->engine->next_wake();
    return wake && ms(*wake) <= now();
}

void Scenario::write() {
    writer_busy_ = true;
    starts_wait_since_.reset();
    note([&] {
        return "write: " + std::to_string(impl_->publishes.size()) + " events, " +
               std::to_string(impl_->engine ? impl_->engine->writes() : 0) + " writes" +
               (impl_->has_unwritten ? ", a batch again" : "");
    });
    std::unique_lock lock(impl_->mutex);
    static_cast<void>(impl_->write_step(lock));
    if (impl_->store_failing) {
        writer_blocked_ = now() + store_retry_delay;
        blind_ = true;
    }
    writer_busy_ = false;
}

void Scenario::pump() {
    pump_busy_ = true;
    std::unique_lock lock(impl_->mutex);
    const bool woken = std::exchange(impl_->pump_work, false);
    if (!pump_again_ && !woken) {
        note([] { return "look around"; });
        impl_->look_around(lock);
    }
    note([&] {
        const auto wake = impl_->engine->next_wake();
        return "pump" + std::string(impl_->engine->wants_reads() ? ", reads wanted" : "") + ", next wake " +
               (wake ? std::to_string(ms(*wake)) : "none");
    });
    const auto pumped = impl_->pump_step(lock);
    pump_again_ = pumped != fw::Dispatcher::Impl::Pumped::idle;
    if (pumped == fw::Dispatcher::Impl::Pumped::store_failed) {
        note([] { return "pump: the store failed"; });
        pump_blocked_ = now() + store_retry_delay;
        blind_ = true;
    }
    pump_busy_ = false;
}

void Scenario::deliver_answer() {
    note([] { return "an answer arrives"; });
    transport_->complete_one(false);
}

void Scenario::offer_events() {
    for (Offer& offered : offers_) {
        if (!offered.done && !offered.waits && offered.not_before <= now()) offer(offered);
    }
    while (!offers_.empty() && offers_.front().done) offers_.pop_front();
}

void Scenario::tell_notices() {
    if (!dispatcher_) return;
    std::unique_lock lock(impl_->mutex);
    while (!impl_->notices.empty()) {
        const fw::Notice notice = std::move(impl_->notices.front());
        impl_->notices.pop_front();
        if (notice.kind != fw::Notice::Kind::attempt_failed) {
            note([&] {
                return "notice " + std::string(fw::to_string(notice.kind)) + " for subscription " +
                       std::to_string(notice.subscription.value());
            });
        }
        oracle_->noticed(now(), notice);
    }
}

bool Scenario::take_turn() {
    if (!dispatcher_) {
        if (now() < restart_at_) return false;
        start_process();
        return true;
    }
    if (!begun_ && now() >= restart_at_) {
        const auto begun = impl_->begin();
        if (!begun) {
            restart_at_ = now() + store_retry_delay;
            return true;
        }
        note([] { return "the dispatcher begins"; });
        begun_ = pump_again_ = true;
        blind_ = false;
        writer_blocked_ = pump_blocked_ = 0;
        oracle_->began(now());
        return true;
    }
    tell_notices();
    enum class Turn { write, pump, answer, happen, offer };
    std::vector<Turn> turns;
    if (writer_has_work()) turns.push_back(Turn::write);
    if (pump_has_work()) turns.push_back(Turn::pump);
    if (const auto at = transport_->next(); at && *at <= now()) turns.push_back(Turn::answer);
    if (!plan_.empty() && plan_.front().at <= now()) turns.push_back(Turn::happen);
    const bool offers = std::any_of(offers_.begin(), offers_.end(), [&](const Offer& offer) {
        return !offer.done && !offer.waits && offer.not_before <= now();
    });
    if (offers) turns.push_back(Turn::offer);
    if (turns.empty()) return false;
    switch (rng_.pick(turns)) {
        case Turn::write: write(); break;
        case Turn::pump: pump(); break;
        case Turn::answer: deliver_answer(); break;
        case Turn::happen: {
            const Planned what = plan_.front();
            plan_.pop_front();
            happen(what);
            break;
        }
        case Turn::offer: offer_events(); break;
    }
    return true;
}

// Inside a store call of one thread: what the others do meanwhile.
void Scenario::others_take_turns() {
    if (!others_run_ || depth_ >= 3 || !dispatcher_ || !rng_.chance(120)) return;
    ++depth_;
    for (std::int64_t turns = rng_.between(1, 6); turns > 0; --turns) {
        const auto whose = rng_.below(4);
        if (whose == 0 && writer_has_work()) {
            write();
        } else if (whose == 1 && pump_has_work()) {
            pump();
        } else if (whose == 2 && !host_busy_ && rng_.chance(200) && !healed_ && !many_) {
            edit_something();
        } else if (const auto at = transport_->next(); at && *at <= now() + 50) {
            advance(std::max<Ms>(0, *at - now()));
            deliver_answer();
        }
        if (rng_.chance(200)) advance(rng_.between(0, 20));
        tell_notices();
    }
    --depth_;
}

void Scenario::pass_time() {
    std::optional<Ms> next;
    const auto look_at = [&](std::optional<Ms> at) {
        if (at && *at > now()) next = std::min(next.value_or(*at), *at);
    };
    if (!plan_.empty()) look_at(plan_.front().at);
    for (const Offer& offer : offers_) {
        if (!offer.done && !offer.waits) look_at(offer.not_before);
    }
    look_at(transport_->next());
    look_at(restart_at_);
    look_at(writer_blocked_);
    look_at(pump_blocked_);
    look_at(outage_until_);
    if (starts_wait_since_) look_at(*starts_wait_since_ + start_write_delay);
    if (begun_) {
        if (const auto wake = impl_->engine->next_wake()) look_at(ms(*wake));
        if (blind_) look_at(now() + poll_interval);
    }
    if (!next) next = now() + hour;
    const bool polls = begun_ && *next - now() >= poll_interval;
    advance(*next - now());
    if (polls && (blind_ || rng_.chance(300)) && !pump_busy_ && now() >= pump_blocked_) {
        blind_ = false;
        pump_again_ = true;
        std::unique_lock lock(impl_->mutex);
        pump_busy_ = true;
        impl_->look_around(lock);
        pump_busy_ = false;
    }
}

// ---- the store's mood ----

StoreFate Scenario::before(StoreCall call) {
    if (crash_in_ && --*crash_in_ <= 0) throw Crash();
    others_take_turns();
    const bool writes =
        call == StoreCall::commit || call == StoreCall::edit || call == StoreCall::expire || call == StoreCall::replay;
    if (healed_ || call == StoreCall::create) return StoreFate::works;
    bool fails = now() < outage_until_ && rng_.chance(outage_per_thousand_);
    if (fail_next_ > 0 && rng_.chance(300)) {
        --fail_next_;
        fails = true;
    }
    const bool loses = writes && lose_next_ > 0;
    if (!fails && !loses) return StoreFate::works;
    ++counts_.faults;
    blind_ = true;
    note([&] {
        return std::string(fails ? "the store fails, call " : "the store's reply is lost, call ") +
               std::to_string(static_cast<int>(call));
    });
    if (fails) return StoreFate::fails;
    --lose_next_;
    return StoreFate::loses_reply;
}

void Scenario::after(StoreCall) {
    if (crash_in_ && --*crash_in_ <= 0) throw Crash();
    others_take_turns();
}

// ---- what happens ----

void Scenario::happen(const Planned& planned) {
    switch (planned.what) {
        case Happening::publish: publish(static_cast<std::size_t>(rng_.between(1, 3)), std::nullopt); break;
        case Happening::burst: publish(static_cast<std::size_t>(rng_.between(40, 90)), 1); break;
        case Happening::edit: edit_something(); break;
        case Happening::mood:
            if (moods_.empty() || many_) break;
            rng_.pick(moods_) = static_cast<Mood>(rng_.below(static_cast<std::uint64_t>(Mood::count)));
            break;
        case Happening::outage:
            outage_until_ = now() + rng_.between(1, rng_.chance(100) ? 10 * minute : 3 * second);
            outage_per_thousand_ = rng_.chance(500) ? 1'000 : 400;
            note([] { return "the store is out of order"; });
            break;
        case Happening::fault:
            if (rng_.chance(500)) {
                ++lose_next_;
            } else {
                fail_next_ += static_cast<int>(rng_.between(1, 3));
            }
            break;
        case Happening::crash:
            if (rng_.chance(400)) throw Crash();
            crash_in_ = static_cast<int>(rng_.between(1, 12));
            break;
        case Happening::stop: stop_gracefully(); break;
        case Happening::replay: replay(); break;
        case Happening::subscribe: subscribe(); break;
        case Happening::count: break;
    }
}

Event Scenario::make_event(std::optional<std::int32_t> location) {
    const std::uint64_t number = ++bodies_;
    const auto id = fw::EventId::generate(*clock_, *random_).value();
    if (!location && rng_.chance(200)) {
        const fw::CompanyId company(1);
        const fw::TenantId tenant(rng_.between(1, 2));
        const fw::UfpEvent event{.event_key = pick(rng_, ufp_kinds),
                                 .created_at = "11/06/2026 17:22",
                                 .company_id = company,
                                 .tenant_id = tenant,
                                 .payload = fw::JsonObject::parse("{\"n\":" + std::to_string(number) + "}").value()};
        return {.id = id,
                .profile = fw::Profile::ufp,
                .type = event.event_key,
                .scopes = {fw::Scope::company(company), fw::Scope::tenant(company, tenant)},
                .whole = fw::encode_ufp_event(event).value(),
                .reduced = {}};
    }
    const Kind& kind = pick(rng_, fpt_kinds);
    const std::string data = "\"recordId\":" + std::to_string(number);
    const auto place = fw::LocationId(location.value_or(static_cast<std::int32_t>(rng_.between(1, 2))));
    const auto organization = fw::OrganizationId(static_cast<std::int32_t>(rng_.between(0, 2)));
    fw::Envelope event{
        .event_id = id,
        .event_type = fw::EventType::parse(kind.type).value(),
        .timestamp = clock_->now(),
        .location_id = place,
        .organization_id = organization,
        .data =
            fw::JsonObject::parse("{" + data + ",\"" + kind.field + "\":\"x" + std::to_string(number) + "\"}").value()};
    Event made{.id = id, .type = kind.type, .scopes = {fw::Scope::location(place)}, .category = kind.category};
    if (organization.value() != 0) made.scopes.push_back(fw::Scope::organization(organization));
    made.whole = fw::encode_envelope(event).value();
    event.data = fw::JsonObject::parse("{" + data + "}").value();
    made.reduced = fw::encode_envelope(event).value();
    return made;
}

void Scenario::publish(std::size_t count, std::optional<std::int32_t> location) {
    for (std::size_t i = 0; i < count; ++i) {
        Event event = make_event(location);
        ++counts_.events;
        oracle_->offered(event);
        const fw::NewEvent as_new{.id = event.id,
                                  .profile = event.profile,
                                  .type = event.type,
                                  .scopes = event.scopes,
                                  .body = event.whole,
                                  .hash = fw::sha256(fw::bytes_of(event.whole))};
        offers_.push_back({.event = event, .as_new = as_new, .not_before = now()});
        ++open_offers_;
        if (rng_.chance(30)) {  // somebody reuses the id for another event: never stored
            fw::NewEvent other = as_new;
            other.body += " ";
            other.hash = fw::sha256(fw::bytes_of(other.body));
            offers_.push_back({.event = event, .as_new = std::move(other), .not_before = now() + minute});
            ++open_offers_;
        }
    }
}

void Scenario::offer(Offer& offered) {
    const bool is_true = offered.as_new.body == offered.event.whole;
    if (!is_true && !memory_->event_body(offered.event.id)) {  // it would be the first
        offered.done = true;
        --open_offers_;
        return;
    }
    offered.waits = true;
    const auto queued = dispatcher_->publish_async(offered.as_new, [this, &offered, is_true](const auto& answer) {
        if (is_true) oracle_->publish_answered(now(), offered.event.id, answer);
        offered.waits = false;
        const bool answered = answer || answer.error() == fw::Errc::conflict;
        offered.not_before = now() + rng_.between(10, 2 * second);
        // After an answer the same again, now and then: a duplicate.
        offered.done = answered && !rng_.chance(50);
        if (!answered && answer.error() == fw::Errc::store_full && rng_.chance(300)) offered.done = true;
        if (offered.done) --open_offers_;
    });
    if (queued) return;
    offered.waits = false;
    offered.not_before = now() + second;
}

void Scenario::subscribe() {
    if (host_busy_ || !dispatcher_) return;
    host_busy_ = true;
    fw::NewSubscription wanted{.actor = host};
    const auto number = ++urls_;
    wanted.url = "https://partner.example/" + std::to_string(number);
    switch (rng_.below(5)) {
        case 0:
            wanted.scope = fw::Scope::organization(fw::OrganizationId(static_cast<std::int32_t>(rng_.between(1, 2))));
            break;
        case 1: wanted.scope = fw::Scope::company(fw::CompanyId(1)); break;
        case 2: wanted.scope = fw::Scope::tenant(fw::CompanyId(1), fw::TenantId(rng_.between(1, 2))); break;
        default: wanted.scope = fw::Scope::location(fw::LocationId(static_cast<std::int32_t>(rng_.between(1, 2))));
    }
    if (number == 1 || many_) wanted.scope = fw::Scope::location(fw::LocationId(1));
    wanted.events = {"*"};
    if (rng_.chance(200)) wanted.pii = fw::PiiCategories::all();
    if (rng_.chance(100)) wanted.pii = fw::PiiCategories::none();
    const auto record = dispatcher_->create_subscription(wanted);
    host_busy_ = false;
    if (!record) return;
    const auto id = record->subscription.id();
    subscriptions_.push_back(id);
    moods_.push_back(many_              ? Mood::failing
                     : rng_.chance(500) ? Mood::healthy
                                        : static_cast<Mood>(rng_.below(static_cast<std::uint64_t>(Mood::count))));
    if (rng_.chance(800)) edit(id, {.act = Act::generate});
}

void Scenario::edit(fw::SubscriptionId id, Edit wanted) {
    if (host_busy_ || !dispatcher_) return;
    host_busy_ = true;
    ++counts_.edits;
    note([&] {
        return "edit " + std::to_string(static_cast<int>(wanted.act)) + " of subscription " +
               std::to_string(id.value());
    });
    oracle_->edit_begins(id);
    store_->announce(&wanted);
    fw::Dispatcher& of = *dispatcher_;
    switch (wanted.act) {
        case Act::pause: static_cast<void>(of.pause(host, id)); break;
        case Act::resume: static_cast<void>(of.resume(host, id)); break;
        case Act::disable: static_cast<void>(of.disable(host, id)); break;
        case Act::enable: static_cast<void>(of.enable(host, id)); break;
        case Act::generate: static_cast<void>(of.generate_secret(host, id)); break;
        case Act::rotate: static_cast<void>(of.rotate_secret(host, id)); break;
        case Act::edit_url: static_cast<void>(of.edit_subscription(host, id, {.url = wanted.url})); break;
        case Act::edit_events: static_cast<void>(of.edit_subscription(host, id, {.events = wanted.events})); break;
        case Act::edit_pii: static_cast<void>(of.edit_subscription(host, id, {.pii = wanted.pii})); break;
        case Act::remove: static_cast<void>(of.remove(host, id)); break;
    }
    note([] { return "edit returns"; });
    oracle_->edit_returned(now(), id);
    store_->announce(nullptr);
    host_busy_ = false;
}

void Scenario::edit_something() {
    if (subscriptions_.empty()) return;
    const auto id = rng_.pick(subscriptions_);
    const auto record = memory_->subscription(id).value();
    if (record.deleted) return;
    Edit wanted;
    const auto status = record.subscription.status();
    if (record.secret_number == 0 && rng_.chance(400)) {
        wanted.act = Act::generate;
    } else if (status == fw::SubscriptionStatus::paused && rng_.chance(600)) {
        wanted.act = Act::resume;
    } else if (status == fw::SubscriptionStatus::disabled && rng_.chance(800)) {
        wanted.act = Act::enable;
    } else {
        const Act acts[] = {Act::pause,    Act::pause,       Act::disable,  Act::rotate,
                            Act::edit_url, Act::edit_events, Act::edit_pii, Act::edit_pii};
        wanted.act = rng_.chance(20) ? Act::remove : pick(rng_, acts);
    }
    wanted.url = "https://partner.example/" + std::to_string(++urls_);
    if (wanted.act == Act::edit_events) {
        if (record.subscription.profile() == fw::Profile::ufp) {
            wanted.events = rng_.chance(500) ? std::vector<std::string>{"*"} : std::vector<std::string>{ufp_kinds[0]};
        } else {
            const std::vector<std::string> choices[] = {
                {"*"}, {"contact.*"}, {"contact.created", "payment.*"}, {"payment.succeeded"}, {"*"}};
            wanted.events = pick(rng_, choices);
        }
    }
    const fw::PiiCategories masks[] = {fw::PiiCategories::all(), fw::PiiCategories::none(), fw::PiiCategories()};
    wanted.pii = pick(rng_, masks);
    edit(id, std::move(wanted));
}

void Scenario::replay() {
    if (host_busy_ || !dispatcher_ || subscriptions_.empty()) return;
    // One delivery of one event at a time, so that each request on the wire is of one delivery.
    fw::DeliveryFilter filter{.subscription = rng_.pick(subscriptions_)};
    const auto rows = memory_->deliveries(filter, {}, 1'000'000).value().deliveries;
    if (rows.empty()) return;
    const auto& chosen = rows[rng_.below(rows.size())];
    if (oracle_->has_pending(chosen.subscription, chosen.event_id)) return;
    host_busy_ = true;
    ++counts_.replays;
    note([&] { return "replay delivery " + std::to_string(chosen.id.value()); });
    filter.delivery = chosen.id;
    static_cast<void>(dispatcher_->replay({.filter = filter, .include_delivered = rng_.chance(500), .per_second = 0}));
    host_busy_ = false;
}

void Scenario::heal() {
    healed_ = true;
    note([] { return "everything works again"; });
    outage_until_ = fail_next_ = lose_next_ = 0;
    crash_in_.reset();
    if (restart_at_ > now()) restart_at_ = now();
    for (Mood& mood : moods_) mood = Mood::healthy;
    if (!dispatcher_) start_process();
    for (const fw::SubscriptionId id : subscriptions_) {
        const auto record = memory_->subscription(id).value();
        if (record.deleted) continue;
        if (record.subscription.status() == fw::SubscriptionStatus::paused) edit(id, {.act = Act::resume});
        if (record.secret_number == 0 && rng_.chance(500)) edit(id, {.act = Act::generate});
    }
    // What is answered by now is not, and what hangs comes to its end by itself.
}

// ---- the endpoints ----

std::optional<std::pair<Ms, Answer>> Scenario::fate_of_attempt(fw::SubscriptionId id) {
    ++counts_.attempts;
    const auto at = std::find(subscriptions_.begin(), subscriptions_.end(), id) - subscriptions_.begin();
    const Mood mood = moods_[static_cast<std::size_t>(at)];
    if (mood == Mood::ours && rng_.chance(300)) return std::nullopt;
    Ms takes = rng_.chance(50) ? rng_.between(0, 4 * second) : rng_.between(0, 40);
    const Answer answer = answer_in(mood, takes);
    note([&] {
        return "attempt for subscription " + std::to_string(id.value()) + ": in " + std::to_string(takes) + " ms " +
               (answer.error ? "error " + std::to_string(static_cast<int>(*answer.error))
                             : std::to_string(answer.status)) +
               (answer.retry_after ? ", Retry-After " + std::to_string(*answer.retry_after) : "") +
               (answer.disable ? ", disable" : "") + (answer.abort ? ", abort" : "");
    });
    return std::pair{now() + takes, answer};
}

Answer Scenario::answer_in(Mood mood, Ms& takes) {
    const int failures[] = {500, 503, 404, 302, 429, 301, 401};
    const Ms waits[] = {0, second, 90 * second, 9 * minute, 2 * hour, 13 * hour, 40 * hour};
    switch (mood) {
        case Mood::healthy: return {.status = rng_.chance(100) ? 204 : 200};
        case Mood::flaky:
            if (rng_.chance(500)) return {.status = 200};
            return answer_in(static_cast<Mood>(rng_.between(2, 5)), takes);
        case Mood::failing: {
            Answer answer{.status = pick(rng_, failures)};
            if (!many_ && rng_.chance(200)) answer.retry_after = pick(rng_, waits);
            if (rng_.chance(30)) return {.error = fw::Errc::tls_failed};
            return answer;
        }
        case Mood::down: {
            takes = rng_.between(0, 10 * second);
            const fw::Errc errors[] = {fw::Errc::connect_failed, fw::Errc::timed_out, fw::Errc::resolve_failed};
            return {.error = pick(rng_, errors)};
        }
        case Mood::hanging: takes = 30 * second; return {.error = fw::Errc::no_response};
        case Mood::stubborn: {
            Answer answer{.status = rng_.chance(300) ? 410 : 500};
            answer.disable = rng_.chance(50);
            answer.abort = !answer.disable && rng_.chance(300);
            return answer;
        }
        case Mood::ours: return {.error = fw::Errc::local_failure};
        case Mood::count: break;
    }
    return {.status = 500};
}

}  // namespace simulation
