#include <fpt_webhooks/receiver/memory_dedupe.hpp>

#include <stdexcept>
#include <string>
#include <thread>

#include "contract/dedupe_store_contract.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(std::size_t capacity, std::chrono::milliseconds retention = 1h) {
        store = fw::MemoryDedupe::create({.capacity = capacity,
                                          .retention = retention,
                                          .clock = clock,
                                          .on_forgotten_early = [this](auto age) { forgotten.push_back(age); }})
                    .value();
    }

    fw::Result<fw::Claim> try_claim(const std::string& id, std::chrono::milliseconds lease = 60s) {
        return store->claim({"crm", id}, lease, 0ms);
    }
    fw::Claim claim(const std::string& id) { return try_claim(id).value(); }
    void process(const std::string& id) { store->complete(claim(id).token).value(); }
    bool is_done(const std::string& id) {
        const fw::Claim found = claim(id);
        if (found.state == fw::ClaimState::fresh) store->release(found.token, fw::ReleaseAs::abandoned).value();
        return found.state == fw::ClaimState::done;
    }

    std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
    std::vector<std::chrono::milliseconds> forgotten;
    std::shared_ptr<fw::MemoryDedupe> store;
};

}  // namespace

TEST_CASE("memory dedupe: keeps the contract of every dedupe store") {
    check_dedupe_store_contract(
        {.open =
             [](std::shared_ptr<ManualClock> clock, std::chrono::milliseconds retention) {
                 return fw::MemoryDedupe::create({.retention = retention, .clock = std::move(clock)}).value();
             },
         .waiting = [](fw::DedupeStore& store) { return dynamic_cast<fw::MemoryDedupe&>(store).stats().waiting; }});
}

TEST_CASE("memory dedupe: an unusable option is refused by its name") {
    CHECK(fw::MemoryDedupe::create({.capacity = 0}).error().message() ==
          "invalid argument: capacity: at least 1 is needed");
    CHECK(fw::MemoryDedupe::create({.retention = 0ms}).error().message() ==
          "invalid argument: retention: more than zero and at most 3660 days");
    CHECK_FALSE(fw::MemoryDedupe::create({.retention = fw::dedupe_retention_max + 1ms}).has_value());
    CHECK(fw::MemoryDedupe::create({.retention = fw::dedupe_retention_max}).has_value());
    CHECK(fw::MemoryDedupe::create({}).has_value());
}

TEST_CASE("memory dedupe: full, it forgets the oldest done key and says how old that was") {
    Fixture f(3);
    f.process("a");
    f.clock->advance(10s);
    f.process("b");
    f.clock->advance(20s);
    f.process("c");
    CHECK(f.forgotten.empty());

    f.process("d");
    CHECK(f.forgotten == std::vector<std::chrono::milliseconds>{30s});
    f.process("e");
    CHECK(f.forgotten == std::vector<std::chrono::milliseconds>{30s, 20s});
    CHECK(f.store->stats().forgotten_early == 2);
    CHECK(f.store->stats().forgotten_age_min == 20s);
    CHECK(f.store->stats().done == 3);
    for (const char* id : {"c", "d", "e"}) CHECK(f.is_done(id));
    CHECK_FALSE(f.is_done("a"));
}

TEST_CASE("memory dedupe: full of running leases, it refuses and forgets none of them") {
    Fixture f(2);
    const fw::Claim a = f.claim("a");
    const fw::Claim b = f.claim("b");
    const auto refused = f.try_claim("c");
    CHECK(refused.error() == fw::Errc::store_full);
    CHECK(refused.error() == fw::Condition::transient);
    CHECK(f.claim("a").state == fw::ClaimState::busy);
    CHECK(f.store->stats().leased == 2);

    f.store->complete(a.token).value();
    CHECK(f.claim("c").state == fw::ClaimState::fresh);
    CHECK(f.forgotten == std::vector<std::chrono::milliseconds>{0ms});
    f.store->complete(b.token).value();
}

TEST_CASE("memory dedupe: full, an ended lease goes before anything done") {
    Fixture f(2);
    const fw::Claim late = f.claim("late");
    f.clock->advance(60s);
    f.process("done");
    CHECK(f.claim("x").state == fw::ClaimState::fresh);
    CHECK(f.forgotten.empty());
    CHECK(f.store->complete(late.token).error() == fw::Errc::lease_lost);
    CHECK(f.claim("y").state == fw::ClaimState::fresh);
    CHECK(f.forgotten.size() == 1);
    CHECK(f.try_claim("z").error() == fw::Errc::store_full);
}

