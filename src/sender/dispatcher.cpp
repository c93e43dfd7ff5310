#include <fpt_webhooks/sender/dispatcher.hpp>

#include <algorithm>
#include <bit>
#include <future>
#include <limits>

#include <fpt_webhooks/core/fpt_catalogue.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/sender/contact_codec.hpp>
#include <fpt_webhooks/sender/pii_projection.hpp>

#include "sender/dispatcher_impl.hpp"
#include "sender/plant.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

using detail::Engine;
using std::chrono::milliseconds;

// Events of one commit: past this a longer transaction gains nothing more and makes everybody wait longer.
constexpr std::size_t commit_events_max = 1'024;
// Deliveries that one step of clearing up removes: well under a commit's usual time.
constexpr std::size_t maintain_rows = 256;
constexpr milliseconds maintain_interval{1'000};
// A start is written with the next commit; if none comes, then after this.
constexpr milliseconds start_write_delay{50};
// The same for an outcome: at full speed a commit then holds dozens, and a lane that waits for one waits no longer.
constexpr milliseconds outcome_write_delay{2};
// After a failed commit or read: long enough not to burn the machine, short enough to heal unnoticed.
constexpr milliseconds store_retry_delay{200};
constexpr std::size_t notices_max = 4'096;
constexpr std::size_t replay_page = 100;
constexpr std::size_t due_contacts_page = 100;  // windows that are closed in one commit
constexpr int edit_tries = 8;                   // somebody else's edit came between reading and writing
constexpr milliseconds option_time_max = std::chrono::hours(30 * 24);

Error stopped_error() { return Error(Errc::stopped, "the dispatcher has been stopped"); }

Result<AppendVerdict> result_of(AppendVerdict verdict) {
    switch (verdict) {
        case AppendVerdict::accepted:
        case AppendVerdict::duplicate: return verdict;
        case AppendVerdict::conflict: return Error(Errc::conflict, "event id: another event has it");
        case AppendVerdict::full: return Error(Errc::store_full, "too many deliveries are pending");
    }
    return Error(Errc::store_failed, "unknown verdict");
}

const Scheme& scheme_of(Profile profile) { return profile == Profile::fpt ? Scheme::fpt : Scheme::ufp; }

Result<void> check(const DispatcherOptions& options) {
    const auto bad = [](const char* what) { return Error(Errc::invalid_argument, what); };
    if (!options.store) return bad("store: needed");
    if (!options.transport) return bad("transport: needed");
    if (auto valid = options.fpt.validate(); !valid) return valid.error().in("fpt");
    if (auto valid = options.ufp.validate(); !valid) return valid.error().in("ufp");
    if (auto valid = options.contact_window.validate(); !valid) return valid.error().in("contact_window");
    for (const auto& [name, value] :
         {std::pair{"disable_after", options.disable_after}, std::pair{"no_secret_max", options.no_secret_max},
          std::pair{"timeout", options.timeout}, std::pair{"connect_timeout", options.connect_timeout},
          std::pair{"poll_interval", options.poll_interval}}) {
        if (value <= milliseconds(0) || value > option_time_max) {
            return Error(Errc::invalid_argument, std::string(name).append(": over zero, at most 30 days"));
        }
    }
    if (options.in_flight_max == 0) return bad("in_flight_max: at least 1");
    if (options.quarantine_in_flight_max == 0) return bad("quarantine_in_flight_max: at least 1");
    if (options.publish_queue_max == 0) return bad("publish_queue_max: at least 1");
    return {};
}

// All that is kept of a contact, as a store holds it.
Result<ContactRecord> decode_contact(std::string_view record) {
    if (record.empty()) return ContactRecord{};
    if (auto window = decode_contact_window(record)) return ContactRecord{.window = *std::move(window)};
    auto state = decode_contact_state(record);
    if (!state) return std::move(state).error();
    return ContactRecord{.state = *std::move(state)};
}

Result<std::string> encode_contact(const ContactRecord& record) {
    if (record.window) return encode_contact_window(*record.window);
    if (record.state) return encode_contact_state(*record.state);
    return std::string();
}

// The event as a subscription may see it.
Result<std::string> body_for(Profile profile, const std::string& type, const std::string& body, PiiCategories pii) {
    if (profile == Profile::ufp || pii.contains(pii_categories_of(type))) return body;
    auto event = decode_envelope(bytes_of(body), std::numeric_limits<std::size_t>::max());
    if (!event) return std::move(event).error();
    auto projected = project(*std::move(event), pii);
    if (!projected) return std::move(projected).error();
    return encode_envelope(*projected);
}

}  // namespace

// ---- threads ----

void Dispatcher::Impl::run_writer() {
    std::unique_lock lock(mutex);
    for (;;) {
        const auto urgent = [&] { return finishing || !publishes.empty(); };
        writer_idle = true;
        writer_wake.wait(lock, [&] { return urgent() || writes_wait(); });
        // For starts nobody waits, for outcomes their lanes may: more will come to be written along.
        writer_wake.wait_for(lock, start_write_delay, [&] { return urgent() || outcomes_wait(); });
        writer_idle = false;
        if (outcomes_wait()) writer_wake.wait_for(lock, outcome_write_delay, urgent);
        if (!write_step(lock)) {
            if (finishing) return;
            continue;
        }
        if (!writes_failing) continue;
        if (finishing) return;  // stop() has waited long enough; the next start finds what is not written in doubt
        writer_wake.wait_for(lock, store_retry_delay, [&] { return finishing; });
    }
}

