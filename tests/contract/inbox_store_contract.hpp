// What every InboxStore does, as one suite: call it from a test case of each backend.
#pragma once

#include <fpt_webhooks/receiver/inbox_store.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "contract/dead_letter_store_contract.hpp"
#include "contract/manual_clock.hpp"
#include "support/catch.hpp"

struct InboxBackend {
    // An empty store that runs on `clock`, remembers processed keys for `retention`, and holds `waiting_max` events.
    std::function<std::shared_ptr<fpt_webhooks::InboxStore>(
        std::shared_ptr<ManualClock> clock, std::chrono::milliseconds retention, std::size_t waiting_max)>
        open;
};

namespace inbox_contract {

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds lease = 60s;
constexpr std::chrono::milliseconds retention = 1h;
constexpr std::size_t waiting_max = 2'000;

// Longer than any test may take: a waiter that is not woken fails the test by time-out, never by luck.
constexpr std::chrono::milliseconds long_wait = 10min;

using Ids = std::vector<std::string>;

struct Fixture {
    explicit Fixture(const InboxBackend& backend) : store(backend.open(clock, retention, waiting_max)) {}

    fw::InboxVerdict add(const std::string& id, std::string_view body = "body", std::string_view endpoint = "crm") {
        return store->add({endpoint, id}, "contact.created", fw::bytes_of(body), clock->now()).value();
    }
    std::vector<fw::InboxItem> take(std::size_t max = 10, std::string_view endpoint = "crm") {
        return store->take(endpoint, lease, max, 0ms).value();
    }
    fw::InboxItem take_one() {
        auto items = take(1);
        REQUIRE(items.size() == 1);
        return std::move(items.front());
    }
    Ids take_ids(std::size_t max = 10, std::string_view endpoint = "crm") {
        Ids ids;
        for (const fw::InboxItem& item : take(max, endpoint)) ids.push_back(item.idempotency_key);
        return ids;
    }

