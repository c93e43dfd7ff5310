#include <fpt_webhooks/receiver/inbox_workers.hpp>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "memory_inbox.hpp"
#include "receiver_fixture.hpp"
#include "support/catch.hpp"

using namespace receiver_test;
using Entry = MemoryInbox::Entry;

namespace {

struct InboxFixture {
    explicit InboxFixture(fw::InboxWorkersOptions options = {}) {
        options.inbox = inbox;
        options.clock = clock;
        options.observer = [this](const fw::InboxReport& report) {
            const std::lock_guard lock(mutex);
            reports.push_back(report);
            outcomes.emplace_back(name_of(report.outcome));
        };
        receiver = std::move(f.receiver);
        receiver->on_any([this](const fw::EventView& event) {
            ++calls;
            if (handler) handler(event);
        });
        options.receiver = receiver;
        workers = fw::InboxWorkers::create(std::move(options)).value();
    }

    fw::HttpResponse send(const FptEvent& event = {}) const { return receiver->handle(f.sign(event.body())); }
    std::vector<std::string> outcomes_now() {
        const std::lock_guard lock(mutex);
        return outcomes;
    }
    void until_reports(std::size_t count) {
        while (outcomes_now().size() < count) std::this_thread::yield();
    }
    void until(Entry::State state, std::size_t count = 1) const {
        while (inbox->count(state) != count) std::this_thread::yield();
    }

    std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();
    std::shared_ptr<MemoryInbox> inbox = std::make_shared<MemoryInbox>(clock);
    Fixture f{{.inbox = inbox}, clock};
    std::shared_ptr<fw::Receiver> receiver;
    std::mutex mutex;
    std::vector<fw::InboxReport> reports;
    std::vector<std::string> outcomes;
    std::atomic<int> calls{0};
    std::function<void(const fw::EventView&)> handler;
    std::unique_ptr<fw::InboxWorkers> workers;
};

std::string refusal(fw::ReceiverOptions options) {
    options.endpoint = "crm";
    options.secrets = {fw::Secret(secret_text)};
    options.inbox = std::make_shared<MemoryInbox>(std::make_shared<ManualClock>());
    const auto receiver = fw::Receiver::create(std::move(options));
    return receiver ? "accepted" : receiver.error().detail();
}

}  // namespace

TEST_CASE("inbox: it stands in for the other stores, which must not be set beside it") {
    Journal journal;
    CHECK(refusal({}) == "accepted");
    CHECK(refusal({.dedupe = fw::MemoryDedupe::create({}).value()}) == "dedupe: the inbox is its own deduplication");
    CHECK(refusal({.mode = fw::DedupeMode::insert_first}) == "mode: an inbox has none but the default");
    CHECK(refusal({.dead_letters = std::make_shared<RecordingDeadLetters>(journal)}) ==
          "dead_letters: the inbox has its own");
    CHECK(refusal({.failures_max = 2}) == "failures_max: with an inbox, an option of its workers");
}

TEST_CASE("inbox: an event is stored with its bytes and accepted, no handler runs, and its retry is a duplicate") {
    InboxFixture i;
    const fw::HttpResponse response = i.send();
    CHECK(response.status == 200);
    CHECK(response.body == "accepted");
    const auto entries = i.inbox->entries();
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].endpoint == "crm");
    CHECK(entries[0].item.idempotency_key == FptEvent{}.id);
    CHECK(entries[0].item.event_type == "contact.status_changed");
    CHECK(entries[0].item.body == FptEvent{}.body());
    CHECK(entries[0].item.received_at == i.clock->now());
    CHECK(i.send().body == "duplicate");
    CHECK(i.inbox->entries().size() == 1);
    CHECK(i.calls == 0);
}

TEST_CASE("inbox: what cannot be stored is answered 503, and what cannot be read becomes a dead letter of the inbox") {
    InboxFixture i;
    CHECK(i.receiver->handle(i.f.sign("not JSON")).body == "dead_lettered");
    CHECK(i.inbox->dead_letters().letters().at(0).body == "not JSON");
    i.inbox->fails = true;
    const fw::HttpResponse response = i.send();
    CHECK(response.status == 503);
    CHECK(response.headers.find("Retry-After") == "30");
}

