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
    begun_at_ = tick();
    limits_ = {.pending_max = rng_.chance(100) ? 60U : 1'000'000U,
               .subscription_pending_max = rng_.chance(150) ? 8U : 100'000U,
               .slots = rng_.chance(150) ? static_cast<std::size_t>(rng_.between(1, 3)) : 512U,
               .quarantine_slots = rng_.chance(150) ? static_cast<std::size_t>(rng_.between(1, 3)) : 128U,
               .gone_disables = rng_.chance(200)};
    many_ = rng_.chance(15);
    clock_jumps_ = rng_.chance(300);
    memory_ = std::make_shared<fw::MemoryStore>(fw::StoreLimits{
        .pending_max = limits_.pending_max, .subscription_pending_max = limits_.subscription_pending_max});
    oracle_ = std::make_unique<Oracle>(limits_, *memory_);
    for (std::size_t number = 0; number < process_count; ++number) {
        Process& process = processes_[number];
        process.number = number;
        process.store = std::make_shared<FaultyStore>(number, memory_, time_, *oracle_, *this, store_plants());
        process.transport = std::make_shared<SimTransport>(
            number, time_, *oracle_, [this](fw::SubscriptionId id) { return fate_of_attempt(id); });
    }
    dispatcher_clock_ = plant_clock(clock_);
    policy_ = fw::EndpointPolicy::create().value();
}

Scenario::~Scenario() {
    for (Process& process : processes_) {
        if (process.dispatcher) process.impl->stopping = true;  // its destructor then does nothing
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
    add(Happening::contact, 3, many_ ? 3 : 8);
    add(Happening::takeover, 0, 2);
    add(Happening::other_ends, 0, 1);
    add(Happening::jump, 0, clock_jumps_ ? 4 : 0);
    add(Happening::replay, 0, 4);
    add(Happening::subscribe, 0, 2);
    std::sort(plan_.begin(), plan_.end(), [](const Planned& a, const Planned& b) { return a.at < b.at; });
}

std::string Scenario::run() {
    others_run_ = false;
    for (Process& process : processes_) start_process(process);
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
                const bool settled = is_settled();
                if (settled) {
                    std::optional<Ms> wake = owner().wake();
                    if (wake) *wake += owner().line;
                    if (owner().impl->engine->wants_reads()) {
                        oracle_->fail(now(), "a read is wanted and nobody was woken");
                    }
                    oracle_->quiet(now(), tick(), wake);
                    if (rng_.chance(20)) oracle_->check_whole_store(now());
                }
                if (plan_.empty() && open_offers_ == 0 && seen_.empty()) {
                    if (!healed_) {
                        if (!add_what_lacks()) heal();
                        continue;
                    }
                    if (settled && oracle_->pending() == 0 && oracle_->contacts().open_windows() == 0) break;
                    if (tick() > begun_at_ + horizon_ + 8 * 24 * hour) break;
                }
                pass_time();
            } catch (const Crash&) {
                machine_ends();
            }
        }
        if (oracle_->broken().empty()) oracle_->finished(now());
    } catch (const std::exception& thrown) {
        oracle_->fail(now(), std::string("thrown: ") + thrown.what());
    }
    return oracle_->broken();
}

// The owner has had the time to do everything.
bool Scenario::is_settled() {
    const Process& process = owner();
    return process.dispatcher && process.dispatches() && !process.misses_something() &&
           tick() >= process.writer_blocked && tick() >= process.pump_blocked && tick() >= outage_until_;
}

// ---- processes ----

