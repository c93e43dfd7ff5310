#include "oracle.hpp"

#include <algorithm>
#include <limits>

#include <fpt_webhooks/core/signer.hpp>

namespace simulation {
namespace {

constexpr Ms window = 24 * hour;
constexpr Ms day = 24 * hour;
// The longest delay of a policy, UFP's 16 hours, with its jitter: nothing is clamped to less.
constexpr Ms longest_step = 16 * hour + 16 * hour / 10;
constexpr std::size_t unrecorded_max = 32;  // DESIGN: W
// What is due at the window's end is started then, and a moment is what a process takes for it.
constexpr Ms window_grace = minute;

const char* state_name(fw::DeliveryState state) { return fw::to_string(state).data(); }

}  // namespace

void Oracle::fail(Ms now, const std::string& rule) {
    if (broken_.empty()) broken_ = "at " + std::to_string(now) + ": " + rule;
}

std::string Oracle::name(const Item& item) const {
    return "delivery " + std::to_string(item.id.value()) + " of subscription " + std::to_string(item.sub.value());
}

// ---- the rules, written again ----

bool Oracle::fits(const std::vector<std::string>& patterns, const std::string& type, fw::Profile of) {
    for (const std::string& pattern : patterns) {
        if (pattern == "*" || pattern == type) return true;
        if (of == fw::Profile::fpt && pattern.ends_with(".*") &&
            type.starts_with(pattern.substr(0, pattern.size() - 1))) {
            return true;
        }
    }
    return false;
}

bool Oracle::wants(const Sub& sub, const Event& event) {
    if (sub.view.deleted || sub.profile != event.profile) return false;
    const bool in_scope = std::find(event.scopes.begin(), event.scopes.end(), *sub.scope) != event.scopes.end();
    return in_scope && fits(sub.patterns, event.type, event.profile);
}

const std::string& Oracle::body_for(const Item& item, fw::PiiCategories mask) {
    const Event& event = *item.event;
    return event.category && !mask.contains(*event.category) ? event.reduced : event.whole;
}

std::vector<Ms> Oracle::delays_of(fw::Profile profile) {
    if (profile == fw::Profile::ufp) return {hour, 6 * hour, 16 * hour};
    return {minute, 5 * minute, 30 * minute, hour, 2 * hour, 4 * hour, 6 * hour, 10 * hour};
}

// Towards the streak: everything but this machine's own faults.
bool Oracle::counts(const Answer& answer) {
    return !answer.error || (*answer.error != fw::Errc::local_failure && *answer.error != fw::Errc::overloaded &&
                             *answer.error != fw::Errc::cancelled);
}

bool Oracle::is_signed_with(const std::string& secret, fw::Profile profile, Ms wall,
                            const fw::TransportRequest& request) {
    if (secret.empty()) return false;
    const fw::Scheme& scheme = profile == fw::Profile::fpt ? fw::Scheme::fpt : fw::Scheme::ufp;
    const auto signer = fw::Signer::create(scheme, fw::Secret(secret)).value();
    const fw::Timestamp time{std::chrono::milliseconds(wall)};
    for (const auto& field : signer.sign(fw::bytes_of(request.http.body), time).value()) {
        if (request.http.headers.count(field.name) != 1) return false;
        if (request.http.headers.find(field.name) != std::string_view(field.value)) return false;
    }
    return true;
}

// ---- publishing ----

void Oracle::publish_answered(Ms now, const fw::EventId& id, const fw::Result<fw::AppendVerdict>& answer) {
    if (!answer) return;
    Known& known = events_.at(id);
    known.promised = true;
    if (!known.stored) fail(now, "a publish was accepted and the store does not have the event");
}

std::vector<fw::Delivery> Oracle::new_rows() {
    auto page = store_.deliveries({}, last_row_, std::numeric_limits<std::size_t>::max()).value();
    if (!page.deliveries.empty()) last_row_ = page.deliveries.back().id;
    return std::move(page.deliveries);
}

std::optional<fw::Delivery> Oracle::row_of(fw::DeliveryId id) {
    auto page = store_.deliveries({}, fw::DeliveryId(id.value() - 1), 1).value();
    if (page.deliveries.empty() || page.deliveries.front().id != id) return std::nullopt;
    return std::move(page.deliveries.front());
}

void Oracle::add_item(Ms now, const fw::Delivery& row, const Known& known) {
    Sub& of = sub(row.subscription);
    Item item{.id = row.id,
              .sub = row.subscription,
              .event = &known.event,
              .replay = row.replay,
              .mask = of.view.pii,
              .queued_at = ms(row.queued_at),
              .due_min = ms(row.queued_at),
              .due_max = ms(row.queued_at)};
    fw::EndReason skip = fw::EndReason::none;
    if (of.view.status == fw::SubscriptionStatus::paused) {
        skip = fw::EndReason::paused;
    } else if (of.view.status == fw::SubscriptionStatus::disabled) {
        skip = fw::EndReason::disabled;
    } else if (of.pending >= options_.subscription_pending_max) {
        skip = fw::EndReason::backlog;
    }
    const auto state = skip == fw::EndReason::none ? fw::DeliveryState::fresh : fw::DeliveryState::skipped;
    if (row.state != state || row.reason != skip) {
        fail(now, name(item) + ": queued or skipped with the wrong reason");
    }
    if (row.event_type != known.event.type) fail(now, name(item) + ": another event type");
    if (item.queued_at > now) {  // by a process whose clock is ahead: due when it is taken
        item.due_min = now;
        item.due_max = now + minute;
    }
    item.state = row.state;
    item.reason = row.reason;
    if (state == fw::DeliveryState::fresh) {
        ++pending_;
        ++of.pending;
        of.queue.insert(row.id);
    }
    items_.emplace(row.id, std::move(item));
}

void Oracle::record(Ms now, const fw::DeliveryUpdate& update) {
    const auto row = row_of(update.delivery);
    if (!row) return fail(now, "a delivery is lost: " + std::to_string(update.delivery.value()));
    Item& item = items_.at(update.delivery);
    if (update.attempt && item.answered && update.attempts == item.attempts) {
        if (ms(update.attempt->started) != item.wall_started) fail(now, name(item) + ": started at another time");
        item.answered = false;
        Sub& of = sub(item.sub);
        if (item.succeeded) {
            --of.unrecorded;
        } else {
            of.barrier = false;
            of.free_since = now;
        }
        item.recorded_attempts = item.attempts;
        item.recorded_first_started = item.first_started;
        item.durable_start = 0;
    }
    const bool told_elsewhere = update.state == fw::DeliveryState::waiting;
    // A parking that is written again, since its reply was lost, after what was parked has been sent.
    item.outrun = told_elsewhere && !update.attempt && item.answered;
    check_row(now, item, *row);
    if (told_elsewhere && fw::has_ended(row->state)) item.told = true;  // the store itself dropped it
}

void Oracle::check_streak_write(Ms now, const fw::StreakUpdate& update) {
    const auto record = store_.subscription(update.subscription).value();
    Sub& of = sub(update.subscription);
    if (record.subscription.status() == fw::SubscriptionStatus::disabled &&
        of.view.status != fw::SubscriptionStatus::disabled) {
        check_disabled(now, of);
    }
    if (!record.streak || record.deleted || of.view.status != fw::SubscriptionStatus::active) return;
    const Ms started = ms(record.streak->started);
    if (of.streak_last && started > *of.streak_last) {
        fail(now, "subscription " + std::to_string(of.id.value()) + ": its streak begins too late, at " +
                      std::to_string(started) + " and not at " + std::to_string(*of.streak_last));
    }
}

// An event that was written, and the deliveries it has got. `next`: of its first one; is moved on. False: it was not
// accepted.
bool Oracle::match(Ms now, const fw::NewEvent& event, fw::AppendVerdict verdict, const std::vector<fw::Delivery>& rows,
                   std::size_t& next) {
    Known& known = events_.at(event.id);
    if (known.stored) {
        const auto expected =
            event.body == known.event.whole ? fw::AppendVerdict::duplicate : fw::AppendVerdict::conflict;
        if (verdict != expected) fail(now, "a repeated publish was not recognised");
        return false;
    }
    std::size_t queued = 0;
    std::set<fw::SubscriptionId> wanted;
    for (const auto& [id, of] : subs_) {
        if (!wants(of, known.event)) continue;
        wanted.insert(id);
        if (of.view.status == fw::SubscriptionStatus::active && of.pending < options_.subscription_pending_max) {
            ++queued;
        }
    }
    const bool full = queued > 0 && pending_ + queued > options_.pending_max;
    if (verdict != (full ? fw::AppendVerdict::full : fw::AppendVerdict::accepted)) {
        fail(now, "a new event got the wrong verdict");
        return false;
    }
    if (full) return false;
    known.stored = true;
    std::set<fw::SubscriptionId> got;
    for (; next < rows.size() && rows[next].event_id == event.id; ++next) {
        got.insert(rows[next].subscription);
        add_item(now, rows[next], known);
    }
    if (got != wanted) fail(now, "an event was matched with the wrong subscriptions");
    if (store_.event_body(event.id).value_or(std::string()) != known.event.whole) {
        fail(now, "an event is stored with another body");
    }
    return true;
}

void Oracle::committed(Ms now, std::size_t by, const fw::StoreBatch& batch, const fw::StoreBatchResult& result) {
    if (batch.epoch != 0 && by != owner_) return fail(now, "a process that does not own the store wrote outcomes");
    for (const fw::DeliveryUpdate& update : batch.updates) record(now, update);
    for (const fw::StreakUpdate& update : batch.streaks) check_streak_write(now, update);
    for (const fw::AttemptStart& start : batch.starts) {
        Item& item = items_.at(start.delivery);
        if (fw::has_ended(item.state) || start.number <= item.recorded_attempts) continue;
        item.durable_start = start.number;
        item.durable_start_at = ms(start.at);
    }
    if (batch.events.empty() && batch.contacts.empty()) return;
    const auto rows = new_rows();
    std::size_t next = 0;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
        static_cast<void>(match(now, batch.events[i], result.events[i], rows, next));
    }
    for (std::size_t i = 0; i < batch.contacts.size(); ++i) {
        window_closed(now, batch.contacts[i], result.contacts[i], ms(batch.at), rows, next);
    }
    if (next != rows.size()) fail(now, "deliveries that no event made");
}

