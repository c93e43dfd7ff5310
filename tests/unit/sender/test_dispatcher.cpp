#include <fpt_webhooks/sender/dispatcher.hpp>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/sender/memory_store.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>
#include <fpt_webhooks/testing_sender/scripted_transport.hpp>

#include "support/catch.hpp"
#include "support/forwarding_store.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using fw::testing::ScriptedTransport;

namespace {

constexpr fw::Actor host{.role = fw::Role::host};

// Collects notices, and waits for the one that a test is about.
class Notices {
  public:
    fw::NoticeHandler handler() {
        return [this](const fw::Notice& notice) {
            const std::scoped_lock lock(mutex_);
            seen_.push_back(notice);
            came_.notify_all();
        };
    }
    fw::Notice wait_for(fw::Notice::Kind kind) {
        std::unique_lock lock(mutex_);
        for (;;) {
            for (const fw::Notice& notice : seen_) {
                if (notice.kind == kind) return notice;
            }
            if (came_.wait_for(lock, 20s) == std::cv_status::timeout) {
                FAIL("no notice " << fw::to_string(kind));
            }
        }
    }
    std::size_t count(fw::Notice::Kind kind) {
        const std::scoped_lock lock(mutex_);
        return static_cast<std::size_t>(
            std::count_if(seen_.begin(), seen_.end(), [&](const fw::Notice& notice) { return notice.kind == kind; }));
    }

  private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<fw::Notice> seen_;
};

// A dispatcher over a memory store and a network that answers what `answer` says; 0: nobody is there.
struct Bench {
    std::shared_ptr<fw::MemoryStore> store = std::make_shared<fw::MemoryStore>();
    std::shared_ptr<fw::test::SettlingStore> settling = std::make_shared<fw::test::SettlingStore>(store);
    std::atomic<int> answer = 200;
    std::function<int(const fw::TransportRequest&)> reply = [this](const fw::TransportRequest&) {
        return answer.load();
    };
    std::shared_ptr<ScriptedTransport> transport =
        std::make_shared<ScriptedTransport>([this](const fw::TransportRequest& request) {
            const int status = reply(request);
            return status == 0 ? ScriptedTransport::fail(fw::Errc::connect_failed) : ScriptedTransport::respond(status);
        });
    Notices notices;
    std::unique_ptr<fw::Dispatcher> dispatcher;

    explicit Bench(fw::DispatcherOptions options = {}, std::chrono::milliseconds poll_interval = 10ms) {
        options.store = settling;
        options.transport = transport;
        options.on_notice = notices.handler();
        options.poll_interval = poll_interval;
        dispatcher = fw::Dispatcher::create(std::move(options)).value();
    }

    fw::SubscriptionId subscribe(std::int32_t location = 1, std::vector<std::string> events = {"*"}) {
        const auto record = dispatcher
                                ->create_subscription({.actor = host,
                                                       .url = "https://partner.example/hooks",
                                                       .scope = fw::Scope::location(fw::LocationId(location)),
                                                       .events = std::move(events)})
                                .value();
        return record.subscription.id();
    }
    fw::Envelope event(std::int32_t location = 1, std::int32_t contact = 7) {
        return dispatcher
            ->make_event(fw::ContactCreated{.contact_id = fw::ContactId(contact)},
                         {.location = fw::LocationId(location)})
            .value();
    }
    // Waits until every delivery has ended.
    void settle() {
        if (!settling->settle(20s)) FAIL("deliveries are still pending");
    }
    std::vector<fw::Delivery> history() { return dispatcher->deliveries({}).value().deliveries; }
};

}  // namespace