void Scenario::start_process(Process& process) {
    fw::DispatcherOptions options{.store = process.store,
                                  .transport = process.transport,
                                  .quarantine_transport = process.transport,
                                  .policy = policy_,
                                  .clock = dispatcher_clock_,
                                  .random = random_,
                                  .on_notice = [](const fw::Notice&) {}};
    options.fpt = plant_policy(fw::RetryPolicy::fpt());
    options.ufp = plant_policy(fw::RetryPolicy::ufp());
    options.fpt.gone_disables = options.ufp.gone_disables = limits_.gone_disables;
    options.contact_window = plant_window({});
    options.in_flight_max = limits_.slots;
    options.quarantine_in_flight_max = limits_.quarantine_slots;
    auto impl = std::make_unique<fw::Dispatcher::Impl>(std::move(options));
    process.impl = impl.get();
    process.dispatcher = std::make_unique<fw::Dispatcher>(std::move(impl), dispatcher_clock_, random_);
    process.line = time_.offset();
    note([&] { return "process " + std::to_string(process.number) + " starts"; });
}

void Scenario::begin() {
    Process& process = owner();
    time_.follow(process.line);
    if (!process.impl->begin()) {
        begins_at_ = tick() + store_retry_delay;
        return;
    }
    note([&] { return "process " + std::to_string(process.number) + " dispatches"; });
    process.begun = process.pump_again = true;
    process.blind = process.foreign = false;
    process.writer_blocked = process.pump_blocked = 0;
    oracle_->began(now());
}

// Somebody sets the wall clock.
void Scenario::jump() {
    const Ms by = rng_.between(-hour, hour);
    time_.set_wall(time_.wall() + by);
    note([&] { return "the clock jumps by " + std::to_string(by); });
}

// What was in its memory is gone; it starts again.
void Scenario::leave(Process& process, Ms delay) {
    process.impl->stopping = true;  // its destructor then does nothing: nothing is flushed, nothing given back
    process.dispatcher.reset();
    process.impl = nullptr;
    process.transport->lose_all();
    process.begun = process.writer_busy = process.pump_busy = process.host_busy = false;
    process.pump_again = process.blind = process.foreign = false;
    process.writer_blocked = process.pump_blocked = 0;
    process.starts_wait_since.reset();
    process.ends_at.reset();
    process.starts_at = tick() + (healed_ ? 0 : delay);
    for (Offer& offer : offers_) {
        if (offer.by == process.number) offer.waits = false;  // the host asks again
    }
    if (clock_jumps_ && !healed_ && rng_.chance(300)) jump();
}

void Scenario::end_process(Process& process) {
    note([&] { return "CRASH of process " + std::to_string(process.number); });
    oracle_->crashed(now(), process.number);
    const Ms delays[] = {0, 100, 5 * second, 10 * minute, 3 * hour, 14 * hour};
    process.store->unlock();
    leave(process, many_ || rng_.chance(800) ? rng_.between(0, 2 * second) : pick(rng_, delays));
}

void Scenario::owner_ends() {
    ++counts_.crashes;
    if (!owner().dispatcher) return;
    end_process(owner());
    if (other().dispatcher && !other().begun && rng_.chance(400)) owner_ = other().number;
    begins_at_ = tick() + rng_.between(0, second);
}

void Scenario::machine_ends() {
    ++counts_.crashes;
    for (Process& process : processes_) {
        if (process.dispatcher) end_process(process);
    }
    for (Seen& change : seen_) change.busy = false;  // the host asks again
    crash_in_.reset();
    others_run_ = true;
    depth_ = 0;
    if (rng_.chance(300)) owner_ = other().number;
    begins_at_ = tick();
}

// As Dispatcher::stop, step by step.
void Scenario::stop_gracefully() {
    Process& process = owner();
    if (!process.dispatcher || !process.dispatches()) return;
    fw::Dispatcher::Impl& impl = *process.impl;
    note([] { return "stop"; });
    impl.engine->drain();
    if (rng_.chance(500)) {
        while (process.transport->in_flight() > 0) {
            if (const Ms at = *process.transport->next(); at > tick()) advance(at - tick());
            deliver_answer(process);
        }
    }
    impl.cancelling = true;
    while (process.transport->in_flight() > 0) process.transport->complete_one(true);
    for (int tries = 0; tries < 20 && (!impl.publishes.empty() || impl.outcomes_wait()); ++tries) {
        write(process);
        if (impl.writes_failing) advance(store_retry_delay);
    }
    if (!impl.publishes.empty() || impl.outcomes_wait()) throw Crash();
    tell_notices();
    impl.owns = false;
    process.store->release(impl.epoch);
    oracle_->stopped(now(), process.number);
    leave(process, rng_.between(0, minute));
    if (other().dispatcher && !other().begun && rng_.chance(500)) owner_ = other().number;
    begins_at_ = tick();
}

