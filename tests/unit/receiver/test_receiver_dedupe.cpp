#include <fpt_webhooks/receiver/receiver.hpp>

#include <stdexcept>
#include <thread>

#include <fpt_webhooks/receiver/memory_dedupe.hpp>

#include "receiver_fixture.hpp"
#include "support/catch.hpp"

using namespace receiver_test;

namespace {

// A store that works until it is told to fail.
class BreakableStore final : public fw::DedupeStore {
  public:
    explicit BreakableStore(std::shared_ptr<const fw::Clock> clock)
        : store_(fw::MemoryDedupe::create({.capacity = 1, .clock = std::move(clock)}).value()) {}

    fw::Result<fw::Claim> claim(const fw::DedupeKey& key, std::chrono::milliseconds lease,
                                std::chrono::milliseconds wait) override {
        ++claims;
        if (claim_throws) throw std::runtime_error("disk");
        if (claim_fails) return fw::Error(fw::Errc::local_failure, "disk");
        return store_->claim(key, lease, wait);
    }
    fw::Result<void> complete(fw::ClaimToken token) override {
        if (complete_fails) return fw::Error(fw::Errc::local_failure, "disk");
        return store_->complete(token);
    }
    fw::Result<void> release(fw::ClaimToken token, fw::ReleaseAs how) override {
        if (release_fails) return fw::Error(fw::Errc::local_failure, "disk");
        return store_->release(token, how);
    }
    fw::Result<void> renew(fw::ClaimToken token, std::chrono::milliseconds lease) override {
        return store_->renew(token, lease);
    }

    bool claim_throws = false;
    bool claim_fails = false;
    bool complete_fails = false;
    bool release_fails = false;
    int claims = 0;

  private:
    std::shared_ptr<fw::MemoryDedupe> store_;
};

struct StoreFixture {
    std::shared_ptr<BreakableStore> store = std::make_shared<BreakableStore>(fw::system_clock());
    Fixture f{{.dedupe = store, .busy_wait = 0ms}};
    int effects = 0;
    bool handler_fails = false;

    StoreFixture() {
        f.receiver->on_any([this](const fw::EventView& event) {
            if (event.type() == "a.nested") {
                CHECK(f.send({.id = std::string(32, '2')}) == 503);
            }
            if (handler_fails) throw std::runtime_error("handler");
            ++effects;
        });
    }
};

}  // namespace

TEST_CASE("receiver dedupe: a duplicate is answered 200 at once, has no effect, and tells its age") {
    Fixture f;
    int effects = 0;
    f.receiver->on_any([&](const fw::EventView&) { ++effects; });
    const fw::HttpRequest request = f.sign(FptEvent{}.body());
    CHECK(f.handle(request).status == 200);
    f.clock->advance(90s);
    const fw::HttpResponse response = f.handle(request);
    CHECK(response.status == 200);
    CHECK(response.body == "duplicate");
    CHECK(f.last().outcome == fw::HandleOutcome::duplicate);
    CHECK(f.last().completed_ago == 90s);
    CHECK(effects == 1);
}

TEST_CASE("receiver dedupe: two endpoints on one store process an event once each") {
    const auto store = fw::MemoryDedupe::create({}).value();
    int effects = 0;
    for (int round = 0; round < 2; ++round) {
        for (const char* endpoint : {"crm", "billing"}) {
            Fixture f({.endpoint = endpoint, .dedupe = store});
            f.receiver->on_any([&](const fw::EventView&) { ++effects; });
            CHECK(f.send({}) == 200);
        }
    }
    CHECK(effects == 2);
}

TEST_CASE("receiver dedupe: a failed event is released, counted, and processed by the retry") {
    Fixture f;
    bool fails = true;
    f.receiver->on_any([&](const fw::EventView&) {
        if (fails) throw std::runtime_error("not yet");
    });
    CHECK(f.send({}) == 500);
    CHECK(f.last().failures == 0);
    CHECK(f.send({}) == 500);
    CHECK(f.last().failures == 1);
    fails = false;
    CHECK(f.send({}) == 200);
    CHECK(f.last().outcome == fw::HandleOutcome::processed);
    CHECK(f.last().failures == 2);
}

TEST_CASE("receiver dedupe: an event that is being processed is answered 503 with Retry-After, or 200 by option") {
    const auto answer_while_busy = [](fw::BusyAnswer busy_answer) {
        Fixture f({.busy_wait = 0ms, .busy_answer = busy_answer, .retry_after = 7s});
        fw::HttpResponse inner;
        f.receiver->on_any([&](const fw::EventView&) { inner = f.handle(f.sign(FptEvent{}.body())); });
        CHECK(f.send({}) == 200);
        CHECK(inner.body == "busy");
        CHECK(f.reports.at(0).outcome == fw::HandleOutcome::busy);
        CHECK(f.reports.at(1).outcome == fw::HandleOutcome::processed);
        return inner;
    };
    const fw::HttpResponse later = answer_while_busy(fw::BusyAnswer::retry_later);
    CHECK(later.status == 503);
    CHECK(later.headers == fw::Headers{{"Retry-After", "7"}});
    const fw::HttpResponse accepted = answer_while_busy(fw::BusyAnswer::accepted);
    CHECK(accepted.status == 200);
    CHECK(accepted.headers.empty());
}

