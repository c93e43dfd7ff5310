#include "sender/engine.hpp"

#include <fpt_webhooks/sender/memory_store.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using fw::detail::Engine;

namespace {

constexpr fw::Timestamp now{1'781'092'800'000ms};

// A store with one endpoint, that this process owns.
struct Endpoint {
    explicit Endpoint(bool fifo_per_contact = false) {
        const auto policy = fw::EndpointPolicy::create().value();
        const auto made = fw::Subscription::create({.url = "https://partner.example/",
                                                    .scope = fw::Scope::location(fw::LocationId(1)),
                                                    .events = {"*"},
                                                    .fifo_per_contact = fifo_per_contact},
                                                   *policy);
        id = store.create_subscription(made.value(), now).value().subscription.id();
        fw::SubscriptionEdit first{
            .subscription = store.subscription(id).value().subscription, .expected_version = 1, .at = now};
        first.secret = fw::Secret("whsec_a_secret_of_32_characters_or_more");
        lane = fw::detail::LaneRecord{.record = store.edit_subscription(first).value(),
                                      .signer = fw::Signer::create(fw::Scheme::fpt, *first.secret).value()};
        epoch = store.acquire(now).value();
    }

    // The delivery of an event about contact 7.
    fw::DeliveryId publish() {
        fw::StoreBatch batch{.epoch = epoch, .at = now};
        const fw::Envelope event{.event_id = fw::EventId::generate(*fw::system_clock(), *fw::system_random()).value(),
                                 .event_type = fw::EventType::parse("contact.updated").value(),
                                 .location_id = fw::LocationId(1),
                                 .data = fw::JsonObject::parse(R"({"contactId":7})").value()};
        batch.events.push_back(fw::NewEvent::from(event).value());
        store.commit(batch).value();
        return store.take_fresh({}, 100).value().back().id;
    }

    // Its first attempt has failed.
    void wait(fw::DeliveryId delivery, fw::Timestamp due) {
        fw::StoreBatch failed{.epoch = epoch, .at = now};
        failed.updates.push_back({.delivery = delivery, .at = now, .due = due});
        store.commit(failed).value();
    }

    // What is fresh is read, and the first of it is in flight.
    void start_one(Engine& engine) {
        REQUIRE(engine.poll(now).fresh);
        engine.add_fresh(store.take_fresh({}, 100).value(), false, now);
        engine.set_record(*lane, now);
        REQUIRE(engine.next_start(now));
    }

    void write(Engine& engine) {
        fw::StoreBatch batch{.epoch = epoch, .at = now};
        engine.take_batch(batch);
        store.commit(batch).value();
        engine.committed(now);
    }

    fw::MemoryStore store;
    fw::SubscriptionId id;
    std::optional<fw::detail::LaneRecord> lane;
    std::uint64_t epoch = 0;
};

fw::detail::EngineOptions disabled_by_410() {
    fw::detail::EngineOptions options{.active_subscriptions = 1};
    options.fpt.gone_disables = true;
    return options;
}

}  // namespace

TEST_CASE("engine: what an edit that it has not heard of withdraws is not sent before it is due") {
    Endpoint endpoint;
    fw::MemoryStore& store = endpoint.store;
    const fw::SubscriptionId id = endpoint.id;
    const fw::SubscriptionRecord& record = endpoint.lane->record;

    // It is to be tried again in an hour, and somebody looks now.
    endpoint.wait(endpoint.publish(), now + 1h);
    Engine engine({});
    engine.add_wake({.subscription = id, .due = now, .streak = {}}, now);
    REQUIRE(engine.poll(now).records.size() == 1);
    engine.set_record(*endpoint.lane, now);
    REQUIRE(engine.poll(now).waiting.size() == 1);

    // Between the engine's wish and the store's answer another process disables the subscription.
    fw::Subscription disabled = record.subscription;
    disabled.set_status(fw::SubscriptionStatus::disabled);
    const auto edited = store.edit_subscription({.subscription = disabled,
                                                 .expected_version = record.version,
                                                 .at = now,
                                                 .cut = fw::Cut{.reason = fw::EndReason::disabled}});
    auto page = store.take_waiting(id, now, 10).value();
    REQUIRE(page.deliveries.size() == 1);
    engine.add_waiting(id, std::move(page), now);
    CHECK_FALSE(engine.next_start(now));

    // It asks for the new record, and then drops what is withdrawn.
    REQUIRE(engine.poll(now).records.size() == 1);
    engine.set_record({.record = edited.value(), .signer = {}}, now);
    REQUIRE(engine.poll(now).waiting.size() == 1);
    engine.add_waiting(id, store.take_waiting(id, now, 10).value(), now);
    fw::StoreBatch outcome;
    engine.take_batch(outcome);
    REQUIRE(outcome.updates.size() == 1);
    CHECK(outcome.updates.front().state == fw::DeliveryState::dropped);
    CHECK(outcome.updates.front().reason == fw::EndReason::disabled);
}