// The owner is taken for dead, and lives.
void Scenario::take_over() {
    Process& old = owner();
    Process& heir = other();
    if (!old.dispatcher || !old.dispatches() || !heir.dispatcher || heir.begun) return;
    ++counts_.takeovers;
    note([&] { return "process " + std::to_string(heir.number) + " takes the store over"; });
    oracle_->ousted(now(), old.number);
    old.store->unlock();
    const Ms lives[] = {second, 5 * second, minute, 5 * hour};
    old.ends_at = tick() + rng_.between(0, pick(rng_, lives));
    owner_ = heir.number;
    begins_at_ = tick() + (rng_.chance(500) ? 0 : rng_.between(0, second));
}

// ---- turns ----

bool Scenario::writer_has_work(Process& process) {
    if (!process.dispatcher || process.writer_busy || tick() < process.writer_blocked) return false;
    if (!process.impl->publishes.empty() || process.impl->outcomes_wait()) return true;
    if (!process.impl->writes_wait()) {
        process.starts_wait_since.reset();
        return false;
    }
    if (!process.starts_wait_since) process.starts_wait_since = tick();
    return tick() >= *process.starts_wait_since + start_write_delay;
}

std::optional<Ms> Scenario::next_closing() {
    const auto due = oracle_->contacts().next_due(now());
    return due ? std::optional(*due - now() + tick()) : std::nullopt;
}

// When it looks around because there is something to see; by and by it does so anyway.
std::optional<Ms> Scenario::looks_at(const Process& process) {
    if (process.misses_something()) return process.next_look();
    if (process.number != owner_) return std::nullopt;
    const auto closing = next_closing();
    return closing ? std::optional(std::max(*closing, process.next_look())) : std::nullopt;
}

bool Scenario::pump_has_work(const Process& process) {
    if (!process.dispatcher || !process.dispatches() || process.pump_busy || tick() < process.pump_blocked) {
        return false;
    }
    if (process.pump_again || process.impl->pump_work) return true;
    if (const auto at = looks_at(process); at && *at <= tick()) return true;
    const auto wake = process.wake();
    return wake && *wake <= tick();
}

void Scenario::write(Process& process) {
    fw::Dispatcher::Impl& impl = *process.impl;
    process.writer_busy = true;
    process.starts_wait_since.reset();
    note([&] {
        return "process " + std::to_string(process.number) + " writes " + std::to_string(impl.publishes.size()) +
               " events, " + std::to_string(impl.engine ? impl.engine->writes() : 0) + " writes" +
               (impl.has_unwritten ? ", a batch again" : "");
    });
    std::unique_lock lock(impl.mutex);
    static_cast<void>(impl.write_step(lock));
    if (impl.writes_failing) {
        process.writer_blocked = tick() + store_retry_delay;
        process.blind = true;
    }
    process.writer_busy = false;
}

void Scenario::look(Process& process) {
    note([&] { return "process " + std::to_string(process.number) + " looks around"; });
    process.blind = process.foreign = false;
    std::unique_lock lock(process.impl->mutex);
    process.impl->look_around(lock);
}

void Scenario::pump(Process& process) {
    fw::Dispatcher::Impl& impl = *process.impl;
    process.pump_busy = true;
    const bool woken = std::exchange(impl.pump_work, false);
    const auto look_time = looks_at(process);
    const bool late = look_time && *look_time <= tick();
    if (late || (!process.pump_again && !woken)) look(process);
    note([&] {
        const auto wake = process.wake();
        return "process " + std::to_string(process.number) + " pumps" +
               std::string(impl.engine->wants_reads() ? ", reads wanted" : "") + ", next wake " +
               (wake ? std::to_string(*wake + process.line) : "none");
    });
    std::unique_lock lock(impl.mutex);
    const auto pumped = impl.pump_step(lock);
    process.pump_again = pumped != fw::Dispatcher::Impl::Pumped::idle;
    if (pumped == fw::Dispatcher::Impl::Pumped::store_failed) {
        note([] { return "pump: the store failed"; });
        process.pump_blocked = tick() + store_retry_delay;
        process.blind = true;
    }
    process.pump_busy = false;
}