bool Dispatcher::Impl::write_step(std::unique_lock<std::mutex>& lock) {
    if (publishes.empty() && !writes_wait()) return false;
    if (owns && !has_unwritten) {
        engine->take_batch(unwritten);
        has_unwritten = true;
    }
    StoreBatch batch = std::exchange(unwritten, {});
    batch.epoch = owns ? epoch : 0;
    batch.at = now();
    std::vector<PublishDone> waiters;
    while (!publishes.empty() && waiters.size() < commit_events_max) {
        batch.events.push_back(std::move(publishes.front().event));
        waiters.push_back(std::move(publishes.front().done));
        publishes.pop_front();
    }
    lock.unlock();
    const auto result = options.store->commit(batch);
    lock.lock();
    if (result) {
        ++counts.commits;
        set_failing(writes_failing, nullptr);
        for (const AppendVerdict verdict : result->events) {
            if (verdict == AppendVerdict::accepted) ++counts.published;
            if (verdict == AppendVerdict::duplicate) ++counts.duplicates;
        }
        counts.disabled += result->disabled.size();
        for (const DroppedDelivery& gone : result->dropped) {
            ++counts.dropped;
            add_notice({.kind = Notice::Kind::dropped,
                        .subscription = gone.subscription,
                        .delivery = gone.delivery,
                        .event_id = gone.event_id,
                        .reason = gone.reason});
            if (owns) engine->dropped(gone.subscription, gone.delivery, now());
        }
        if (std::exchange(has_unwritten, false)) engine->committed(now());
        if (owns) {
            if (!batch.events.empty()) engine->fresh_available();
            launch_ready();
            wake_pump();
        }
    } else {
        if (result.error() == Errc::fenced && !FPT_WEBHOOKS_PLANT(18)) {
            give_up(result.error());
        } else {
            set_failing(writes_failing, &result.error());
            batch.events.clear();
            unwritten = std::move(batch);
            // A commit of nothing would succeed on a full disk, and prove nothing.
            if (unwritten.updates.empty() && unwritten.streaks.empty() && unwritten.starts.empty()) {
                has_unwritten = false;
            }
        }
    }
    collect_notices();
    idle.notify_all();
    lock.unlock();
    for (std::size_t i = 0; i < waiters.size(); ++i) {
        try {
            waiters[i](result ? result_of(result->events[i]) : Result<AppendVerdict>(Error(result.error())));
        } catch (...) {  // the host's; it must not end our thread
        }
    }
    lock.lock();
    return true;
}

// The store takes writes or gives what is asked of it, or it does not.
void Dispatcher::Impl::set_failing(bool& which, const Error* failure) {
    const bool before = store_failing();
    which = failure != nullptr;
    if (before == store_failing()) return;
    if (failure != nullptr) {
        add_notice({.kind = Notice::Kind::store_failed, .detail = failure->message()});
    } else {
        add_notice({.kind = Notice::Kind::store_recovered});
    }
}

void Dispatcher::Impl::give_up(const Error& fenced) {
    has_unwritten = false;
    if (!std::exchange(owns, false)) return;
    engine->drain();
    add_notice({.kind = Notice::Kind::fenced, .detail = fenced.message()});
}

void Dispatcher::Impl::run_pump() {
    std::unique_lock lock(mutex);
    while (!finishing && owns) {
        if (options.clock->steady_now() >= next_look) look_around(lock);
        const Pumped pumped = pump_step(lock);
        if (pumped == Pumped::worked) continue;
        if (pumped == Pumped::store_failed) {
            pump_wake.wait_for(lock, store_retry_delay, [&] { return finishing; });
            continue;
        }
        auto wait = options.poll_interval;
        if (const auto wake = engine->next_wake()) wait = std::clamp(*wake - now(), milliseconds(1), wait);
        const bool worked = pump_wake.wait_for(lock, wait, [&] { return finishing || pump_work; });
        pump_work = false;
        if (!worked) look_around(lock);
    }
}

Dispatcher::Impl::Pumped Dispatcher::Impl::pump_step(std::unique_lock<std::mutex>& lock) {
    const auto wants = engine->poll(now());
    launch_ready();
    collect_notices();
    if (writer_idle && writes_wait()) writer_wake.notify_one();
    if (!wants.fresh && wants.records.empty() && wants.waiting.empty() && wants.expire.empty()) return Pumped::idle;
    lock.unlock();
    const auto done = obey(wants);
    lock.lock();
    if (owns) set_failing(reads_failing, done ? nullptr : &done.error());  // who is fenced has said so
    collect_notices();
    return done ? Pumped::worked : Pumped::store_failed;
}

void Dispatcher::Impl::look_around(std::unique_lock<std::mutex>& lock) {
    next_look = options.clock->steady_now() + options.poll_interval;
    engine->fresh_available();  // another process may have published
    lock.unlock();
    static_cast<void>(read_changes());  // the next time, then
    close_windows();
    if (options.clock->steady_now() >= next_maintain) {
        const auto removed = options.store->maintain(options.retention, now(), maintain_rows);
        const bool more = removed && *removed > 0;
        next_maintain = options.clock->steady_now() + (more ? milliseconds(0) : maintain_interval);
    }
    lock.lock();
    if (!recount || !engine->count_begins()) return;
    recount = false;
    lock.unlock();
    const auto stats = options.store->stats();
    lock.lock();
    if (!stats || !engine->set_active_subscriptions(stats->subscriptions_active)) recount = true;
}