    std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
    std::shared_ptr<fw::InboxStore> store;
};

inline void check_arrivals(Fixture& f) {
    using fw::InboxVerdict;
    SECTION("what is added is taken as it was given, any bytes of it") {
        const std::string body("\0\xff{\"a\":1}\n", 10);
        const std::string id("\0\xff", 2);
        CHECK(f.add(id, body) == InboxVerdict::accepted);
        const fw::InboxItem item = f.take_one();
        CHECK(item.idempotency_key == id);
        CHECK(item.event_type == "contact.created");
        CHECK(item.body == body);
        CHECK(item.failures == 0);
        CHECK(item.received_at == f.clock->now());
        CHECK(item.token.fence != 0);
    }
    SECTION("a key that is there is a duplicate: waiting, taken, or processed within the retention") {
        CHECK(f.add("a", "first") == InboxVerdict::accepted);
        CHECK(f.add("a", "second") == InboxVerdict::duplicate);
        const fw::InboxItem item = f.take_one();
        CHECK(item.body == "first");
        CHECK(f.add("a") == InboxVerdict::duplicate);
        f.store->complete(item.token).value();
        f.clock->advance(retention - 1ms);
        CHECK(f.add("a") == InboxVerdict::duplicate);
        CHECK(f.take().empty());
        f.clock->advance(1ms);
        CHECK(f.add("a", "much later") == InboxVerdict::accepted);
        CHECK(f.take_one().body == "much later");
    }
    SECTION("endpoints are apart") {
        f.add("a", "for crm");
        CHECK(f.add("a", "for billing", "billing") == InboxVerdict::accepted);
        CHECK(f.take(10, "billing").at(0).body == "for billing");
        CHECK(f.take().at(0).body == "for crm");
        CHECK(f.take(10, "nobody").empty());
    }
    SECTION("events are taken in the order of their arrival, as many as asked for") {
        for (const char* id : {"c", "a", "b"}) f.add(id);
        CHECK(f.take_ids(2) == Ids{"c", "a"});
        CHECK(f.take_ids() == Ids{"b"});
        CHECK(f.take_ids().empty());
    }
    SECTION("what is not possible is refused") {
        const auto body = fw::bytes_of("body");
        CHECK(f.store->add({"crm", ""}, "", body, {}).error() == fw::Errc::invalid_argument);
        CHECK(f.store->add({"", "a"}, "", body, {}).error() == fw::Errc::invalid_argument);
        CHECK(f.store->take("", lease, 1, 0ms).error() == fw::Errc::invalid_argument);
        CHECK(f.store->take("crm", 0ms, 1, 0ms).error() == fw::Errc::invalid_argument);
        CHECK(f.store->take("crm", fw::dedupe_lease_max + 1ms, 1, 0ms).error() == fw::Errc::invalid_argument);
    }
    SECTION("a full inbox takes nothing more until something has been processed, and knows what it has") {
        for (std::size_t i = 0; i < waiting_max; ++i) f.add(std::to_string(i));
        const auto full = f.store->add({"crm", "more"}, "", fw::bytes_of("body"), {});
        REQUIRE_FALSE(full.has_value());
        CHECK(full.error() == fw::Errc::store_full);
        CHECK(full.error() == fw::Condition::transient);
        CHECK(f.add("0") == InboxVerdict::duplicate);
        const fw::InboxItem item = f.take_one();
        CHECK_FALSE(f.store->add({"crm", "more"}, "", fw::bytes_of("body"), {}).has_value());
        f.store->complete(item.token).value();
        CHECK(f.add("more") == InboxVerdict::accepted);
    }
}

inline void check_leases(Fixture& f) {
    f.add("a");
    f.add("b");
    const fw::InboxItem first = f.take_one();
    SECTION("a lease that ends gives the event to the next, in its old place, with a greater fence") {
        f.clock->advance(lease - 1ms);
        f.add("c");
        CHECK(f.take_ids(1) == Ids{"b"});
        f.clock->advance(1ms);
        const fw::InboxItem second = f.take_one();
        CHECK(second.idempotency_key == "a");
        CHECK(second.token.fence > first.token.fence);
        CHECK(second.failures == 0);
        CHECK(f.store->complete(first.token).error() == fw::Errc::lease_lost);
        CHECK(f.store->renew(first.token, lease).error() == fw::Errc::lease_lost);
        CHECK(f.store->release(first.token, fw::ReleaseAs::failed, 0ms).error() == fw::Errc::lease_lost);
        CHECK(f.store->bury(first.token, dead_letter_contract::letter("a")).error() == fw::Errc::lease_lost);
        CHECK(f.store->dead_letters().page("", {}, 10)->letters.empty());
        CHECK(f.store->complete(second.token).has_value());
    }
    SECTION("who comes back late, before anybody took over, may still complete, release and renew") {
        f.clock->advance(lease);
        SECTION("complete") {
            CHECK(f.store->complete(first.token).has_value());
            CHECK(f.take_ids() == Ids{"b"});
        }
        SECTION("release") {
            CHECK(f.store->release(first.token, fw::ReleaseAs::failed, 0ms).has_value());
            CHECK(f.take_one().failures == 1);
        }
        SECTION("renew") {
            CHECK(f.store->renew(first.token, lease).has_value());
            CHECK(f.take_ids() == Ids{"b"});
        }
    }
    SECTION("a renewed lease ends at its new time") {
        f.clock->advance(lease - 1ms);
        f.store->renew(first.token, lease).value();
        f.clock->advance(lease - 1ms);
        CHECK(f.take_ids() == Ids{"b"});
        f.clock->advance(1ms);
        CHECK(f.take_ids(1) == Ids{"a"});
    }
    SECTION("a completion may be repeated; afterwards the token is good for nothing else") {
        CHECK(f.store->complete(first.token).has_value());
        CHECK(f.store->complete(first.token).has_value());
        CHECK(f.store->release(first.token, fw::ReleaseAs::failed, 0ms).error() == fw::Errc::lease_lost);
        CHECK(f.store->renew(first.token, lease).error() == fw::Errc::lease_lost);
        CHECK(f.store->complete({}).error() == fw::Errc::lease_lost);
    }
    SECTION("a wall clock that jumps an hour either way moves no lease") {
        f.clock->jump_wall(1h);
        CHECK(f.take_ids(1) == Ids{"b"});
        f.clock->jump_wall(-2h);
        CHECK(f.take_ids().empty());
        f.clock->advance(lease);
        CHECK(f.take_ids(1) == Ids{"a"});
    }
}

inline void check_failures(Fixture& f) {
    f.add("a", "the body");
    f.add("b");
    SECTION("a released event is due again after its delay, in its old place") {
        f.store->release(f.take_one().token, fw::ReleaseAs::failed, 5s).value();
        f.clock->advance(5s - 1ms);
        f.add("c");
        CHECK(f.take_ids(1) == Ids{"b"});
        f.clock->advance(1ms);
        const auto items = f.take();
        REQUIRE(items.size() == 2);
        CHECK(items[0].idempotency_key == "a");
        CHECK(items[0].failures == 1);
        CHECK(items[0].body == "the body");
        CHECK(items[1].idempotency_key == "c");
    }
    SECTION("an event that was not tried is not counted as failed") {
        f.store->release(f.take_one().token, fw::ReleaseAs::abandoned, 0ms).value();
        f.store->release(f.take_one().token, fw::ReleaseAs::failed, 0ms).value();
        f.store->release(f.take_one().token, fw::ReleaseAs::failed, 0ms).value();
        const fw::InboxItem item = f.take_one();
        CHECK(item.idempotency_key == "a");
        CHECK(item.failures == 2);
    }
    SECTION("a released token is good for nothing") {
        const fw::ClaimToken token = f.take_one().token;
        f.store->release(token, fw::ReleaseAs::failed, 0ms).value();
        CHECK(f.store->release(token, fw::ReleaseAs::failed, 0ms).error() == fw::Errc::lease_lost);
        CHECK(f.store->complete(token).error() == fw::Errc::lease_lost);
        CHECK(f.take_one().failures == 1);
    }
    SECTION("an event that is given up becomes a dead letter and done, in one step") {
        const fw::InboxItem item = f.take_one();
        f.store->bury(item.token, dead_letter_contract::letter("a", item.body)).value();
        const auto page = f.store->dead_letters().page("crm", {}, 10).value();
        REQUIRE(page.letters.size() == 1);
        CHECK(page.letters[0].body == "the body");
        CHECK(f.take_ids() == Ids{"b"});
        CHECK(f.add("a") == fw::InboxVerdict::duplicate);
        CHECK(f.store->bury(item.token, dead_letter_contract::letter("a")).error() == fw::Errc::lease_lost);
    }
}

inline void check_waiting(Fixture& f) {
    std::vector<fw::InboxItem> items;
    std::atomic<bool> returned = false;
    std::thread worker([&] {
        items = f.store->take("crm", lease, 10, long_wait).value();
        returned = true;
    });
    SECTION("who waits is told of an arrival") {
        f.add("of another endpoint", "", "billing");
        f.add("a");
        worker.join();
        REQUIRE(items.size() == 1);
        CHECK(items[0].idempotency_key == "a");
    }
    SECTION("an interrupt ends the wait") {
        while (!returned) {
            f.store->interrupt();
            std::this_thread::yield();
        }
        worker.join();
        CHECK(items.empty());
    }
}

inline void check_race(Fixture& f) {
    constexpr int event_count = 400;
    constexpr int thread_count = 4;
    std::vector<std::atomic<int>> accepted(event_count);
    std::vector<std::atomic<int>> processed(event_count);
    std::atomic<int> left = event_count;
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i) {
        threads.emplace_back([&] {
            for (std::size_t k = 0; k < event_count; ++k) {
                const std::string id = std::to_string(k);
                const auto verdict = f.store->add({"crm", id}, "", fw::bytes_of("body"), {}).value();
                if (verdict == fw::InboxVerdict::accepted) ++accepted[k];
            }
        });
        threads.emplace_back([&] {
            while (left > 0) {
                for (const fw::InboxItem& item : f.store->take("crm", lease, 7, 10ms).value()) {
                    if (item.failures == 0) {  // the first try of each fails
                        f.store->release(item.token, fw::ReleaseAs::failed, 0ms).value();
                        continue;
                    }
                    ++processed[std::stoul(item.idempotency_key)];
                    f.store->complete(item.token).value();
                    --left;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& count : accepted) CHECK(count == 1);
    for (const auto& count : processed) CHECK(count == 1);
}

}  // namespace inbox_contract

inline void check_inbox_store_contract(const InboxBackend& backend) {
    inbox_contract::Fixture f(backend);
    inbox_contract::check_arrivals(f);
    SECTION("leases") { inbox_contract::check_leases(f); }
    SECTION("failures") { inbox_contract::check_failures(f); }
    SECTION("waiting") { inbox_contract::check_waiting(f); }
    SECTION("of many threads that add and take, each event is accepted once and processed once") {
        inbox_contract::check_race(f);
    }
}