TEST_CASE("receiver dedupe: a duplicate waits for the result of the request that came first") {
    const auto store = fw::MemoryDedupe::create({}).value();
    Fixture f({.dedupe = store, .busy_wait = 10min});
    const fw::HttpRequest request = f.sign(FptEvent{}.body());
    std::atomic<int> calls{0};
    bool first_fails = false;
    f.receiver->on_any([&](const fw::EventView&) {
        if (++calls > 1) return;
        while (store->stats().waiting != 1) std::this_thread::yield();
        if (first_fails) throw std::runtime_error("the first one fails");
    });
    int first = 0;
    int second = 0;
    const auto run_both = [&] {
        std::thread other([&] {
            while (calls == 0) std::this_thread::yield();
            second = f.handle(request).status;
        });
        first = f.handle(request).status;
        other.join();
    };
    SECTION("and needs nothing more when that succeeds") {
        run_both();
        CHECK(first == 200);
        CHECK(calls == 1);
        CHECK(f.receiver->stats().count(fw::HandleOutcome::duplicate) == 1);
    }
    SECTION("and processes the event itself when that fails") {
        first_fails = true;
        run_both();
        CHECK(first == 500);
        CHECK(calls == 2);
        CHECK(f.receiver->stats().count(fw::HandleOutcome::processed) == 1);
    }
    CHECK(second == 200);
}

TEST_CASE("receiver dedupe: a store that cannot claim is answered 503, whatever its reason, and no handler runs") {
    StoreFixture s;
    const auto check_unavailable = [&](const char* cause) {
        const fw::HttpResponse response = s.f.handle(s.f.sign(FptEvent{}.body()));
        CHECK(response.status == 503);
        CHECK(response.body == "store_unavailable");
        CHECK(response.headers == fw::Headers{{"Retry-After", "30"}});
        CHECK(s.f.last().outcome == fw::HandleOutcome::store_unavailable);
        CHECK(s.f.last().error->message() == cause);
    };
    s.store->claim_fails = true;
    check_unavailable("failure on this machine: disk");
    s.store->claim_throws = true;
    check_unavailable("failure on this machine: exception: disk");
    s.store->claim_fails = s.store->claim_throws = false;
    CHECK(s.effects == 0);

    CHECK(s.f.send({.type = "a.nested"}) == 200);  // its lease is the one that the store has room for
    CHECK(*s.f.reports.at(2).error == fw::Errc::store_full);
    CHECK(s.effects == 1);
}

TEST_CASE("receiver dedupe: when the mark fails the answer is 500, and the lease is kept against the retry") {
    StoreFixture s;
    s.store->complete_fails = true;
    CHECK(s.f.send({}) == 500);
    CHECK(s.f.last().outcome == fw::HandleOutcome::store_unavailable);
    CHECK(*s.f.last().error == fw::Errc::local_failure);
    s.store->complete_fails = false;
    CHECK(s.f.send({}) == 503);
    CHECK(s.f.last().outcome == fw::HandleOutcome::busy);
    CHECK(s.effects == 1);
}

TEST_CASE("receiver dedupe: when the release fails the answer is still the handler's 500") {
    StoreFixture s;
    s.handler_fails = true;
    s.store->release_fails = true;
    CHECK(s.f.send({}) == 500);
    CHECK(s.f.last().error->message() == "handler failed: exception: handler");
}

TEST_CASE("receiver dedupe: an event that is unreadable or that nobody takes is not claimed") {
    const auto store = std::make_shared<BreakableStore>(fw::system_clock());
    Fixture f({.dedupe = store});
    f.receiver->on<fw::ContactStatusChanged>([](const fw::Envelope&, const fw::ContactStatusChanged&) {});
    CHECK(f.send({.type = "task.created"}) == 200);
    CHECK(f.send({.data = "{}"}) == 400);
    CHECK(f.handle({}).status == 415);
    CHECK(store->claims == 0);
    CHECK(f.send({}) == 200);
    CHECK(store->claims == 1);
}