Result<void> Dispatcher::Impl::obey(const detail::EngineWants& wants) {
    Result<void> first = {};
    const auto is_good = [&first](const auto& result) {
        if (!result && first) first = result.error();
        return result.has_value();
    };
    std::optional<Result<std::vector<PendingDelivery>>> fresh;
    if (wants.fresh) {
        std::unique_lock lock(mutex);
        const DeliveryId cursor = engine->cursor();
        lock.unlock();
        fresh = options.store->take_fresh(cursor, detail::fresh_page_rows);
    }
    // After the fresh rows and before they are judged: what was queued because a subscription was enabled must not be
    // dropped because its lane has not heard of that.
    const bool known = is_good(read_changes());
    if (fresh) {
        const bool usable = is_good(*fresh) && known;
        const std::scoped_lock lock(mutex);
        const bool more = !usable || (*fresh)->size() == detail::fresh_page_rows;
        engine->add_fresh(usable ? **std::move(fresh) : std::vector<PendingDelivery>(), more, now());
    }
    for (const auto& [id, until] : wants.waiting) {
        auto page = options.store->take_waiting(id, until, detail::waiting_page_rows);
        const bool usable = is_good(read_changes()) && is_good(page);  // so too what is withdrawn comes with the rest
        const std::scoped_lock lock(mutex);
        if (usable) {
            engine->add_waiting(id, *std::move(page), now());
        } else {
            engine->waiting_failed(id);
        }
    }
    for (const auto& [id, started_before] : wants.expire) {
        const auto done = options.store->expire_waiting(epoch, id, started_before, now(), detail::waiting_page_rows);
        const bool usable = is_good(done);
        const std::scoped_lock lock(mutex);
        engine->expired(id, usable ? &*done : nullptr, now());
        if (!usable && done.error() == Errc::fenced) give_up(done.error());
    }
    for (const SubscriptionId id : wants.records) {
        auto lane = read_lane(id);
        const bool usable = is_good(lane);
        const std::scoped_lock lock(mutex);
        if (usable) {
            engine->set_record(*std::move(lane), now());
        } else {
            engine->record_failed(id);
        }
    }
    return first;
}

// The subscription and its signer as they are together: an edit may come between the two reads.
Result<detail::LaneRecord> Dispatcher::Impl::read_lane(SubscriptionId id) {
    for (int tries = 1; tries <= edit_tries; ++tries) {
        auto record = options.store->subscription(id);
        if (!record) return std::move(record).error();
        if (record->secret_number == 0 || record->deleted) return detail::LaneRecord{.record = *std::move(record)};
        const auto secret = options.store->secret(id);
        auto signer = secret ? Signer::create(scheme_of(record->subscription.profile()), *secret)
                             : Result<Signer>(Error(secret.error()));
        if (!signer && signer.error() != Errc::not_found) {
            return std::move(signer).error().in("subscription " + std::to_string(id.value()));
        }
        const auto again = options.store->subscription(id);
        if (!again) return again.error();
        if (again->version != record->version) continue;
        detail::LaneRecord lane{.record = *std::move(record)};
        if (signer) lane.signer = *std::move(signer);
        return lane;
    }
    return Error(Errc::conflict, "the subscription is being edited all the time");
}

Result<void> Dispatcher::Impl::read_changes() {
    std::unique_lock lock(mutex);
    const std::uint64_t since = seen_changes;
    lock.unlock();
    const auto changes = options.store->changes(since);
    if (!changes) return changes.error();
    lock.lock();
    seen_changes = std::max(seen_changes, changes->sequence);
    recount |= !changes->subscriptions.empty();
    if (FPT_WEBHOOKS_PLANT(17)) return {};
    for (const SubscriptionId id : changes->subscriptions) engine->invalidate(id, now());
    return {};
}

// Contacts that have changed no more for a while, or for long enough, become events.
void Dispatcher::Impl::close_windows() {
    const Timestamp time = now();
    const auto due = options.store->due_contacts(time, time + options.contact_window.longest, due_contacts_page);
    if (!due || due->empty()) return;
    StoreBatch batch{.epoch = epoch, .at = time};
    for (const KeptContact& kept : *due) {
        auto window = decode_contact_window(kept.record);
        if (!window) continue;
        if (FPT_WEBHOOKS_PLANT(30)) window->ids = *ContactEventIds::generate(*options.clock, *options.random);
        ContactClosing closing = window->close();
        if (FPT_WEBHOOKS_PLANT(29) && closing.events.size() > 1) closing.events.pop_back();
        auto state = encode_contact_state(closing.state);
        if (!state) continue;
        ContactWrite write{.key = kept.key, .expected_version = kept.version, .record = *std::move(state)};
        for (const Envelope& envelope : closing.events) {
            auto event = NewEvent::from(envelope);
            if (event) write.events.push_back(*std::move(event));
        }
        // All or none: a window that cannot be told whole stays open.
        if (write.events.size() == closing.events.size()) batch.contacts.push_back(std::move(write));
    }
    // A write that fails or comes too late is made again the next time: the window keeps the ids of its events.
    const auto closed = options.store->commit(batch);
    const std::scoped_lock lock(mutex);
    if (closed) {
        engine->fresh_available();
    } else if (closed.error() == Errc::fenced) {
        give_up(closed.error());
    }
}

void Dispatcher::Impl::run_notifier() {
    std::unique_lock lock(mutex);
    for (;;) {
        notifier_wake.wait(lock, [&] { return finishing || !notices.empty(); });
        if (notices.empty()) return;
        const Notice notice = std::move(notices.front());
        notices.pop_front();
        lock.unlock();
        try {
            options.on_notice(notice);
        } catch (...) {  // the host's; it must not end our thread
        }
        lock.lock();
    }
}

// ---- attempts; all with the lock held ----

void Dispatcher::Impl::launch_ready() {
    while (owns) {
        const auto plan = engine->next_start(now());
        if (!plan) return;
        launch(*plan);
    }
}