TEST_CASE("dispatcher: delivers what is published, signed with the subscription's secret") {
    Bench bench;
    const auto id = bench.subscribe();
    const fw::Secret secret = bench.dispatcher->generate_secret(host, id).value();
    bench.dispatcher->start().value();
    const fw::Envelope event = bench.event();
    REQUIRE(bench.dispatcher->publish(event).value() == fw::AppendVerdict::accepted);
    REQUIRE(bench.dispatcher->publish(event).value() == fw::AppendVerdict::duplicate);
    bench.settle();

    const auto requests = bench.transport->requests();
    REQUIRE(requests.size() == 1);
    const auto verifier = fw::Verifier::create({.secrets = {secret}}).value();
    REQUIRE(verifier.verify(requests[0].http).has_value());
    REQUIRE(fw::decode_envelope(fw::bytes_of(requests[0].http.body)).value() == event);
    const auto history = bench.history();
    REQUIRE(history.size() == 1);
    REQUIRE(history[0].state == fw::DeliveryState::delivered);
    REQUIRE(history[0].attempts == 1);
    REQUIRE(bench.dispatcher->attempts(history[0].id).value()[0].status == 200);
}

TEST_CASE("dispatcher: delivers after a restart what was published before it") {
    Bench bench;
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    for (int i = 0; i < 100; ++i) bench.dispatcher->publish(bench.event()).value();
    bench.dispatcher->start().value();
    bench.settle();
    REQUIRE(bench.transport->requests().size() == 100);
}

TEST_CASE("dispatcher: tries again after a failure, and says so") {
    fw::DispatcherOptions options;
    options.fpt.delays = {10ms, 20ms};
    options.fpt.window = 10s;
    Bench bench(std::move(options));
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.dispatcher->start().value();

    SECTION("and recovers") {
        bench.answer = 500;
        bench.dispatcher->publish(bench.event()).value();
        static_cast<void>(bench.notices.wait_for(fw::Notice::Kind::attempt_failed));
        bench.answer = 200;
        bench.settle();
        REQUIRE(bench.notices.wait_for(fw::Notice::Kind::recovered).subscription == id);
        REQUIRE(bench.history()[0].state == fw::DeliveryState::delivered);
    }
    SECTION("and gives up when the attempts are used up") {
        bench.answer = 500;
        bench.dispatcher->publish(bench.event()).value();
        bench.settle();
        REQUIRE(bench.notices.wait_for(fw::Notice::Kind::exhausted).reason == fw::EndReason::attempts);
        const auto history = bench.history();
        REQUIRE(history[0].state == fw::DeliveryState::exhausted);
        REQUIRE(history[0].attempts == 3);
        REQUIRE(bench.dispatcher->attempts(history[0].id).value().size() == 3);
    }
}

TEST_CASE("dispatcher: nobody there holds no longer than the policy's delays") {
    fw::DispatcherOptions options;
    options.fpt.delays = std::vector<std::chrono::milliseconds>(20, 10ms);
    Bench bench(std::move(options));
    std::atomic<int> attempts = 0;
    bench.reply = [&](const fw::TransportRequest&) { return ++attempts < 20 ? 0 : 200; };
    const auto id = bench.subscribe();
    REQUIRE(bench.dispatcher->generate_secret(host, id));
    bench.dispatcher->start().value();
    REQUIRE(bench.dispatcher->publish(bench.event()).value() == fw::AppendVerdict::accepted);
    bench.settle();  // sooner than after a minute, or a hold that has doubled 20 times
    CHECK(attempts == 20);
    CHECK(bench.history().front().state == fw::DeliveryState::delivered);
}

