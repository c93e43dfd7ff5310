#include <fpt_webhooks/receiver/receiver_options.hpp>

#include <stdexcept>
#include <thread>

#include "receiver_fixture.hpp"
#include "recording_store.hpp"
#include "support/catch.hpp"

using namespace receiver_test;

namespace {

using Lines = std::vector<std::string>;

struct ModeFixture {
    explicit ModeFixture(fw::DedupeMode mode, bool with_dead_letters = false, fw::ReceiverOptions options = {}) {
        store->joins = mode == fw::DedupeMode::in_transaction;
        options.dedupe = store;
        options.mode = mode;
        options.busy_wait = 0ms;
        if (with_dead_letters) options.dead_letters = letters;
        f.emplace(std::move(options));
        f->receiver->on_any([this](const fw::EventView&) {
            journal.add("handler");
            if (handler_fails) throw std::runtime_error("handler");
        });
    }

    Journal journal;
    std::shared_ptr<RecordingStore> store = std::make_shared<RecordingStore>(fw::system_clock(), journal);
    std::shared_ptr<RecordingDeadLetters> letters = std::make_shared<RecordingDeadLetters>(journal);
    std::optional<Fixture> f;
    bool handler_fails = false;
};

// Leases of 40 ms on a clock moved by hand; the thread that renews looks after them every 10 ms of real time.
struct LeaseFixture {
    explicit LeaseFixture(std::chrono::milliseconds total_max) {
        auto clock = std::make_shared<ManualClock>();
        store = std::make_shared<RecordingStore>(clock, journal);
        f.emplace(fw::ReceiverOptions{.dedupe = store, .lease = 40ms, .lease_total_max = total_max, .busy_wait = 0ms},
                  clock);
    }

    void pass(std::chrono::milliseconds time) {
        f->clock->advance(time);
        const int before = store->renewals;
        // The first to come may have begun before the time passed.
        while (store->renewals < before + 2) std::this_thread::yield();
    }

    Journal journal;
    std::shared_ptr<RecordingStore> store;
    std::optional<Fixture> f;
};

}  // namespace

TEST_CASE("receiver modes: a mode that does not fit its store is refused") {
    Journal journal;
    const auto refusal = [&](fw::DedupeMode mode, bool joins, bool own_store = false) {
        auto store = std::make_shared<RecordingStore>(fw::system_clock(), journal);
        store->joins = joins;
        const auto receiver = fw::Receiver::create({.endpoint = "crm",
                                                    .secrets = {fw::Secret(secret_text)},
                                                    .dedupe = own_store ? nullptr : store,
                                                    .mode = mode});
        return receiver ? "accepted" : receiver.error().detail();
    };
    const std::string needs = "mode: in_transaction needs a dedupe store that joins the handlers' transaction";
    const std::string only =
        "mode: the dedupe store joins the handlers' transaction, which goes with in_transaction only";
    CHECK(refusal(fw::DedupeMode::lease, false) == "accepted");
    CHECK(refusal(fw::DedupeMode::lease, true) == only);
    CHECK(refusal(fw::DedupeMode::insert_first, false) == "accepted");
    CHECK(refusal(fw::DedupeMode::insert_first, true) == only);
    CHECK(refusal(fw::DedupeMode::in_transaction, true) == "accepted");
    CHECK(refusal(fw::DedupeMode::in_transaction, false) == needs);
    CHECK(refusal(fw::DedupeMode::in_transaction, false, true) == needs);
}

TEST_CASE("receiver modes: lease and in_transaction mark after the handler, insert_first before it") {
    for (const auto mode : {fw::DedupeMode::lease, fw::DedupeMode::in_transaction}) {
        ModeFixture m(mode);
        CHECK(m.f->send({}) == 200);
        CHECK(m.journal.lines() == Lines{"claim", "handler", "complete"});
    }
    ModeFixture m(fw::DedupeMode::insert_first);
    CHECK(m.f->send({}) == 200);
    CHECK(m.journal.lines() == Lines{"claim", "complete", "handler"});
    CHECK(m.f->last().outcome == fw::HandleOutcome::processed);
}

TEST_CASE("receiver modes: insert_first loses an event whose handler fails, as documented") {
    ModeFixture m(fw::DedupeMode::insert_first);
    m.handler_fails = true;
    CHECK(m.f->send({}) == 500);
    CHECK(m.f->last().outcome == fw::HandleOutcome::handler_failed);
    CHECK(m.f->send({}) == 200);
    CHECK(m.f->last().outcome == fw::HandleOutcome::duplicate);
}

TEST_CASE("receiver modes: insert_first with dead letters keeps the event at its first failure") {
    ModeFixture m(fw::DedupeMode::insert_first, true);
    m.handler_fails = true;
    CHECK(m.f->send({}) == 200);
    CHECK(m.f->last().outcome == fw::HandleOutcome::dead_lettered);
    CHECK(m.journal.lines() == Lines{"claim", "complete", "handler", "dead letter"});
    CHECK(m.letters->letters().at(0).failures == 1);
}