void Dispatcher::Impl::launch(const detail::AttemptPlan& plan) {
    const SubscriptionId id = plan.subscription;
    const Timestamp wall = options.clock->now();
    auto body = body_for(plan.delivery->profile, plan.delivery->event_type, plan.delivery->body, plan.pii);
    const bool projected = body.has_value();
    auto started = [&]() -> Result<Transport::Token> {
        if (!body) return std::move(body).error();
        DeliveryRequest request{.profile = plan.delivery->profile,
                                .url = plan.lane->record.subscription.url().to_string(),
                                .body = *std::move(body),
                                .policy = options.policy,
                                .timeout = options.timeout,
                                .connect_timeout = options.connect_timeout,
                                .user_agent = options.user_agent};
        Transport& transport = plan.quarantined ? *options.quarantine_transport : *options.transport;
        auto token =
            start_delivery(transport, *plan.lane->signer, *options.clock, std::move(request),
                           [this, id, wall](TransportOutcome outcome) { complete(id, wall, std::move(outcome)); });
        if (token) tokens[id] = {&transport, *token};
        return token;
    }();
    ++counts.attempts;
    if (started) return;
    ++counts.failed_attempts;
    if (!projected && started.error() == Condition::permanent) {
        return engine->cannot_send(id, started.error(), wall, now());
    }
    const auto random = random_u64(*options.random);
    engine->completed(id, outcome_of(started.error()), {}, wall, now(), random.value_or(0));
}

void Dispatcher::Impl::complete(SubscriptionId id, Timestamp wall_started, TransportOutcome outcome) {
    AttemptOutcome attempt = outcome_of(outcome, options.clock->now());
    std::string head;
    std::uint64_t random = 0;
    if (!attempt.succeeded()) {
        if (outcome.response) head = std::move(outcome.response->body);
        random = random_u64(*options.random).value_or(0);
    }
    const std::scoped_lock lock(mutex);
    tokens.erase(id);
    if (cancelling && attempt.error && *attempt.error == Errc::cancelled) {
        engine->abandon(id);
    } else {
        const auto took = std::max(outcome.timings.total, std::chrono::microseconds(0));
        const auto ms = static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(took).count());
        counts.attempt_latency_sum += took;
        ++counts.attempt_latency[std::min<std::size_t>(std::bit_width(ms), counts.attempt_latency.size() - 1)];
        ++(attempt.succeeded() ? counts.delivered : counts.failed_attempts);
        engine->completed(id, attempt, std::move(head), wall_started, now(), random);
        launch_ready();
    }
    collect_notices();
    if (writer_idle) writer_wake.notify_one();
    if (engine->wants_reads()) wake_pump();
    if (engine->in_flight() == 0) idle.notify_all();
}

void Dispatcher::Impl::collect_notices() {
    if (!engine) return;
    for (Notice& notice : engine->take_notices()) {
        if (notice.kind == Notice::Kind::exhausted) ++counts.exhausted;
        if (notice.kind == Notice::Kind::dropped) ++counts.dropped;
        add_notice(std::move(notice));
    }
}

void Dispatcher::Impl::add_notice(Notice notice) {
    if (!options.on_notice) return;
    if (notices.size() >= notices_max) {
        ++counts.notices_lost;
        return;
    }
    notices.push_back(std::move(notice));
    notifier_wake.notify_one();
}

// ---- life ----

Result<std::unique_ptr<Dispatcher>> Dispatcher::create(DispatcherOptions options) {
    if (auto valid = check(options); !valid) return valid.error();
    if (!options.policy) {
        auto policy = EndpointPolicy::create();
        if (!policy) return std::move(policy).error();
        options.policy = *std::move(policy);
    }
    if (!options.clock) options.clock = system_clock();
    if (!options.random) options.random = system_random();
    if (!options.quarantine_transport) options.quarantine_transport = options.transport;
    auto clock = options.clock;
    auto random = options.random;
    auto impl = std::make_unique<Impl>(std::move(options));
    Impl* const raw = impl.get();
    raw->writer = std::thread([raw] { raw->run_writer(); });
    if (raw->options.on_notice) raw->notifier = std::thread([raw] { raw->run_notifier(); });
    return std::make_unique<Dispatcher>(std::move(impl), std::move(clock), std::move(random));
}

Dispatcher::Dispatcher(std::unique_ptr<Impl> impl, std::shared_ptr<const Clock> clock,
                       std::shared_ptr<RandomSource> random) noexcept
    : clock_(std::move(clock)), random_(std::move(random)), impl_(std::move(impl)) {}

Dispatcher::~Dispatcher() {
    if (impl_->forked()) {
        static_cast<void>(impl_.release());  // its threads are the parent's
        return;
    }
    stop(milliseconds(0));
}

Result<void> Dispatcher::start() {
    if (impl_->forked()) return Error(Errc::forked);
    if (auto begun = impl_->begin(); !begun) return begun;
    impl_->pump = std::thread([impl = impl_.get()] { impl->run_pump(); });
    return {};
}