void Scenario::deliver_answer(Process& process) {
    note([&] { return "an answer arrives at process " + std::to_string(process.number); });
    process.transport->complete_one(false);
}

Scenario::Process* Scenario::any_host() {
    std::vector<Process*> hosts;
    for (Process& process : processes_) {
        if (process.dispatcher && !process.host_busy) hosts.push_back(&process);
    }
    return hosts.empty() ? nullptr : rng_.pick(hosts);
}

void Scenario::offer_events() {
    for (Offer& offered : offers_) {
        if (offered.done || offered.waits || offered.not_before > tick()) continue;
        if (Process* const by = any_host()) offer(offered, *by);
    }
    while (!offers_.empty() && offers_.front().done) offers_.pop_front();
}

void Scenario::tell_notices() {
    for (Process& process : processes_) {
        if (!process.dispatcher) continue;
        std::unique_lock lock(process.impl->mutex);
        for (auto& notices = process.impl->notices; !notices.empty();) {
            const fw::Notice notice = std::move(notices.front());
            notices.pop_front();
            if (notice.kind != fw::Notice::Kind::attempt_failed) {
                note([&] {
                    return "process " + std::to_string(process.number) + ": notice " +
                           std::string(fw::to_string(notice.kind)) + " for subscription " +
                           std::to_string(notice.subscription.value());
                });
            }
            oracle_->noticed(now(), process.number, notice);
        }
    }
}

bool Scenario::take_turn() {
    for (Process& process : processes_) {
        if (process.dispatcher && process.ends_at && *process.ends_at <= tick()) {
            end_process(process);
            return true;
        }
        if (!process.dispatcher && process.starts_at <= tick()) {
            start_process(process);
            return true;
        }
    }
    if (owner().dispatcher && !owner().begun && begins_at_ <= tick()) {
        begin();
        return true;
    }
    tell_notices();
    enum class Turn { write, pump, answer, happen, offer, observe };
    std::vector<std::pair<Turn, Process*>> turns;
    for (Process& process : processes_) {
        if (writer_has_work(process)) turns.emplace_back(Turn::write, &process);
        if (pump_has_work(process)) turns.emplace_back(Turn::pump, &process);
        if (const auto at = process.transport->next(); at && *at <= tick()) turns.emplace_back(Turn::answer, &process);
    }
    if (!plan_.empty() && plan_.front().at <= tick()) turns.emplace_back(Turn::happen, nullptr);
    const bool can_ask = std::any_of(processes_.begin(), processes_.end(),
                                     [](const Process& process) { return process.dispatcher != nullptr; });
    const bool offers = can_ask && std::any_of(offers_.begin(), offers_.end(), [&](const Offer& offer) {
                            return !offer.done && !offer.waits && offer.not_before <= tick();
                        });
    if (offers) turns.emplace_back(Turn::offer, nullptr);
    if (can_ask && a_change_waits()) turns.emplace_back(Turn::observe, nullptr);
    if (turns.empty()) return false;
    const auto [turn, whose] = rng_.pick(turns);
    switch (turn) {
        case Turn::write: write(*whose); break;
        case Turn::pump: pump(*whose); break;
        case Turn::answer: deliver_answer(*whose); break;
        case Turn::happen: {
            const Planned what = plan_.front();
            plan_.pop_front();
            happen(what);
            break;
        }
        case Turn::offer: offer_events(); break;
        case Turn::observe:
            if (Process* const by = any_host()) observe_next(*by);
            break;
    }
    return true;
}