TEST_CASE("dispatcher: fifo per contact holds a contact's events back behind one that is retried, and no others") {
    fw::DispatcherOptions options;
    options.fpt.delays = std::vector<std::chrono::milliseconds>(64, 20ms);
    options.fpt.window = 60s;
    Bench bench(std::move(options));
    const bool ordered = GENERATE(true, false);
    CAPTURE(ordered);
    const auto id = bench.subscribe();
    bench.dispatcher->edit_subscription(host, id, {.fifo_per_contact = ordered}).value();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    const std::vector<fw::Envelope> events{bench.event(1, 7), bench.event(1, 7), bench.event(1, 8), bench.event(1, 7)};

    // The first one fails until what it must not hold back has come.
    std::set<fw::EventId> awaited{events[2].event_id};
    if (!ordered) awaited = {events[1].event_id, events[2].event_id, events[3].event_id};
    std::vector<fw::EventId> delivered;  // one attempt at a time
    bench.reply = [&](const fw::TransportRequest& request) {
        const auto sent = fw::decode_envelope(fw::bytes_of(request.http.body)).value().event_id;
        if (sent == events[0].event_id && !awaited.empty()) return 500;
        awaited.erase(sent);
        delivered.push_back(sent);
        return 200;
    };
    for (const auto& event : events) bench.dispatcher->publish(event).value();
    bench.dispatcher->start().value();
    bench.settle();
    bench.dispatcher->stop();

    REQUIRE(delivered.size() == events.size());
    const auto place = [&](std::size_t event) {
        return std::find(delivered.begin(), delivered.end(), events[event].event_id) - delivered.begin();
    };
    REQUIRE(place(2) < place(0));
    REQUIRE((place(0) < place(1)) == ordered);
    REQUIRE(place(1) < place(3));
}

TEST_CASE("dispatcher: says when a subscription has the URL of another one") {
    Bench bench;
    const auto first = bench.subscribe(1);
    const auto other = bench.dispatcher->create_subscription({.actor = host,
                                                              .url = "https://partner.example/other",
                                                              .scope = fw::Scope::location(fw::LocationId(2)),
                                                              .events = {"*"}});
    SECTION("when it is created") {
        const auto second = bench.subscribe(2);
        const auto notice = bench.notices.wait_for(fw::Notice::Kind::same_url);
        REQUIRE(notice.subscription == second);
        REQUIRE(notice.detail == "subscription " + std::to_string(first.value()) + " has the same URL");
    }
    SECTION("when its URL is edited") {
        const auto id = other->subscription.id();
        bench.dispatcher->edit_subscription(host, id, {.url = "https://partner.example/hooks"}).value();
        REQUIRE(bench.notices.wait_for(fw::Notice::Kind::same_url).subscription == id);
    }
}

TEST_CASE("dispatcher: an event that cannot be sent is dropped, and says so") {
    Bench bench;
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    // Straight into the store: no publish would take what is no envelope, but a file may hold it.
    fw::NewEvent event{.id = bench.event().event_id,
                       .type = "payment.failed",
                       .scopes = {fw::Scope::location(fw::LocationId(1))},
                       .body = "{}"};
    event.hash = fw::sha256(fw::bytes_of(event.body));
    bench.store->commit({.events = {event}}).value();
    bench.dispatcher->start().value();
    const auto notice = bench.notices.wait_for(fw::Notice::Kind::dropped);
    REQUIRE(notice.reason == fw::EndReason::unsendable);
    REQUIRE(notice.attempt.has_value());
    REQUIRE(notice.attempt->error == fw::Errc::malformed);
    bench.settle();
    REQUIRE(bench.transport->requests().empty());
    REQUIRE(bench.history()[0].reason == fw::EndReason::unsendable);
    // The lane goes on.
    bench.dispatcher->publish(bench.event()).value();
    bench.settle();
    REQUIRE(bench.transport->requests().size() == 1);
}

TEST_CASE("dispatcher: nothing is sent without a secret, and everything once there is one") {
    Bench bench;
    const auto id = bench.subscribe();
    bench.dispatcher->start().value();
    bench.dispatcher->publish(bench.event()).value();
    bench.dispatcher->publish(bench.event()).value();
    REQUIRE(bench.dispatcher->metrics().value().pending == 2);
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.settle();
    REQUIRE(bench.transport->requests().size() == 2);
    REQUIRE(bench.dispatcher->generate_secret(host, id).error() == fw::Errc::wrong_state);
}

