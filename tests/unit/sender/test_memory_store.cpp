#include <fpt_webhooks/sender/memory_store.hpp>

#include "contract/store_contract.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("memory store: keeps the contract of stores") {
    check_store_contract({.open = [](fw::StoreLimits limits) { return std::make_shared<fw::MemoryStore>(limits); }});
}

TEST_CASE("memory store: a copy holds the same, has no dispatcher, and goes its own way") {
    const auto store = std::make_shared<fw::MemoryStore>();
    store_contract::Fixture f({.open = [&](fw::StoreLimits) { return store; }});
    f.create();
    f.publish_numbers(1, 2);
    f.start(1, 1, store_contract::at(5));

    const auto copy = store->copy();
    CHECK(copy->acquire(store_contract::at(9)).value() > f.epoch);
    CHECK(copy->stats()->pending == 2);
    CHECK(copy->attempts(fw::DeliveryId(1))->size() == 1);
    CHECK(copy->take_fresh({}, 10)->size() == 1);
    CHECK(store->attempts(fw::DeliveryId(1))->empty());
    f.deliver(1);
    f.deliver(2);
    CHECK(copy->stats()->pending == 2);
    CHECK(store->stats()->pending == 0);
}