// Inside a store call of one thread: what the others do meanwhile.
void Scenario::others_take_turns() {
    if (!others_run_ || depth_ >= 3 || !rng_.chance(120)) return;
    ++depth_;
    for (std::int64_t turns = rng_.between(1, 6); turns > 0; --turns) {
        Process& process = rng_.chance(700) ? owner() : other();
        if (!process.dispatcher) continue;
        const auto what = rng_.below(4);
        if (what == 0 && writer_has_work(process)) {
            write(process);
        } else if (what == 1 && pump_has_work(process)) {
            pump(process);
        } else if (what == 2 && !process.host_busy && rng_.chance(200) && !healed_ && !many_) {
            edit_something(process);
        } else if (what == 3 && !process.host_busy && a_change_waits()) {
            observe_next(process);
        } else if (const auto at = process.transport->next(); at && *at <= tick() + 50) {
            advance(std::max<Ms>(0, *at - tick()));
            deliver_answer(process);
        }
        if (rng_.chance(200)) advance(rng_.between(0, 20));
        tell_notices();
    }
    --depth_;
}

void Scenario::pass_time() {
    std::optional<Ms> next;
    const auto look_at = [&](std::optional<Ms> at) {
        if (at && *at > tick()) next = std::min(next.value_or(*at), *at);
    };
    if (!plan_.empty()) look_at(plan_.front().at);
    for (const Offer& offer : offers_) {
        if (!offer.done && !offer.waits) look_at(offer.not_before);
    }
    for (const Process& process : processes_) {
        if (!process.dispatcher) {
            look_at(process.starts_at);
            continue;
        }
        look_at(process.ends_at);
        look_at(process.transport->next());
        look_at(process.writer_blocked);
        look_at(process.pump_blocked);
        if (process.starts_wait_since) look_at(*process.starts_wait_since + start_write_delay);
        if (!process.dispatches()) continue;
        look_at(process.wake());
        look_at(looks_at(process));
    }
    for (const Seen& change : seen_) look_at(change.not_before);
    look_at(begins_at_);
    look_at(outage_until_);
    if (!next) next = tick() + hour;
    const bool polls = *next - tick() >= poll_interval && rng_.chance(300);
    advance(*next - tick());
    if (!polls || !owner().dispatcher || !owner().dispatches() || tick() < owner().pump_blocked) return;
    owner().pump_busy = owner().pump_again = true;
    look(owner());
    owner().pump_busy = false;
}

// ---- the store's mood ----

StoreFate Scenario::before(StoreCall call, std::size_t process) {
    if (crash_in_ && --*crash_in_ <= 0) throw Crash();
    others_take_turns();
    const bool writes =
        call == StoreCall::commit || call == StoreCall::edit || call == StoreCall::expire || call == StoreCall::replay;
    if (healed_ || call == StoreCall::create) return StoreFate::works;
    bool fails = tick() < outage_until_ && rng_.chance(outage_per_thousand_);
    if (fail_next_ > 0 && rng_.chance(300)) {
        --fail_next_;
        fails = true;
    }
    const bool loses = writes && lose_next_ > 0;
    if (!fails && !loses) return StoreFate::works;
    ++counts_.faults;
    processes_[process].blind = true;
    note([&] {
        return std::string(fails ? "the store fails, call " : "the store's reply is lost, call ") +
               std::to_string(static_cast<int>(call));
    });
    if (fails) return StoreFate::fails;
    --lose_next_;
    return StoreFate::loses_reply;
}

void Scenario::after(StoreCall call, std::size_t process) {
    const bool told =
        call == StoreCall::commit || call == StoreCall::edit || call == StoreCall::create || call == StoreCall::replay;
    if (told) processes_[1 - process].foreign = true;
    if (crash_in_ && --*crash_in_ <= 0) throw Crash();
    others_take_turns();
}

// ---- what happens ----