TEST_CASE("dispatcher: many that have waited since the same moment are all sent") {
    Bench bench;
    const auto id = bench.subscribe();
    bench.dispatcher->start().value();
    std::vector<fw::Envelope> events;
    for (int i = 0; i < 1'000; ++i) events.push_back(bench.event());
    for (const auto& result : bench.dispatcher->publish(events)) REQUIRE(result.has_value());
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.settle();
    REQUIRE(bench.transport->requests().size() == 1'000);
}

TEST_CASE("dispatcher: what is past its retention goes, also while there is always something to do") {
    fw::DispatcherOptions options;
    options.retention = {.history = 1ms, .ids = 1ms};
    Bench bench(std::move(options), 250ms);
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.dispatcher->start().value();
    const auto end = std::chrono::steady_clock::now() + 20s;
    for (bool gone = false; !gone;) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        for (int i = 0; i < 10; ++i) bench.dispatcher->publish(bench.event()).value();
        const auto history = bench.history();
        gone = history.empty() || history.front().id != fw::DeliveryId(1);
    }
}

TEST_CASE("dispatcher: a paused subscription keeps what is pending and skips what is new") {
    fw::DispatcherOptions options;
    options.fpt.delays = {50ms, 50ms, 50ms};
    options.fpt.window = 60s;
    Bench bench(std::move(options));
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.dispatcher->start().value();
    bench.answer = 500;
    bench.dispatcher->publish(bench.event()).value();
    static_cast<void>(bench.notices.wait_for(fw::Notice::Kind::attempt_failed));
    REQUIRE(bench.dispatcher->pause(host, id).has_value());
    bench.answer = 200;
    bench.dispatcher->publish(bench.event()).value();
    REQUIRE(bench.dispatcher->metrics().value().pending == 1);
    REQUIRE(bench.dispatcher->pause(host, id).error() == fw::Errc::wrong_state);
    REQUIRE(bench.dispatcher->resume(host, id).has_value());
    bench.settle();
    const auto history = bench.history();
    REQUIRE(history.size() == 2);
    REQUIRE(history[0].state == fw::DeliveryState::delivered);
    REQUIRE(history[1].state == fw::DeliveryState::skipped);
    REQUIRE(history[1].reason == fw::EndReason::paused);
}

TEST_CASE("dispatcher: disabling and deleting drop what is pending") {
    Bench bench;
    const auto id = bench.subscribe();
    bench.dispatcher->start().value();
    for (int i = 0; i < 10; ++i) bench.dispatcher->publish(bench.event()).value();  // no secret: they wait
    SECTION("disable") {
        REQUIRE(bench.dispatcher->disable(host, id).has_value());
        bench.settle();
        for (const auto& delivery : bench.history()) {
            REQUIRE(delivery.state == fw::DeliveryState::dropped);
            REQUIRE(delivery.reason == fw::EndReason::disabled);
        }
        REQUIRE(bench.dispatcher->resume(host, id).error() == fw::Errc::wrong_state);
        REQUIRE(bench.dispatcher->enable(host, id).has_value());
    }
    SECTION("remove") {
        REQUIRE(bench.dispatcher->remove(host, id).has_value());
        bench.settle();
        for (const auto& delivery : bench.history()) REQUIRE(delivery.reason == fw::EndReason::deleted);
        REQUIRE(bench.dispatcher->subscription(host, id).error() == fw::Errc::not_found);
    }
    SECTION("an edit that takes the event type away") {
        REQUIRE(bench.dispatcher->edit_subscription(host, id, {.events = {{"contact.deleted"}}}).has_value());
        bench.settle();
        for (const auto& delivery : bench.history()) REQUIRE(delivery.reason == fw::EndReason::unsubscribed);
    }
    REQUIRE(bench.transport->requests().empty());
}

TEST_CASE("dispatcher: nothing is signed with the old secret once rotate has returned") {
    Bench bench;
    const auto id = bench.subscribe();
    const fw::Secret old_secret = bench.dispatcher->generate_secret(host, id).value();
    bench.dispatcher->start().value();
    std::thread publisher([&] {
        for (int i = 0; i < 400; ++i) bench.dispatcher->publish(bench.event()).value();
    });
    while (bench.transport->requests().size() < 50) std::this_thread::yield();
    static_cast<void>(bench.dispatcher->rotate_secret(host, id).value());
    const std::size_t sent = bench.transport->requests().size();
    publisher.join();
    bench.settle();
    const auto requests = bench.transport->requests();
    REQUIRE(requests.size() == 400);
    const auto old_verifier = fw::Verifier::create({.secrets = {old_secret}}).value();
    for (std::size_t i = sent; i < requests.size(); ++i) REQUIRE(!old_verifier.verify(requests[i].http));
}

TEST_CASE("dispatcher: the peer's 410 disables when the policy says so") {
    fw::DispatcherOptions options;
    options.fpt.gone_disables = true;
    Bench bench(std::move(options));
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.dispatcher->start().value();
    bench.answer = 410;
    bench.dispatcher->publish(bench.event()).value();
    bench.settle();
    REQUIRE(bench.notices.wait_for(fw::Notice::Kind::disabled).subscription == id);
    REQUIRE(bench.dispatcher->subscription(host, id).value().subscription.status() == fw::SubscriptionStatus::disabled);
}

TEST_CASE("dispatcher: stops without losing anything, and a second one takes over") {
    Bench bench;
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.dispatcher->start().value();

    auto second = fw::Dispatcher::create({.store = bench.settling, .transport = bench.transport}).value();
    REQUIRE(second->start().error() == fw::Errc::store_busy);
    for (int i = 0; i < 200; ++i) bench.dispatcher->publish(bench.event()).value();
    bench.dispatcher->stop();
    REQUIRE(bench.dispatcher->publish(bench.event()).error() == fw::Errc::stopped);
    REQUIRE(second->start().has_value());
    bench.settle();
    std::set<std::string> ids;
    for (const auto& request : bench.transport->requests()) {
        ids.insert(fw::decode_envelope(fw::bytes_of(request.http.body)).value().event_id.to_string());
    }
    REQUIRE(ids.size() == 200);
    REQUIRE(bench.transport->requests().size() == 200);  // a graceful stop repeats nothing
}

TEST_CASE("dispatcher: attempts that hang are cancelled by stop and tried again after the next start") {
    Bench bench;
    auto hanging = std::make_shared<ScriptedTransport>(
        [](const fw::TransportRequest&) -> std::optional<fw::TransportOutcome> { return std::nullopt; });
    auto first = fw::Dispatcher::create({.store = bench.settling, .transport = hanging}).value();
    const auto id = bench.subscribe();
    static_cast<void>(first->generate_secret(host, id).value());
    first->start().value();
    first->publish(bench.event()).value();
    while (hanging->in_flight() == 0) std::this_thread::yield();
    first->stop(0ms);
    bench.dispatcher->start().value();
    bench.settle();
    REQUIRE(bench.history()[0].state == fw::DeliveryState::delivered);
}

TEST_CASE("dispatcher: says that a secret cannot be read, and goes on when it can") {
    struct LockedSecrets : fw::test::ForwardingStore {
        using ForwardingStore::ForwardingStore;
        fw::Result<fw::Secret> secret(fw::SubscriptionId id) override {
            if (locked) return fw::Error(fw::Errc::crypto_failed, "another key");
            return ForwardingStore::secret(id);
        }
        std::atomic<bool> locked = true;
    };
    Bench bench;
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    const auto store = std::make_shared<LockedSecrets>(bench.settling);
    Notices notices;
    const auto dispatcher =
        fw::Dispatcher::create({.store = store, .transport = bench.transport, .on_notice = notices.handler()}).value();
    dispatcher->start().value();
    dispatcher->publish(bench.event()).value();
    const fw::Notice failed = notices.wait_for(fw::Notice::Kind::store_failed);
    CHECK(failed.detail.find("subscription 1") != std::string::npos);
    CHECK(failed.detail.find("another key") != std::string::npos);
    CHECK(dispatcher->metrics().value().store_failing);
    CHECK(bench.transport->requests().empty());

    store->locked = false;
    bench.settle();
    static_cast<void>(notices.wait_for(fw::Notice::Kind::store_recovered));
    CHECK_FALSE(dispatcher->metrics().value().store_failing);
    CHECK(notices.count(fw::Notice::Kind::store_failed) == 1);
    CHECK(bench.transport->requests().size() == 1);
}

TEST_CASE("dispatcher: roles reach no further than they may") {
    Bench bench;
    const fw::Actor location_admin{
        .role = fw::Role::location_admin, .organization = fw::OrganizationId(5), .location = fw::LocationId(1)};
    const fw::Actor organization_admin{.role = fw::Role::organization_admin, .organization = fw::OrganizationId(5)};
    const auto own =
        bench.dispatcher->create_subscription({.actor = location_admin, .url = "https://a.example/", .events = {"*"}});
    REQUIRE(own.value().subscription.scope() == fw::Scope::location(fw::LocationId(1)));
    REQUIRE(bench.dispatcher
                ->create_subscription({.actor = location_admin,
                                       .url = "https://a.example/",
                                       .scope = fw::Scope::organization(fw::OrganizationId(5)),
                                       .events = {"*"}})
                .error() == fw::Errc::forbidden);
    const auto wide = bench.dispatcher->create_subscription(
        {.actor = organization_admin, .url = "https://a.example/", .events = {"*"}});
    REQUIRE(wide.value().subscription.scope() == fw::Scope::organization(fw::OrganizationId(5)));
    REQUIRE(bench.dispatcher->pause(location_admin, wide->subscription.id()).error() == fw::Errc::forbidden);
    REQUIRE(
        bench.dispatcher->create_subscription({.actor = host, .url = "http://a.example/", .events = {"*"}}).error() ==
        fw::Errc::invalid_argument);  // no scope
    REQUIRE(
        bench.dispatcher->create_subscription({.actor = location_admin, .url = "https://127.0.0.1/", .events = {"*"}})
            .error() == fw::Errc::refused_by_policy);
    REQUIRE(bench.dispatcher->subscriptions(location_admin).value().subscriptions.size() == 1);
}

TEST_CASE("dispatcher: replays what failed, and counts first when asked to") {
    fw::DispatcherOptions options;
    options.fpt.delays = {};
    Bench bench(std::move(options));
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.dispatcher->start().value();
    bench.answer = 500;
    for (int i = 0; i < 5; ++i) bench.dispatcher->publish(bench.event()).value();
    bench.settle();
    bench.answer = 200;
    REQUIRE(bench.dispatcher->replay({.dry_run = true}).value() == 5);
    REQUIRE(bench.dispatcher->replay({.per_second = 0}).value() == 5);
    bench.settle();
    REQUIRE(bench.history().size() == 10);
    REQUIRE(bench.history()[9].state == fw::DeliveryState::delivered);
    REQUIRE(bench.history()[9].replay);
}

TEST_CASE("dispatcher: a test delivery is one attempt, in the history and outside the streak") {
    Bench bench;
    const auto id = bench.subscribe();
    REQUIRE(bench.dispatcher->send_test(host, id, "contact.created").error() == fw::Errc::wrong_state);
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.answer = 503;
    const auto attempt = bench.dispatcher->send_test(host, id, "contact.created").value();
    REQUIRE(attempt.status == 503);
    const auto history = bench.history();
    REQUIRE(history.size() == 1);
    REQUIRE(history[0].test);
    REQUIRE(history[0].state == fw::DeliveryState::exhausted);
    REQUIRE(bench.dispatcher->attempts(history[0].id).value() == std::vector{attempt});
    REQUIRE_FALSE(bench.dispatcher->subscription(host, id)->streak);
    REQUIRE(bench.dispatcher->replay({}).value() == 0);
    REQUIRE(bench.dispatcher->send_test(host, id, "payment.failed").error() == fw::Errc::invalid_argument);
}

namespace {

fw::ContactChange change_of(fw::ContactOperation operation, fw::ContactStatus status, fw::Timestamp time) {
    return {.operation = operation,
            .state = {.location_id = fw::LocationId(1),
                      .contact_id = fw::ContactId(9),
                      .status = status,
                      .fingerprint = "v" + std::to_string(static_cast<int>(status))},
            .changed_at = time};
}

}  // namespace

TEST_CASE("dispatcher: changes to a contact in quick succession become one update, whoever closes the window") {
    const auto clock = std::make_shared<fw::testing::ManualClock>();
    fw::DispatcherOptions options;
    options.clock = clock;
    Bench bench(std::move(options));
    const auto id = bench.subscribe();
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    const auto observe = [&](fw::ContactOperation operation, fw::ContactStatus status) {
        REQUIRE(bench.dispatcher->observe(change_of(operation, status, clock->now())).has_value());
    };
    observe(fw::ContactOperation::snapshot, fw::ContactStatus::leads);
    observe(fw::ContactOperation::update, fw::ContactStatus::prospects);
    clock->advance(2s);
    observe(fw::ContactOperation::update, fw::ContactStatus::members);
    bench.dispatcher->start().value();
    REQUIRE(bench.store->stats().value().pending == 0);  // the window is open
    clock->advance(6s);
    while (bench.history().size() < 2) std::this_thread::yield();
    bench.settle();
    const auto requests = bench.transport->requests();
    REQUIRE(requests.size() == 2);
    const auto first = fw::decode_envelope(fw::bytes_of(requests[0].http.body)).value();
    const auto second = fw::decode_envelope(fw::bytes_of(requests[1].http.body)).value();
    REQUIRE(first.event_type == "contact.status_changed");
    REQUIRE(first.data_as<fw::ContactStatusChanged>()->previous_status == fw::ContactStatus::leads);
    REQUIRE(first.data_as<fw::ContactStatusChanged>()->new_status == fw::ContactStatus::members);
    REQUIRE(second.event_type == "contact.updated");
    REQUIRE(first.timestamp == second.timestamp);
}

TEST_CASE("dispatcher: one whose store was taken over notices it when it closes a window, and stops") {
    const auto clock = std::make_shared<fw::testing::ManualClock>();
    fw::DispatcherOptions options;
    options.clock = clock;
    Bench bench(std::move(options));
    bench.subscribe();
    bench.dispatcher->start().value();
    const auto change = change_of(fw::ContactOperation::insert, fw::ContactStatus::leads, clock->now());
    REQUIRE(bench.dispatcher->observe(change).has_value());
    bench.store->release(1);  // it is taken for dead
    const auto heir = bench.store->acquire(clock->now()).value();
    clock->advance(6s);
    (void)bench.notices.wait_for(fw::Notice::Kind::fenced);
    CHECK(bench.history().empty());
    bench.dispatcher.reset();
    CHECK(bench.store->commit({.epoch = heir, .at = clock->now()}).has_value());  // it is still the heir's
}

TEST_CASE("dispatcher: an excluded value is in no request, notice, error or history") {
    constexpr std::string_view canary = "canary-1b2c3d";
    std::string told;
    fw::DispatcherOptions options;
    options.fpt.delays = {};
    Bench bench(std::move(options));
    const auto id = bench.subscribe();  // the default: no financial data
    static_cast<void>(bench.dispatcher->generate_secret(host, id).value());
    bench.dispatcher->start().value();
    bench.answer = 500;
    auto data = fw::JsonObject::parse(R"({"paymentId":7,"amount":"canary-1b2c3d","note":"canary-1b2c3d"})").value();
    const auto clock = fw::system_clock();
    const auto random = fw::system_random();
    const auto event =
        fw::make_envelope("payment.failed", std::move(data), {.location = fw::LocationId(1)}, *clock, *random).value();
    bench.dispatcher->publish(event).value();
    bench.settle();
    const auto notice = bench.notices.wait_for(fw::Notice::Kind::exhausted);
    told.append(notice.detail);
    for (const auto& request : bench.transport->requests()) {
        told.append(request.http.body);
        for (const auto& field : request.http.headers) told.append(field.value);
    }
    for (const auto& delivery : bench.history()) {
        for (const auto& attempt : bench.dispatcher->attempts(delivery.id).value()) {
            told.append(attempt.detail).append(attempt.response_head);
        }
    }
    auto other = event;
    other.data = fw::JsonObject::parse(R"({"amount":"canary-1b2c3d","x":1})").value();
    told.append(bench.dispatcher->publish(other).error().message());  // conflict: the same id
    REQUIRE(told.find(R"("paymentId":7)") != std::string::npos);
    REQUIRE(told.find(canary) == std::string::npos);
}

TEST_CASE("dispatcher: each of many threads is told of its own events, alone and by batches, and of the end") {
    constexpr int threads = 16;
    constexpr int rounds = 40;
    Bench bench;
    bench.subscribe();
    std::atomic<int> wrong = 0;
    std::latch done(threads);
    const auto publish_each = [&](int thread) {
        for (int round = 0; round < rounds; ++round) {
            const fw::Envelope single = bench.event(1, thread + 1);
            const fw::Envelope batch[] = {bench.event(1, thread + 1), single, bench.event(1, thread + 1)};
            const auto first = bench.dispatcher->publish(single);
            if (!first || *first != fw::AppendVerdict::accepted) ++wrong;
            const auto rest = bench.dispatcher->publish(batch);
            for (std::size_t i = 0; i < rest.size(); ++i) {
                const auto expected = i == 1 ? fw::AppendVerdict::duplicate : fw::AppendVerdict::accepted;
                if (!rest[i] || *rest[i] != expected) ++wrong;
            }
        }
        done.count_down();
        while (bench.dispatcher->publish(bench.event())) {  // until it stops
        }
    };
    std::vector<std::thread> publishers;
    for (int thread = 0; thread < threads; ++thread) publishers.emplace_back(publish_each, thread);
    done.wait();
    bench.dispatcher->stop(0ms);
    for (std::thread& publisher : publishers) publisher.join();
    CHECK(wrong == 0);
    CHECK(bench.dispatcher->publish(bench.event()).error() == fw::Errc::stopped);
}

TEST_CASE("dispatcher: a full publish queue is an error, and what was queued is published") {
    fw::DispatcherOptions options;
    options.publish_queue_max = 4;
    Bench bench(std::move(options));
    std::mutex gate;
    std::unique_lock hold(gate);
    std::atomic<int> done = 0;
    // The first completion blocks the writer until the test lets go.
    bench.dispatcher
        ->publish_async(fw::NewEvent::from(bench.event()).value(),
                        [&](const fw::Result<fw::AppendVerdict>&) {
                            const std::lock_guard wait(gate);
                            ++done;
                        })
        .value();
    int queued = 0;
    fw::Result<void> last;
    for (int i = 0; i < 100 && last; ++i) {
        last = bench.dispatcher->publish_async(fw::NewEvent::from(bench.event()).value(),
                                               [&](const fw::Result<fw::AppendVerdict>& result) {
                                                   if (result) ++done;
                                               });
        if (last) ++queued;
    }
    REQUIRE(last.error() == fw::Errc::overloaded);
    REQUIRE(last.error() == fw::Condition::transient);
    REQUIRE(queued >= 3);  // the first one may still be in the queue
    hold.unlock();
    bench.dispatcher->stop();
    REQUIRE(done == queued + 1);
}