void Oracle::fenced(Ms now, std::size_t by) {
    if (!ghosts_[by]) return fail(now, "the owner of the store is fenced");
    ghosts_[by]->fenced = true;
    dispatches_[by] = false;
    if (!new_rows().empty()) fail(now, "something of a fenced commit was kept");
    if (!owner_) return;  // and died with what it knew: when its attempts are due again, the next one finds
    for (const auto& [id, lane] : ghosts_[by]->lanes) {
        for (const fw::DeliveryId delivery : lane.done) {
            Item& item = items_.at(delivery);
            if (!item.answered) check_row(now, item, *row_of(delivery));
        }
    }
}

// ---- contacts ----

void Oracle::observe_begins(std::size_t by, const fw::ContactChange& change) {
    const fw::ContactKey key{.location = change.state.location_id, .contact = change.state.contact_id};
    observing_[by] = Observing{.change = change, .version = contacts_.at(key).version};
}

void Oracle::observed(Ms now, std::size_t by, Ms tick, const fw::StoreBatch& batch,
                      const fw::StoreBatchResult& result) {
    Observing& observing = *observing_[by];
    const fw::ContactWrite& write = batch.contacts.front();
    ContactModel::Contact& contact = contacts_.at(write.key);
    const bool kept = result.contacts.front();
    if (kept != (contact.version == write.expected_version)) fail(now, "a contact is written over another's write");
    if (!kept) return;
    if (!ContactModel::alters(contact, observing.change, ms(batch.at)))
        fail(now, "a change that changes nothing is written");
    observing.durable = true;
    contacts_.change(contact, observing.change, ms(batch.at), tick, write.record);
    if (write.due.has_value() != contact.window.has_value())
        return fail(now, "a window is open and should not, or not");
    if (write.due && ms(*write.due) != contact.window->due()) {
        fail(now, "a window is due at another time than " + std::to_string(contact.window->due()));
    }
}