void Scenario::happen(const Planned& planned) {
    switch (planned.what) {
        case Happening::publish: publish(static_cast<std::size_t>(rng_.between(1, 3)), std::nullopt); break;
        case Happening::burst: publish(static_cast<std::size_t>(rng_.between(40, 90)), 1); break;
        case Happening::edit:
            if (Process* const by = any_host()) edit_something(*by);
            break;
        case Happening::mood:
            if (moods_.empty() || many_) break;
            rng_.pick(moods_) = static_cast<Mood>(rng_.below(static_cast<std::uint64_t>(Mood::count)));
            break;
        case Happening::outage:
            outage_until_ = tick() + rng_.between(1, rng_.chance(100) ? 10 * minute : 3 * second);
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
            if (rng_.chance(400)) {
                owner_ends();
                break;
            }
            if (rng_.chance(200)) throw Crash();
            crash_in_ = static_cast<int>(rng_.between(1, 12));
            break;
        case Happening::stop: stop_gracefully(); break;
        case Happening::contact: change_contact(); break;
        case Happening::takeover: take_over(); break;
        case Happening::other_ends:
            if (other().dispatcher) end_process(other());
            break;
        case Happening::jump: jump(); break;
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
    std::string data = "\"recordId\":" + std::to_string(number);
    std::optional<fw::ContactId> contact;
    if (rng_.chance(500)) {
        contact = fw::ContactId(static_cast<std::int32_t>(rng_.between(1, 3)));
        data += ",\"contactId\":" + std::to_string(contact->value());
    }
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
    if (contact) made.contact = fw::ContactKey{.location = place, .contact = *contact};
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
                                  .contact = event.contact,
                                  .body = event.whole,
                                  .hash = fw::sha256(fw::bytes_of(event.whole))};
        offers_.push_back({.event = event, .as_new = as_new, .not_before = tick()});
        ++open_offers_;
        if (rng_.chance(30)) {  // somebody reuses the id for another event: never stored
            fw::NewEvent other = as_new;
            other.body += " ";
            other.hash = fw::sha256(fw::bytes_of(other.body));
            offers_.push_back({.event = event, .as_new = std::move(other), .not_before = tick() + minute});
            ++open_offers_;
        }
    }
}

void Scenario::offer(Offer& offered, Process& by) {
    const bool is_true = offered.as_new.body == offered.event.whole;
    if (!is_true && !memory_->event_body(offered.event.id)) {  // it would be the first
        offered.done = true;
        --open_offers_;
        return;
    }
    offered.waits = true;
    offered.by = by.number;
    const auto queued = by.dispatcher->publish_async(offered.as_new, [this, &offered, is_true](const auto& answer) {
        if (is_true) oracle_->publish_answered(now(), offered.event.id, answer);
        offered.waits = false;
        const bool answered = answer || answer.error() == fw::Errc::conflict;
        offered.not_before = tick() + rng_.between(10, 2 * second);
        // After an answer the same again, now and then: a duplicate.
        offered.done = answered && !rng_.chance(50);
        if (!answered && answer.error() == fw::Errc::store_full && rng_.chance(300)) offered.done = true;
        if (offered.done) --open_offers_;
    });
    if (queued) return;
    offered.waits = false;
    offered.not_before = tick() + second;
}

// ---- contacts ----

// A contact changes, once or several times within a window or two.
void Scenario::change_contact() {
    const fw::ContactKey key{.location = fw::LocationId(static_cast<std::int32_t>(rng_.between(1, 2))),
                             .contact = fw::ContactId(static_cast<std::int32_t>(rng_.between(1, 4)))};
    Ms at = tick();
    for (std::int64_t changes = rng_.between(1, 7); changes > 0; --changes) {
        Source& source = source_[key];
        source.state.location_id = key.location;
        source.state.contact_id = key.contact;
        source.state.organization_id = fw::OrganizationId(key.location == fw::LocationId(1) ? 1 : 0);
        const fw::Timestamp time{std::chrono::milliseconds(time_.wall() + rng_.between(-minute, 0))};
        if (source.exists && rng_.chance(60)) {  // it moves to the other location
            const fw::ContactState from = std::exchange(source, {}).state;
            const fw::ContactKey there{.location = fw::LocationId(3 - key.location.value()), .contact = key.contact};
            fw::ContactState to = from;
            to.location_id = there.location;
            to.organization_id = fw::OrganizationId(there.location == fw::LocationId(1) ? 1 : 0);
            source_[there] = {.state = to, .exists = true};
            const fw::ContactMove move = fw::split_move(from, to, time).value();
            see(move.left, {.operation = fw::ContactOperation::remove, .state = from, .changed_at = time}, at);
            see(move.arrived, {.operation = fw::ContactOperation::insert, .state = to, .changed_at = time}, at);
        } else {
            fw::ContactChange change = next_change(source.state, source.exists);
            change.changed_at = time;
            see(change, change, at);
        }
        at += rng_.chance(800) ? rng_.between(0, 3 * second) : rng_.between(3 * second, 12 * second);
    }
}

