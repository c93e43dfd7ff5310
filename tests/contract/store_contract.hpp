// What every Store does, as one suite: call it from a test case of each backend.
#pragma once

#include <fpt_webhooks/sender/store.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fpt_webhooks/sender/memory_store.hpp>

#include "support/catch.hpp"

struct StoreBackend {
    // An empty store.
    std::function<std::shared_ptr<fpt_webhooks::Store>(fpt_webhooks::StoreLimits limits)> open;
};

namespace store_contract {

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using fw::AppendVerdict;
using fw::DeliveryId;
using fw::DeliveryState;
using fw::EndReason;
using fw::SubscriptionId;
using fw::SubscriptionStatus;
using Verdicts = std::vector<AppendVerdict>;
using Ids = std::vector<std::int64_t>;

constexpr DeliveryId from_start{};
constexpr std::size_t all = 1'000'000;

// Some moment, and so many seconds after it.
inline fw::Timestamp at(int seconds) { return fw::Timestamp(1'780'000'000s) + std::chrono::seconds(seconds); }

inline fw::Scope location(int id) { return fw::Scope::location(fw::LocationId(id)); }
inline fw::Scope organization(int id) { return fw::Scope::organization(fw::OrganizationId(id)); }

inline fw::EventId event_id(std::uint8_t number, std::uint8_t more = 0) {
    std::array<std::byte, 16> bytes{};
    bytes[14] = std::byte{more};
    bytes[15] = std::byte{number};
    return fw::EventId(bytes);
}

struct Event {
    std::uint8_t number = 1;
    std::string type = "contact.updated";
    std::vector<fw::Scope> scopes = {location(1), organization(5)};
    fw::Profile profile = fw::Profile::fpt;
    std::string body = {};
    int contact = 0;  // other than 0: it is about this one, of location 1
};

inline fw::NewEvent make(const Event& event) {
    std::optional<fw::ContactKey> contact;
    if (event.contact != 0) contact = fw::ContactKey{fw::LocationId(1), fw::ContactId(event.contact)};
    fw::NewEvent made{.id = event_id(event.number),
                      .profile = event.profile,
                      .type = event.type,
                      .scopes = event.scopes,
                      .contact = contact,
                      .body = event.body.empty() ? "body of " + std::to_string(event.number) : event.body};
    made.hash = fw::sha256(fw::bytes_of(made.body));
    return made;
}

struct Wanted {
    fw::Scope scope = location(1);
    std::vector<std::string> events = {"*"};
    SubscriptionStatus status = SubscriptionStatus::active;
    fw::PiiCategories pii = {};
    std::string url = "https://partner.example/hooks";
    bool fifo_per_contact = false;
};

inline fw::Subscription subscription(const Wanted& wanted, SubscriptionId id = {}) {
    return fw::Subscription::restore({.id = id,
                                      .url = wanted.url,
                                      .scope = wanted.scope,
                                      .events = wanted.events,
                                      .status = wanted.status,
                                      .pii = wanted.pii,
                                      .fifo_per_contact = wanted.fifo_per_contact})
        .value();
}

template <class Deliveries>
Ids ids_of(const Deliveries& deliveries) {
    Ids ids;
    for (const auto& delivery : deliveries) ids.push_back(delivery.id.value());
    return ids;
}

struct Fixture {
    explicit Fixture(const StoreBackend& backend_, fw::StoreLimits limits = {})
        : backend(backend_), store(backend.open(limits)) {}

    SubscriptionId create(const Wanted& wanted = {}) {
        return store->create_subscription(subscription(wanted), at(0))->subscription.id();
    }
    fw::SubscriptionRecord record(SubscriptionId id) const { return store->subscription(id).value(); }

    // As it is, to be changed and handed to edit_subscription.
    fw::SubscriptionEdit edit_of(SubscriptionId id) const {
        const fw::SubscriptionRecord now = record(id);
        return {.subscription = now.subscription, .expected_version = now.version, .at = at(50)};
    }
    fw::SubscriptionRecord cut(SubscriptionId id, EndReason reason, std::vector<std::string> keep = {},
                               fw::PiiCategories pii = fw::PiiCategories::all()) {
        fw::SubscriptionEdit edit = edit_of(id);
        edit.cut = fw::Cut{.up_to = {}, .keep = {}, .reason = reason, .pii = pii};
        if (!keep.empty()) edit.cut->keep = fw::EventChoice::create(fw::Profile::fpt, keep).value();
        return store->edit_subscription(edit).value();
    }
    void set_status(SubscriptionId id, SubscriptionStatus status) {
        fw::SubscriptionEdit edit = edit_of(id);
        edit.subscription.set_status(status);
        store->edit_subscription(edit).value();
    }
    void remove(SubscriptionId id) {
        fw::SubscriptionEdit edit = edit_of(id);
        edit.remove = true;
        store->edit_subscription(edit).value();
    }

    Verdicts publish(const std::vector<Event>& events, fw::Timestamp when = at(1)) {
        fw::StoreBatch batch{.at = when};
        for (const Event& event : events) batch.events.push_back(make(event));
        return store->commit(batch)->events;
    }
    void publish_numbers(std::uint8_t first, std::uint8_t last) {
        std::vector<Event> events;
        for (unsigned number = first; number <= last; ++number) {
            events.push_back({.number = static_cast<std::uint8_t>(number)});
        }
        publish(events);
    }

    std::uint64_t own() {
        if (epoch == 0) epoch = store->acquire(at(0)).value();
        return epoch;
    }
    fw::StoreBatchResult update(std::vector<fw::DeliveryUpdate> updates) {
        return store->commit({.epoch = own(), .at = at(10), .updates = std::move(updates)}).value();
    }
    fw::StoreBatchResult update(fw::StreakUpdate streak) {
        return store->commit({.epoch = own(), .at = at(10), .streaks = {std::move(streak)}}).value();
    }
    void start(std::int64_t delivery, unsigned number, fw::Timestamp when) {
        store->commit({.epoch = own(), .at = when, .starts = {{DeliveryId(delivery), number, when}}}).value();
    }
    void wait(std::int64_t delivery, fw::Timestamp due) { update({waits(delivery, due)}); }
    void end(std::int64_t delivery, DeliveryState state, EndReason reason, fw::Timestamp when) {
        update({{.delivery = DeliveryId(delivery), .state = state, .reason = reason, .at = when}});
    }
    void deliver(std::int64_t delivery, fw::Timestamp when = at(10)) {
        end(delivery, DeliveryState::delivered, EndReason::none, when);
    }
    // The dispatcher ends and another one begins.
    std::uint64_t restart(fw::Timestamp when) {
        store->release(epoch);
        epoch = store->acquire(when).value();
        return epoch;
    }

    static fw::DeliveryUpdate waits(std::int64_t delivery, fw::Timestamp due) {
        return {.delivery = DeliveryId(delivery), .state = DeliveryState::waiting, .at = at(10), .due = due};
    }
    static fw::DeliveryUpdate failed(std::int64_t delivery, unsigned number, fw::Timestamp due) {
        return {.delivery = DeliveryId(delivery),
                .state = DeliveryState::waiting,
                .at = at(10),
                .due = due,
                .attempts = number,
                .first_attempt_started = at(5),
                .attempt = fw::Attempt{.number = number,
                                       .started = at(5),
                                       .duration = 250ms,
                                       .status = 503,
                                       .detail = "unavailable",
                                       .response_head = std::string("a\0b\xff", 4)}};
    }

    std::vector<fw::PendingDelivery> fresh() const { return store->take_fresh(from_start, all).value(); }
    Ids fresh_ids() const { return ids_of(fresh()); }
    fw::WaitingPage waiting(SubscriptionId id, fw::Timestamp now, std::size_t max = all) const {
        return store->take_waiting(id, now, max).value();
    }
    Ids waiting_ids(SubscriptionId id, fw::Timestamp now) const { return ids_of(waiting(id, now).deliveries); }
    std::vector<fw::Delivery> history(const fw::DeliveryFilter& filter = {}) const {
        return store->deliveries(filter, from_start, all)->deliveries;
    }
    fw::Delivery delivery(std::int64_t id) const {
        const auto found = history({.delivery = DeliveryId(id)});
        REQUIRE(found.size() == 1);
        return found.front();
    }
    std::size_t pending() const { return store->stats()->pending; }

    StoreBackend backend;
    std::shared_ptr<fw::Store> store;
    std::uint64_t epoch = 0;
};

inline void check_append(Fixture& f) {
    SECTION("an event is accepted once, whether it comes again in the same batch or later") {
        const SubscriptionId id = f.create();
        CHECK(f.publish({{.number = 1}, {.number = 1}, {.number = 1, .body = "other"}}) ==
              Verdicts{AppendVerdict::accepted, AppendVerdict::duplicate, AppendVerdict::conflict});
        CHECK(f.publish({{.number = 1, .body = "other"}, {.number = 2}, {.number = 1}}) ==
              Verdicts{AppendVerdict::conflict, AppendVerdict::accepted, AppendVerdict::duplicate});
        const auto fresh = f.fresh();
        REQUIRE(ids_of(fresh) == Ids{1, 2});
        CHECK(fresh[0].event_id == event_id(1));
        CHECK(fresh[0].subscription == id);
        CHECK(fresh[0].body == "body of 1");
        CHECK(fresh[0].event_type == "contact.updated");
        CHECK(fresh[0].profile == fw::Profile::fpt);
        CHECK(fresh[0].queued_at == at(1));
        CHECK(fresh[0].due == at(1));
        CHECK(fresh[0].attempts == 0);
        CHECK_FALSE(fresh[0].waiting);
        CHECK_FALSE(fresh[0].replay);
        CHECK(fresh[1].event_id == event_id(2));
        CHECK(f.store->event_body(event_id(1)).value() == "body of 1");
        CHECK(f.store->event_body(event_id(9)).error() == fw::Errc::not_found);
    }
    SECTION("an event that nobody wants is accepted and remembered") {
        CHECK(f.publish({{.number = 1}}) == Verdicts{AppendVerdict::accepted});
        f.create();
        CHECK(f.publish({{.number = 1}, {.number = 1, .body = "other"}}) ==
              Verdicts{AppendVerdict::duplicate, AppendVerdict::conflict});
        CHECK(f.store->event_body(event_id(1)).value() == "body of 1");
        CHECK(f.history().empty());
    }
    SECTION("a body may hold any bytes") {
        f.create();
        const std::string body("\0\xff'\"\n", 5);
        f.publish({{.number = 1, .body = body}});
        CHECK(f.fresh().at(0).body == body);
        CHECK(f.store->event_body(event_id(1)).value() == body);
    }
    SECTION("an empty batch is nothing") { CHECK(f.store->commit({.at = at(1)})->events.empty()); }
}

inline void check_matching(Fixture& f) {
    SECTION("scope and pattern decide; several patterns that match make one delivery") {
        const SubscriptionId exact = f.create({.scope = location(1), .events = {"contact.updated"}});
        const SubscriptionId family = f.create({.scope = organization(5), .events = {"contact.*"}});
        const SubscriptionId every = f.create({.scope = location(1)});
        const SubscriptionId thrice = f.create({.events = {"contact.updated", "contact.*", "*"}});
        f.create({.scope = location(1), .events = {"contact.created", "payment.*"}});
        f.create({.scope = location(5)});
        f.create({.scope = organization(1)});
        f.publish({{.number = 1}});
        std::vector<SubscriptionId> matched;
        for (const auto& delivery : f.fresh()) matched.push_back(delivery.subscription);
        CHECK(matched == std::vector{exact, family, every, thrice});

        f.publish({{.number = 2, .type = "contacts.updated"}, {.number = 3, .scopes = {location(2)}}});
        CHECK(f.fresh().size() == 6);  // the first one of the two, for "*" of location 1
    }
    SECTION("an event matches subscriptions of its profile only") {
        const auto company = fw::Scope::company(fw::CompanyId(1));
        const auto tenant = fw::Scope::tenant(fw::CompanyId(1), fw::TenantId(7));
        f.create({.scope = location(1)});
        const SubscriptionId global = f.create({.scope = company});
        const SubscriptionId local = f.create({.scope = tenant, .events = {"clt_birthday"}});
        f.create({.scope = fw::Scope::tenant(fw::CompanyId(1), fw::TenantId(8))});
        f.create({.scope = fw::Scope::tenant(fw::CompanyId(2), fw::TenantId(7))});
        f.publish({{.number = 1, .type = "clt_birthday", .scopes = {company, tenant}, .profile = fw::Profile::ufp}});
        const auto fresh = f.fresh();
        REQUIRE(fresh.size() == 2);
        CHECK(fresh[0].subscription == global);
        CHECK(fresh[1].subscription == local);
        CHECK(fresh[0].profile == fw::Profile::ufp);
    }
    SECTION("deliveries are numbered in the order of the events, then of the subscriptions") {
        f.create();
        f.create();
        f.publish({{.number = 3}, {.number = 1}});
        f.publish({{.number = 2}});
        std::vector<std::pair<fw::EventId, int>> order;
        for (const auto& delivery : f.fresh()) order.emplace_back(delivery.event_id, delivery.subscription.value());
        CHECK(order == std::vector<std::pair<fw::EventId, int>>{{event_id(3), 1},
                                                                {event_id(3), 2},
                                                                {event_id(1), 1},
                                                                {event_id(1), 2},
                                                                {event_id(2), 1},
                                                                {event_id(2), 2}});
        CHECK(f.fresh_ids() == Ids{1, 2, 3, 4, 5, 6});
    }
    SECTION("a subscription gets what commits after its creation and its edits") {
        f.publish({{.number = 1}});
        const SubscriptionId id = f.create({.events = {"contact.created"}});
        f.publish({{.number = 2}});
        fw::SubscriptionEdit edit = f.edit_of(id);
        edit.subscription = subscription({.events = {"contact.updated"}}, id);
        f.store->edit_subscription(edit).value();
        f.publish({{.number = 3}, {.number = 4, .type = "contact.created"}});
        const auto fresh = f.fresh();
        REQUIRE(fresh.size() == 1);
        CHECK(fresh[0].event_id == event_id(3));
    }
    SECTION("the PII mask is the subscription's at that time") {
        const auto wide = fw::PiiCategories::all();
        const SubscriptionId id = f.create({.pii = wide});
        f.publish({{.number = 1}});
        fw::SubscriptionEdit edit = f.edit_of(id);
        edit.subscription = subscription({.pii = fw::PiiCategories::none()}, id);
        f.store->edit_subscription(edit).value();
        f.publish({{.number = 2}});
        const auto fresh = f.fresh();
        CHECK(fresh.at(0).pii == wide);
        CHECK(fresh.at(1).pii == fw::PiiCategories::none());
    }
    SECTION("what is matched by a paused or disabled subscription is skipped, with the reason") {
        f.create({.status = SubscriptionStatus::paused});
        f.create({.status = SubscriptionStatus::disabled});
        f.create();
        f.publish({{.number = 1}});
        CHECK(f.fresh_ids() == Ids{3});
        CHECK(f.pending() == 1);
        const auto history = f.history();
        REQUIRE(history.size() == 3);
        CHECK(history[0].state == DeliveryState::skipped);
        CHECK(history[0].reason == EndReason::paused);
        CHECK(history[0].ended_at == at(1));
        CHECK(history[1].state == DeliveryState::skipped);
        CHECK(history[1].reason == EndReason::disabled);
        CHECK(history[2].state == DeliveryState::fresh);
        CHECK_FALSE(history[2].ended_at.has_value());
    }
}

inline void check_skipped_cap(Fixture& f) {
    const SubscriptionId id = f.create({.status = SubscriptionStatus::paused});
    const SubscriptionId other = f.create({.scope = organization(5), .status = SubscriptionStatus::paused});
    fw::StoreBatch batch{.at = at(1)};
    for (std::size_t i = 0; i < fw::subscription_skipped_max + 5; ++i) {
        batch.events.push_back(make({.scopes = {location(1)}}));
        batch.events.back().id = event_id(static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i / 256));
    }
    batch.events.push_back(make({.number = 255, .scopes = {organization(5)}}));
    batch.events.back().id = event_id(255, 255);
    f.store->commit(batch).value();
    const auto history = f.history({.subscription = id});
    REQUIRE(history.size() == fw::subscription_skipped_max);
    CHECK(history.front().id.value() == 6);  // the newest are kept
    CHECK(f.history({.subscription = other}).size() == 1);
    CHECK(f.store->event_body(event_id(0)).has_value());
}

inline void check_limits(const StoreBackend& backend) {
    SECTION("a subscription with too many pending deliveries skips") {
        Fixture f(backend, {.subscription_pending_max = 2});
        f.create();
        const SubscriptionId other = f.create({.scope = organization(5)});
        f.publish({{.number = 1, .scopes = {location(1)}}, {.number = 2, .scopes = {location(1)}}, {.number = 3}});
        CHECK(f.fresh_ids() == Ids{1, 2, 4});
        CHECK(f.delivery(3).state == DeliveryState::skipped);
        CHECK(f.delivery(3).reason == EndReason::backlog);
        CHECK(f.delivery(4).subscription == other);
        f.wait(1, at(60));  // it is still pending
        f.publish({{.number = 4, .scopes = {location(1)}}});
        CHECK(f.delivery(5).reason == EndReason::backlog);
        f.deliver(1);
        f.publish({{.number = 5, .scopes = {location(1)}}});
        CHECK(f.delivery(6).state == DeliveryState::fresh);
    }
    SECTION("a full store refuses, remembers nothing of it, and takes it when there is room") {
        Fixture f(backend, {.pending_max = 3});
        f.create();
        f.create();
        CHECK(
            f.publish({{.number = 1}, {.number = 2}, {.number = 3, .scopes = {location(9)}}, {.number = 1}}) ==
            Verdicts{AppendVerdict::accepted, AppendVerdict::full, AppendVerdict::accepted, AppendVerdict::duplicate});
        CHECK(f.pending() == 2);
        CHECK(f.store->event_body(event_id(2)).error() == fw::Errc::not_found);
        f.deliver(1);
        CHECK(f.publish({{.number = 2}}) == Verdicts{AppendVerdict::accepted});
        CHECK(f.pending() == 3);
    }
    SECTION("a contact's window closes with all of its events or stays open") {
        Fixture f(backend, {.pending_max = 3});
        f.create();
        f.create();
        const fw::ContactKey key{.location = fw::LocationId(1), .contact = fw::ContactId(9)};
        fw::StoreBatch opening{.at = at(1)};
        opening.contacts.push_back({.key = key, .record = "window", .due = at(5)});
        f.store->commit(opening).value();
        fw::StoreBatch closing{.at = at(6)};
        closing.contacts.push_back({.key = key,
                                    .expected_version = 1,
                                    .record = "state",
                                    .events = {make({.number = 1}), make({.number = 2})}});
        CHECK(f.store->commit(closing)->contacts == std::vector<bool>{false});  // there is room for the first
        CHECK(f.pending() == 0);
        CHECK(f.store->event_body(event_id(1)).error() == fw::Errc::not_found);
        CHECK(f.store->due_contacts(at(6), at(1'000), all)->size() == 1);
        closing.contacts.front().events.pop_back();
        CHECK(f.store->commit(closing)->contacts == std::vector<bool>{true});
        CHECK(f.pending() == 2);
    }
    SECTION("a replay stops where the store is full") {
        Fixture f(backend, {.pending_max = 2});
        f.create();
        for (std::uint8_t number = 1; number <= 3; ++number) {
            f.publish({{.number = number}});
            f.deliver(number);
        }
        fw::ReplayRequest request{.include_delivered = true, .at = at(20)};
        const auto page = f.store->replay(request).value();
        CHECK(page.count == 2);
        REQUIRE(page.next == DeliveryId(2));
        request.after = *page.next;
        request.up_to = page.up_to;
        CHECK(f.store->replay(request).error() == fw::Errc::store_full);
        f.deliver(4);
        CHECK(f.store->replay(request)->count == 1);
    }
}

inline void check_taking(Fixture& f) {
    SECTION("fresh deliveries come in pages, after a cursor") {
        f.create();
        f.create({.scope = organization(5)});
        f.publish_numbers(1, 4);
        const auto first = f.store->take_fresh(from_start, 3).value();
        CHECK(ids_of(first) == Ids{1, 2, 3});
        CHECK(ids_of(f.store->take_fresh(first.back().id, 3).value()) == Ids{4, 5, 6});
        CHECK(ids_of(f.store->take_fresh(DeliveryId(6), 3).value()) == Ids{7, 8});
        CHECK(f.store->take_fresh(DeliveryId(8), 3)->empty());
        CHECK(f.store->take_fresh(from_start, 0)->empty());
        f.wait(2, at(60));
        f.deliver(3);
        CHECK(ids_of(f.store->take_fresh(from_start, 3).value()) == Ids{1, 4, 5});
    }
    SECTION("waiting deliveries come oldest due first, then by id, and the next due is told") {
        const SubscriptionId id = f.create();
        const SubscriptionId other = f.create({.scope = organization(5)});
        f.publish_numbers(1, 5);  // 1, 3, 5, 7, 9 are of `id`
        f.update({f.waits(1, at(30)), f.waits(3, at(20)), f.waits(5, at(30)), f.waits(7, at(25)), f.waits(9, at(90)),
                  f.waits(2, at(1))});
        CHECK(f.waiting_ids(id, at(19)) == Ids{});
        CHECK(f.waiting(id, at(19)).next_due == at(20));
        CHECK(f.waiting_ids(id, at(20)) == Ids{3});
        CHECK(f.waiting(id, at(20)).next_due == at(25));
        CHECK(f.waiting_ids(id, at(40)) == Ids{3, 7, 1, 5});
        CHECK(f.waiting(id, at(40)).next_due == at(90));
        CHECK(ids_of(f.waiting(id, at(40), 2).deliveries) == Ids{3, 7});
        CHECK(f.waiting(id, at(40), 2).next_due == at(30));
        CHECK(f.waiting(id, at(40), 0).next_due == at(20));
        CHECK(f.waiting_ids(id, at(90)) == Ids{3, 7, 1, 5, 9});
        CHECK_FALSE(f.waiting(id, at(90)).next_due.has_value());
        CHECK(f.waiting_ids(other, at(90)) == Ids{2});
        CHECK(f.waiting_ids(SubscriptionId(99), at(90)).empty());

        const auto taken = f.waiting(id, at(40)).deliveries.at(1);
        CHECK(taken.waiting);
        CHECK(taken.due == at(25));
        CHECK(taken.queued_at == at(1));
        CHECK(taken.body == "body of 4");
        CHECK(taken.event_id == event_id(4));
        CHECK(taken.subscription == id);
    }
    SECTION("a delivery that waits again is due at its new time") {
        const SubscriptionId id = f.create();
        f.publish_numbers(1, 1);
        f.update({f.failed(1, 1, at(60))});
        f.update({f.failed(1, 2, at(30))});
        CHECK(f.waiting_ids(id, at(30)) == Ids{1});
        CHECK_FALSE(f.waiting(id, at(30)).next_due.has_value());
        const auto taken = f.waiting(id, at(30)).deliveries.at(0);
        CHECK(taken.attempts == 2);
        CHECK(taken.first_attempt_started == at(5));
    }
    SECTION("wakes tell of every subscription that waits for something") {
        const SubscriptionId waits = f.create();
        const SubscriptionId streak = f.create({.scope = location(2)});
        const SubscriptionId both = f.create({.scope = organization(5)});
        f.create({.scope = organization(5)});  // has fresh ones only
        f.publish_numbers(1, 2);               // 1, 4 are of `waits`; 2, 5 of `both`
        f.update({f.waits(1, at(70)), f.waits(4, at(60)), f.waits(2, at(50))});
        const fw::FailureStreak since_5{.started = at(5), .last_failure = at(9), .warned_percent = 50};
        f.update(fw::StreakUpdate{.subscription = streak, .version = 1, .streak = since_5, .at = at(10)});
        f.update(fw::StreakUpdate{.subscription = both, .version = 1, .streak = since_5, .at = at(10)});
        const auto wakes = f.store->wakes().value();
        REQUIRE(wakes.size() == 3);
        CHECK(wakes[0].subscription == waits);
        CHECK(wakes[0].due == at(60));
        CHECK_FALSE(wakes[0].streak.has_value());
        CHECK(wakes[1].subscription == streak);
        CHECK_FALSE(wakes[1].due.has_value());
        CHECK(wakes[1].streak == since_5);
        CHECK(wakes[2].subscription == both);
        CHECK(wakes[2].due == at(50));
        CHECK(wakes[2].streak == since_5);
    }
}

inline void check_contact_order(Fixture& f) {
    const SubscriptionId ordered = f.create({.fifo_per_contact = true});
    const SubscriptionId free = f.create({.scope = organization(5)});
    CHECK(f.record(ordered).subscription.fifo_per_contact());
    CHECK_FALSE(f.record(free).subscription.fifo_per_contact());
    // Of `ordered`: 1, 3, 5 of contact 7 (number -7 too is one), 7 of none.
    f.publish({{.number = 1, .contact = 7}, {.number = 2, .contact = -7}, {.number = 3, .contact = 7}, {.number = 4}});
    SECTION("what is behind an earlier one of its contact waits for it, and is looked at when that one may end") {
        f.update({f.failed(1, 1, at(60)), f.waits(3, at(20)), f.waits(5, at(20)), f.waits(7, at(90))});
        CHECK(f.waiting_ids(ordered, at(59)) == Ids{3});
        CHECK(f.waiting(ordered, at(59)).next_due == at(20));  // 5, if 3 were of its contact
        CHECK(f.waiting_ids(ordered, at(60)) == Ids{3, 1});
        CHECK(f.waiting(ordered, at(60), 1).next_due == at(20));
        f.deliver(3);
        CHECK(f.waiting_ids(ordered, at(59)).empty());
        CHECK(f.waiting(ordered, at(59)).next_due == at(60));  // nothing is free before
        CHECK(f.waiting_ids(ordered, at(90)) == Ids{1, 7});
        f.deliver(1);
        CHECK(f.waiting_ids(ordered, at(59)) == Ids{5});
        CHECK(f.waiting(ordered, at(59)).next_due == at(90));
    }
    SECTION("what an edit withdraws is taken, whatever it waits behind") {
        f.update({f.failed(1, 1, at(60)), f.waits(5, at(20))});
        f.cut(ordered, EndReason::disabled);
        CHECK(f.waiting_ids(ordered, at(0)) == Ids{5, 1});
    }
    SECTION("others are free") {
        f.update({f.failed(2, 1, at(60)), f.waits(6, at(20))});
        CHECK(f.waiting_ids(free, at(20)) == Ids{6});
    }
    SECTION("it may be turned off, and acts on what is published from then on when it is turned on") {
        f.update({f.failed(1, 1, at(60)), f.waits(5, at(20)), f.failed(2, 1, at(60)), f.waits(6, at(20))});
        const auto turn = [&](SubscriptionId id, fw::Scope scope, bool on) {
            fw::SubscriptionEdit edit = f.edit_of(id);
            edit.subscription = subscription({.scope = scope, .fifo_per_contact = on}, id);
            f.store->edit_subscription(edit).value();
        };
        turn(ordered, location(1), false);
        CHECK(f.waiting_ids(ordered, at(20)) == Ids{5});
        turn(free, organization(5), true);
        CHECK(f.waiting_ids(free, at(20)) == Ids{6});
        f.publish({{.number = 5, .contact = 9}, {.number = 6, .contact = 9}});  // 10 and 12 of `free`
        f.update({f.failed(10, 1, at(60)), f.waits(12, at(20))});
        CHECK(f.waiting_ids(free, at(20)) == Ids{6});
    }
    SECTION("a replay is ordered as what it was made of") {
        f.end(1, DeliveryState::exhausted, EndReason::attempts, at(10));
        f.store->replay({.filter = {.delivery = DeliveryId(1)}, .at = at(20)}).value();  // 9, behind 5
        f.update({f.failed(5, 1, at(60)), f.waits(9, at(20))});
        CHECK(f.waiting_ids(ordered, at(20)).empty());
    }
}

inline void check_expiry(Fixture& f) {
    const SubscriptionId id = f.create();
    f.create({.scope = organization(5)});
    f.publish_numbers(1, 5);  // 1, 3, 5, 7, 9 are of `id`
    const auto started = [](std::int64_t delivery, int first) {
        fw::DeliveryUpdate update = Fixture::failed(delivery, 1, at(5000));
        update.first_attempt_started = at(first);
        return update;
    };
    f.update({started(1, 30), started(2, 10), started(3, 10), f.waits(5, at(5000)), started(9, 20)});
    SECTION("what waits since before that time ends, and nothing else") {
        const auto result = f.store->expire_waiting(f.own(), id, at(30), at(100), all).value();
        CHECK(result.ended == std::vector{DeliveryId(3), DeliveryId(9)});
        CHECK(result.oldest_started == at(30));
        CHECK(f.delivery(3).state == DeliveryState::exhausted);
        CHECK(f.delivery(3).reason == EndReason::window);
        CHECK(f.delivery(3).ended_at == at(100));
        CHECK(f.delivery(2).state == DeliveryState::waiting);
        CHECK(f.delivery(5).state == DeliveryState::waiting);
        CHECK(f.delivery(7).state == DeliveryState::fresh);
        CHECK(f.waiting_ids(id, at(6000)) == Ids{1, 5});
        CHECK(f.pending() == 8);
        CHECK(f.store->expire_waiting(f.own(), id, at(30), at(101), all)->ended.empty());
        CHECK_FALSE(f.store->expire_waiting(f.own(), id, at(31), at(101), all)->oldest_started.has_value());
        CHECK_FALSE(
            f.store->expire_waiting(f.own(), SubscriptionId(99), at(31), at(101), all)->oldest_started.has_value());
    }
    SECTION("it goes in steps") {
        const auto first = f.store->expire_waiting(f.own(), id, at(99), at(100), 2).value();
        CHECK(first.ended.size() == 2);
        CHECK(first.oldest_started.has_value());
        const auto second = f.store->expire_waiting(f.own(), id, at(99), at(100), 2).value();
        CHECK(second.ended.size() == 1);
        CHECK_FALSE(second.oldest_started.has_value());
    }
    SECTION("an attempt that runs may still deliver") {
        f.start(3, 2, at(90));
        const auto result = f.store->expire_waiting(f.own(), id, at(30), at(100), all).value();
        CHECK(result.ended == std::vector{DeliveryId(9)});
        CHECK(result.oldest_started == at(30));
        f.deliver(3);
        CHECK(f.delivery(3).state == DeliveryState::delivered);
    }
}

inline void check_updates(Fixture& f) {
    f.create();
    f.publish_numbers(1, 5);
    SECTION("each end is kept with its reason and its time") {
        f.update({{.delivery = DeliveryId(1),
                   .state = DeliveryState::delivered,
                   .at = at(11),
                   .attempts = 1,
                   .first_attempt_started = at(10),
                   .attempt = fw::Attempt{.started = at(10), .duration = 12ms, .status = 204}}});
        f.end(2, DeliveryState::exhausted, EndReason::window, at(12));
        f.end(3, DeliveryState::dropped, EndReason::peer, at(13));
        f.wait(4, at(99));
        CHECK(f.delivery(1).state == DeliveryState::delivered);
        CHECK(f.delivery(1).reason == EndReason::none);
        CHECK(f.delivery(1).ended_at == at(11));
        CHECK(f.delivery(1).attempts == 1);
        CHECK_FALSE(f.delivery(1).next_attempt.has_value());
        CHECK(f.delivery(2).state == DeliveryState::exhausted);
        CHECK(f.delivery(2).reason == EndReason::window);
        CHECK(f.delivery(2).ended_at == at(12));
        CHECK(f.delivery(3).reason == EndReason::peer);
        CHECK(f.delivery(4).state == DeliveryState::waiting);
        CHECK(f.delivery(4).next_attempt == at(99));
        CHECK_FALSE(f.delivery(4).ended_at.has_value());
        CHECK(f.delivery(5).state == DeliveryState::fresh);
        CHECK_FALSE(f.delivery(5).next_attempt.has_value());
        CHECK(f.pending() == 2);
        CHECK(f.fresh_ids() == Ids{5});
        const auto attempts = f.store->attempts(DeliveryId(1)).value();
        CHECK(attempts == std::vector{fw::Attempt{.started = at(10), .duration = 12ms, .status = 204}});
        CHECK(f.store->attempts(DeliveryId(2))->empty());
        CHECK(f.store->attempts(DeliveryId(99))->empty());
    }
    SECTION("attempts are kept whole, in their order") {
        f.update({f.failed(1, 1, at(20))});
        fw::DeliveryUpdate second = f.failed(1, 2, at(30));
        second.attempt = fw::Attempt{.number = 2, .started = at(21), .error = fw::Errc::connect_failed};
        f.update({second});
        CHECK(f.store->attempts(DeliveryId(1)).value() ==
              std::vector{*f.failed(1, 1, at(20)).attempt, *second.attempt});
        CHECK(f.delivery(1).attempts == 2);
    }
    SECTION("a batch may be repeated and changes nothing") {
        const fw::StoreBatch batch{.epoch = f.own(),
                                   .at = at(10),
                                   .events = {make({.number = 9})},
                                   .starts = {{DeliveryId(3), 1, at(10)}},
                                   .updates = {f.failed(1, 1, at(20)),
                                               {.delivery = DeliveryId(2),
                                                .state = DeliveryState::exhausted,
                                                .reason = EndReason::attempts,
                                                .at = at(10),
                                                .attempts = 1,
                                                .first_attempt_started = at(9),
                                                .attempt = fw::Attempt{.started = at(9), .status = 500}}}};
        f.store->commit(batch).value();
        const auto history = f.history();
        const auto stats = f.store->stats()->pending;
        CHECK(f.store->commit(batch)->events == Verdicts{AppendVerdict::duplicate});
        CHECK(f.history() == history);
        CHECK(f.store->stats()->pending == stats);
        CHECK(f.store->attempts(DeliveryId(1))->size() == 1);
        CHECK(f.store->attempts(DeliveryId(2))->size() == 1);
        CHECK(f.waiting(SubscriptionId(1), at(20)).deliveries.size() == 1);
    }
    SECTION("an old batch that is repeated late turns nothing back") {
        f.update({f.failed(1, 1, at(20))});
        f.update({f.failed(1, 2, at(60))});
        f.update({f.failed(1, 1, at(20))});
        CHECK(f.delivery(1).attempts == 2);
        CHECK(f.delivery(1).next_attempt == at(60));
    }
    SECTION("delivered is a fact, also over what waits; after an end nothing else counts") {
        f.update({f.failed(1, 2, at(20))});
        fw::DeliveryUpdate late{.delivery = DeliveryId(1),
                                .state = DeliveryState::delivered,
                                .at = at(15),
                                .attempts = 1,
                                .first_attempt_started = at(5),
                                .attempt = fw::Attempt{.number = 1, .started = at(5), .status = 200}};
        f.update({late});
        CHECK(f.delivery(1).state == DeliveryState::delivered);
        CHECK(f.delivery(1).attempts == 2);
        f.wait(1, at(30));
        f.end(1, DeliveryState::dropped, EndReason::disabled, at(31));
        CHECK(f.delivery(1).state == DeliveryState::delivered);
        CHECK(f.delivery(1).ended_at == at(15));

        f.end(2, DeliveryState::dropped, EndReason::disabled, at(31));
        f.deliver(2, at(32));
        CHECK(f.delivery(2).state == DeliveryState::dropped);
        CHECK(f.delivery(2).ended_at == at(31));
        f.start(2, 1, at(33));
        f.restart(at(40));
        CHECK(f.delivery(2).attempts == 0);
    }
    SECTION("what does not exist is ignored") {
        f.wait(77, at(20));
        f.start(77, 1, at(20));
        f.restart(at(40));
        CHECK(f.history().size() == 5);
        CHECK(f.pending() == 5);
    }
    SECTION("nothing becomes fresh or skipped by an update") {
        for (const DeliveryState state : {DeliveryState::fresh, DeliveryState::skipped}) {
            const fw::StoreBatch batch{.epoch = f.own(), .updates = {{.delivery = DeliveryId(1), .state = state}}};
            CHECK(f.store->commit(batch).error() == fw::Errc::invalid_argument);
        }
    }
    SECTION("updates come before events: there is room for what an update freed") {
        CHECK(f.store->stats()->oldest_pending == at(1));
        f.store
            ->commit({.epoch = f.own(),
                      .at = at(60),
                      .events = {make({.number = 9})},
                      .updates = {{.delivery = DeliveryId(1), .state = DeliveryState::delivered, .at = at(60)}}})
            .value();
        CHECK(f.fresh_ids() == Ids{2, 3, 4, 5, 6});
    }
}

inline void check_dispatchers(Fixture& f) {
    const SubscriptionId id = f.create();
    f.publish_numbers(1, 3);
    SECTION("one dispatcher at a time, each with a higher epoch") {
        const std::uint64_t first = f.store->acquire(at(0)).value();
        CHECK(first > 0);
        const auto refused = f.store->acquire(at(0));
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error() == fw::Errc::store_busy);
        CHECK(refused.error() == fw::Condition::transient);
        CHECK_FALSE(refused.error().detail().empty());
        f.store->release(first + 1);  // not the holder's
        CHECK(f.store->acquire(at(0)).error() == fw::Errc::store_busy);
        f.store->release(first);
        CHECK(f.store->acquire(at(0)).value() > first);
    }
    SECTION("who has been replaced, or has released, is fenced and writes nothing") {
        const std::uint64_t first = f.own();
        f.store->release(first);
        const auto batch = [](std::uint64_t epoch) {
            return fw::StoreBatch{
                .epoch = epoch, .at = at(10), .events = {make({.number = 9})}, .updates = {Fixture::waits(1, at(20))}};
        };
        CHECK(f.store->commit(batch(first)).error() == fw::Errc::fenced);
        const std::uint64_t second = f.store->acquire(at(0)).value();
        CHECK(f.store->commit(batch(first)).error() == fw::Errc::fenced);
        CHECK(f.store->commit(batch(second + 1)).error() == fw::Errc::fenced);
        CHECK(f.store->expire_waiting(first, id, at(30), at(100), all).error() == fw::Errc::fenced);
        CHECK(f.store->expire_waiting(0, id, at(30), at(100), all).error() == fw::Errc::fenced);
        CHECK(f.fresh_ids() == Ids{1, 2, 3});
        CHECK(f.store->event_body(event_id(9)).error() == fw::Errc::not_found);
        CHECK(f.store->commit(batch(second))->events == Verdicts{AppendVerdict::accepted});
    }
    SECTION("a publisher owns nothing and brings events only") {
        CHECK(f.store->commit({.updates = {f.waits(1, at(20))}}).error() == fw::Errc::invalid_argument);
        CHECK(f.store->commit({.starts = {{DeliveryId(1), 1, at(1)}}}).error() == fw::Errc::invalid_argument);
        CHECK(f.store->commit({.streaks = {{.subscription = id, .version = 1}}}).error() == fw::Errc::invalid_argument);
        f.own();
        CHECK(f.publish({{.number = 9}}) == Verdicts{AppendVerdict::accepted});
    }
    SECTION("what had started and did not come back is in doubt: counted, and due at once") {
        f.update({f.failed(2, 1, at(500))});
        f.start(1, 1, at(11));
        f.start(2, 2, at(12));
        CHECK(f.fresh_ids() == Ids{1, 3});
        f.restart(at(40));
        CHECK(f.fresh_ids() == Ids{3});
        const auto waiting = f.waiting(id, at(40)).deliveries;
        REQUIRE(ids_of(waiting) == Ids{1, 2});
        CHECK(waiting[0].due == at(40));
        CHECK(waiting[0].attempts == 1);
        CHECK(waiting[0].first_attempt_started == at(11));
        CHECK(waiting[1].due == at(40));
        CHECK(waiting[1].attempts == 2);
        CHECK(waiting[1].first_attempt_started == at(5));
        const auto attempts = f.store->attempts(DeliveryId(2)).value();
        REQUIRE(attempts.size() == 2);
        CHECK(attempts[0].status == 503);
        CHECK(attempts[1].number == 2);
        CHECK(attempts[1].started == at(12));
        CHECK(attempts[1].status == 0);
        CHECK(attempts[1].error == fw::Errc::no_response);
        CHECK(f.store->attempts(DeliveryId(3))->empty());

        f.restart(at(50));  // nothing is in doubt twice
        CHECK(f.delivery(1).attempts == 1);
        CHECK(f.delivery(1).next_attempt == at(40));
    }
    SECTION("what started and came back is not in doubt, in whatever batches it was told") {
        f.start(1, 1, at(11));
        f.update({f.failed(1, 1, at(500))});
        f.start(1, 1, at(11));  // again
        f.store
            ->commit({.epoch = f.own(),
                      .at = at(12),
                      .starts = {{DeliveryId(2), 1, at(11)}},
                      .updates = {f.failed(2, 1, at(500))}})
            .value();
        f.start(3, 1, at(11));
        f.deliver(3);
        f.restart(at(40));
        CHECK(f.delivery(1).next_attempt == at(500));
        CHECK(f.delivery(2).next_attempt == at(500));
        CHECK(f.store->attempts(DeliveryId(2))->size() == 1);
        CHECK(f.delivery(3).state == DeliveryState::delivered);
    }
    SECTION("a delivery parked while its attempt runs is in doubt all the same") {
        f.start(1, 1, at(11));
        f.wait(1, at(500));
        f.restart(at(40));
        CHECK(f.delivery(1).attempts == 1);
        CHECK(f.delivery(1).next_attempt == at(40));
    }
}

inline void check_subscriptions(Fixture& f) {
    SECTION("ids are given from 1 on, whatever the caller's says") {
        const auto first = f.store->create_subscription(subscription({}, SubscriptionId(77)), at(3)).value();
        CHECK(first.subscription.id() == SubscriptionId(1));
        CHECK(first.version == 1);
        CHECK(first.secret_number == 0);
        CHECK_FALSE(first.deleted);
        CHECK(first.created_at == at(3));
        CHECK(first.changed_at == at(3));
        CHECK_FALSE(first.streak.has_value());
        CHECK(first.cuts.empty());
        CHECK(f.create() == SubscriptionId(2));
        f.remove(SubscriptionId(2));
        CHECK(f.create() == SubscriptionId(3));
    }
    SECTION("every part of one comes back") {
        const std::vector<Wanted> kinds = {
            {.scope = location(2'000'000'000),
             .events = {"contact.created", "payment.*"},
             .pii = fw::PiiCategories::all()},
            {.scope = organization(5), .status = SubscriptionStatus::paused, .pii = fw::PiiCategories::none()},
            {.scope = fw::Scope::company(fw::CompanyId(9'000'000'000)), .status = SubscriptionStatus::disabled},
            {.scope = fw::Scope::tenant(fw::CompanyId(1), fw::TenantId(9'000'000'000)),
             .events = {"clt_birthday"},
             .url = "https://partner.example:8443/a/b?c=d"}};
        for (const Wanted& wanted : kinds) {
            const SubscriptionId id = f.create(wanted);
            CHECK(f.record(id).subscription == subscription(wanted, id));
        }
        CHECK(f.store->subscription(SubscriptionId(99)).error() == fw::Errc::not_found);
    }
    SECTION("they are listed in pages, without deleted ones") {
        for (int i = 0; i < 5; ++i) f.create();
        f.remove(SubscriptionId(2));
        const auto list = [&](int after, std::size_t max) {
            std::vector<int> ids;
            for (const auto& record : f.store->subscriptions(SubscriptionId(after), max).value()) {
                ids.push_back(record.subscription.id().value());
            }
            return ids;
        };
        CHECK(list(0, 2) == std::vector{1, 3});
        CHECK(list(3, 2) == std::vector{4, 5});
        CHECK(list(5, 2).empty());
    }
    SECTION("those that have a URL are found by it") {
        const SubscriptionId first = f.create();
        const SubscriptionId second = f.create({.scope = location(2)});
        const SubscriptionId other = f.create({.url = "https://other.example/hooks"});
        const auto found = [&](std::size_t max) {
            return f.store->subscriptions_at("https://partner.example/hooks", max).value();
        };
        CHECK(found(all) == std::vector{first, second});
        CHECK(found(1) == std::vector{first});
        CHECK(f.store->subscriptions_at("https://other.example/hooks", all).value() == std::vector{other});
        f.remove(first);
        CHECK(found(all) == std::vector{second});
        CHECK(f.store->subscriptions_at("https://partner.example/", all)->empty());
    }
    SECTION("an edit is whole, and made once") {
        const SubscriptionId id = f.create();
        fw::SubscriptionEdit edit = f.edit_of(id);
        edit.subscription = subscription({.events = {"contact.*"}, .url = "https://other.example/"}, id);
        const auto edited = f.store->edit_subscription(edit).value();
        CHECK(edited.version == 2);
        CHECK(edited.changed_at == at(50));
        CHECK(edited.created_at == at(0));
        CHECK(edited.subscription == edit.subscription);
        CHECK(f.record(id).subscription == edit.subscription);
        const auto refused = f.store->edit_subscription(edit);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error() == fw::Errc::conflict);
        CHECK(f.record(id).version == 2);
        edit.subscription = subscription({}, SubscriptionId(99));
        CHECK(f.store->edit_subscription(edit).error() == fw::Errc::not_found);
    }
    SECTION("a secret is absent, generated, replaced, and forgotten with its subscription") {
        const SubscriptionId id = f.create();
        CHECK(f.store->secret(id).error() == fw::Errc::not_found);
        CHECK(f.store->secret(SubscriptionId(99)).error() == fw::Errc::not_found);
        fw::SubscriptionEdit edit = f.edit_of(id);
        edit.secret = fw::Secret("the first secret");
        CHECK(f.store->edit_subscription(edit)->secret_number == 1);
        CHECK(f.store->secret(id).value() == fw::Secret("the first secret"));
        edit = f.edit_of(id);
        edit.secret = fw::Secret("another one");
        CHECK(f.store->edit_subscription(edit)->secret_number == 2);
        CHECK(f.store->secret(id).value() == fw::Secret("another one"));
        f.set_status(id, SubscriptionStatus::paused);
        CHECK(f.record(id).secret_number == 2);
        CHECK(f.store->secret(id).value() == fw::Secret("another one"));
        f.remove(id);
        CHECK(f.store->secret(id).error() == fw::Errc::not_found);
    }
    SECTION("a deleted one is found for its history, and is dead otherwise") {
        const SubscriptionId id = f.create();
        f.publish_numbers(1, 1);
        f.deliver(1);
        f.remove(id);
        CHECK(f.record(id).deleted);
        CHECK(f.record(id).version == 2);
        CHECK(f.store->subscriptions({}, all)->empty());
        f.publish_numbers(2, 2);
        CHECK(f.history().size() == 1);
        CHECK(f.store->replay({.include_delivered = true, .at = at(60)})->count == 0);
        CHECK(f.store->edit_subscription(f.edit_of(id)).error() == fw::Errc::not_found);
        CHECK(f.store->stats()->subscriptions_active == 0);
    }
    SECTION("changes are told once each, in the order of the last one") {
        CHECK(f.store->changes(0)->subscriptions.empty());
        CHECK(f.store->changes(0)->sequence == 0);
        const SubscriptionId first = f.create();
        const SubscriptionId second = f.create();
        auto changes = f.store->changes(0).value();
        CHECK(changes.subscriptions == std::vector{first, second});
        f.publish_numbers(1, 1);
        CHECK(f.store->changes(changes.sequence)->subscriptions.empty());
        CHECK(f.store->changes(changes.sequence)->sequence == changes.sequence);
        f.set_status(second, SubscriptionStatus::paused);
        f.set_status(first, SubscriptionStatus::paused);
        f.set_status(first, SubscriptionStatus::active);
        changes = f.store->changes(changes.sequence).value();
        CHECK(changes.subscriptions == std::vector{second, first});
        f.update(fw::StreakUpdate{.subscription = second, .version = 2, .streak = {}, .at = at(10)});
        CHECK(f.store->changes(changes.sequence)->subscriptions.empty());
        f.update(fw::StreakUpdate{.subscription = second, .version = 2, .disable = EndReason::disabled, .at = at(10)});
        changes = f.store->changes(changes.sequence).value();
        CHECK(changes.subscriptions == std::vector{second});
        f.remove(second);
        CHECK(f.store->changes(changes.sequence)->subscriptions == std::vector{second});
    }
}

inline void check_streaks(Fixture& f) {
    const SubscriptionId id = f.create();
    const fw::FailureStreak streak{.started = at(5), .last_failure = at(9), .warned_percent = 75};
    SECTION("a streak begins, goes on and ends without a new version") {
        f.update(fw::StreakUpdate{.subscription = id, .version = 1, .streak = streak, .at = at(10)});
        CHECK(f.record(id).streak == streak);
        CHECK(f.record(id).version == 1);
        f.update(fw::StreakUpdate{.subscription = id, .version = 1, .streak = {}, .at = at(10)});
        CHECK_FALSE(f.record(id).streak.has_value());
    }
    SECTION("one of another version is ignored") {
        f.set_status(id, SubscriptionStatus::paused);
        CHECK(f
                  .update(fw::StreakUpdate{
                      .subscription = id, .version = 1, .streak = streak, .disable = EndReason::disabled, .at = at(10)})
                  .disabled.empty());
        CHECK_FALSE(f.record(id).streak.has_value());
        CHECK(f.record(id).subscription.status() == SubscriptionStatus::paused);
        f.remove(id);
        f.update(fw::StreakUpdate{.subscription = id, .version = 3, .streak = streak, .at = at(10)});
        CHECK_FALSE(f.record(id).streak.has_value());
        f.update(fw::StreakUpdate{.subscription = SubscriptionId(99), .version = 1, .streak = streak, .at = at(10)});
    }
    SECTION("an edit may end it") {
        f.update(fw::StreakUpdate{.subscription = id, .version = 1, .streak = streak, .at = at(10)});
        f.set_status(id, SubscriptionStatus::paused);
        CHECK(f.record(id).streak == streak);
        fw::SubscriptionEdit edit = f.edit_of(id);
        edit.end_streak = true;
        CHECK_FALSE(f.store->edit_subscription(edit)->streak.has_value());
        CHECK_FALSE(f.record(id).streak.has_value());
        CHECK(f.store->wakes()->empty());
    }
    SECTION("it may disable: a new version, a cut for all that is pending, and events of the same batch are skipped") {
        f.publish_numbers(1, 2);
        fw::StoreBatch batch{.epoch = f.own(), .at = at(10), .events = {make({.number = 9})}};
        batch.streaks = {
            {.subscription = id, .version = 1, .streak = streak, .disable = EndReason::disabled, .at = at(11)}};
        const auto result = f.store->commit(batch).value();
        CHECK(result.disabled == std::vector{id});
        CHECK(f.delivery(3).reason == EndReason::disabled);
        const auto record = f.record(id);
        CHECK(record.subscription.status() == SubscriptionStatus::disabled);
        CHECK(record.version == 2);
        CHECK(record.changed_at == at(11));
        CHECK(record.cuts == std::vector{fw::Cut{.up_to = DeliveryId(2), .keep = {}, .reason = EndReason::disabled}});
        CHECK(f.fresh_ids() == Ids{1, 2});  // for the dispatcher to drop
        CHECK(f.store->commit(batch)->disabled.empty());
        CHECK(f.record(id).version == 2);
    }
}

inline void check_cuts(Fixture& f) {
    const SubscriptionId id = f.create();
    f.publish({{.number = 1}, {.number = 2, .type = "contact.created"}, {.number = 3}});
    SECTION("an edit's cut reaches to the last delivery there is") {
        const auto record = f.cut(id, EndReason::unsubscribed, {"contact.created"}, fw::PiiCategories::none());
        REQUIRE(record.cuts.size() == 1);
        CHECK(record.cuts[0].up_to == DeliveryId(3));
        CHECK(record.cuts[0].keep->patterns() == std::vector<std::string>{"contact.created"});
        CHECK(record.cuts[0].reason == EndReason::unsubscribed);
        CHECK(record.cuts[0].pii == fw::PiiCategories::none());
        CHECK(f.record(id).cuts == record.cuts);
        f.publish_numbers(4, 4);
        CHECK(f.cut(id, EndReason::disabled).cuts.size() == 2);
        CHECK(f.record(id).cuts.at(1).up_to == DeliveryId(4));
        CHECK(f.pending() == 4);  // the store sweeps nothing by itself
    }
    SECTION("what is to wait and is not kept is dropped instead") {
        f.cut(id, EndReason::unsubscribed, {"contact.created"});
        f.publish_numbers(4, 4);
        fw::DeliveryUpdate failed = f.failed(3, 1, at(60));
        const std::vector<fw::DeliveryUpdate> updates{f.waits(1, at(60)), f.waits(2, at(60)), failed,
                                                      f.waits(4, at(60))};
        const auto dropped = f.update(updates).dropped;
        REQUIRE(dropped.size() == 2);
        CHECK(dropped[0].delivery == DeliveryId(1));
        CHECK(dropped[0].subscription == id);
        CHECK(dropped[0].event_id == event_id(1));
        CHECK(dropped[0].reason == EndReason::unsubscribed);
        CHECK(dropped[1].delivery == DeliveryId(3));
        CHECK(f.update(updates).dropped.empty());
        CHECK(f.delivery(1).state == DeliveryState::dropped);
        CHECK(f.delivery(1).reason == EndReason::unsubscribed);
        CHECK(f.delivery(1).ended_at == at(10));
        CHECK(f.delivery(2).state == DeliveryState::waiting);
        CHECK(f.delivery(3).state == DeliveryState::dropped);
        CHECK(f.delivery(3).attempts == 1);
        CHECK(f.store->attempts(DeliveryId(3))->size() == 1);
        CHECK(f.delivery(4).state == DeliveryState::waiting);
        CHECK(f.pending() == 2);
    }
    SECTION("what was delivered or given up meanwhile stays so") {
        f.cut(id, EndReason::disabled);
        f.deliver(1);
        f.end(2, DeliveryState::exhausted, EndReason::attempts, at(11));
        CHECK(f.delivery(1).state == DeliveryState::delivered);
        CHECK(f.delivery(2).state == DeliveryState::exhausted);
    }
    SECTION("what waits and is no longer kept is there to be taken at once, the rest when it is due") {
        f.update({f.waits(1, at(60)), f.waits(2, at(70)), f.waits(3, at(80))});
        CHECK(f.waiting_ids(id, at(10)).empty());
        f.cut(id, EndReason::unsubscribed, {"contact.created"});
        f.publish_numbers(4, 4);
        f.wait(4, at(90));
        CHECK(f.waiting_ids(id, at(10)) == Ids{1, 3});
        CHECK(f.waiting(id, at(10)).next_due == at(70));
        CHECK(f.waiting(id, at(10), 1).next_due.value() <= at(10));
        REQUIRE(f.store->wakes()->size() == 1);
        CHECK(f.store->wakes()->at(0).due.value() <= at(10));
        f.end(1, DeliveryState::dropped, EndReason::unsubscribed, at(11));
        CHECK(f.waiting_ids(id, at(10)) == Ids{3});
        f.end(3, DeliveryState::dropped, EndReason::unsubscribed, at(11));
        CHECK(f.waiting_ids(id, at(10)).empty());
        CHECK(f.waiting(id, at(10)).next_due == at(70));
        CHECK(f.store->wakes()->at(0).due == at(70));
        CHECK(f.waiting_ids(id, at(75)) == Ids{2});

        f.cut(id, EndReason::disabled);  // nothing at all is kept
        CHECK(f.waiting_ids(id, at(10)) == Ids{2, 4});
        CHECK_FALSE(f.waiting(id, at(10)).next_due.has_value());
        CHECK(f.store->wakes()->at(0).due.value() <= at(10));
    }
    SECTION("deleting needs no cut of the caller's") {
        f.wait(1, at(60));
        f.remove(id);
        CHECK(f.waiting_ids(id, at(10)) == Ids{1});
        f.wait(2, at(60));
        CHECK(f.delivery(2).reason == EndReason::deleted);
    }
    SECTION("a narrower PII mask reaches what is pending through the cut, and stays with it") {
        const auto none = fw::PiiCategories::none();
        const auto record = f.cut(id, EndReason::unsubscribed, {"*"}, none);
        const auto taken = f.fresh().at(0);
        CHECK(fw::judge(record, taken.id, taken.event_type, taken.pii).pii == none);
        f.wait(1, at(60));
        CHECK(f.waiting(id, at(60)).deliveries.at(0).pii == none);
    }
    SECTION("a cut goes when no pending delivery needs it") {
        f.wait(2, at(60));
        f.cut(id, EndReason::unsubscribed, {"contact.*"});
        f.publish_numbers(4, 4);
        f.cut(id, EndReason::unsubscribed, {"*"});
        f.deliver(1);
        f.deliver(3);
        CHECK(f.store->maintain({}, at(60), all).value() == 0);
        CHECK(f.record(id).cuts.size() == 2);
        f.deliver(2);
        CHECK(f.store->maintain({}, at(60), all).value() == 0);
        CHECK(f.record(id).cuts.size() == 1);
        CHECK(f.record(id).cuts.at(0).up_to == DeliveryId(4));
        f.deliver(4);
        CHECK(f.store->maintain({}, at(60), all).value() == 0);
        CHECK(f.record(id).cuts.empty());
        CHECK(f.record(id).version == 3);
    }
}

inline void check_history(Fixture& f) {
    const SubscriptionId first = f.create();
    const SubscriptionId second = f.create({.scope = organization(5), .events = {"contact.updated"}});
    f.publish({{.number = 1}, {.number = 2, .type = "contact.created"}}, at(1));  // 1 first, 2 second, 3 first
    f.publish({{.number = 3}}, at(2));                                            // 4 first, 5 second
    f.deliver(1);
    f.wait(5, at(60));
    SECTION("each filter narrows, and all together") {
        CHECK(ids_of(f.history()) == Ids{1, 2, 3, 4, 5});
        CHECK(ids_of(f.history({.subscription = first})) == Ids{1, 3, 4});
        CHECK(ids_of(f.history({.delivery = DeliveryId(4)})) == Ids{4});
        CHECK(ids_of(f.history({.delivery = DeliveryId(99)})).empty());
        CHECK(ids_of(f.history({.event_id = event_id(1)})) == Ids{1, 2});
        CHECK(ids_of(f.history({.event_id = event_id(99)})).empty());
        CHECK(ids_of(f.history({.event_type = "contact.created"})) == Ids{3});
        CHECK(ids_of(f.history({.state = DeliveryState::fresh})) == Ids{2, 3, 4});
        CHECK(ids_of(f.history({.state = DeliveryState::waiting})) == Ids{5});
        CHECK(ids_of(f.history({.state = DeliveryState::delivered})) == Ids{1});
        CHECK(ids_of(f.history({.since = at(2)})) == Ids{4, 5});
        CHECK(ids_of(f.history({.until = at(2)})) == Ids{1, 2, 3});
        CHECK(ids_of(f.history({.since = at(1), .until = at(1)})).empty());
        CHECK(ids_of(f.history({.subscription = second,
                                .event_id = event_id(3),
                                .event_type = "contact.updated",
                                .state = DeliveryState::waiting,
                                .since = at(2),
                                .until = at(3)})) == Ids{5});
        CHECK(ids_of(f.history({.subscription = second, .delivery = DeliveryId(4)})).empty());
        const auto delivery = f.delivery(5);
        CHECK(delivery.subscription == second);
        CHECK(delivery.event_id == event_id(3));
        CHECK(delivery.event_type == "contact.updated");
        CHECK(delivery.queued_at == at(2));
        CHECK(delivery.next_attempt == at(60));
    }
    SECTION("pages follow one another, short or empty, to the end") {
        for (const auto& filter : {fw::DeliveryFilter{}, fw::DeliveryFilter{.subscription = second},
                                   fw::DeliveryFilter{.event_id = event_id(1)}}) {
            for (const std::size_t max : {1U, 2U, 3U, 5U, 100U}) {
                Ids ids;
                std::optional<DeliveryId> after = from_start;
                for (int pages = 0; after; ++pages) {
                    REQUIRE(pages < 10);
                    const auto page = f.store->deliveries(filter, *after, max).value();
                    CHECK(page.deliveries.size() <= max);
                    for (const auto id : ids_of(page.deliveries)) ids.push_back(id);
                    if (page.next) CHECK(*page.next > *after);
                    after = page.next;
                }
                CHECK(ids == ids_of(f.history(filter)));
            }
        }
        CHECK_FALSE(f.store->deliveries({}, DeliveryId(5), 10)->next.has_value());
        CHECK_FALSE(f.store->deliveries({}, from_start, 5)->next.has_value());
        CHECK(f.store->deliveries({}, from_start, 4)->next == DeliveryId(4));
    }
    SECTION("stats count what is pending, the oldest of it, and who is active") {
        const auto stats = f.store->stats().value();
        CHECK(stats.pending == 4);
        CHECK(stats.oldest_pending == at(1));
        CHECK(stats.subscriptions_active == 2);
        for (int id = 2; id <= 5; ++id) f.deliver(id);
        f.set_status(first, SubscriptionStatus::paused);
        CHECK(f.store->stats()->pending == 0);
        CHECK_FALSE(f.store->stats()->oldest_pending.has_value());
        CHECK(f.store->stats()->subscriptions_active == 1);
    }
}

inline void check_replay(Fixture& f) {
    const SubscriptionId id = f.create({.pii = fw::PiiCategories::all()});
    f.publish_numbers(1, 4);
    f.deliver(1);
    f.end(2, DeliveryState::exhausted, EndReason::attempts, at(11));
    f.end(3, DeliveryState::dropped, EndReason::disabled, at(12));
    SECTION("ended deliveries are made anew; what was delivered and what is pending is left out") {
        const auto page = f.store->replay({.at = at(20)}).value();
        CHECK(page.count == 2);
        CHECK(page.up_to == DeliveryId(4));
        CHECK_FALSE(page.next.has_value());
        const auto fresh = f.fresh();
        REQUIRE(ids_of(fresh) == Ids{4, 5, 6});
        CHECK(fresh[1].event_id == event_id(2));
        CHECK(fresh[1].replay);
        CHECK(fresh[1].subscription == id);
        CHECK(fresh[1].queued_at == at(20));
        CHECK(fresh[1].body == "body of 2");
        CHECK(fresh[1].attempts == 0);
        CHECK(fresh[2].event_id == event_id(3));
        CHECK(f.delivery(5).replay);
        CHECK(f.delivery(2).state == DeliveryState::exhausted);
        CHECK(f.pending() == 3);
    }
    SECTION("what was delivered comes too when asked for; filters hold") {
        CHECK(f.store->replay({.include_delivered = true, .dry_run = true})->count == 3);
        CHECK(f.store->replay({.filter = {.event_id = event_id(3)}, .dry_run = true})->count == 1);
        CHECK(f.store->replay({.filter = {.state = DeliveryState::delivered}, .dry_run = true})->count == 0);
        CHECK(f.store->replay({.filter = {.subscription = SubscriptionId(9)}, .dry_run = true})->count == 0);
        CHECK(
            f.store->replay({.filter = {.delivery = DeliveryId(1)}, .include_delivered = true, .at = at(20)})->count ==
            1);
        CHECK(f.fresh().back().event_id == event_id(1));
    }
    SECTION("a dry run writes nothing") {
        const auto history = f.history();
        CHECK(f.store->replay({.dry_run = true, .at = at(20)})->count == 2);
        CHECK(f.history() == history);
        CHECK(f.pending() == 1);
    }
    SECTION("it goes on page by page and never replays what it made") {
        fw::ReplayRequest request{.include_delivered = true, .max = 1, .at = at(20)};
        std::size_t made = 0;
        for (int pages = 0;; ++pages) {
            REQUIRE(pages < 10);
            const auto page = f.store->replay(request).value();
            made += page.count;
            request.up_to = page.up_to;
            const auto fresh = f.fresh();
            if (fresh.back().id > DeliveryId(4)) f.deliver(fresh.back().id.value());
            if (!page.next) break;
            request.after = *page.next;
        }
        CHECK(made == 3);
        CHECK(f.history().size() == 7);
    }
    SECTION("the mask is the narrower one") {
        fw::SubscriptionEdit edit = f.edit_of(id);
        edit.subscription = subscription({.pii = fw::PiiCategories()}, id);
        f.store->edit_subscription(edit).value();
        f.store->replay({.filter = {.delivery = DeliveryId(2)}, .at = at(20)}).value();
        CHECK(f.fresh().back().pii == fw::PiiCategories());
        f.deliver(5);
        edit = f.edit_of(id);
        edit.subscription = subscription({.pii = fw::PiiCategories::all()}, id);
        f.store->edit_subscription(edit).value();
        f.store->replay({.filter = {.delivery = DeliveryId(5)}, .include_delivered = true, .at = at(20)}).value();
        CHECK(f.fresh().back().pii == fw::PiiCategories());
    }
    SECTION("the status is the current one: a paused or disabled subscription skips") {
        f.set_status(id, SubscriptionStatus::paused);
        CHECK(f.store->replay({.filter = {.delivery = DeliveryId(2)}, .at = at(20)})->count == 1);
        CHECK(f.delivery(5).state == DeliveryState::skipped);
        CHECK(f.delivery(5).reason == EndReason::paused);
        CHECK(f.delivery(5).replay);
        f.set_status(id, SubscriptionStatus::active);
        CHECK(f.store->replay({.filter = {.state = DeliveryState::skipped}, .at = at(20)})->count == 1);
        CHECK(f.delivery(6).state == DeliveryState::fresh);
    }
}

inline void check_retention(Fixture& f) {
    const fw::Retention retention{.history = 100s, .ids = 1000s};
    f.create();
    f.publish_numbers(1, 3);
    f.publish({{.number = 4, .scopes = {location(9)}}}, at(1));
    f.update({{.delivery = DeliveryId(1),
               .state = DeliveryState::delivered,
               .at = at(10),
               .attempts = 1,
               .first_attempt_started = at(9),
               .attempt = fw::Attempt{.started = at(9), .status = 200}}});
    f.deliver(2, at(50));
    const auto sweep = [&](int now, std::size_t max = all) {
        return f.store->maintain(retention, at(now), max).value();
    };
    SECTION("ended deliveries go with their attempts, then their events; what is pending stays") {
        CHECK(sweep(100) == 0);
        CHECK(f.history().size() == 3);
        CHECK(sweep(110) > 0);
        CHECK(sweep(110) == 0);
        CHECK(ids_of(f.history()) == Ids{2, 3});
        CHECK(f.store->attempts(DeliveryId(1))->empty());
        CHECK(f.store->event_body(event_id(1)).error() == fw::Errc::not_found);
        CHECK(f.store->event_body(event_id(2)).has_value());
        CHECK(f.store->event_body(event_id(4)).error() == fw::Errc::not_found);
        CHECK(sweep(9000) > 0);
        CHECK(ids_of(f.history()) == Ids{3});
        CHECK(f.fresh().at(0).body == "body of 3");
        CHECK(f.pending() == 1);
    }
    SECTION("ids are remembered longer than bodies") {
        f.deliver(3, at(60));
        sweep(200);
        CHECK(f.history().empty());
        CHECK(f.publish({{.number = 1}, {.number = 1, .body = "other"}, {.number = 4}}) ==
              Verdicts{AppendVerdict::duplicate, AppendVerdict::conflict, AppendVerdict::duplicate});
        CHECK(sweep(1000) == 0);
        CHECK(f.publish({{.number = 1}}) == Verdicts{AppendVerdict::duplicate});
        CHECK(sweep(1001) == 4);
        CHECK(f.publish({{.number = 1}}) == Verdicts{AppendVerdict::accepted});
        CHECK(f.fresh_ids() == Ids{4});  // an id of a delivery is never used twice
    }
    SECTION("it goes in steps") {
        f.deliver(3, at(60));
        std::size_t removed = 0;
        for (int steps = 0;; ++steps) {
            REQUIRE(steps < 20);
            const std::size_t step = sweep(5000, 1);
            CHECK(step <= 1);
            removed += step;
            if (step == 0) break;
        }
        CHECK(removed > 0);
        CHECK(f.history().empty());
        CHECK(sweep(5000) == 0);
        CHECK(f.publish({{.number = 1}}) == Verdicts{AppendVerdict::accepted});
    }
    SECTION("what a replay made keeps its event") {
        f.store->replay({.filter = {.delivery = DeliveryId(1)}, .include_delivered = true, .at = at(20)}).value();
        sweep(9000);
        CHECK(ids_of(f.fresh()) == Ids{3, 4});
        CHECK(f.fresh().at(1).body == "body of 1");
    }
}

// Publishers, a dispatcher and a reader at once: everything is taken and ended once.
inline void check_threads(Fixture& f) {
    constexpr int publishers = 3;
    constexpr std::uint8_t batches = 20;
    f.create();
    f.own();
    std::atomic<int> running{publishers};
    std::vector<std::thread> threads;
    for (std::uint8_t publisher = 0; publisher < publishers; ++publisher) {
        threads.emplace_back([&f, &running, publisher] {
            for (std::uint8_t i = 0; i < batches; ++i) {
                fw::StoreBatch batch{.at = at(1), .events = {make({.number = i})}};
                batch.events[0].id = event_id(i, publisher);
                f.store->commit(batch).value();
                (void)f.store->stats().value();
            }
            --running;
        });
    }
    std::set<DeliveryId> seen;
    DeliveryId after{};
    for (bool last = false; !last;) {
        last = running == 0;
        const auto fresh = f.store->take_fresh(after, 7).value();
        for (const auto& delivery : fresh) {
            seen.insert(delivery.id);
            after = delivery.id;
            f.store
                ->commit({.epoch = f.epoch,
                          .at = at(2),
                          .updates = {{.delivery = delivery.id, .state = DeliveryState::delivered, .at = at(2)}}})
                .value();
        }
        if (!fresh.empty()) last = false;
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(seen.size() == publishers * batches);
    CHECK(f.store->stats()->pending == 0);
}

inline void check_contacts(Fixture& f) {
    const fw::ContactKey key{.location = fw::LocationId(1), .contact = fw::ContactId(9)};
    const auto write = [&](fw::ContactWrite contact) {
        fw::StoreBatch batch{.at = at(1)};
        batch.contacts.push_back(std::move(contact));
        return bool(f.store->commit(batch).value().contacts.front());
    };
    const auto due_at = [&](int seconds) { return f.store->due_contacts(at(seconds), at(1'000), all).value(); };

    SECTION("a contact is kept from version to version") {
        CHECK(f.store->contact(key)->version == 0);
        CHECK(f.store->contact(key)->record.empty());
        CHECK(write({.key = key, .record = std::string("a\0b", 3)}));
        CHECK(f.store->contact(key)->version == 1);
        CHECK(f.store->contact(key)->record == std::string("a\0b", 3));
        CHECK_FALSE(f.store->contact(key)->due);
        CHECK_FALSE(write({.key = key, .record = "late"}));  // the same write again, or somebody else's
        CHECK(write({.key = key, .expected_version = 1, .record = "b", .due = at(5)}));
        CHECK(f.store->contact(key)->due == at(5));
        CHECK(f.store->contact({.location = fw::LocationId(9), .contact = fw::ContactId(1)})->version == 0);
    }
    SECTION("one that is forgotten is not mistaken for a new one") {
        CHECK(write({.key = key, .record = "a", .due = at(5)}));
        CHECK(write({.key = key, .expected_version = 1}));
        CHECK(f.store->contact(key)->record.empty());
        CHECK(due_at(10).empty());
        CHECK_FALSE(write({.key = key, .record = "b"}));
        CHECK(write({.key = key, .expected_version = 2, .record = "b"}));
    }
    SECTION("windows come when they are due, and those that a clock left far ahead") {
        const auto contact = [](int number) {
            return fw::ContactKey{.location = fw::LocationId(1), .contact = fw::ContactId(number)};
        };
        CHECK(write({.key = contact(1), .record = "later", .due = at(20)}));
        CHECK(write({.key = contact(2), .record = "sooner", .due = at(10)}));
        CHECK(write({.key = contact(3), .record = "far ahead", .due = at(5'000)}));
        CHECK(write({.key = contact(4), .record = "no window"}));
        REQUIRE(due_at(10).size() == 2);
        CHECK(due_at(10)[0].key == contact(2));
        CHECK(due_at(10)[1].key == contact(3));
        CHECK(due_at(20).size() == 3);
        CHECK(f.store->due_contacts(at(20), at(1'000), 1).value().size() == 1);
    }
    SECTION("a window's events are appended with its end, together and once") {
        f.create({});
        CHECK(write({.key = key, .record = "window", .due = at(5)}));
        const fw::ContactWrite closing{
            .key = key, .expected_version = 1, .record = "state", .events = {make({.number = 1}), make({.number = 2})}};
        CHECK(write(closing));
        CHECK_FALSE(write(closing));
        CHECK(f.store->take_fresh(from_start, all)->size() == 2);
        CHECK(due_at(10).empty());
    }
    SECTION("a due time without a record is refused") {
        fw::StoreBatch batch{.at = at(1)};
        batch.contacts.push_back({.key = key, .due = at(2)});
        CHECK(f.store->commit(batch).error() == fw::Errc::invalid_argument);
    }
}

inline void check_tests(Fixture& f) {
    const auto id = f.create({});
    fw::StoreBatch batch{.at = at(1)};
    batch.tests.push_back(fw::TestDelivery{
        .subscription = id,
        .event = make({.number = 7}),
        .attempt = {.started = at(1), .duration = std::chrono::milliseconds(5), .status = 500, .response_head = "no"}});
    f.store->commit(batch).value();
    f.store->commit(batch).value();  // the same write again
    const auto history = f.store->deliveries({}, from_start, all)->deliveries;
    REQUIRE(history.size() == 1);
    CHECK(history[0].test);
    CHECK_FALSE(history[0].replay);
    CHECK(history[0].state == DeliveryState::exhausted);
    CHECK(history[0].reason == EndReason::attempts);
    CHECK(history[0].attempts == 1);
    CHECK(f.store->attempts(history[0].id).value() == std::vector{batch.tests[0].attempt});
    CHECK(f.store->stats()->pending == 0);
    CHECK(f.store->take_fresh(from_start, all)->empty());
    CHECK(f.store->replay({.at = at(2)})->count == 0);
}

}  // namespace store_contract

inline void check_store_contract(const StoreBackend& backend) {
    {
        store_contract::Fixture f(backend);
        SECTION("append") { store_contract::check_append(f); }
        SECTION("matching") { store_contract::check_matching(f); }
        SECTION("of skipped deliveries the newest are kept") { store_contract::check_skipped_cap(f); }
        SECTION("taking") { store_contract::check_taking(f); }
        SECTION("fifo per contact") { store_contract::check_contact_order(f); }
        SECTION("expiry") { store_contract::check_expiry(f); }
        SECTION("updates") { store_contract::check_updates(f); }
        SECTION("dispatchers") { store_contract::check_dispatchers(f); }
        SECTION("subscriptions") { store_contract::check_subscriptions(f); }
        SECTION("streaks") { store_contract::check_streaks(f); }
        SECTION("cuts") { store_contract::check_cuts(f); }
        SECTION("history") { store_contract::check_history(f); }
        SECTION("replay") { store_contract::check_replay(f); }
        SECTION("retention") { store_contract::check_retention(f); }
        SECTION("contacts") { store_contract::check_contacts(f); }
        SECTION("tests") { store_contract::check_tests(f); }
        SECTION("many threads at once") { store_contract::check_threads(f); }
    }
    SECTION("limits") { store_contract::check_limits(backend); }
}