void Oracle::observe_returned(Ms now, std::size_t by, Ms line_now, bool succeeded) {
    const Observing observing = *std::exchange(observing_[by], std::nullopt);
    if (!succeeded || observing.durable) return;
    const fw::ContactState& state = observing.change.state;
    const auto& contact = contacts_.at({.location = state.location_id, .contact = state.contact_id});
    if (contact.version == observing.version && ContactModel::alters(contact, observing.change, line_now)) {
        fail(now, "a contact's change is lost");
    }
}

bool Oracle::has_room_for(const std::vector<fw::NewEvent>& events) const {
    std::map<fw::SubscriptionId, std::size_t> queued;
    std::size_t all = 0;
    for (const fw::NewEvent& event : events) {
        for (const auto& [id, of] : subs_) {
            if (!wants(of, events_.at(event.id).event) || of.view.status != fw::SubscriptionStatus::active) continue;
            if (of.pending + queued[id] >= options_.subscription_pending_max) continue;
            ++queued[id];
            ++all;
        }
    }
    return all == 0 || pending_ + all <= options_.pending_max;
}

void Oracle::window_closed(Ms now, const fw::ContactWrite& write, bool kept, Ms at,
                           const std::vector<fw::Delivery>& rows, std::size_t& next) {
    ContactModel::Contact& contact = contacts_.at(write.key);
    const std::string whose = "contact " + std::to_string(write.key.contact.value()) + ": ";
    if (contact.version != write.expected_version) {
        if (kept) fail(now, whose + "closed though it has changed since");
        return;
    }
    if (!contact.window) return fail(now, whose + "a window is closed that was not open");
    if (!ContactModel::is_due(*contact.window, at)) fail(now, whose + "its window is closed too early");
    const auto told = ContactModel::events_of(contact);
    if (write.events.size() != told.size()) {
        return fail(now, whose + "its window ends in " + std::to_string(write.events.size()) + " events and not in " +
                             std::to_string(told.size()));
    }
    for (std::size_t i = 0; i < told.size(); ++i) check_told(now, write.key, *contact.window, told[i], write.events[i]);
    if (!broken_.empty()) return;
    contact.window->refused = !kept;
    if (kept != has_room_for(write.events)) fail(now, whose + "its window is closed, or not, by the wrong rule");
    if (!kept) return;
    for (const fw::NewEvent& event : write.events) {
        if (!match(now, event, fw::AppendVerdict::accepted, rows, next))
            fail(now, whose + "its event was there before");
    }
    ++contact.version;
    contact.window.reset();
}