TEST_CASE("receiver process: reads and handles a body without a claim, as often as it is asked to") {
    Fixture f;
    int calls = 0;
    f.receiver->on<fw::ContactStatusChanged>([&](const fw::Envelope&, const fw::ContactStatusChanged&) {
        if (++calls == 3) throw std::runtime_error("third");
    });
    const auto process = [&](const std::string& body) { return f.receiver->process(fw::bytes_of(body)); };
    CHECK(process(FptEvent{}.body()).outcome == fw::HandleOutcome::processed);
    CHECK_FALSE(process(FptEvent{}.body()).error.has_value());
    const fw::Processed failed = process(FptEvent{}.body());
    CHECK(failed.outcome == fw::HandleOutcome::handler_failed);
    CHECK(failed.error->message() == "handler failed: exception: third");
    CHECK(process("not JSON").outcome == fw::HandleOutcome::unreadable);
    CHECK(process("not JSON").error == fw::Errc::malformed);
    CHECK(process(FptEvent{.data = "{}"}.body()).outcome == fw::HandleOutcome::unreadable);
    const fw::Processed unhandled = process(FptEvent{.type = "task.created"}.body());
    CHECK(unhandled.outcome == fw::HandleOutcome::unhandled);
    CHECK_FALSE(unhandled.error.has_value());
    CHECK(f.receiver->stats().total() == 0);
    CHECK(f.reports.empty());
}

TEST_CASE("inbox workers: an unusable option is refused by its name") {
    const auto with = [](auto change) {
        InboxFixture i;
        fw::InboxWorkersOptions options{.receiver = i.receiver, .inbox = i.inbox};
        change(options);
        const auto workers = fw::InboxWorkers::create(std::move(options));
        return workers ? "accepted" : workers.error().detail();
    };
    CHECK(with([](auto&) {}) == "accepted");
    CHECK(with([](auto& o) { o.receiver = nullptr; }) == "receiver: none given");
    CHECK(with([](auto& o) { o.inbox = nullptr; }) == "inbox: none given");
    for (const auto mode : {fw::DedupeMode::in_transaction, fw::DedupeMode::insert_first}) {
        Journal journal;
        auto store = std::make_shared<RecordingStore>(fw::system_clock(), journal);
        store->joins = mode == fw::DedupeMode::in_transaction;
        Fixture f({.dedupe = store, .mode = mode});
        const std::shared_ptr<fw::Receiver> receiver = std::move(f.receiver);
        CHECK(with([&](auto& o) { o.receiver = receiver; }) ==
              "receiver: its mode has no meaning here, an inbox is at-least-once; leave it at the default");
    }
    CHECK(with([](auto& o) { o.threads = 0; }) == "threads: 1 to 256 are needed");
    CHECK(with([](auto& o) { o.threads = 257; }) == "threads: 1 to 256 are needed");
    CHECK(with([](auto& o) { o.retry_delays.clear(); }) == "retry_delays: 1 to 64 are needed");
    CHECK(with([](auto& o) { o.retry_delays.assign(65, 1s); }) == "retry_delays: 1 to 64 are needed");
    CHECK(with([](auto& o) { o.retry_delays.push_back(-1ms); }) == "retry_delays: each zero to 24 h");
    CHECK(with([](auto& o) { o.retry_delays.push_back(25h); }) == "retry_delays: each zero to 24 h");
    CHECK(with([](auto& o) { o.lease = 0ms; }) == "lease: more than zero and at most 24 h");
    CHECK(with([](auto& o) { o.lease_total_max = 59s; }) == "lease_total_max: at least `lease` and at most 24 h");
}

TEST_CASE("inbox workers: every outcome has a name of its own") {
    std::set<std::string_view> names;
    for (int i = 0; i < 6; ++i) names.insert(name_of(static_cast<fw::InboxOutcome>(i)));
    CHECK(names.size() == 6);
    CHECK(names.count("unknown") == 0);
}