void Scenario::see(const fw::ContactChange& given, const fw::ContactChange& meant, Ms at) {
    seen_.push_back({.given = given, .meant = meant, .not_before = at});
    ++counts_.changes;
}

fw::ContactChange Scenario::next_change(fw::ContactState& state, bool& exists) {
    using fw::ContactOperation;
    constexpr ContactOperation unknown[] = {ContactOperation::insert, ContactOperation::insert,
                                            ContactOperation::insert, ContactOperation::snapshot,
                                            ContactOperation::update};
    constexpr ContactOperation deleted[] = {ContactOperation::reactivate, ContactOperation::reactivate,
                                            ContactOperation::update, ContactOperation::remove,
                                            ContactOperation::hard_delete};
    constexpr ContactOperation known[] = {
        ContactOperation::update, ContactOperation::update,      ContactOperation::update,   ContactOperation::update,
        ContactOperation::update, ContactOperation::update,      ContactOperation::update,   ContactOperation::remove,
        ContactOperation::remove, ContactOperation::hard_delete, ContactOperation::snapshot, ContactOperation::insert};
    const auto operation = !exists ? pick(rng_, unknown) : state.deleted ? pick(rng_, deleted) : pick(rng_, known);
    exists = operation != ContactOperation::hard_delete;
    const bool says_itself = operation == ContactOperation::remove || operation == ContactOperation::reactivate;
    if (says_itself) {
        state.deleted = operation == ContactOperation::remove;
    } else if (operation == ContactOperation::update || operation == ContactOperation::insert) {
        state.deleted = rng_.chance(operation == ContactOperation::update ? 60 : 20);
    }
    // Few values, so that it often comes back to what it was.
    if (rng_.chance(400)) state.status = static_cast<fw::ContactStatus>(rng_.between(1, 2));
    if (rng_.chance(300)) {
        state.sub_group.reset();
        if (rng_.chance(600)) state.sub_group = fw::SubGroupId(static_cast<std::int32_t>(rng_.between(1, 2)));
    }
    if (rng_.chance(400) || state.fingerprint.empty()) state.fingerprint = "f" + std::to_string(rng_.below(3));
    if (rng_.chance(30)) state.fingerprint.clear();
    return {.operation = operation, .state = state};
}

bool Scenario::a_change_waits() const {
    return std::any_of(seen_.begin(), seen_.end(),
                       [&](const Seen& change) { return !change.busy && change.not_before <= tick(); });
}

void Scenario::observe_next(Process& by) {
    const auto change = std::find_if(
        seen_.begin(), seen_.end(), [&](const Seen& waiting) { return !waiting.busy && waiting.not_before <= tick(); });
    change->busy = by.host_busy = true;
    note([&] {
        return "process " + std::to_string(by.number) + " sees a change of contact " +
               std::to_string(change->given.state.contact_id.value()) + " at location " +
               std::to_string(change->given.state.location_id.value()) + ": " +
               std::string(fw::name_of(change->given.operation));
    });
    oracle_->observe_begins(by.number, change->meant);
    const auto observed = by.dispatcher->observe(change->given);
    oracle_->observe_returned(now(), by.number, tick() + by.line, observed.has_value());
    change->busy = by.host_busy = false;
    if (observed) {
        seen_.erase(change);
    } else {
        change->not_before = tick() + rng_.between(10, 2 * second);
    }
}