void Oracle::check_told(Ms now, const fw::ContactKey& contact, const ContactModel::Window& open,
                        const ContactModel::Told& told, const fw::NewEvent& event) {
    const auto wrong = [&](const std::string& what) { fail(now, "a " + event.type + " with " + what); };
    const auto envelope = fw::decode_envelope(fw::bytes_of(event.body));
    if (!envelope || envelope->event_type.text() != event.type || envelope->event_id != event.id) {
        return wrong("a body that is not its own");
    }
    if (event.type != told.type) return wrong("a place that is " + told.type + "'s");
    if (envelope->data.text() != told.data) wrong("other data");
    if (ms(envelope->timestamp) != told.timestamp) wrong("another time than the last change's");
    if (envelope->location_id.value() != told.location || envelope->organization_id.value() != told.organization) {
        wrong("another place");
    }
    const auto bytes = event.id.bytes();
    const std::string_view id(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (open.opening.find(id) == std::string::npos) wrong("an id that was not allotted when its window opened");
    Event known{.id = event.id, .type = told.type, .whole = event.body, .reduced = event.body};
    known.scopes.push_back(fw::Scope::location(fw::LocationId(told.location)));
    if (told.organization != 0) known.scopes.push_back(fw::Scope::organization(fw::OrganizationId(told.organization)));
    if (event.scopes != known.scopes) wrong("other scopes");
    known.contact = contact;
    if (event.contact != known.contact) wrong("another contact");
    Known& there = events_[event.id];
    if (!there.stored) there.event = std::move(known);  // it may have been refused with what was to tell then
}

void Oracle::check_windows(Ms now, Ms tick) {
    const Ms calm = std::max(running_since_, last_fault_) + second;
    if (now <= calm) return;
    for (const auto& [key, contact] : contacts_.contacts()) {
        if (!contact.window || contact.window->refused || tick <= contact.window->written_at + second) continue;
        if (!ContactModel::is_due(*contact.window, now - second)) continue;
        fail(now, "contact " + std::to_string(key.contact.value()) + ": its window is overdue");
    }
}

void Oracle::replayed(Ms now, const fw::ReplayRequest& request, std::size_t count) {
    if (request.dry_run) return;
    const auto rows = new_rows();
    if (rows.size() != count) fail(now, "a replay made another number of deliveries than it says");
    for (const fw::Delivery& row : rows) {
        const auto replayed_one = items_.find(*request.filter.delivery);
        const Item* const old = replayed_one == items_.end() ? nullptr : &replayed_one->second;
        if (old == nullptr || !row.replay || old->sub != row.subscription || old->event->id != row.event_id) {
            return fail(now, "a replay of what was not asked for");
        }
        if (has_pending(row.subscription, row.event_id)) return fail(now, "a replay of what is pending");
        if (old->state == fw::DeliveryState::delivered && !request.include_delivered) {
            fail(now, "a replay of what was delivered, unasked");
        }
        const auto mask = old->mask;
        add_item(now, row, events_.at(row.event_id));
        Item& item = items_.at(row.id);
        item.mask = mask & sub(row.subscription).view.pii;
    }
}

// ---- subscriptions ----

void Oracle::created(Ms now, const fw::SubscriptionRecord& record) {
    const fw::Subscription& made = record.subscription;
    Sub of{.id = made.id(),
           .profile = made.profile(),
           .scope = made.scope(),
           .patterns = made.options().events,
           .fifo_per_contact = made.fifo_per_contact(),
           .view = {.url = made.url().to_string(), .pii = made.pii()},
           .edited_at = now,
           .last_attempt = now};
    urls_[of.view.url] = of.id;
    subs_.emplace(of.id, std::move(of));
}

// What was in force until now may still be gone by where nobody has been told.
void Oracle::keep_old(Ms now, Sub& of, std::size_t knows_itself) {
    ++edits_;
    for (std::size_t process = 0; process < process_count; ++process) {
        if (!dispatches_[process] || process == knows_itself) continue;
        Old old{.view = of.view, .edit = edits_, .since = now};
        for (const fw::DeliveryId id : of.queue) {
            const Item& item = items_.at(id);
            if (item.withdrawn == 0) old.masks.emplace(id, item.mask);
        }
        of.unseen[process].push_back(std::move(old));
    }
}

void Oracle::withdraw(Ms, Sub& of, fw::EndReason reason, fw::DeliveryId up_to) {
    for (const fw::DeliveryId id : of.queue) {
        Item& item = items_.at(id);
        if (id > up_to) continue;
        if (reason == fw::EndReason::unsubscribed && fits(of.patterns, item.event->type, of.profile)) continue;
        item.withdrawn |= bit(reason);
    }
}

void Oracle::end_streak(Sub& of) {
    of.streak_first.reset();
    of.streak_last.reset();
    of.warned = 0;
    of.counted_surely = of.counted_maybe = true;
}

void Oracle::edit_durable(Ms now, std::size_t by, fw::SubscriptionId id, const Edit& edit, const fw::Secret* secret) {
    Sub& of = sub(id);
    keep_old(now, of, process_count);  // it knows when the call returns
    durable_edit_[by] = DurableEdit{.id = id, .number = edits_};
    ++of.edits;
    of.edited_at = now;
    of.hold_min = of.hold_step_min = 0;  // may be lifted by an edit
    of.to_disable = false;
    // A failure whose record the edit overtook may count or not.
    const auto record = store_.subscription(id).value();
    if (of.streak_last && !record.streak) of.streak_last.reset();
    switch (edit.act) {
        case Act::pause: of.view.status = fw::SubscriptionStatus::paused; break;
        case Act::resume:
        case Act::enable:
            of.view.status = fw::SubscriptionStatus::active;
            end_streak(of);
            break;
        case Act::disable:
            of.view.status = fw::SubscriptionStatus::disabled;
            withdraw(now, of, fw::EndReason::disabled, last_row_);
            end_streak(of);
            break;
        case Act::generate: of.view.secret = std::string(secret->reveal()); break;
        case Act::rotate:
            of.view.secret = std::string(secret->reveal());
            end_streak(of);
            break;
        case Act::edit_url:
            of.view.url = edit.url;
            urls_[edit.url] = id;
            end_streak(of);
            break;
        case Act::edit_events:
            of.patterns = edit.events;
            withdraw(now, of, fw::EndReason::unsubscribed, last_row_);
            break;
        case Act::edit_pii:
            of.view.pii = edit.pii;
            for (const fw::DeliveryId pending : of.queue) {
                Item& item = items_.at(pending);
                if (item.withdrawn == 0) item.mask = item.mask & edit.pii;
            }
            break;
        case Act::remove:
            of.view.deleted = true;
            of.view.secret.clear();
            withdraw(now, of, fw::EndReason::deleted, last_row_);
            end_streak(of);
            break;
    }
}

void Oracle::edit_returned(std::size_t by) {
    const auto own = std::exchange(durable_edit_[by], std::nullopt);
    if (!own) return;
    std::erase_if(sub(own->id).unseen[by], [&](const Old& old) { return old.edit <= own->number; });
}

void Oracle::changes_read(std::size_t by, std::uint64_t up_to) {
    for (auto& [id, of] : subs_) {
        std::erase_if(of.unseen[by], [up_to](const Old& old) { return old.edit <= up_to; });
    }
}

// ---- attempts ----

std::optional<fw::SubscriptionId> Oracle::started(Ms now, std::size_t by, Ms wall,
                                                  const fw::TransportRequest& request) {
    const auto known_url = urls_.find(request.http.url);
    if (known_url == urls_.end()) {
        fail(now, "an attempt at a URL that nobody has: " + request.http.url);
        return std::nullopt;
    }
    Sub& of = sub(known_url->second);
    if (ghosts_[by]) return started_by_ghost(now, by, wall, of, request);
    if (by != owner_) fail(now, "an attempt by a process that does not own the store");
    for (const fw::DeliveryId id : of.queue) {
        Item& item = items_.at(id);
        const std::string& body = request.http.body;
        if (body != item.event->whole && body != item.event->reduced) continue;
        check_start(now, wall, of, item, request);
        if (item.attempts == 0) item.first_started = now;
        item.wall_started = wall;
        of.flight = id;
        of.flight_edits = of.edits - static_cast<unsigned>(of.unseen[by].size());
        of.flight_started = now;
        ++in_flight_;
        if (in_flight_ > options_.slots) fail(now, "more attempts in flight than slots");
        return of.id;
    }
    fail(now, "an attempt to send what is not pending for subscription " + std::to_string(of.id.value()) + ": " +
                  request.http.body);
    return std::nullopt;
}

// `body`: as the view allows it; null: whatever it is.
const char* Oracle::why_not(const Sub& of, const View& view, const std::string* body, Ms wall,
                            const fw::TransportRequest& request) {
    if (view.deleted) return "sent for a deleted subscription";
    if (view.status != fw::SubscriptionStatus::active) return "sent for one paused or disabled";
    if (view.url != request.http.url) return "sent to an old URL";
    if (body != nullptr && *body != request.http.body) return "sent with the wrong fields";
    if (!is_signed_with(view.secret, of.profile, wall, request)) return "not signed with the current secret and time";
    return nullptr;
}

void Oracle::check_start(Ms now, Ms wall, Sub& of, Item& item, const fw::TransportRequest& request) {
    const auto wrong = [&](const char* rule) { fail(now, name(item) + ": " + rule); };
    if (!running_) wrong("started while no dispatcher runs");
    if (of.flight) wrong("a second attempt in flight of one subscription");
    if (of.barrier) wrong("started before the last failure was recorded");
    if (of.unrecorded >= unrecorded_max) wrong("started while W outcomes are unrecorded");
    if (item.succeeded) wrong("sent again after a 2xx");
    if (now < item.due_min) fail(now, name(item) + ": started before it is due, at " + std::to_string(item.due_min));
    if (now < of.hold_min) wrong("started while its lane is held");
    if (item.attempts > delays_of(of.profile).size()) wrong("more attempts than the policy has");
    if (item.attempts > 0 && now > item.first_started + window + window_grace) wrong("started after its window");
    check_order(now, of, item);
    const char* why = item.withdrawn != 0 ? "started after it was withdrawn"
                                          : why_not(of, of.view, &body_for(item, item.mask), wall, request);
    item.late = why != nullptr && item.withdrawn != 0;
    if (why == nullptr) return;
    for (const Old& old : of.unseen[*owner_]) {
        const auto mask = old.masks.find(item.id);
        if (mask == old.masks.end()) continue;
        if (why_not(of, old.view, &body_for(item, mask->second), wall, request) == nullptr) {
            return check_unseen(now, of);
        }
    }
    wrong(why);
}

// Another process's edit is obeyed within a second, as long as the store can be asked.
void Oracle::check_unseen(Ms now, const Sub& of) {
    const auto& unseen = of.unseen[*owner_];
    if (unseen.empty() || now <= std::max(unseen.front().since, last_fault_) + second) return;
    fail(now, "subscription " + std::to_string(of.id.value()) + ": its edit is a second old and not obeyed");
}

std::optional<fw::SubscriptionId> Oracle::started_by_ghost(Ms now, std::size_t by, Ms wall, Sub& of,
                                                           const fw::TransportRequest& request) {
    Ghost& ghost = *ghosts_[by];
    GhostLane& lane = ghost.lanes[of.id];
    const std::string whose = "the ousted process, subscription " + std::to_string(of.id.value()) + ": ";
    const auto wrong = [&](const char* rule) { fail(now, whose + rule); };
    if (ghost.fenced) wrong("started though it was fenced");
    if (lane.flight) wrong("a second attempt in flight");
    if (lane.barrier) wrong("started before the last failure was recorded");
    if (lane.unrecorded >= unrecorded_max) wrong("started while W outcomes are unrecorded");
    const auto may_have = [&](const Item& item) {
        if (item.sub != of.id || lane.done.contains(item.id)) return false;
        if (request.http.body != item.event->whole && request.http.body != item.event->reduced) return false;
        return lane.pending.contains(item.id) || item.id > ghost.last_row;
    };
    const auto found =
        std::find_if(items_.begin(), items_.end(), [&](const auto& entry) { return may_have(entry.second); });
    if (found == items_.end()) {
        wrong("an attempt to send what it should not have");
        return std::nullopt;
    }
    const char* why = why_not(of, of.view, nullptr, wall, request);
    for (const Old& old : of.unseen[by]) {
        if (why_not(of, old.view, nullptr, wall, request) == nullptr) why = nullptr;
    }
    if (why != nullptr) wrong(why);
    lane.flight = found->first;
    return of.id;
}

// Oldest due first, among what the dispatcher has had the time to see.
// It is not sent any more, whether that is recorded or not.
bool Oracle::is_over(Ms now, const Sub& of, const Item& item) {
    if (item.succeeded || item.withdrawn != 0 || item.attempts > delays_of(of.profile).size()) return true;
    return item.attempts > 0 && item.first_started + window < now;
}

// Of a contact's events an earlier one has not come to its end.
std::optional<fw::DeliveryId> Oracle::is_behind(Ms now, const Sub& of, const Item& item) const {
    if (!of.fifo_per_contact || !item.event->contact) return std::nullopt;
    for (const fw::DeliveryId id : of.queue) {
        if (id >= item.id) break;
        const Item& other = items_.at(id);
        if (other.event->contact == item.event->contact && !is_over(now, of, other)) return id;
    }
    return std::nullopt;
}

void Oracle::check_order(Ms now, const Sub& of, const Item& item) {
    if (const auto earlier = is_behind(now, of, item)) {
        return fail(now, name(item) + ": started before " + std::to_string(earlier->value()) + " of its contact ended");
    }
    if (of.fifo_per_contact) return;
    for (const fw::DeliveryId id : of.queue) {
        const Item& other = items_.at(id);
        if (!other.seen || other.id == item.id || is_over(now, of, other)) continue;
        if (other.due_max + second < item.due_min) {
            return fail(now, name(item) + ": started before an older one, " + std::to_string(id.value()));
        }
    }
}

void Oracle::answered(Ms now, std::size_t by, fw::SubscriptionId id, const Answer& answer) {
    const bool succeeded = answer.status >= 200 && answer.status <= 299;
    if (ghosts_[by]) {
        GhostLane& lane = ghosts_[by]->lanes[id];
        const fw::DeliveryId delivery = *std::exchange(lane.flight, std::nullopt);
        if (succeeded) lane.done.insert(delivery);
        succeeded ? void(++lane.unrecorded) : void(lane.barrier = true);
        return;
    }
    Sub& of = sub(id);
    if (!of.flight) return fail(now, "an answer to nothing");
    Item& item = items_.at(*of.flight);
    check_streak(now, of);
    of.flight.reset();
    --in_flight_;
    of.last_attempt = of.last_known_attempt = now;
    of.free_since = now;
    ++item.attempts;
    item.answered = true;
    item.seen = false;
    item.last = answer;
    if (succeeded) {
        item.succeeded = true;
        ++of.unrecorded;
        of.hold_min = of.hold_max = of.hold_step_min = of.hold_step_max = 0;
        of.succeeded_at = now;
        if (!item.replay) end_streak(of);
        return;
    }
    of.barrier = true;
    after_failure(now, of, item, answer);
}

void Oracle::after_failure(Ms now, Sub& of, Item& item, const Answer& answer) {
    const bool silent =
        answer.error && (*answer.error == fw::Errc::timed_out || *answer.error == fw::Errc::connect_failed ||
                         *answer.error == fw::Errc::no_response || *answer.error == fw::Errc::resolve_failed);
    if (silent) {
        const auto longer = [](Ms step) { return step == 0 ? minute : std::min(2 * step, 10 * minute); };
        of.hold_step_min = longer(of.hold_step_min);
        of.hold_step_max = longer(of.hold_step_max);
        of.hold_min = now + of.hold_step_min;
        of.hold_max = now + of.hold_step_max;
    } else if (answer.status != 0) {
        of.hold_min = of.hold_max = of.hold_step_min = of.hold_step_max = 0;
    }
    const Ms asked = answer.retry_after.value_or(0);
    if (answer.retry_after) {
        of.hold_min = std::max(of.hold_min, now + std::min(asked, 10 * minute));
        of.hold_max = std::max(of.hold_max, now + std::min(asked, 10 * minute));
    }

    const auto delays = delays_of(of.profile);
    const Ms left = item.first_started + window - now;
    const bool used_up = item.attempts > delays.size() || left <= 0;
    if (!used_up) {
        const Ms delay = delays[item.attempts - 1];
        item.due_min = now + std::min(std::max(delay - delay / 10, asked), left);
        item.due_max = now + std::min(std::max(delay + delay / 10, asked), left);
    }

    const bool edited = of.edits != of.flight_edits;
    if (edited) of.hold_min = of.hold_step_min = 0;  // of the endpoint that there was
    const bool stop = answer.disable || (options_.gone_disables && answer.status == 410 && !answer.abort);
    const bool ufp_end =
        of.profile == fw::Profile::ufp && used_up && counts(answer) && !answer.abort && !item.replay && !stop;
    if (stop || ufp_end) {
        of.may_disable = true;
        if (!edited && of.view.status == fw::SubscriptionStatus::active && item.withdrawn == 0) of.to_disable = true;
    }
    if (item.replay || of.profile == fw::Profile::ufp) return;
    if (edited) {
        of.counted_surely = false;
        of.counted_maybe = true;
        if (counts(answer) && !of.streak_first) of.streak_first = now;
        return;
    }
    of.counted_surely = of.counted_maybe = counts(answer);
    if (!counts(answer)) return;
    if (!of.streak_first) of.streak_first = now;
    if (!of.streak_last) of.streak_last = now;
}

// 12 h without any attempt end it.
void Oracle::check_streak(Ms now, Sub& of) {
    if (!of.streak_first) return;
    if (now - of.last_attempt > 12 * hour) {
        end_streak(of);
    } else if (now - of.last_known_attempt > 12 * hour) {
        of.streak_last.reset();
    }
}

void Oracle::check_disabled(Ms now, Sub& of) {
    const bool by_streak = of.streak_first && now - *of.streak_first >= day && of.counted_maybe;
    if (!by_streak && !of.may_disable) {
        fail(now, "subscription " + std::to_string(of.id.value()) + " was disabled without a cause");
    }
    if (of.view.status == fw::SubscriptionStatus::paused) fail(now, "a paused subscription was disabled");
    std::erase_if(disabled_at_, [now](Ms at) { return now - at > hour; });
    const auto active = static_cast<std::size_t>(std::count_if(subs_.begin(), subs_.end(), [](const auto& entry) {
        return entry.second.view.status == fw::SubscriptionStatus::active && !entry.second.view.deleted;
    }));
    disabled_at_.push_back(now);
    keep_old(now, of, *owner_);
    // One either way: the dispatcher counts when it decides, this when it is written.
    const std::size_t before = active + disabled_at_.size() - 1;  // an hour ago
    if (before >= 22 && disabled_at_.size() * 2 > before + 2) {
        fail(now, "more than half of the active subscriptions were disabled within an hour");
    }
    of.view.status = fw::SubscriptionStatus::disabled;
    ++of.edits;
    of.edited_at = now;
    of.to_disable = of.may_disable = false;
    withdraw(now, of, fw::EndReason::disabled, last_row_);
    end_streak(of);
}

// ---- what the store says ----

void Oracle::ends(Item& item, const fw::Delivery& row) {
    item.state = row.state;
    item.reason = row.reason;
    --pending_;
    Sub& of = sub(item.sub);
    --of.pending;
    of.queue.erase(item.id);
    if (row.state != fw::DeliveryState::delivered) to_tell_.push_back(item.id);
}

void Oracle::check_row(Ms now, Item& item, const fw::Delivery& row) {
    const auto wrong = [&](const std::string& rule) {
        fail(now, name(item) + ": " + rule + " (" + state_name(row.state) + ", " + std::to_string(row.attempts) + ")");
    };
    if (row.subscription != item.sub || row.event_id != item.event->id || row.replay != item.replay) {
        wrong("another one now");
    }
    if (fw::has_ended(item.state)) {
        if (row.state != item.state || row.reason != item.reason) wrong("its end has changed");
        return;
    }
    if (row.attempts != item.recorded_attempts) wrong("another number of attempts than were made");
    if (fw::has_ended(row.state)) {
        check_end(now, item, row);
        ends(item, row);
        return;
    }
    if (item.state == fw::DeliveryState::waiting && row.state == fw::DeliveryState::fresh) wrong("fresh again");
    const bool was_fresh = item.state == fw::DeliveryState::fresh;
    item.state = row.state;
    if (row.state != fw::DeliveryState::waiting || item.answered) return;
    const Ms due = ms(*row.next_attempt);
    if (item.succeeded) wrong("a 2xx was recorded as a failure");
    // Published by a process whose clock was ahead: due when it is taken, which a store that fails puts off.
    const bool put_off = was_fresh && due <= item.queued_at && due <= last_fault_ + minute;
    if (due < item.due_min || (due > item.due_max && !put_off)) {
        wrong("due outside of its range: " + std::to_string(due) + " is not in " + std::to_string(item.due_min) +
              " to " + std::to_string(item.due_max));
    }
    if (item.last.abort || item.last.disable) wrong("tried again though the peer said no");
    item.due_min = item.due_max = due;
}

void Oracle::check_end(Ms now, Item& item, const fw::Delivery& row) {
    const auto wrong = [&](const char* rule) {
        fail(now,
             name(item) + ": " + rule + " (" + state_name(row.state) + ", " + fw::to_string(row.reason).data() + ")");
    };
    const Sub& of = sub(item.sub);
    const std::size_t attempts_max = delays_of(of.profile).size() + 1;
    if (row.state == fw::DeliveryState::delivered) {
        if (!item.succeeded) wrong("delivered without a 2xx");
        return;
    }
    // What is in flight is never aborted; this was withdrawn before.
    const bool may_be_dropped = (item.late || item.outrun) && (item.withdrawn & bit(row.reason)) != 0;
    if (item.succeeded && !may_be_dropped) return wrong("a 2xx was recorded as something else");
    switch (row.reason) {
        case fw::EndReason::attempts:
            if (item.recorded_attempts < attempts_max) wrong("given up too early");
            break;
        case fw::EndReason::window: {
            const Ms end = item.first_started + window;
            if (item.recorded_attempts == 0 || now < end) wrong("its window is not over");
            const Ms calm = item.due_max - second;
            const bool could = of.free_since < calm && of.hold_max < calm && of.edited_at < calm &&
                               running_since_ < calm && last_fault_ < calm && item.due_max <= end &&
                               options_.slots >= subs_.size();
            const bool sends = of.view.status == fw::SubscriptionStatus::active && !of.view.secret.empty();
            if (could && sends && now <= end + second) wrong("due at its window's end, and not tried");
            break;
        }
        case fw::EndReason::peer:
            if (!item.last.abort) wrong("the peer did not say so");
            break;
        case fw::EndReason::disabled:
            if ((item.withdrawn & bit(row.reason)) == 0 && !item.last.disable &&
                !(options_.gone_disables && item.last.status == 410)) {
                wrong("nobody disabled it");
            }
            break;
        case fw::EndReason::unsubscribed:
        case fw::EndReason::deleted:
            if ((item.withdrawn & bit(row.reason)) == 0) wrong("nobody withdrew it");
            break;
        case fw::EndReason::no_secret: {
            const Ms until = std::min(item.queued_at, item.due_min) + day;
            const bool too_late = of.edited_at >= until;  // for a secret that has come
            if ((!of.view.secret.empty() && !too_late) || now < until) wrong("it may still be sent");
            break;
        }
        default: wrong("no such end");
    }
    const bool exhausted = row.reason == fw::EndReason::attempts || row.reason == fw::EndReason::window;
    if ((row.state == fw::DeliveryState::exhausted) != exhausted) wrong("state and reason do not fit");
    if (!row.ended_at || ms(*row.ended_at) > now) wrong("ended in the future");
}

void Oracle::expired(Ms now, std::size_t by, fw::SubscriptionId id, const std::vector<fw::DeliveryId>& ended,
                     bool reply_lost) {
    if (by != owner_) return fail(now, "a process that does not own the store expired deliveries");
    const Sub& of = sub(id);
    for (const fw::DeliveryId delivery : ended) {
        Item& item = items_.at(delivery);
        if (of.flight == delivery || item.answered) fail(now, name(item) + ": expired while it was attempted");
        const bool overtaken = now - of.edited_at < second;
        if (of.view.status != fw::SubscriptionStatus::paused && !overtaken) {
            fail(now, name(item) + ": expired though not paused");
        }
        check_row(now, item, *row_of(delivery));
        if (reply_lost) item.told = true;  // nobody knows any more
    }
}

void Oracle::noticed(Ms now, std::size_t by, const fw::Notice& notice) {
    if (notice.kind == fw::Notice::Kind::fenced) {
        if (!ghosts_[by] || !ghosts_[by]->fenced) return fail(now, "a notice says fenced, and it was not");
        if (std::exchange(ghosts_[by]->told, true)) fail(now, "two notices say fenced");
    }
    const bool ends = notice.kind == fw::Notice::Kind::exhausted || notice.kind == fw::Notice::Kind::dropped;
    if (by != owner_) return;  // what an ousted process believes is its own
    if (notice.kind == fw::Notice::Kind::disabling_halted) {
        halted_ = true;
        if (subs_.size() < 20) fail(now, "disabling halts though there are fewer than 20 subscriptions");
    }
    if (notice.delivery) {
        Item& item = items_.at(*notice.delivery);
        if (ends) item.told = true;
        if (notice.kind == fw::Notice::Kind::warning && sub(item.sub).profile == fw::Profile::ufp) {
            if (notice.percent != item.attempts * 25 || item.attempts < 2) fail(now, "a wrong UFP warning");
        }
    } else if (notice.kind == fw::Notice::Kind::warning) {
        Sub& of = sub(notice.subscription);
        if (of.profile != fw::Profile::fpt) return;
        if (notice.percent == 100) return;  // goes with the disabling
        // An edit or a success may come between a warning and its telling.
        const bool overtaken = now - std::max(of.edited_at, of.succeeded_at) < second;
        const bool early = !of.streak_first || now < *of.streak_first + day * notice.percent / 100;
        if (overtaken && early) return;
        const std::string which = "subscription " + std::to_string(of.id.value()) + ": the warning of " +
                                  std::to_string(notice.percent) + " %";
        if (early)
            fail(now, which + " is too early: its streak began at " + std::to_string(of.streak_first.value_or(0)));
        if (of.warned >= notice.percent && !overtaken && of.streak_first == of.streak_last) fail(now, which + " again");
        of.warned = notice.percent;
    }
}

// ---- crashes ----

void Oracle::crashed(Ms now, std::size_t by) {
    for (auto& [id, of] : subs_) {
        if (by == owner_ && of.unrecorded + (of.flight ? 1 : 0) > unrecorded_max + 1) {
            fail(now, "a crash repeats more than W + 1");
        }
    }
    stopped(now, by);
}

void Oracle::stopped(Ms now, std::size_t by) {
    dispatches_[by] = false;
    ghosts_[by].reset();
    durable_edit_[by].reset();
    observing_[by].reset();
    for (auto& [id, of] : subs_) of.unseen[by].clear();
    if (by == owner_) forget_attempts(now);
}

void Oracle::ousted(Ms now, std::size_t by) {
    Ghost ghost{.last_row = last_row_};
    for (const auto& [id, of] : subs_) {
        GhostLane lane{.flight = of.flight, .unrecorded = of.unrecorded, .barrier = of.barrier, .pending = of.queue};
        for (const fw::DeliveryId delivery : of.queue) {
            if (items_.at(delivery).succeeded) lane.done.insert(delivery);
        }
        ghost.lanes.emplace(id, std::move(lane));
    }
    ghosts_[by] = std::move(ghost);
    forget_attempts(now);
}

// Of all that was under way nothing is known any more but what is in the store.
void Oracle::forget_attempts(Ms now) {
    owner_.reset();
    running_ = false;
    in_flight_ = 0;
    to_tell_.clear();
    disabled_at_.clear();
    halted_ = false;
    for (auto& [id, of] : subs_) {
        of.flight.reset();
        of.unrecorded = 0;
        of.barrier = false;
        of.free_since = now;
        of.hold_min = of.hold_max = of.hold_step_min = of.hold_step_max = 0;
        of.to_disable = of.may_disable = false;
        of.counted_maybe = true;
        const auto record = store_.subscription(id).value();
        of.streak_first.reset();
        of.streak_last.reset();
        of.warned = 0;
        if (record.streak && record.subscription.status() == fw::SubscriptionStatus::active) {
            of.streak_first = of.streak_last = ms(record.streak->started);
            of.last_known_attempt = ms(record.streak->last_failure);
            of.warned = record.streak->warned_percent;
        }
        for (const fw::DeliveryId pending : of.queue) {
            Item& item = items_.at(pending);
            item.answered = item.succeeded = item.seen = false;
        }
    }
}

void Oracle::acquired(Ms now, std::size_t by) {
    owner_ = by;
    dispatches_[by] = true;
    for (auto& [id, item] : items_) {
        const auto row = row_of(id);
        if (!row) return fail(now, name(item) + ": lost");
        if (fw::has_ended(item.state)) {
            check_row(now, item, *row);
            continue;
        }
        item.attempts = item.recorded_attempts;
        item.first_started = item.recorded_first_started;
        item.last = {};
        if (item.durable_start > item.recorded_attempts) {  // in doubt
            if (item.recorded_attempts == 0) item.first_started = item.durable_start_at;
            item.recorded_first_started = item.first_started;
            item.attempts = item.recorded_attempts = item.durable_start;
            item.due_min = now;
            item.due_max = now + minute;
        } else {
            item.due_min = item.due_max = ms(row->next_attempt.value_or(row->queued_at));
            item.due_min = std::min(item.due_min, now + longest_step);  // clamped again at start
            // Published by a process whose clock was ahead.
            if (row->state == fw::DeliveryState::fresh && item.due_min > now) {
                item.due_min = now;
                item.due_max = now + minute;
            }
        }
        item.durable_start = 0;
        check_row(now, item, *row);
        if (store_.attempts(id).value().size() != item.recorded_attempts) fail(now, name(item) + ": its attempts");
    }
}

void Oracle::began(Ms now) {
    running_ = true;
    running_since_ = now;
}

// ---- when all is quiet ----

std::optional<Ms> Oracle::must_act_at(Ms now, const Sub& of, const Item& item, bool slot_free) const {
    if (of.flight) return std::nullopt;
    if (of.view.deleted || of.view.status == fw::SubscriptionStatus::disabled) return 0;
    // What is in memory is judged when its turn comes.
    if (item.withdrawn != 0) return slot_free ? std::optional<Ms>(0) : std::nullopt;
    if (of.view.status == fw::SubscriptionStatus::paused) {
        if (item.attempts == 0) return std::nullopt;
        return item.first_started + window + 1;
    }
    if (is_behind(now, of, item)) return std::nullopt;
    if (of.view.secret.empty()) return item.due_max + day;
    if (!slot_free) return std::nullopt;
    return std::max(item.due_max, of.hold_max);
}

void Oracle::quiet(Ms now, Ms tick, std::optional<Ms> wake) {
    check_windows(now, tick);
    const bool slot_free = in_flight_ < std::min(options_.slots, options_.quarantine_slots);
    const auto needs_wake = [&](Ms at, const auto& what) {
        if (!wake || *wake > at) fail(now, what() + ": nothing wakes the dispatcher at " + std::to_string(at));
    };
    for (auto& [id, of] : subs_) {
        check_streak(now, of);
        if (!of.unseen[*owner_].empty()) {
            check_unseen(now, of);
            continue;
        }
        for (const fw::DeliveryId pending : of.queue) {
            Item& item = items_.at(pending);
            item.seen = item.due_min == item.due_max && !of.flight;
            const auto at = must_act_at(now, of, item, slot_free);
            if (!at) continue;
            if (*at <= now) {
                return fail(now, name(item) + ": all is quiet, and what is due was not done (due " +
                                     std::to_string(item.due_max) + ", held to " + std::to_string(of.hold_max) + ")");
            }
            needs_wake(*at, [&] { return name(item); });
        }
        if (of.flight || of.view.deleted || of.view.status != fw::SubscriptionStatus::active) continue;
        const auto whose = [number = id.value()] { return "subscription " + std::to_string(number); };
        if (of.to_disable && !halted_) return fail(now, whose() + ": was to be disabled");
        if (!of.streak_last || of.streak_first != of.streak_last) continue;
        if (now >= *of.streak_last + day && of.counted_surely && !halted_) {
            return fail(now, whose() + ": 24 hours of failure, and not disabled");
        }
        for (const unsigned percent : {50U, 75U, 100U}) {
            const Ms at = *of.streak_last + day * percent / 100;
            if (percent <= of.warned) continue;
            if (at > now) {
                needs_wake(at, [&] { return whose() + "'s streak"; });
                break;
            }
            if (percent < 100) {
                return fail(now, whose() + ": no warning of " + std::to_string(percent) + " %");
            }
        }
    }
    for (const fw::DeliveryId id : std::exchange(to_tell_, {})) {
        if (!items_.at(id).told) fail(now, name(items_.at(id)) + ": ended, and no notice says so");
    }
}

void Oracle::check_whole_store(Ms now) {
    for (auto& [id, item] : items_) {
        const auto row = row_of(id);
        if (!row) return fail(now, name(item) + ": lost");
        if (item.answered) continue;
        check_row(now, item, *row);
    }
    if (store_.stats().value().pending != pending_) fail(now, "the store counts another number of pending ones");
}

void Oracle::finished(Ms now) {
    check_whole_store(now);
    for (const auto& [id, item] : items_) {
        if (!fw::has_ended(item.state)) return fail(now, name(item) + ": never ended");
    }
    if (contacts_.open_windows() > 0) fail(now, "a window was never closed");
    for (const auto& [id, known] : events_) {
        if (known.promised && !known.stored) fail(now, "an accepted event is lost");
    }
}

bool Oracle::is_last_attempt(fw::SubscriptionId id) const {
    const Sub& of = subs_.at(id);
    return of.flight && items_.at(*of.flight).attempts == delays_of(of.profile).size();
}

bool Oracle::has_pending(fw::SubscriptionId id, const fw::EventId& event) const {
    for (const fw::DeliveryId pending : subs_.at(id).queue) {
        if (items_.at(pending).event->id == event) return true;
    }
    return false;
}

}  // namespace simulation