Result<void> Dispatcher::Impl::begin() {
    {
        const std::scoped_lock lock(mutex);
        if (stopping) return stopped_error();
        if (engine) return Error(Errc::wrong_state, "the dispatcher was started before");
    }
    const Timestamp time = now();
    const auto acquired = options.store->acquire(time);
    if (!acquired) return acquired.error();
    const auto fail = [&](const Error& error) {
        options.store->release(*acquired);
        return error;
    };
    // First the sequence, then the rest: what changes in between is read again.
    const auto changes = options.store->changes(std::numeric_limits<std::int64_t>::max());
    if (!changes) return fail(changes.error());
    const auto wakes = options.store->wakes();
    if (!wakes) return fail(wakes.error());
    const auto stats = options.store->stats();
    if (!stats) return fail(stats.error());

    detail::EngineOptions engine_options{.fpt = options.fpt,
                                         .ufp = options.ufp,
                                         .disable_after = options.disable_after,
                                         .streak_idle_max = options.disable_after / 2,
                                         .no_secret_max = options.no_secret_max,
                                         .slots = options.in_flight_max,
                                         .quarantine_slots = options.quarantine_in_flight_max,
                                         .active_subscriptions = stats->subscriptions_active};
    auto made = std::make_unique<Engine>(std::move(engine_options));
    for (const SubscriptionWake& wake : *wakes) made->add_wake(wake, time);

    const std::scoped_lock lock(mutex);
    engine = std::move(made);
    epoch = *acquired;
    owns = true;
    seen_changes = changes->sequence;
    return {};
}

void Dispatcher::stop(milliseconds patience) {
    if (impl_->forked()) return;
    Impl& impl = *impl_;
    std::unique_lock lock(impl.mutex);
    if (std::exchange(impl.stopping, true)) return;
    const auto deadline = std::chrono::steady_clock::now() + std::clamp(patience, milliseconds(0), option_time_max);
    if (impl.engine) {
        impl.engine->drain();
        impl.idle.wait_until(lock, deadline, [&] { return impl.engine->in_flight() == 0; });
        impl.cancelling = true;
        std::vector<std::pair<Transport*, Transport::Token>> left;
        for (const auto& [id, token] : impl.tokens) left.push_back(token);
        lock.unlock();
        for (const auto& [transport, token] : left) transport->cancel(token);
        lock.lock();
        impl.idle.wait(lock, [&] { return impl.engine->in_flight() == 0; });
    }
    // Everything that is known is written, as long as the store takes it.
    impl.writer_wake.notify_one();
    impl.idle.wait(lock, [&] {
        return (impl.publishes.empty() && !impl.outcomes_wait()) ||
               (impl.writes_failing && std::chrono::steady_clock::now() >= deadline);
    });
    impl.finishing = true;
    impl.writer_wake.notify_all();
    impl.pump_wake.notify_all();
    lock.unlock();
    impl.writer.join();
    if (impl.pump.joinable()) impl.pump.join();
    lock.lock();
    const std::deque<Impl::Publishing> unpublished = std::exchange(impl.publishes, {});
    const bool owned = std::exchange(impl.owns, false);
    impl.notifier_wake.notify_all();
    lock.unlock();
    for (const auto& publishing : unpublished) publishing.done(stopped_error());
    if (impl.notifier.joinable()) impl.notifier.join();
    if (owned) impl.options.store->release(impl.epoch);
}

// ---- publishing ----

Result<void> Dispatcher::publish_async(NewEvent event, PublishDone done) {
    if (impl_->forked()) return Error(Errc::forked);
    const std::scoped_lock lock(impl_->mutex);
    if (impl_->stopping) return stopped_error();
    if (impl_->publishes.size() >= impl_->options.publish_queue_max) {
        return Error(Errc::overloaded, "publish_queue_max events wait for their commit");
    }
    impl_->publishes.push_back({std::move(event), std::move(done)});
    if (impl_->publishes.size() == 1) impl_->writer_wake.notify_one();
    return {};
}

namespace {

Result<AppendVerdict> publish_and_wait(Dispatcher& dispatcher, Result<NewEvent> event) {
    if (!event) return std::move(event).error();
    std::promise<Result<AppendVerdict>> promise;
    auto future = promise.get_future();
    const auto queued = dispatcher.publish_async(
        *std::move(event), [&promise](const Result<AppendVerdict>& result) { promise.set_value(result); });
    if (!queued) return queued.error();
    return future.get();
}

}  // namespace

Result<AppendVerdict> Dispatcher::publish(const Envelope& event) {
    return publish_and_wait(*this, NewEvent::from(event));
}

Result<AppendVerdict> Dispatcher::publish(const UfpEvent& event, const EventId& id) {
    return publish_and_wait(*this, NewEvent::from(event, id));
}

std::vector<Result<AppendVerdict>> Dispatcher::publish(std::span<const Envelope> events) {
    std::vector<std::promise<Result<AppendVerdict>>> promises(events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        auto& promise = promises[i];
        auto event = NewEvent::from(events[i]);
        if (!event) {
            promise.set_value(std::move(event).error());
            continue;
        }
        const auto queued = publish_async(
            *std::move(event), [&promise](const Result<AppendVerdict>& result) { promise.set_value(result); });
        if (!queued) promise.set_value(queued.error());
    }
    std::vector<Result<AppendVerdict>> results;
    results.reserve(events.size());
    for (auto& promise : promises) results.push_back(promise.get_future().get());
    return results;
}

Result<void> Dispatcher::observe(const ContactChange& change) {
    if (impl_->forked()) return Error(Errc::forked);
    Store& store = *impl_->options.store;
    const ContactKey key{.location = change.state.location_id, .contact = change.state.contact_id};
    for (int tries = 1; tries <= edit_tries; ++tries) {
        const auto kept = store.contact(key);
        if (!kept) return kept.error();
        auto before = decode_contact(kept->record);
        if (!before) return std::move(before).error();
        const auto ids = ContactEventIds::generate(*clock_, *random_);
        if (!ids) return ids.error();
        const auto after = fpt_webhooks::observe(*before, change, *ids, impl_->now());
        if (!after) return after.error();
        if (*after == *before) return {};
        auto record = encode_contact(*after);
        if (!record) return std::move(record).error();
        ContactWrite write{.key = key, .expected_version = kept->version, .record = *std::move(record)};
        if (after->window) write.due = after->window->due(impl_->options.contact_window);
        StoreBatch batch{.at = impl_->now()};
        batch.contacts.push_back(std::move(write));
        const auto written = store.commit(batch);
        if (!written) return written.error();
        if (written->contacts.front()) return {};
    }
    return Error(Errc::conflict, "others change this contact all the time");
}