TEST_CASE("memory dedupe: full, it finds the one ended lease among many that run") {
    Fixture f(40);
    for (int i = 0; i < 20; ++i) REQUIRE(f.try_claim("long " + std::to_string(i), 10min).has_value());
    REQUIRE(f.try_claim("short", 1s).has_value());
    for (int i = 20; i < 39; ++i) REQUIRE(f.try_claim("long " + std::to_string(i), 10min).has_value());
    f.clock->advance(1s);
    int tries = 1;
    while (!f.try_claim("new").has_value()) REQUIRE(++tries <= 5);  // 8 are looked at each time
    CHECK(f.try_claim("newer").error() == fw::Errc::store_full);
}

TEST_CASE("memory dedupe: full, the counts of failures outlast what is done") {
    Fixture f(4);
    for (int i = 0; i < 4; ++i) f.process("done " + std::to_string(i));
    for (std::uint32_t failures = 0; failures < 3; ++failures) {
        const fw::Claim poison = f.claim("poison");
        CHECK(poison.failures == failures);
        f.store->release(poison.token, fw::ReleaseAs::failed).value();
        f.process("other " + std::to_string(failures));
    }
    CHECK(f.store->stats().released == 1);
}

TEST_CASE("memory dedupe: full of failed keys, it forgets the oldest of them unreported") {
    Fixture f(2);
    for (const char* key : {"a", "b"}) f.store->release(f.claim(key).token, fw::ReleaseAs::failed).value();
    f.process("new");
    CHECK(f.store->stats().released == 1);
    CHECK(f.claim("b").failures == 1);
    CHECK(f.forgotten.empty());
}

TEST_CASE("memory dedupe: keys past their retention go a few per claim, unreported") {
    Fixture f(100, 10s);
    for (int i = 0; i < 50; ++i) f.process("old " + std::to_string(i));
    f.store->release(f.claim("failed").token, fw::ReleaseAs::failed).value();
    f.clock->advance(10s);
    f.process("first");
    CHECK(f.store->stats().done == 49);
    CHECK(f.store->stats().released == 0);
    for (int i = 0; i < 30; ++i) f.process("new " + std::to_string(i));
    CHECK(f.store->stats().done == 31);
    CHECK(f.forgotten.empty());
}

TEST_CASE("memory dedupe: a key keeps its place over many generations of the slot that holds it") {
    Fixture f(3);
    for (int i = 0; i < 1000; ++i) {
        const fw::Claim claim = f.claim(std::to_string(i));
        REQUIRE(claim.token.entry < 3);
        f.store->complete(claim.token).value();
        REQUIRE(f.is_done(std::to_string(i)));
    }
    CHECK(f.store->stats().done == 3);
    CHECK(f.store->stats().forgotten_early == 997);
}

TEST_CASE("memory dedupe: what the callback throws is dropped, and the claim stands") {
    auto store = fw::MemoryDedupe::create(
                     {.capacity = 1, .on_forgotten_early = [](auto) { throw std::runtime_error("observer"); }})
                     .value();
    store->complete(store->claim({"crm", "a"}, 60s, 0ms)->token).value();
    CHECK(store->claim({"crm", "b"}, 60s, 0ms)->state == fw::ClaimState::fresh);
}

TEST_CASE("memory dedupe: the callback may call the store") {
    std::shared_ptr<fw::MemoryDedupe> store;
    std::size_t done_seen = 99;
    store =
        fw::MemoryDedupe::create({.capacity = 1, .on_forgotten_early = [&](auto) { done_seen = store->stats().done; }})
            .value();
    store->complete(store->claim({"crm", "a"}, 60s, 0ms)->token).value();
    REQUIRE(store->claim({"crm", "b"}, 60s, 0ms).has_value());
    CHECK(done_seen == 0);
}

TEST_CASE("memory dedupe: a claim that waits takes over when the lease ends") {
    auto store = fw::MemoryDedupe::create({}).value();  // on the system's clock: the lease ends by itself
    const fw::Claim holder = store->claim({"crm", "a"}, 20ms, 0ms).value();
    const fw::Claim next = store->claim({"crm", "a"}, 60s, 10min).value();
    CHECK(next.state == fw::ClaimState::fresh);
    CHECK(store->complete(holder.token).error() == fw::Errc::lease_lost);
}

TEST_CASE("memory dedupe: a claim that waits for a key whose ended lease is pushed out gets its answer") {
    Fixture f(1);
    REQUIRE(f.try_claim("a", 60s).has_value());
    fw::Result<fw::Claim> waited = fw::Claim{};
    std::thread waiter([&] { waited = f.store->claim({"crm", "a"}, 60s, 10min); });
    while (f.store->stats().waiting == 0) std::this_thread::yield();
    f.clock->advance(60s);
    CHECK(f.claim("b").state == fw::ClaimState::fresh);
    waiter.join();
    CHECK(waited.error() == fw::Errc::store_full);
}