TEST_CASE("receiver modes: insert_first does not handle what it could not mark, and gives it back") {
    ModeFixture m(fw::DedupeMode::insert_first);
    m.store->complete_fails = true;
    CHECK(m.f->send({}) == 503);
    CHECK(m.f->last().outcome == fw::HandleOutcome::store_unavailable);
    CHECK(m.journal.lines() == Lines{"claim", "complete", "release abandoned"});
    m.store->complete_fails = false;
    CHECK(m.f->send({}) == 200);
    CHECK(m.f->last().failures == 0);
}

TEST_CASE("receiver modes: in_transaction takes back what a failed handler wrote before anything else") {
    ModeFixture m(fw::DedupeMode::in_transaction, true, {.failures_max = 2});
    m.handler_fails = true;
    CHECK(m.f->send({}) == 500);
    CHECK(m.journal.lines() == Lines{"claim", "handler", "release failed"});
    CHECK(m.f->send({}) == 200);
    CHECK(m.f->last().outcome == fw::HandleOutcome::dead_lettered);
    CHECK(m.journal.lines() == Lines{"claim", "handler", "release failed",  //
                                     "claim", "handler", "release failed", "dead letter", "claim", "complete"});
    CHECK(m.f->send({}) == 200);
    CHECK(m.f->last().outcome == fw::HandleOutcome::duplicate);
}

TEST_CASE("receiver modes: process() runs handlers in a transaction of the store's under in_transaction") {
    ModeFixture m(fw::DedupeMode::in_transaction);
    const std::string body = FptEvent{}.body();
    const auto process = [&] { return m.f->receiver->process(fw::bytes_of(body)); };
    m.handler_fails = true;
    CHECK(process().outcome == fw::HandleOutcome::handler_failed);
    CHECK(m.journal.lines() == Lines{"claim", "handler", "release abandoned"});
    m.handler_fails = false;
    m.store->complete_fails = true;
    CHECK(process().outcome == fw::HandleOutcome::store_unavailable);
    CHECK(process().error == fw::Errc::store_busy);  // the store has not given up that claim
}

TEST_CASE("receiver modes: process() under in_transaction has its effect once, also after a dead letter") {
    ModeFixture m(fw::DedupeMode::in_transaction, true, {.failures_max = 1});
    m.handler_fails = true;
    CHECK(m.f->send({}) == 200);
    const std::string body = m.letters->letters().at(0).body;
    m.handler_fails = false;
    CHECK(m.f->receiver->process(fw::bytes_of(body)).outcome == fw::HandleOutcome::processed);
    const Lines lines = m.journal.lines();
    CHECK(Lines(lines.end() - 3, lines.end()) == Lines{"claim", "handler", "complete"});
    const fw::Processed again = m.f->receiver->process(fw::bytes_of(body));
    CHECK(again.outcome == fw::HandleOutcome::duplicate);
    CHECK_FALSE(again.error.has_value());
    CHECK(m.journal.lines().back() == "claim");
}

TEST_CASE("receiver modes: the lease of a running handler is renewed") {
    LeaseFixture l(10min);
    std::string answer;
    l.f->receiver->on_any([&](const fw::EventView&) {
        for (int i = 0; i < 5; ++i) l.pass(30ms);
        answer = l.f->handle(l.f->sign(FptEvent{}.body())).body;
    });
    CHECK(l.f->send({}) == 200);
    CHECK(answer == "busy");
    CHECK(l.f->last().outcome == fw::HandleOutcome::processed);
}

TEST_CASE("receiver modes: a lease is not renewed beyond its longest time") {
    LeaseFixture l(100ms);
    int calls = 0;
    std::chrono::milliseconds passed = 0ms;
    l.f->receiver->on_any([&](const fw::EventView&) {
        if (++calls > 1) return;
        l.pass(30ms);
        passed += 30ms;
        while (l.f->send({}) != 200) {
            l.f->clock->advance(10ms);
            passed += 10ms;
        }
    });
    CHECK(l.f->send({}) == 500);
    CHECK(*l.f->last().error == fw::Errc::lease_lost);
    CHECK(passed > 40ms);
    CHECK(passed <= 100ms);
    CHECK(calls == 2);
}

TEST_CASE("receiver modes: many leases are renewed side by side") {
    LeaseFixture l(10min);
    constexpr int handlers = 8;
    std::atomic<int> running{0};
    l.f->receiver->on_any([&](const fw::EventView&) {
        ++running;
        while (running < handlers || l.store->renewals < 3 * handlers) std::this_thread::yield();
    });
    std::vector<std::thread> threads;
    for (int i = 0; i < handlers; ++i) {
        threads.emplace_back([&, i] { CHECK(l.f->send({.id = std::string(31, '0') + std::to_string(i)}) == 200); });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(l.f->receiver->stats().count(fw::HandleOutcome::processed) == handlers);
}
