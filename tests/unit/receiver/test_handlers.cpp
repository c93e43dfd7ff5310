#include <fpt_webhooks/receiver/handlers.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <set>
#include <stdexcept>
#include <thread>

#include "receiver_fixture.hpp"
#include "recording_store.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace receiver_test;

namespace {

constexpr fw::HandlerOptions in_no_time{.deadline = 1ms};
constexpr fw::HandlerOptions in_any_time{.deadline = 1h};

// Handlers wait here until the test lets them go on.
class Gate {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    void until_waiting(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting_ >= count; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int waiting_ = 0;
};

struct DeadlineFixture {
    explicit DeadlineFixture(fw::HandlerOptions handler = in_no_time, fw::ReceiverOptions options = {}) {
        options.dedupe = store;
        options.busy_wait = 0ms;
        f.emplace(std::move(options));
        f->receiver->on_any(
            [this](const fw::EventView&) {
                ++calls;
                gate.pass();
                if (handler_fails) throw std::runtime_error("late");
            },
            handler);
    }
    ~DeadlineFixture() { gate.open(); }

    // A thread may take longer to begin than the short deadline: then the event came back untried, and is sent again.
    fw::HttpResponse send_until_begun(const FptEvent& event = {}) {
        for (;;) {
            fw::HttpResponse response = f->handle(f->sign(event.body()));
            if (!seen_last().error) return response;
        }
    }
    Seen seen_last() {
        const std::lock_guard lock(f->mutex);
        return f->reports.back();
    }
    Seen until_late() {
        for (;;) {
            const std::lock_guard lock(f->mutex);
            const auto late = std::find_if(f->reports.begin(), f->reports.end(), [](const Seen& r) { return r.late; });
            if (late != f->reports.end()) return *late;
        }
    }

    Journal journal;
    std::shared_ptr<RecordingStore> store = std::make_shared<RecordingStore>(fw::system_clock(), journal);
    Gate gate;
    std::atomic<int> calls{0};
    std::atomic<bool> handler_fails{false};
    std::optional<Fixture> f;
};

std::string event_at(const std::string& time, const std::string& id, int contact = 9876) {
    return R"({"eventId":")" + std::string(32 - id.size(), '0') + id +
           R"(","eventType":"contact.updated","eventTimestamp":")" + time +
           R"(","locationId":1234,"organizationId":5678,"apiVersion":"v1","data":{"contactId":)" +
           std::to_string(contact) + R"(,"operation":"update"}})";
}

}  // namespace

TEST_CASE("handlers: any of them may take the event's context, and learns how often the event has failed") {
    Fixture f;
    std::vector<std::uint32_t> seen;
    const auto fail_twice = [&](const fw::EventContext& context) -> fw::Result<void> {
        seen.push_back(context.failures);
        if (seen.size() < 3) return fw::Error(fw::Errc::local_failure);
        return {};
    };
    SECTION("typed") {
        f.receiver->on<fw::ContactStatusChanged>([&](const fw::Envelope&, const fw::ContactStatusChanged&,
                                                     const fw::EventContext& context) { return fail_twice(context); });
    }
    SECTION("by name") {
        f.receiver->on("contact.*", [&](const fw::EventView&, const fw::EventContext& c) { return fail_twice(c); });
    }
    SECTION("catch-all") {
        f.receiver->on_any([&](const fw::EventView&, const fw::EventContext& c) { return fail_twice(c); });
    }
    for (int i = 0; i < 3; ++i) static_cast<void>(f.send({}));
    CHECK(seen == std::vector<std::uint32_t>{0, 1, 2});
    CHECK_FALSE(f.receiver->process(fw::bytes_of(FptEvent{}.body()), 7).error.has_value());
    CHECK(seen.back() == 7);
}

TEST_CASE("handlers: UFP events go by category where no key's handler takes them") {
    Fixture f({.profile = fw::Profile::ufp});
    std::vector<std::string> calls;
    const auto note = [&](std::string who) {
        return [&calls, who = std::move(who)](const fw::EventView& event) {
            calls.push_back(who + " " + std::string(event.type()));
        };
    };
    f.receiver->on("tour_booked", note("key"));
    f.receiver->on_category("sales", note("Sales"));
    f.receiver->on_category("Billing & Payment", note("Billing"));
    f.receiver->on_any(note("any"));
    for (const char* key : {"tour_booked", "new_lead_created", "invoice_created", "class_booked", "no_such_key"}) {
        CHECK(f.handle(f.sign(ufp_body(key))).status == 200);
    }
    CHECK(calls == std::vector<std::string>{"key tour_booked", "Sales newlead_created", "Billing invoice_created",
                                            "any class_booked", "any no_such_key"});
}