// ---- subscriptions ----

Result<SubscriptionRecord> Dispatcher::Impl::find(const Actor& actor, SubscriptionId id) {
    if (forked()) return Error(Errc::forked);
    auto record = options.store->subscription(id);
    if (!record) return record;
    if (record->deleted) return Error(Errc::not_found, "the subscription is deleted");
    if (auto may = actor.may_manage(record->subscription.scope()); !may) return may.error();
    return record;
}

// `make`: Result<SubscriptionEdit>(const SubscriptionRecord&). When this returns, the edit is obeyed: the lane reads
// its record again before its next attempt.
template <class MakeEdit>
Result<SubscriptionRecord> Dispatcher::Impl::edit(const Actor& actor, SubscriptionId id, MakeEdit make) {
    for (int tries = 1;; ++tries) {
        const auto record = find(actor, id);
        if (!record) return record;
        Result<SubscriptionEdit> edit = make(*record);
        if (!edit) return std::move(edit).error();
        edit->expected_version = record->version;
        edit->at = now();
        auto edited = options.store->edit_subscription(*edit);
        if (!edited && edited.error() == Errc::conflict && tries < edit_tries) continue;
        // An edit whose reply was lost may have been made.
        if (!edited && (edited.error() != Condition::in_doubt || FPT_WEBHOOKS_PLANT(14))) return edited;
        const std::scoped_lock lock(mutex);
        if (owns) {
            engine->invalidate(id, now());
            wake_pump();
        }
        return edited;
    }
}

namespace {

Subscription with(const SubscriptionRecord& record, SubscriptionStatus status) {
    Subscription subscription = record.subscription;
    subscription.set_status(status);
    return subscription;
}

Error wrong_status(const SubscriptionRecord& record) {
    return Error(Errc::wrong_state, std::string("the subscription is ").append(name_of(record.subscription.status())));
}

}  // namespace

Result<SubscriptionRecord> Dispatcher::create_subscription(const NewSubscription& subscription) {
    if (impl_->forked()) return Error(Errc::forked);
    auto scope = subscription.scope ? Result<Scope>(*subscription.scope) : subscription.actor.default_scope();
    if (!scope) return std::move(scope).error();
    if (auto may = subscription.actor.may_manage(*scope); !may) return may.error();
    const auto made = Subscription::create({.url = subscription.url,
                                            .scope = *scope,
                                            .events = subscription.events,
                                            .pii = subscription.pii,
                                            .fifo_per_contact = subscription.fifo_per_contact},
                                           *impl_->options.policy);
    if (!made) return made.error();
    auto created = impl_->options.store->create_subscription(*made, impl_->now());
    if (created) impl_->warn_of_same_url(created->subscription);
    return created;
}

// Best effort: the subscription is there, whatever becomes of this.
void Dispatcher::Impl::warn_of_same_url(const Subscription& subscription) {
    if (!options.on_notice) return;
    const auto same = options.store->subscriptions_at(subscription.url().to_string(), 2);
    if (!same) return;
    for (const SubscriptionId other : *same) {
        if (other == subscription.id()) continue;
        const std::scoped_lock lock(mutex);
        return add_notice({.kind = Notice::Kind::same_url,
                           .subscription = subscription.id(),
                           .detail = "subscription " + std::to_string(other.value()) + " has the same URL"});
    }
}

Result<SubscriptionRecord> Dispatcher::edit_subscription(const Actor& actor, SubscriptionId id,
                                                         const SubscriptionPatch& patch) {
    auto record_or_error = impl_->edit(actor, id, [&](const SubscriptionRecord& record) -> Result<SubscriptionEdit> {
        SubscriptionOptions options = record.subscription.options();
        if (patch.url) options.url = *patch.url;
        if (patch.events) options.events = *patch.events;
        if (patch.pii) options.pii = *patch.pii;
        if (patch.fifo_per_contact) options.fifo_per_contact = *patch.fifo_per_contact;
        // The policy judges a new URL only: it may have become stricter than what an old one was judged by.
        auto edited = patch.url ? Subscription::create(std::move(options), *impl_->options.policy)
                                : Subscription::restore(std::move(options));
        if (!edited) return std::move(edited).error();
        SubscriptionEdit edit{.subscription = *std::move(edited), .end_streak = patch.url.has_value()};
        // Event types are judged again only when they are edited: a replay may be of a type that is not chosen now.
        if (patch.events) {
            edit.cut = Cut{
                .keep = edit.subscription.events(), .reason = EndReason::unsubscribed, .pii = edit.subscription.pii()};
        } else if (patch.pii) {
            const std::string everything[] = {"*"};
            edit.cut = Cut{.keep = EventChoice::create(edit.subscription.profile(), everything).value(),
                           .pii = edit.subscription.pii()};
        }
        return edit;
    });
    if (record_or_error && patch.url) impl_->warn_of_same_url(record_or_error->subscription);
    return record_or_error;
}

