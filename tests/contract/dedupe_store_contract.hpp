// What every DedupeStore does, as one suite: call it from a test case of each backend.
#pragma once

#include <fpt_webhooks/receiver/dedupe_store.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "contract/manual_clock.hpp"
#include "support/catch.hpp"

struct DedupeBackend {
    // An empty store that runs on `clock` and remembers done keys for `retention`.
    std::function<std::shared_ptr<fpt_webhooks::DedupeStore>(std::shared_ptr<ManualClock> clock,
                                                             std::chrono::milliseconds retention)>
        open;

    // How many threads wait inside claim() of such a store now.
    std::function<std::size_t(fpt_webhooks::DedupeStore&)> waiting;
};

namespace dedupe_contract {

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds lease = 60s;
constexpr std::chrono::milliseconds retention = 1h;
constexpr fw::DedupeKey key{"crm", "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e"};

// Longer than any test may take: a waiter that is not woken fails the test by time-out, never by luck.
constexpr std::chrono::milliseconds long_wait = 10min;

struct Fixture {
    explicit Fixture(const DedupeBackend& backend_) : backend(backend_), store(backend.open(clock, retention)) {}

    fw::Claim claim(const fw::DedupeKey& which = key) { return store->claim(which, lease, 0ms).value(); }

    void until_waiting(std::size_t count) const {
        while (backend.waiting(*store) != count) std::this_thread::yield();
    }