TEST_CASE("handlers: a category or a deadline that could never work is a logic error that says why") {
    Fixture ufp({.profile = fw::Profile::ufp});
    Fixture fpt;
    const auto ignore = [](const fw::EventView&) {};
    using Catch::Matchers::Contains;
    CHECK_THAT(mistake([&] { ufp.receiver->on_category("leads", ignore); }), Contains("no category"));
    CHECK_THAT(mistake([&] { fpt.receiver->on_category("Sales", ignore); }), Contains("for the profile ufp"));
    CHECK_THAT(mistake([&] { fpt.receiver->on_any(ignore, {.deadline = -1ms}); }), Contains("zero to 1 h"));
    CHECK_THAT(mistake([&] { fpt.receiver->on_any(ignore, {.deadline = 61min}); }), Contains("zero to 1 h"));
    CHECK(mistake([&] { fpt.receiver->on_any(ignore, in_any_time); }) == "none");

    Journal journal;
    auto store = std::make_shared<RecordingStore>(fw::system_clock(), journal);
    store->joins = true;
    Fixture joined({.dedupe = store, .mode = fw::DedupeMode::in_transaction});
    CHECK_THAT(mistake([&] { joined.receiver->on_any(ignore, in_any_time); }), Contains("DedupeMode::lease only"));
    Fixture marked({.mode = fw::DedupeMode::insert_first});
    CHECK_THAT(mistake([&] { marked.receiver->on_any(ignore, in_any_time); }), Contains("DedupeMode::lease only"));
    CHECK(mistake([&] { joined.receiver->on_any(ignore); }) == "none");
}

TEST_CASE("handlers: what nobody takes can be refused, until somebody takes it") {
    Fixture f({.unknown_events = fw::UnknownEvents::refuse});
    f.receiver->on("contact.created", [](const fw::EventView&) {});
    CHECK(f.send({}) == 422);
    CHECK(f.last().outcome == fw::HandleOutcome::unhandled);
    CHECK(f.last().error->detail() == "no handler takes this event");
    CHECK(f.receiver->process(fw::bytes_of(FptEvent{}.body())).error == fw::Errc::wrong_type);
    CHECK(f.send({.type = "contact.created"}) == 200);
}

TEST_CASE("handlers: one that ends within its deadline answers as any other, with its own result") {
    DeadlineFixture d(in_any_time);
    d.gate.open();
    CHECK(d.f->send({}) == 200);
    CHECK(d.f->last().outcome == fw::HandleOutcome::processed);
    CHECK(d.f->last().event_type == "contact.status_changed");
    CHECK(d.f->send({}) == 200);
    CHECK(d.f->last().outcome == fw::HandleOutcome::duplicate);
    d.handler_fails = true;
    CHECK(d.f->send({.id = std::string(32, '2')}) == 500);
    CHECK(d.f->last().error->message() == "handler failed: exception: late");
    CHECK_FALSE(d.f->last().late);
    CHECK(d.f->reports.size() == 3);
}

TEST_CASE("handlers: one that overruns its deadline is answered 503, runs on, and its success is recorded") {
    DeadlineFixture d;
    const fw::HttpResponse response = d.send_until_begun();
    CHECK(response.status == 503);
    CHECK(response.body == "overrun");
    CHECK(response.headers.find("Retry-After") == "30");
    d.gate.until_waiting(1);
    CHECK(d.f->send({}) == 503);
    CHECK(d.seen_last().outcome == fw::HandleOutcome::busy);
    const auto answered = d.f->receiver->stats().total();
    d.gate.open();
    const Seen late = d.until_late();
    CHECK(late.outcome == fw::HandleOutcome::processed);
    CHECK(late.idempotency_key == FptEvent{}.id);
    CHECK(d.f->receiver->stats().total() == answered);
    CHECK(d.f->send({}) == 200);
    CHECK(d.f->last().outcome == fw::HandleOutcome::duplicate);
    CHECK(d.calls == 1);
}

TEST_CASE("handlers: a deadline counts from the request on, and what waited it away for its claim still runs") {
    DeadlineFixture d(in_any_time);
    d.store->on_claim = [&](std::chrono::milliseconds) { d.f->clock->advance(in_any_time.deadline); };
    CHECK(d.send_until_begun().status == 503);
    CHECK(d.seen_last().outcome == fw::HandleOutcome::overrun);
    d.gate.open();
    CHECK(d.until_late().outcome == fw::HandleOutcome::processed);
}