Result<Secret> Dispatcher::generate_secret(const Actor& actor, SubscriptionId id) {
    auto secret = Secret::generate(*random_);
    if (!secret) return secret;
    const auto edited = impl_->edit(actor, id, [&](const SubscriptionRecord& record) -> Result<SubscriptionEdit> {
        if (record.secret_number != 0) return Error(Errc::wrong_state, "there is a secret: rotate it");
        return SubscriptionEdit{.subscription = record.subscription, .secret = *secret};
    });
    if (!edited) return edited.error();
    return secret;
}

Result<Secret> Dispatcher::rotate_secret(const Actor& actor, SubscriptionId id) {
    auto secret = Secret::generate(*random_);
    if (!secret) return secret;
    const auto edited = impl_->edit(actor, id, [&](const SubscriptionRecord& record) -> Result<SubscriptionEdit> {
        if (record.secret_number == 0) return Error(Errc::wrong_state, "there is no secret: generate one");
        return SubscriptionEdit{.subscription = record.subscription, .secret = *secret, .end_streak = true};
    });
    if (!edited) return edited.error();
    return secret;
}

Result<void> Dispatcher::set_secret(const Actor& actor, SubscriptionId id, const Secret& secret) {
    const auto edited = impl_->edit(actor, id, [&](const SubscriptionRecord& record) -> Result<SubscriptionEdit> {
        if (record.subscription.profile() != Profile::ufp) {
            return Error(Errc::wrong_state, "FPT secrets are generated, not chosen");
        }
        if (auto usable = Signer::create(Scheme::ufp, secret); !usable) return usable.error().in("secret");
        return SubscriptionEdit{
            .subscription = record.subscription, .secret = secret, .end_streak = record.secret_number != 0};
    });
    if (!edited) return edited.error();
    return {};
}

Result<SubscriptionRecord> Dispatcher::Impl::change_status(const Actor& actor, SubscriptionId id,
                                                           SubscriptionStatus from, SubscriptionStatus to) {
    return edit(actor, id, [&](const SubscriptionRecord& record) -> Result<SubscriptionEdit> {
        if (record.subscription.status() != from) return wrong_status(record);
        return SubscriptionEdit{.subscription = with(record, to), .end_streak = to == SubscriptionStatus::active};
    });
}

Result<SubscriptionRecord> Dispatcher::pause(const Actor& actor, SubscriptionId id) {
    return impl_->change_status(actor, id, SubscriptionStatus::active, SubscriptionStatus::paused);
}

Result<SubscriptionRecord> Dispatcher::resume(const Actor& actor, SubscriptionId id) {
    return impl_->change_status(actor, id, SubscriptionStatus::paused, SubscriptionStatus::active);
}

Result<SubscriptionRecord> Dispatcher::enable(const Actor& actor, SubscriptionId id) {
    return impl_->change_status(actor, id, SubscriptionStatus::disabled, SubscriptionStatus::active);
}

Result<SubscriptionRecord> Dispatcher::disable(const Actor& actor, SubscriptionId id) {
    return impl_->edit(actor, id, [&](const SubscriptionRecord& record) -> Result<SubscriptionEdit> {
        if (record.subscription.status() == SubscriptionStatus::disabled) return wrong_status(record);
        return SubscriptionEdit{.subscription = with(record, SubscriptionStatus::disabled),
                                .cut = Cut{.reason = EndReason::disabled},
                                .end_streak = true};
    });
}

Result<void> Dispatcher::remove(const Actor& actor, SubscriptionId id) {
    const auto edited = impl_->edit(actor, id, [&](const SubscriptionRecord& record) -> Result<SubscriptionEdit> {
        return SubscriptionEdit{
            .subscription = record.subscription, .cut = Cut{.reason = EndReason::deleted}, .remove = true};
    });
    if (!edited) return edited.error();
    return {};
}

Result<SubscriptionRecord> Dispatcher::subscription(const Actor& actor, SubscriptionId id) {
    return impl_->find(actor, id);
}

Result<Dispatcher::SubscriptionPage> Dispatcher::subscriptions(const Actor& actor, SubscriptionId after,
                                                               std::size_t max) {
    if (impl_->forked()) return Error(Errc::forked);
    auto records = impl_->options.store->subscriptions(after, max);
    if (!records) return std::move(records).error();
    SubscriptionPage page;
    if (records->size() == max && max > 0) page.next = records->back().subscription.id();
    for (SubscriptionRecord& record : *records) {
        if (actor.may_manage(record.subscription.scope())) page.subscriptions.push_back(std::move(record));
    }
    return page;
}

// ---- testing, history, replay ----

namespace {

// `data` of a shipped event with made-up ids.
Result<JsonObject> sample_data(std::string_view type) {
    constexpr ContactId contact{1};
    if (type == ContactCreated::event_type) return ContactCreated{.contact_id = contact}.to_data();
    if (type == ContactUpdated::event_type) return ContactUpdated{.contact_id = contact}.to_data();
    if (type == ContactDeleted::event_type) return ContactDeleted{.contact_id = contact}.to_data();
    if (type == ContactStatusChanged::event_type) {
        return ContactStatusChanged{
            .contact_id = contact, .previous_status = ContactStatus::leads, .new_status = ContactStatus::members}
            .to_data();
    }
    if (type == ContactSubGroupChanged::event_type) {
        return ContactSubGroupChanged{.contact_id = contact, .new_sub_group = SubGroupId(1)}.to_data();
    }
    return Error(Errc::invalid_argument, "event type: there is no sample of it");
}

Result<NewEvent> sample_event(const Scope& scope, std::string_view type, const Clock& clock, RandomSource& random) {
    if (scope.profile() == Profile::ufp) {
        if (!find_ufp_event(type)) return Error(Errc::invalid_argument, "event type: not in the UFP catalogue");
        const auto id = EventId::generate(clock, random);
        if (!id) return id.error();
        return NewEvent::from({.event_key = std::string(type),
                               .created_at = "01/01/2026 12:00",
                               .company_id = CompanyId(scope.id()),
                               .tenant_id = scope.tenant_id()},
                              *id);
    }
    auto data = sample_data(type);
    if (!data) return std::move(data).error();
    const auto id = static_cast<std::int32_t>(scope.id());
    const bool by_location = scope.kind() == Scope::Kind::location;
    const auto event = make_envelope(
        type, *std::move(data),
        {.location = LocationId(by_location ? id : 1), .organization = OrganizationId(by_location ? 0 : id)}, clock,
        random);
    if (!event) return event.error();
    return NewEvent::from(*event);
}

}  // namespace

