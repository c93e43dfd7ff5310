#include "sender/engine.hpp"

#include <fpt_webhooks/sender/memory_store.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using fw::detail::Engine;

TEST_CASE("engine: what an edit that it has not heard of withdraws is not sent before it is due") {
    const fw::Timestamp now{1'781'092'800'000ms};
    fw::MemoryStore store;
    const auto policy = fw::EndpointPolicy::create().value();
    const auto made = fw::Subscription::create(
        {.url = "https://partner.example/", .scope = fw::Scope::location(fw::LocationId(1)), .events = {"*"}}, *policy);
    const auto id = store.create_subscription(made.value(), now).value().subscription.id();
    fw::SubscriptionEdit first{
        .subscription = store.subscription(id).value().subscription, .expected_version = 1, .at = now};
    first.secret = fw::Secret("whsec_a_secret_of_32_characters_or_more");
    const auto record = store.edit_subscription(first).value();
    const auto epoch = store.acquire(now).value();
    fw::StoreBatch batch{.epoch = epoch, .at = now};
    const fw::Envelope event{.event_id = {},
                             .event_type = fw::EventType::parse("contact.updated").value(),
                             .location_id = fw::LocationId(1)};
    batch.events.push_back(fw::NewEvent::from(event).value());
    store.commit(batch).value();

    // It is to be tried again in an hour, and somebody looks now.
    const fw::DeliveryId delivery = store.take_fresh({}, 1).value().front().id;
    fw::StoreBatch failed{.epoch = epoch, .at = now};
    failed.updates.push_back({.delivery = delivery, .at = now, .due = now + 1h});
    store.commit(failed).value();
    Engine engine({});
    engine.add_wake({.subscription = id, .due = now, .streak = {}}, now);
    REQUIRE(engine.poll(now).records.size() == 1);
    engine.set_record({.record = record, .signer = fw::Signer::create(fw::Scheme::fpt, *first.secret).value()}, now);
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