TEST_CASE("handlers: a duplicate waits no longer than their deadline") {
    Journal journal;
    const auto store = std::make_shared<RecordingStore>(fw::system_clock(), journal);
    std::vector<std::chrono::milliseconds> waits;
    store->on_claim = [&](std::chrono::milliseconds wait) { waits.push_back(wait); };
    Fixture f({.dedupe = store, .busy_wait = 25s});
    f.receiver->on("task.created", [](const fw::EventView&) {}, {.deadline = 10s});
    f.receiver->on("task.updated", [](const fw::EventView&) {}, {.deadline = 1h});
    CHECK(f.send({.id = std::string(32, '1'), .type = "task.created"}) == 200);
    CHECK(f.send({.id = std::string(32, '2'), .type = "task.updated"}) == 200);
    CHECK(waits == std::vector<std::chrono::milliseconds>{10s, 25s});
}

TEST_CASE("handlers: the failure of one that overran is recorded too, and its event is tried again") {
    DeadlineFixture d;
    d.handler_fails = true;
    CHECK(d.send_until_begun().status == 503);
    d.gate.open();
    const Seen late = d.until_late();
    CHECK(late.outcome == fw::HandleOutcome::handler_failed);
    CHECK(late.error->message() == "handler failed: exception: late");
    CHECK(d.store->claim({"crm", FptEvent{}.id}, 60s, 0ms)->failures == 1);
}

TEST_CASE("handlers: the late failure that is one too many makes a dead letter with the whole body") {
    Journal journal;
    const auto letters = std::make_shared<RecordingDeadLetters>(journal);
    DeadlineFixture d(in_no_time, {.dead_letters = letters, .failures_max = 1});
    d.handler_fails = true;
    CHECK(d.send_until_begun().status == 503);
    d.gate.open();
    CHECK(d.until_late().outcome == fw::HandleOutcome::dead_lettered);
    CHECK(letters->letters().at(0).body == FptEvent{}.body());
}

TEST_CASE("handlers: the answer to an overrun can be 200") {
    DeadlineFixture d({.deadline = 1ms, .on_overrun = fw::BusyAnswer::accepted});
    CHECK(d.send_until_begun().status == 200);
    CHECK(d.f->last().outcome == fw::HandleOutcome::overrun);
}

TEST_CASE("handlers: of several deadlines for one event the shortest counts, with its answer") {
    DeadlineFixture d(in_any_time);
    d.f->receiver->on_any([](const fw::EventView&) {}, {.deadline = 1ms, .on_overrun = fw::BusyAnswer::accepted});
    d.f->receiver->on_any([](const fw::EventView&) {});
    CHECK(d.send_until_begun().status == 200);
    CHECK(d.f->last().outcome == fw::HandleOutcome::overrun);
}

TEST_CASE(
    "handlers: the threads for deadlines are bounded, and who gets none in time goes back untried, answered 503") {
    DeadlineFixture d({.deadline = 1ms, .on_overrun = fw::BusyAnswer::accepted}, {.deadline_threads = 1});
    CHECK(d.send_until_begun().status == 200);
    d.gate.until_waiting(1);
    const FptEvent second{.id = std::string(32, '2')};
    CHECK(d.f->send(second) == 503);
    CHECK(d.f->last().outcome == fw::HandleOutcome::overrun);
    CHECK(*d.f->last().error == fw::Errc::overloaded);
    CHECK(d.journal.lines().back() == "release abandoned");
    CHECK(d.calls == 1);
    CHECK(d.store->claim({"crm", second.id}, 60s, 0ms)->failures == 0);
}

TEST_CASE("handlers: a number of threads for deadlines that could never work is refused") {
    CHECK(fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret_text)}, .deadline_threads = 0})
              .error()
              .detail() == "deadline_threads: 1 to 256 are needed");
}

TEST_CASE("handlers: the receiver's destructor waits for those that run on") {
    std::atomic<bool> ended{false};
    std::thread opener;
    {
        Gate gate;
        Fixture f;
        f.receiver->on_any(
            [&](const fw::EventView&) {
                gate.pass();
                ended = true;
            },
            in_no_time);
        do {
            CHECK(f.send({}) == 503);
        } while (f.last().error);
        gate.until_waiting(1);
        opener = std::thread([&] { gate.open(); });
        f.receiver.reset();
        CHECK(ended);
        opener.join();
    }
}