TEST_CASE("receiver dedupe: a handler that outlives its lease may be overtaken, and then is answered 500") {
    Fixture f({.lease = 60s, .busy_wait = 0ms});
    int calls = 0;
    f.receiver->on_any([&](const fw::EventView&) {
        if (++calls > 1) return;
        f.clock->advance(60s);
        CHECK(f.send({}) == 200);
    });
    CHECK(f.send({}) == 500);
    CHECK(*f.last().error == fw::Errc::lease_lost);
    CHECK(f.last().outcome == fw::HandleOutcome::store_unavailable);
    CHECK(f.send({}) == 200);
    CHECK(f.last().outcome == fw::HandleOutcome::duplicate);
    CHECK(calls == 2);
}

TEST_CASE("receiver dedupe: UFP events are one when their bodies are equal to the byte") {
    Fixture f({.profile = fw::Profile::ufp});
    int effects = 0;
    f.receiver->on_any([&](const fw::EventView&) { ++effects; });
    const std::string body = ufp_body("invoice_paid");
    CHECK(f.handle(f.sign(body)).status == 200);
    CHECK(f.last().idempotency_key == fw::ufp_idempotency_key(fw::bytes_of(body)));
    CHECK(f.handle(f.sign(body)).body == "duplicate");
    CHECK(f.handle(f.sign(body + " ")).body == "processed");
    CHECK(effects == 2);
    f.clock->advance(fw::dedupe_retention_default);
    CHECK(f.handle(f.sign(body)).body == "processed");  // a replay: nothing in UFP's signature tells its age
}

TEST_CASE("receiver dedupe: the key of UFP events can be the user's own") {
    Fixture f({.profile = fw::Profile::ufp,
               .idempotency_key = [](const fw::UfpEvent& event, fw::ByteView body) -> fw::Result<std::string> {
                   CHECK(fw::text_of(body).find(event.event_key) != std::string_view::npos);
                   if (event.payload.text() == R"({"id":0})") return fw::Error(fw::Errc::malformed, "payload.id");
                   if (event.payload.text() == R"({"id":1})") throw std::runtime_error("bug");
                   if (event.payload.text() == R"({"id":2})") return std::string();
                   if (event.payload.text() == R"({"id":3})") return std::string(257, 'k');
                   return event.event_key;
               }});
    f.receiver->on_any([](const fw::EventView&) {});
    const auto send = [&](const std::string& payload) {
        return f.handle(f.sign(ufp_body("invoice_paid", payload))).status;
    };
    CHECK(send(R"({"id":8})") == 200);
    CHECK(f.last().idempotency_key == "invoice_paid");
    CHECK(send(R"({"id":9})") == 200);
    CHECK(f.last().outcome == fw::HandleOutcome::duplicate);

    CHECK(send(R"({"id":0})") == 400);
    CHECK(f.last().error->message() == "malformed input: payload.id");
    CHECK(send(R"({"id":1})") == 500);
    CHECK(f.last().error->message() == "handler failed: exception: bug");
    for (const char* payload : {R"({"id":2})", R"({"id":3})"}) {
        CHECK(send(payload) == 400);
        CHECK(f.last().error->message() == "invalid argument: idempotency_key: a key of 1 to 256 bytes is needed");
    }
}

namespace {

constexpr int thread_count = 8;
constexpr int requests_per_thread = 1000;

void send_from_all_threads(const Fixture& f) {
    const fw::HttpRequest request = f.sign(FptEvent{}.body());
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < requests_per_thread; ++k) static_cast<void>(f.handle(request));
        });
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("receiver dedupe: 8 threads with 1,000 duplicates each, all waiting for a slow handler, have one effect") {
    const auto store = fw::MemoryDedupe::create({}).value();
    Fixture f({.dedupe = store, .busy_wait = 10min});
    std::atomic<int> effects{0};
    f.receiver->on_any([&](const fw::EventView&) {
        while (store->stats().waiting != thread_count - 1) std::this_thread::yield();
        ++effects;
    });
    send_from_all_threads(f);
    CHECK(effects == 1);
    CHECK(f.receiver->stats().count(fw::HandleOutcome::processed) == 1);
    CHECK(f.receiver->stats().count(fw::HandleOutcome::duplicate) == thread_count * requests_per_thread - 1);
}

TEST_CASE("receiver dedupe: 8 threads with 1,000 duplicates each, none waiting for a slow handler, have one effect") {
    Fixture f({.busy_wait = 0ms});
    std::atomic<int> effects{0};
    constexpr std::uint64_t all_of_the_others = (thread_count - 1) * requests_per_thread;
    f.receiver->on_any([&](const fw::EventView&) {
        while (f.receiver->stats().count(fw::HandleOutcome::busy) != all_of_the_others) std::this_thread::yield();
        ++effects;
    });
    send_from_all_threads(f);
    CHECK(effects == 1);
    CHECK(f.receiver->stats().count(fw::HandleOutcome::processed) == 1);
    CHECK(f.receiver->stats().count(fw::HandleOutcome::busy) == all_of_the_others);
    CHECK(f.receiver->stats().count(fw::HandleOutcome::duplicate) == requests_per_thread - 1);
}