TEST_CASE("inbox workers: what was accepted is processed once and done") {
    InboxFixture i;
    CHECK(i.send().status == 200);
    CHECK(i.send({.id = std::string(32, '2'), .type = "task.created"}).status == 200);
    i.workers->start().value();
    i.until(Entry::done, 2);
    CHECK(i.send({.id = std::string(32, '3')}).status == 200);  // while they run
    i.until(Entry::done, 3);
    CHECK(i.workers->stop(10min));
    CHECK(i.calls == 3);
    CHECK(i.outcomes == std::vector<std::string>(3, "processed"));
    CHECK(i.workers->start().error() == fw::Errc::wrong_state);
}

TEST_CASE("inbox workers: a failed event waits longer each time, and is buried when it failed too often") {
    InboxFixture i({.threads = 1, .retry_delays = {10s, 60s}});
    i.handler = [](const fw::EventView&) { throw std::runtime_error("no such contact"); };
    CHECK(i.send().status == 200);
    i.workers->start().value();
    i.until_reports(1);
    CHECK(i.reports[0].outcome == fw::InboxOutcome::failed);
    CHECK(i.reports[0].retry_after == 10s);
    CHECK(i.reports[0].failures == 1);
    CHECK(i.reports[0].error->message() == "handler failed: exception: no such contact");

    const auto not_due_yet = [&] {
        const int takes = i.inbox->takes;
        while (i.inbox->takes < takes + 2) std::this_thread::yield();
        return i.inbox->count(Entry::waiting) == 1;
    };
    i.clock->advance(10s - 1ms);
    CHECK(not_due_yet());
    i.clock->advance(1ms);
    i.until_reports(2);
    CHECK(i.reports[1].retry_after == 60s);
    i.clock->advance(60s - 1ms);
    CHECK(not_due_yet());
    i.clock->advance(1ms);
    i.until_reports(3);
    CHECK(i.workers->stop(10min));
    CHECK(i.outcomes == std::vector<std::string>{"failed", "failed", "buried"});
    CHECK(i.calls == 3);
    const auto letters = i.inbox->dead_letters().letters();
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].idempotency_key == FptEvent{}.id);
    CHECK(letters[0].event_type == "contact.status_changed");
    CHECK(letters[0].reason == fw::DeadLetterReason::handler_failed);
    CHECK(letters[0].failures == 3);
    CHECK(letters[0].body == FptEvent{}.body());
}

TEST_CASE("inbox workers: beyond the last delay that one is used, as often as failures_max says") {
    InboxFixture i({.threads = 1, .retry_delays = {0ms}, .failures_max = 5});
    i.handler = [](const fw::EventView&) { throw std::runtime_error("never"); };
    CHECK(i.send().status == 200);
    i.workers->start().value();
    i.until(Entry::buried);
    CHECK(i.workers->stop(10min));
    CHECK(i.calls == 5);
}

TEST_CASE("inbox workers: what no typed handler can read is buried at once") {
    InboxFixture i;
    i.receiver->on<fw::ContactStatusChanged>([](const fw::Envelope&, const fw::ContactStatusChanged&) {});
    const std::string body = FptEvent{.data = "{}"}.body();
    CHECK(i.send({.data = "{}"}).body == "accepted");
    i.workers->start().value();
    i.until(Entry::buried);
    CHECK(i.workers->stop(10min));
    CHECK(i.inbox->dead_letters().letters().at(0).reason == fw::DeadLetterReason::unreadable);
    CHECK(i.inbox->dead_letters().letters().at(0).idempotency_key == fw::ufp_idempotency_key(fw::bytes_of(body)));
    CHECK(i.calls == 0);
}