TEST_CASE("handlers: events with deadlines and without run side by side on many threads") {
    Fixture f({.busy_wait = 10min, .deadline_threads = 3});
    std::atomic<int> effects{0};
    f.receiver->on(
        "a.waited_for", [&](const fw::EventView&) { ++effects; }, in_any_time);
    f.receiver->on("a.plain", [&](const fw::EventView&) { ++effects; });
    std::vector<std::thread> threads;
    constexpr int thread_count = 6;
    constexpr int events = 50;
    for (int t = 0; t < thread_count; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < events; ++i) {
                std::string id = std::to_string(i);
                id.insert(0, 32 - id.size(), '0');
                static_cast<void>(f.send({.id = id, .type = i % 2 == 0 ? "a.waited_for" : "a.plain"}));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(effects == events);
    CHECK(f.receiver->stats().count(fw::HandleOutcome::processed) == events);
    CHECK(f.receiver->stats().count(fw::HandleOutcome::duplicate) == (thread_count - 1) * events);
}

TEST_CASE("handlers: they are told when an event is older than the newest one processed for the same contact") {
    Fixture f({.contact_order_capacity = 2});
    std::vector<std::optional<std::chrono::milliseconds>> seen;
    bool fails = false;
    f.receiver->on_any([&](const fw::EventView&, const fw::EventContext& context) {
        seen.push_back(context.older_by);
        if (fails) throw std::runtime_error("failed");
    });
    const auto older_by = [&](const std::string& body) {
        static_cast<void>(f.handle(f.sign(body)));
        return seen.back();
    };
    CHECK(older_by(event_at("2026-06-10T12:00:05.000Z", "1")) == std::nullopt);
    CHECK(older_by(event_at("2026-06-10T12:00:05.000Z", "2")) == std::nullopt);
    CHECK(older_by(event_at("2026-06-10T12:00:03.500Z", "3")) == 1500ms);
    CHECK(older_by(event_at("2026-06-10T12:00:04.000Z", "4")) == 1s);
    CHECK(older_by(event_at("2026-06-10T12:00:06.000Z", "5")) == std::nullopt);
    CHECK(older_by(event_at("2026-06-10T12:00:01.000Z", "6", 2)) == std::nullopt);  // another contact

    fails = true;  // what failed was not processed
    CHECK(older_by(event_at("2026-06-10T13:00:00.000Z", "7")) == std::nullopt);
    fails = false;
    CHECK(older_by(event_at("2026-06-10T12:30:00.000Z", "8")) == std::nullopt);

    CHECK(older_by(event_at("2026-06-10T12:00:00.000Z", "9", 3)) == std::nullopt);  // the third pushes out the second
    CHECK(older_by(event_at("2026-06-10T12:00:00.000Z", "a", 2)) == std::nullopt);
    CHECK(older_by(event_at("2026-06-10T11:59:59.000Z", "b", 3)) == 1s);

    const std::string no_contact = FptEvent{.id = std::string(32, 'c'), .type = "task.created", .data = "{}"}.body();
    CHECK(older_by(no_contact) == std::nullopt);
}

TEST_CASE("handlers: without a place to remember contacts nothing is said of order, and UFP's events have none") {
    Fixture f;
    f.receiver->on_any([](const fw::EventView&, const fw::EventContext& c) { CHECK_FALSE(c.older_by.has_value()); });
    CHECK(f.handle(f.sign(event_at("2026-06-10T12:00:05.000Z", "1"))).status == 200);
    CHECK(f.handle(f.sign(event_at("2026-06-10T12:00:03.500Z", "2"))).status == 200);
    CHECK_THAT(fw::Receiver::create({.endpoint = "crm",
                                     .profile = fw::Profile::ufp,
                                     .secrets = {fw::Secret(secret_text)},
                                     .contact_order_capacity = 1})
                   .error()
                   .detail(),
               Catch::Matchers::Contains("contact_order_capacity"));
}

TEST_CASE("handlers: when memory ends just after they have succeeded, they have succeeded all the same") {
    Fixture f({.contact_order_capacity = 2});
    std::size_t nth = 0;
    std::optional<std::chrono::milliseconds> older_by;
    f.receiver->on_any([&](const fw::EventView&, const fw::EventContext& context) {
        older_by = context.older_by;
        static_cast<void>(fail_allocation(nth));
    });
    const auto process = [&](const std::string& time, int contact) {
        const std::string body = event_at(time, "1", contact);
        const fw::Processed processed = f.receiver->process(fw::bytes_of(body));
        const bool has_failed = fail_allocation(0) == 0;
        CHECK(processed.outcome == fw::HandleOutcome::processed);
        return has_failed;
    };
    nth = 1;
    while (process("2026-06-10T10:00:01Z", static_cast<int>(nth))) ++nth;
    CHECK(nth > 1);
    const int last = static_cast<int>(nth);
    nth = 0;
    CHECK(process("2026-06-10T10:00:00Z", last));
    CHECK(older_by == 1s);
    CHECK(process("2026-06-10T10:00:00Z", last - 1));
    CHECK_FALSE(older_by.has_value());  // its place in the order was not kept
}