// ---- subscriptions ----

void Scenario::subscribe() {
    Process* const by = any_host();
    if (by == nullptr) return;
    by->host_busy = true;
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
    wanted.fifo_per_contact = rng_.chance(300);
    const auto record = by->dispatcher->create_subscription(wanted);
    by->host_busy = false;
    if (!record) return;
    const auto id = record->subscription.id();
    subscriptions_.push_back(id);
    moods_.push_back(many_              ? Mood::failing
                     : rng_.chance(500) ? Mood::healthy
                                        : static_cast<Mood>(rng_.below(static_cast<std::uint64_t>(Mood::count))));
    if (rng_.chance(800)) edit(*by, id, {.act = Act::generate});
}

void Scenario::edit(Process& by, fw::SubscriptionId id, Edit wanted) {
    by.host_busy = true;
    ++counts_.edits;
    note([&] {
        return "process " + std::to_string(by.number) + " makes edit " + std::to_string(static_cast<int>(wanted.act)) +
               " of subscription " + std::to_string(id.value());
    });
    by.store->announce(&wanted);
    fw::Dispatcher& of = *by.dispatcher;
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
    note([&] { return "the edit of process " + std::to_string(by.number) + " returns"; });
    oracle_->edit_returned(by.number);
    by.store->announce(nullptr);
    by.host_busy = false;
}

void Scenario::edit_something(Process& by) {
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
    edit(by, id, std::move(wanted));
}

void Scenario::replay() {
    Process* const by = any_host();
    if (by == nullptr || subscriptions_.empty()) return;
    // One delivery of one event at a time, so that each request on the wire is of one delivery.
    fw::DeliveryFilter filter{.subscription = rng_.pick(subscriptions_)};
    const auto rows = memory_->deliveries(filter, {}, 1'000'000).value().deliveries;
    if (rows.empty()) return;
    const auto& chosen = rows[rng_.below(rows.size())];
    if (oracle_->has_pending(chosen.subscription, chosen.event_id)) return;
    by->host_busy = true;
    ++counts_.replays;
    note([&] { return "replay delivery " + std::to_string(chosen.id.value()); });
    filter.delivery = chosen.id;
    static_cast<void>(
        by->dispatcher->replay({.filter = filter, .include_delivered = rng_.chance(500), .per_second = 0}));
    by->host_busy = false;
}

// Chance makes too little of it now and then. False: of everything there was enough.
bool Scenario::add_what_lacks() {
    constexpr std::size_t events = 50;
    constexpr std::size_t faults = 10;
    constexpr std::size_t crashes = 2;
    if (counts_.crashes < crashes) {
        owner_ends();
    } else if (counts_.events < events) {
        publish(events - counts_.events, std::nullopt);
    } else if (counts_.faults < faults) {
        fail_next_ = static_cast<int>(faults - counts_.faults);
        publish(1, std::nullopt);
    } else {
        return false;
    }
    return true;
}

void Scenario::heal() {
    healed_ = true;
    note([] { return "everything works again"; });
    outage_until_ = fail_next_ = lose_next_ = 0;
    crash_in_.reset();
    for (Mood& mood : moods_) mood = Mood::healthy;
    for (Process& process : processes_) {
        if (process.dispatcher && process.ends_at) end_process(process);
        if (!process.dispatcher) start_process(process);
    }
    begins_at_ = tick();
    for (const fw::SubscriptionId id : subscriptions_) {
        const auto record = memory_->subscription(id).value();
        if (record.deleted) continue;
        Process& by = *any_host();
        if (record.subscription.status() == fw::SubscriptionStatus::paused) edit(by, id, {.act = Act::resume});
        if (record.secret_number == 0 && rng_.chance(500)) edit(by, id, {.act = Act::generate});
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
    // A last attempt that is in doubt is rare, and has a rule of its own.
    if (!healed_ && !many_ && !crash_in_ && oracle_->is_last_attempt(id) && rng_.chance(50)) crash_in_ = 3;
    return std::pair{tick() + takes, answer};
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