TEST_CASE("engine: a contact's order holds for what was sent back to the store before it knew of the order") {
    Endpoint endpoint(true);
    const fw::DeliveryId first = endpoint.publish();
    const fw::DeliveryId second = endpoint.publish();
    endpoint.wait(second, now);  // as a process that died left it

    // The first one goes back, since something is due before it; whether this lane has an order is not known yet.
    Engine engine({});
    engine.add_wake({.subscription = endpoint.id, .due = now, .streak = {}}, now);
    REQUIRE(engine.poll(now).fresh);
    engine.add_fresh(endpoint.store.take_fresh({}, 100).value(), false, now);
    engine.set_record(*endpoint.lane, now);

    // A read now would show the second one alone.
    CHECK(engine.poll(now).waiting.empty());
    CHECK_FALSE(engine.next_start(now));

    endpoint.write(engine);
    REQUIRE(engine.poll(now).waiting.size() == 1);
    engine.add_waiting(endpoint.id, endpoint.store.take_waiting(endpoint.id, now, 100).value(), now);
    const auto start = engine.next_start(now);
    REQUIRE(start);
    CHECK(start->delivery->id == first);
}

TEST_CASE("engine: a record that was read while a disabling was being written is read again") {
    Endpoint endpoint;
    endpoint.publish();
    endpoint.publish();
    Engine engine(disabled_by_410());
    endpoint.start_one(engine);
    engine.completed(endpoint.id, {.status = 410}, {}, now, now, 0);
    engine.invalidate(endpoint.id, now);  // somebody has edited it
    engine.set_record(*endpoint.lane, now);
    endpoint.write(engine);
    CHECK(engine.poll(now).records.size() == 1);
    CHECK_FALSE(engine.next_start(now));  // the second one
}

TEST_CASE("engine: a count of the active subscriptions is no use while the store may show a disabling and may not") {
    Endpoint endpoint;
    endpoint.publish();
    Engine engine(disabled_by_410());
    endpoint.start_one(engine);
    REQUIRE(engine.count_begins());
    engine.completed(endpoint.id, {.status = 410}, {}, now, now, 0);
    CHECK(engine.set_active_subscriptions(1));  // it is decided, and the store does not show it

    // The store is asked, and the batch is taken and written.
    REQUIRE(engine.count_begins());
    fw::StoreBatch batch{.epoch = endpoint.epoch, .at = now};
    engine.take_batch(batch);
    REQUIRE(batch.streaks.back().disable == fw::EndReason::disabled);
    CHECK_FALSE(engine.set_active_subscriptions(1));
    CHECK_FALSE(engine.count_begins());  // so too while it is being written
    CHECK_FALSE(engine.set_active_subscriptions(1));

    REQUIRE(endpoint.store.commit(batch));
    engine.committed(now);
    REQUIRE(engine.count_begins());
    CHECK(engine.set_active_subscriptions(0));
}

TEST_CASE("engine: what a commit has dropped is not sent though a read has brought it before") {
    Endpoint endpoint;
    const fw::DeliveryId delivery = endpoint.publish();
    endpoint.wait(delivery, now);
    Engine engine({});
    engine.add_wake({.subscription = endpoint.id, .due = now, .streak = {}}, now);
    REQUIRE(engine.poll(now).records.size() == 1);
    engine.set_record(*endpoint.lane, now);
    REQUIRE(engine.poll(now).waiting.size() == 1);
    engine.add_waiting(endpoint.id, endpoint.store.take_waiting(endpoint.id, now, 10).value(), now);
    REQUIRE(engine.rows() == 1);

    engine.dropped(endpoint.id, delivery, now);
    CHECK(engine.rows() == 0);
    CHECK_FALSE(engine.next_start(now));
    CHECK(engine.poll(now).records.size() == 1);  // the edit that dropped it
    engine.set_record(*endpoint.lane, now);
    CHECK_FALSE(engine.next_start(now));
}