TEST_CASE("inbox workers: what nobody takes is done, or by option retried until somebody takes it") {
    const auto outcome_under = [](fw::UnknownEvents policy) {
        auto clock = std::make_shared<ManualClock>();
        auto inbox = std::make_shared<MemoryInbox>(clock);
        Fixture f({.inbox = inbox, .unknown_events = policy}, clock);
        CHECK(f.handle(f.sign(FptEvent{}.body())).body == "accepted");
        std::atomic<int> outcome{-1};
        const auto workers = fw::InboxWorkers::create(
                                 {.receiver = std::move(f.receiver),
                                  .inbox = inbox,
                                  .threads = 1,
                                  .observer = [&](const fw::InboxReport& r) { outcome = static_cast<int>(r.outcome); }})
                                 .value();
        workers->start().value();
        while (outcome == -1) std::this_thread::yield();
        CHECK(workers->stop(10min));
        return static_cast<fw::InboxOutcome>(outcome.load());
    };
    CHECK(outcome_under(fw::UnknownEvents::accept) == fw::InboxOutcome::unhandled);
    CHECK(outcome_under(fw::UnknownEvents::refuse) == fw::InboxOutcome::failed);
}

TEST_CASE("inbox workers: an inbox that fails for a while is waited for") {
    InboxFixture i({.threads = 2});
    CHECK(i.send().status == 200);
    i.inbox->fails = true;
    i.workers->start().value();
    i.until_reports(2);
    i.inbox->fails = false;
    i.until(Entry::done);
    CHECK(i.workers->stop(10min));
    CHECK(i.calls == 1);
    CHECK(i.reports[0].outcome == fw::InboxOutcome::store_unavailable);
    CHECK(i.reports[0].retry_after == 100ms);
    CHECK(i.outcomes.back() == "processed");
}

TEST_CASE("inbox workers: an event that was handled while the inbox failed is not handled again") {
    InboxFixture i({.threads = 1});
    i.inbox->in_doubt = GENERATE(false, true);
    i.handler = [&](const fw::EventView&) { i.inbox->fails = true; };
    CHECK(i.send().status == 200);
    i.workers->start().value();
    i.until_reports(2);  // the mark was tried twice
    i.inbox->fails = false;
    i.until(Entry::done);
    CHECK(i.workers->stop(10min));
    CHECK(i.calls == 1);
    CHECK(i.reports[0].outcome == fw::InboxOutcome::store_unavailable);
    CHECK(i.reports[0].idempotency_key.size() == 32);
    CHECK(i.outcomes.back() == "processed");
}

TEST_CASE("inbox workers: a running handler's lease is renewed, and one that was lost is reported") {
    InboxFixture i({.threads = 1, .lease = 40ms, .lease_total_max = 10min});
    i.handler = [&](const fw::EventView&) {
        if (i.calls > 1) return;
        for (int round = 0; round < 5; ++round) {
            i.clock->advance(30ms);
            const int before = i.inbox->renewals;
            while (i.inbox->renewals < before + 2) std::this_thread::yield();
        }
        CHECK(i.inbox->take("crm", 60s, 1, 1ms)->empty());
        i.clock->advance(60s);
        // Now the lease may end before its renewal; whoever is first has the event.
        while (i.inbox->take("crm", 60s, 1, 1ms)->empty()) i.clock->advance(60s);
    };
    CHECK(i.send().status == 200);
    i.workers->start().value();
    i.until_reports(1);
    CHECK(i.workers->stop(10min));
    CHECK(i.reports[0].outcome == fw::InboxOutcome::lease_lost);
    CHECK(*i.reports[0].error == fw::Errc::lease_lost);
}

TEST_CASE("inbox workers: stop waits for handlers as long as it may, and their results are recorded all the same") {
    InboxFixture i({.threads = 1});
    std::atomic<bool> go_on{false};
    i.handler = [&](const fw::EventView&) {
        while (!go_on) std::this_thread::yield();
    };
    CHECK(i.send().status == 200);
    CHECK(i.send({.id = std::string(32, '2')}).status == 200);
    i.workers->start().value();
    while (i.calls == 0) std::this_thread::yield();
    CHECK_FALSE(i.workers->stop(0ms));
    go_on = true;
    CHECK(i.workers->stop(10min));
    CHECK(i.inbox->count(Entry::done) == 1);
    CHECK(i.inbox->count(Entry::waiting) == 1);
    CHECK(i.calls == 1);
}