    DedupeBackend backend;
    std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
    std::shared_ptr<fw::DedupeStore> store;
};

inline void check_claims(Fixture& f) {
    SECTION("a new key is fresh, then busy, then done") {
        const fw::Claim fresh = f.claim();
        CHECK(fresh.state == fw::ClaimState::fresh);
        CHECK(fresh.token.fence != 0);
        CHECK(fresh.failures == 0);
        CHECK_FALSE(fresh.completed_ago.has_value());
        CHECK(f.claim().state == fw::ClaimState::busy);
        f.store->complete(fresh.token).value();
        f.clock->advance(5s);
        const fw::Claim done = f.claim();
        CHECK(done.state == fw::ClaimState::done);
        CHECK(done.completed_ago == 5s);
    }
    SECTION("endpoints and ids are apart, however their texts join") {
        f.store->complete(f.claim({"crm", "ab"}).token).value();
        CHECK(f.claim({"crm", "ab"}).state == fw::ClaimState::done);
        CHECK(f.claim({"crma", "b"}).state == fw::ClaimState::fresh);
        CHECK(f.claim({"cr", "mab"}).state == fw::ClaimState::fresh);
        CHECK(f.claim({"crm", "a"}).state == fw::ClaimState::fresh);
    }
    SECTION("any bytes make a key, up to the limits and no further") {
        const std::string endpoint(fw::endpoint_name_bytes_max, '\0');
        const std::string id(fw::idempotency_key_bytes_max, '\xff');
        CHECK(f.claim({endpoint, id}).state == fw::ClaimState::fresh);
        CHECK(f.claim({endpoint, id}).state == fw::ClaimState::busy);
        CHECK(f.store->claim({endpoint + "x", id}, lease, 0ms).error() == fw::Errc::invalid_argument);
        CHECK(f.store->claim({endpoint, id + "x"}, lease, 0ms).error() == fw::Errc::invalid_argument);
        CHECK(f.store->claim({"", id}, lease, 0ms).error() == fw::Errc::invalid_argument);
        CHECK(f.store->claim({endpoint, ""}, lease, 0ms).error() == fw::Errc::invalid_argument);
    }
    SECTION("a lease is more than nothing and at most a day") {
        CHECK(f.store->claim(key, 0ms, 0ms).error() == fw::Errc::invalid_argument);
        CHECK(f.store->claim(key, fw::dedupe_lease_max + 1ms, 0ms).error() == fw::Errc::invalid_argument);
        const auto claim = f.store->claim(key, fw::dedupe_lease_max, 0ms).value();
        CHECK(f.store->renew(claim.token, 0ms).error() == fw::Errc::invalid_argument);
        CHECK(f.store->renew(claim.token, fw::dedupe_lease_max + 1ms).error() == fw::Errc::invalid_argument);
    }
    SECTION("a done key is forgotten when its retention has passed") {
        f.store->complete(f.claim().token).value();
        f.clock->advance(retention - 1ms);
        CHECK(f.claim().state == fw::ClaimState::done);
        f.clock->advance(1ms);
        CHECK(f.claim().state == fw::ClaimState::fresh);
    }
}

inline void check_release(Fixture& f) {
    SECTION("a released key is fresh again, with a greater fence") {
        const fw::Claim first = f.claim();
        f.store->release(first.token, fw::ReleaseAs::abandoned).value();
        const fw::Claim second = f.claim();
        CHECK(second.state == fw::ClaimState::fresh);
        CHECK(second.token.fence > first.token.fence);
        CHECK(second.failures == 0);
    }
    SECTION("failures are counted, abandoned claims and ended leases are not") {
        f.store->release(f.claim().token, fw::ReleaseAs::failed).value();
        f.store->release(f.claim().token, fw::ReleaseAs::failed).value();
        f.store->release(f.claim().token, fw::ReleaseAs::abandoned).value();
        CHECK(f.claim().failures == 2);
        f.clock->advance(lease);
        CHECK(f.claim().failures == 2);
    }
    SECTION("failures of a key end with its completion") {
        f.store->release(f.claim().token, fw::ReleaseAs::failed).value();
        f.store->complete(f.claim().token).value();
        f.clock->advance(retention);
        CHECK(f.claim().failures == 0);
    }
    SECTION("a released token is good for nothing") {
        const fw::ClaimToken token = f.claim().token;
        f.store->release(token, fw::ReleaseAs::failed).value();
        CHECK(f.store->release(token, fw::ReleaseAs::failed).error() == fw::Errc::lease_lost);
        CHECK(f.store->complete(token).error() == fw::Errc::lease_lost);
        CHECK(f.store->renew(token, lease).error() == fw::Errc::lease_lost);
        CHECK(f.claim().failures == 1);
    }
    SECTION("a token that was never given is good for nothing") {
        const fw::ClaimToken token = f.claim().token;
        CHECK(f.store->complete({}).error() == fw::Errc::lease_lost);
        CHECK(f.store->complete({token.entry + 1, token.fence}).error() == fw::Errc::lease_lost);
        CHECK(f.store->complete({token.entry, token.fence + 1}).error() == fw::Errc::lease_lost);
        CHECK(f.claim().state == fw::ClaimState::busy);
    }
}

inline void check_leases(Fixture& f) {
    SECTION("a running lease is busy to its end, then claimable with a greater fence") {
        const fw::Claim first = f.claim();
        f.clock->advance(lease - 1ms);
        CHECK(f.claim().state == fw::ClaimState::busy);
        f.clock->advance(1ms);
        const fw::Claim second = f.claim();
        CHECK(second.state == fw::ClaimState::fresh);
        CHECK(second.token.fence > first.token.fence);
    }
    SECTION("who comes back late, after another took over, changes nothing") {
        const fw::ClaimToken late = f.claim().token;
        f.clock->advance(lease);
        const fw::ClaimToken current = f.claim().token;
        CHECK(f.store->complete(late).error() == fw::Errc::lease_lost);
        CHECK(f.store->release(late, fw::ReleaseAs::failed).error() == fw::Errc::lease_lost);
        CHECK(f.store->renew(late, lease).error() == fw::Errc::lease_lost);
        CHECK(f.claim().state == fw::ClaimState::busy);
        f.store->complete(current).value();
        CHECK(f.store->complete(late).error() == fw::Errc::lease_lost);
        CHECK(f.claim().state == fw::ClaimState::done);
    }
    SECTION("who comes back late, before anybody took over, may still complete, release and renew") {
        const fw::ClaimToken token = f.claim().token;
        f.clock->advance(lease);
        f.store->renew(token, lease).value();
        CHECK(f.claim().state == fw::ClaimState::busy);
        f.clock->advance(lease);
        f.store->complete(token).value();
        CHECK(f.claim().state == fw::ClaimState::done);

        const fw::DedupeKey other{"crm", "other"};
        const fw::ClaimToken released = f.claim(other).token;
        f.clock->advance(lease);
        f.store->release(released, fw::ReleaseAs::failed).value();
        CHECK(f.claim(other).failures == 1);
    }
    SECTION("a renewed lease ends at its new time, later or earlier") {
        const fw::ClaimToken token = f.claim().token;
        f.clock->advance(lease - 1ms);
        f.store->renew(token, lease).value();
        f.clock->advance(lease - 1ms);
        CHECK(f.claim().state == fw::ClaimState::busy);
        f.store->renew(token, 5ms).value();
        f.clock->advance(5ms);
        CHECK(f.claim().state == fw::ClaimState::fresh);
    }
    SECTION("a completion may be repeated; afterwards the token is good for nothing else") {
        const fw::ClaimToken token = f.claim().token;
        f.store->complete(token).value();
        f.clock->advance(10s);
        f.store->complete(token).value();
        CHECK(f.claim().completed_ago == 10s);
        CHECK(f.store->release(token, fw::ReleaseAs::failed).error() == fw::Errc::lease_lost);
        CHECK(f.store->renew(token, lease).error() == fw::Errc::lease_lost);
    }
    SECTION("a wall clock that jumps an hour either way moves no lease and no retention") {
        const fw::ClaimToken token = f.claim().token;
        f.clock->jump_wall(1h);
        CHECK(f.claim().state == fw::ClaimState::busy);
        f.clock->jump_wall(-2h);
        f.clock->advance(lease);
        CHECK(f.claim().state == fw::ClaimState::fresh);
        CHECK(f.store->complete(token).error() == fw::Errc::lease_lost);
    }
}

inline void check_waiting(Fixture& f) {
    const fw::Claim holder = f.claim();
    std::vector<std::thread> threads;
    std::atomic<int> fresh{0};
    std::atomic<int> done{0};
    std::atomic<int> busy{0};
    const auto start_waiters = [&](std::size_t count, const std::function<void(const fw::Claim&)>& on_fresh) {
        for (std::size_t i = 0; i < count; ++i) {
            threads.emplace_back([&f, &fresh, &done, &busy, on_fresh] {
                const auto claim = f.store->claim(key, lease, long_wait).value();
                ++(claim.state == fw::ClaimState::fresh ? fresh : claim.state == fw::ClaimState::done ? done : busy);
                if (claim.state == fw::ClaimState::fresh) on_fresh(claim);
            });
        }
        f.until_waiting(count);
    };
    const auto join = [&] {
        for (std::thread& thread : threads) thread.join();
    };

    SECTION("all that wait are told of a completion at once") {
        start_waiters(4, [](const fw::Claim&) {});
        f.store->complete(holder.token).value();
        join();
        CHECK(done == 4);
    }
    SECTION("of those that wait for a released key one gets it, the others wait for that one") {
        start_waiters(4, [&f](const fw::Claim& claim) {
            f.until_waiting(3);
            f.store->complete(claim.token).value();
        });
        f.store->release(holder.token, fw::ReleaseAs::failed).value();
        join();
        CHECK(fresh == 1);
        CHECK(done == 3);
    }
    SECTION("a waiter that stops waiting is told busy, and those of other keys are left alone") {
        CHECK(f.store->claim(key, lease, 1ms).value().state == fw::ClaimState::busy);
        CHECK(f.backend.waiting(*f.store) == 0);
        start_waiters(2, [](const fw::Claim&) {});
        CHECK(f.store->claim(key, lease, 1ms).value().state == fw::ClaimState::busy);
        f.store->complete(f.claim({"crm", "other"}).token).value();
        CHECK(f.backend.waiting(*f.store) == 2);
        f.store->complete(holder.token).value();
        join();
        CHECK(done == 2);
    }
    SECTION("a negative wait is none") {
        CHECK(f.store->claim(key, lease, -1h).value().state == fw::ClaimState::busy);
        f.store->complete(holder.token).value();
        join();
    }
}

inline void check_race(Fixture& f) {
    constexpr int thread_count = 8;
    constexpr int key_count = 200;
    std::vector<std::atomic<int>> effects(key_count);
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i) {
        threads.emplace_back([&] {
            for (std::size_t k = 0; k < key_count; ++k) {
                const std::string id = std::to_string(k);
                const auto claim = f.store->claim({"crm", id}, lease, long_wait).value();
                if (claim.state != fw::ClaimState::fresh) continue;
                if (claim.failures == 0) {  // the first try of each fails
                    f.store->release(claim.token, fw::ReleaseAs::failed).value();
                    continue;
                }
                ++effects[k];
                f.store->complete(claim.token).value();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& effect : effects) CHECK(effect == 1);
}

}  // namespace dedupe_contract

inline void check_dedupe_store_contract(const DedupeBackend& backend) {
    dedupe_contract::Fixture f(backend);
    dedupe_contract::check_claims(f);
    dedupe_contract::check_release(f);
    dedupe_contract::check_leases(f);
    SECTION("waiting") { dedupe_contract::check_waiting(f); }
    SECTION("of many threads that claim one key, one at a time holds it") { dedupe_contract::check_race(f); }
}

struct DurableDedupeBackend {
    // A store on the file of this backend, whatever is in it, beside others that are open.
    std::function<std::shared_ptr<fpt_webhooks::DedupeStore>(std::shared_ptr<ManualClock> clock,
                                                             std::chrono::milliseconds retention)>
        open;
};

// What a store does beyond the contract above when its keys outlive it.
inline void check_durable_dedupe_store_contract(const DurableDedupeBackend& backend) {
    using namespace dedupe_contract;
    const auto clock = std::make_shared<ManualClock>();
    const auto open = [&] { return backend.open(clock, retention); };
    const auto claim = [](const std::shared_ptr<fw::DedupeStore>& store, const fw::DedupeKey& which = key,
                          std::chrono::milliseconds wait = 0ms) { return store->claim(which, lease, wait).value(); };

    SECTION("after it was opened anew everything is as it was: done, leased, and failures with their fences") {
        fw::ClaimToken held;
        fw::ClaimToken failed;
        {
            const auto store = open();
            store->complete(claim(store).token).value();
            held = claim(store, {"crm", "held"}).token;
            failed = claim(store, {"crm", "failed"}).token;
            store->release(failed, fw::ReleaseAs::failed).value();
        }
        const auto store = open();
        CHECK(claim(store).state == fw::ClaimState::done);
        CHECK(claim(store, {"crm", "held"}).state == fw::ClaimState::busy);
        const fw::Claim again = claim(store, {"crm", "failed"});
        CHECK(again.failures == 1);
        CHECK(again.token.fence > failed.fence);
        CHECK(store->complete(held).has_value());
        CHECK(claim(open(), {"crm", "held"}).state == fw::ClaimState::done);
    }
    SECTION("a holder that has died loses its key when its lease has ended, and is fenced") {
        fw::ClaimToken lost;
        {
            const auto store = open();
            lost = claim(store).token;
        }
        const auto store = open();
        clock->advance(lease - 1ms);
        CHECK(claim(store).state == fw::ClaimState::busy);
        clock->advance(1ms);
        const fw::Claim next = claim(store);
        CHECK(next.state == fw::ClaimState::fresh);
        CHECK(next.token.fence > lost.fence);
        CHECK(store->complete(lost).error() == fw::Errc::lease_lost);
    }
    SECTION("fences grow also when a key was forgotten in between") {
        const auto store = open();
        const fw::Claim first = claim(store);
        store->complete(first.token).value();
        clock->advance(2 * retention);
        for (const char* id : {"a", "b", "c"}) store->complete(claim(store, {"crm", id}).token).value();
        const auto reopened = open();
        CHECK(claim(reopened).token.fence > first.token.fence);
    }
    SECTION("a restart of the machine, whose steady clock begins anew, ends a lease at the latest after its length") {
        clock->advance(100 * 24h);
        { (void)claim(open()); }
        const auto restarted = std::make_shared<ManualClock>();
        const auto store = backend.open(restarted, retention);
        restarted->advance(lease);
        CHECK(claim(store).state == fw::ClaimState::fresh);
    }
    SECTION("several on one file know of each other: one holds a key, the others wait for its result") {
        const auto here = open();
        const auto there = open();
        const fw::Claim holder = claim(here);
        CHECK(claim(there).state == fw::ClaimState::busy);
        std::atomic<fw::ClaimState> told = fw::ClaimState::busy;
        std::thread waiter([&] { told = claim(there, key, long_wait).state; });
        SECTION("done") {
            here->complete(holder.token).value();
            waiter.join();
            CHECK(told == fw::ClaimState::done);
        }
        SECTION("released") {
            here->release(holder.token, fw::ReleaseAs::failed).value();
            waiter.join();
            CHECK(told == fw::ClaimState::fresh);
        }
        SECTION("ended") {
            clock->advance(lease);
            waiter.join();
            CHECK(told == fw::ClaimState::fresh);
        }
    }
}