Result<Attempt> Dispatcher::send_test(const Actor& actor, SubscriptionId id, std::string_view event_type) {
    const auto record = impl_->find(actor, id);
    if (!record) return record.error();
    if (record->secret_number == 0) return Error(Errc::wrong_state, "there is no secret: generate one");
    const Subscription& subscription = record->subscription;
    auto event = sample_event(subscription.scope(), event_type, *clock_, *random_);
    if (!event) return std::move(event).error();
    auto body = body_for(event->profile, event->type, event->body, subscription.pii());
    if (!body) return std::move(body).error();
    const auto secret = impl_->options.store->secret(id);
    if (!secret) return secret.error();
    const auto signer = Signer::create(scheme_of(subscription.profile()), *secret);
    if (!signer) return signer.error();

    Attempt attempt{.started = clock_->now()};
    const auto outcome = deliver_once(*impl_->options.transport, *signer, *clock_,
                                      {.profile = subscription.profile(),
                                       .url = subscription.url().to_string(),
                                       .body = *std::move(body),
                                       .policy = impl_->options.policy,
                                       .timeout = impl_->options.timeout,
                                       .connect_timeout = impl_->options.connect_timeout,
                                       .user_agent = impl_->options.user_agent});
    attempt.duration = std::chrono::duration_cast<milliseconds>(outcome.timings.total);
    const AttemptOutcome judged = outcome_of(outcome, clock_->now());
    attempt.status = judged.status;
    if (judged.error) {
        attempt.error = static_cast<Errc>(judged.error->code().value());
        attempt.detail = judged.error->detail();
    } else if (!judged.succeeded()) {
        attempt.response_head = outcome.response->body;
    }
    StoreBatch batch{.at = impl_->now()};
    batch.tests.push_back(
        {.subscription = id, .event = *std::move(event), .attempt = attempt, .delivered = judged.succeeded()});
    if (const auto kept = impl_->options.store->commit(batch); !kept) return kept.error();
    return attempt;
}

Result<DeliveryPage> Dispatcher::deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max) {
    if (impl_->forked()) return Error(Errc::forked);
    return impl_->options.store->deliveries(filter, after, max);
}

Result<std::vector<Attempt>> Dispatcher::attempts(DeliveryId delivery) {
    if (impl_->forked()) return Error(Errc::forked);
    return impl_->options.store->attempts(delivery);
}

Result<std::size_t> Dispatcher::replay(const ReplayOptions& options) {
    if (impl_->forked()) return Error(Errc::forked);
    ReplayRequest request{.filter = options.filter,
                          .include_delivered = options.include_delivered,
                          .dry_run = options.dry_run,
                          .max = replay_page};
    std::size_t count = 0;
    for (;;) {
        request.at = impl_->now();
        const auto page = impl_->options.store->replay(request);
        if (!page) return page.error();
        count += page->count;
        std::unique_lock lock(impl_->mutex);
        if (impl_->owns && page->count > 0 && !options.dry_run) {
            impl_->engine->fresh_available();
            impl_->wake_pump();
        }
        if (!page->next) return count;
        request.after = *page->next;
        request.up_to = page->up_to;
        auto pause = milliseconds(0);
        if (options.per_second > 0 && !options.dry_run) pause = milliseconds(page->count * 1'000 / options.per_second);
        impl_->idle.wait_for(lock, pause, [&] { return impl_->stopping; });
        if (impl_->stopping) return stopped_error();
    }
}

Result<DispatcherMetrics> Dispatcher::metrics() {
    if (impl_->forked()) return Error(Errc::forked);
    const auto stats = impl_->options.store->stats();
    if (!stats) return stats.error();
    const std::scoped_lock lock(impl_->mutex);
    DispatcherMetrics metrics = impl_->counts;
    metrics.in_flight = impl_->engine ? impl_->engine->in_flight() : 0;
    metrics.publish_queue = impl_->publishes.size();
    metrics.pending = stats->pending;
    if (stats->oldest_pending) metrics.oldest_pending_age = impl_->now() - *stats->oldest_pending;
    metrics.store_failing = impl_->store_failing();
    return metrics;
}

std::string_view to_string(Notice::Kind kind) noexcept {
    switch (kind) {
        case Notice::Kind::attempt_failed: return "attempt_failed";
        case Notice::Kind::recovered: return "recovered";
        case Notice::Kind::exhausted: return "exhausted";
        case Notice::Kind::dropped: return "dropped";
        case Notice::Kind::warning: return "warning";
        case Notice::Kind::disabled: return "disabled";
        case Notice::Kind::same_url: return "same_url";
        case Notice::Kind::disabling_halted: return "disabling_halted";
        case Notice::Kind::store_failed: return "store_failed";
        case Notice::Kind::store_recovered: return "store_recovered";
        case Notice::Kind::fenced: return "fenced";
    }
    return "unknown";
}

}  // namespace fpt_webhooks::inline v0_1