TEST_CASE("inbox workers: stop waits for marks that the inbox does not take yet") {
    InboxFixture i({.threads = 1});
    i.handler = [&](const fw::EventView&) { i.inbox->fails = true; };
    CHECK(i.send().status == 200);
    i.workers->start().value();
    i.until_reports(1);
    std::atomic<bool> ended{false};
    std::thread stopper([&] {
        CHECK(i.workers->stop(10min));
        ended = true;
    });
    while (i.inbox->interrupts == 0) std::this_thread::yield();
    const std::size_t reported = i.outcomes_now().size();
    // The second of these was tried when stop() had begun.
    while (i.outcomes_now().size() < reported + 2 && !ended) std::this_thread::yield();
    i.inbox->fails = false;
    stopper.join();
    CHECK(i.inbox->count(Entry::done) == 1);
    CHECK(i.calls == 1);
}

TEST_CASE("inbox workers: a mark that the inbox does not take is given up with stop's patience, or after a lease") {
    const auto [lease, patience] = GENERATE(std::pair(60s, 0ms), std::pair(1s, std::chrono::milliseconds(10min)));
    InboxFixture i({.threads = 1, .lease = lease});
    i.handler = [&](const fw::EventView&) { i.inbox->fails = true; };
    CHECK(i.send().status == 200);
    i.workers->start().value();
    i.until_reports(1);
    static_cast<void>(i.workers->stop(patience));
    const auto given_up = [&] {
        const std::lock_guard lock(i.mutex);
        return i.reports.back().retry_after == 0ms;
    };
    while (!given_up()) std::this_thread::yield();
    CHECK(i.workers->stop(10min));
    CHECK(i.reports.back().outcome == fw::InboxOutcome::store_unavailable);
    CHECK(i.inbox->count(Entry::leased) == 1);
}

TEST_CASE("inbox workers: when there is no room for a dead letter its event goes back, and the others pass") {
    InboxFixture i({.threads = 1, .retry_delays = {0ms, 60s}, .failures_max = 1});
    i.inbox->dead_letters().fails = true;
    i.handler = [](const fw::EventView& event) {
        if (event.idempotency_key() == FptEvent{}.id) throw std::runtime_error("poison");
    };
    CHECK(i.send().status == 200);
    CHECK(i.send({.id = std::string(32, '2')}).status == 200);
    i.workers->start().value();
    i.until_reports(2);
    i.until(Entry::done);
    CHECK(i.inbox->count(Entry::waiting) == 1);
    CHECK(i.reports[0].outcome == fw::InboxOutcome::store_unavailable);
    CHECK(*i.reports[0].error == fw::Errc::store_full);
    CHECK(i.reports[0].idempotency_key.size() == 32);
    CHECK(i.reports[0].failures == 1);
    CHECK(i.reports[0].retry_after == 60s);

    i.inbox->dead_letters().fails = false;
    i.clock->advance(60s);
    i.until(Entry::buried);
    CHECK(i.workers->stop(10min));
    CHECK(i.inbox->dead_letters().letters().at(0).failures == 1);
    CHECK(i.calls == 3);
}

TEST_CASE("inbox workers: those that were stopped are not started") {
    InboxFixture i;
    CHECK(i.workers->stop(0ms));
    CHECK(i.workers->start().error() == fw::Errc::wrong_state);
}

TEST_CASE("inbox workers: those that were never started, or have nothing to do, stop at once") {
    { const InboxFixture never_started; }
    InboxFixture idle;
    idle.workers->start().value();
    while (idle.inbox->takes == 0) std::this_thread::yield();
    CHECK(idle.workers->stop(10min));
    CHECK(idle.workers->stop(0ms));
}

TEST_CASE("inbox workers: many threads process each of many events once") {
    InboxFixture i({.threads = 8});
    std::mutex mutex;
    std::set<std::string> seen;
    i.handler = [&](const fw::EventView& event) {
        const std::lock_guard lock(mutex);
        CHECK(seen.insert(std::string(event.idempotency_key())).second);
    };
    i.workers->start().value();
    constexpr int events = 200;
    for (int k = 0; k < events; ++k) {
        std::string id = std::to_string(k);
        id.insert(0, 32 - id.size(), '0');
        CHECK(i.send({.id = id}).status == 200);
    }
    i.until(Entry::done, events);
    CHECK(i.workers->stop(10min));
    CHECK(i.calls == events);
}
