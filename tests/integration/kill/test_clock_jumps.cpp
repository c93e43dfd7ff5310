// A wall clock that is set an hour forward or back, while the sender runs and between two runs: retries neither stall
// nor storm.
#include "integration/kill/live_sender.hpp"

#include <atomic>
#include <map>

#include <fpt_webhooks/testing_sender/scripted_transport.hpp>

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;
using namespace std::chrono_literals;

namespace {

class ShiftedClock final : public Clock {
  public:
    [[nodiscard]] Timestamp now() const noexcept override {
        return system_clock()->now() + std::chrono::minutes(minutes.load());
    }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override {
        return system_clock()->steady_now();
    }
    std::atomic<int> minutes = 0;
};

constexpr unsigned attempts_needed = 4;
constexpr std::uint64_t events = 20;

// An endpoint that takes an event at its fourth attempt, and the senders that try.
class Bench {
  public:
    // Publishes a part of the series.
    void publish(std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t n = from; n <= to; ++n) {
            REQUIRE(dispatcher_->publish(event_of(0, n)).value() == AppendVerdict::accepted);
        }
    }

    void start() {
        store_ = std::make_shared<SettlingStore>(
            SqliteStore::open({.path = folder_.database(), .encryption_key = Secret(store_key)}).value());
        transport_ = std::make_shared<testing::ScriptedTransport>(
            [this](const TransportRequest& request) { return answer(request); });
        dispatcher_ = Dispatcher::create({.store = store_,
                                          .transport = transport_,
                                          .clock = clock,
                                          .on_notice = notices.handler(),
                                          .fpt = policy(),
                                          .ufp = policy(),
                                          .poll_interval = 20ms})
                          .value();
        if (first_) {
            const auto record = dispatcher_->create_subscription({.actor = the_host,
                                                                  .url = "https://partner.example/",
                                                                  .scope = Scope::location(LocationId(1)),
                                                                  .events = {"*"}});
            (void)dispatcher_->generate_secret(the_host, record.value().subscription.id()).value();
            first_ = false;
        }
        dispatcher_->start().value();
    }

    void stop() {
        dispatcher_->stop();
        dispatcher_.reset();
        transport_.reset();
        store_.reset();
    }

    void wait_for_attempts(std::size_t count) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, patience, [&] { return all_ >= count; }));
    }

    void settle() { REQUIRE(store_->settle(patience)); }

    // As if the clock had never been touched.
    void check() {
        const auto page = store_->deliveries({}, {}, 1'000).value();
        CHECK(page.deliveries.size() == events);
        for (const Delivery& delivery : page.deliveries) {
            CHECK(delivery.state == DeliveryState::delivered);
            CHECK(delivery.attempts == attempts_needed);
            const auto attempts = store_->attempts(delivery.id).value();
            REQUIRE(attempts.size() == attempts_needed);
            for (unsigned i = 0; i < attempts_needed; ++i) {
                CHECK(attempts[i].number == i + 1);
                CHECK(attempts[i].status == (i + 1 == attempts_needed ? 200 : 500));
            }
        }
        const std::lock_guard lock(mutex_);
        CHECK(all_ == events * attempts_needed);
        CHECK(notices.count(Notice::Kind::exhausted) == 0);
        CHECK(notices.count(Notice::Kind::dropped) == 0);
        CHECK(notices.count(Notice::Kind::disabled) == 0);
    }

    const std::shared_ptr<ShiftedClock> clock = std::make_shared<ShiftedClock>();
    Notices notices;
    std::chrono::milliseconds delay{20};

  private:
    [[nodiscard]] RetryPolicy policy() const {
        RetryPolicy policy;
        policy.delays.assign(retry_delays_max, delay);
        return policy;
    }

    TransportOutcome answer(const TransportRequest& request) {
        const auto event = decode_envelope(bytes_of(request.http.body)).value();
        const std::lock_guard lock(mutex_);
        ++all_;
        changed_.notify_all();
        return testing::ScriptedTransport::respond(++attempts_[event.event_id] < attempts_needed ? 500 : 200);
    }

    const TemporaryFolder folder_;
    bool first_ = true;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<EventId, unsigned> attempts_;
    std::size_t all_ = 0;
    std::shared_ptr<SettlingStore> store_;
    std::shared_ptr<testing::ScriptedTransport> transport_;
    std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace

TEST_CASE("clock: an hour forward and back while it runs changes nothing") {
    const int first = GENERATE(60, -60);
    Bench bench;
    bench.start();
    bench.publish(1, events / 2);
    bench.wait_for_attempts(events / 2);
    bench.clock->minutes += first;
    bench.wait_for_attempts(events);
    bench.publish(events / 2 + 1, events);
    bench.clock->minutes -= 2 * first;
    bench.wait_for_attempts(events * 2);
    bench.clock->minutes += first;
    bench.settle();
    bench.check();
    bench.stop();
}

TEST_CASE("clock: an hour forward or back between two runs stalls no retry") {
    const int jump = GENERATE(60, -60);
    Bench bench;
    bench.start();
    bench.publish(1, events / 2);
    bench.wait_for_attempts(events);
    bench.stop();
    bench.clock->minutes += jump;
    bench.start();
    bench.publish(events / 2 + 1, events);
    bench.settle();
    bench.check();
    bench.stop();
}

TEST_CASE("clock: what waits is found again however often the clock is set between runs") {
    Bench bench;
    bench.start();
    bench.publish(1, events);
    std::size_t attempts = 0;
    for (const int jump : {-60, 60, -60, -60, 120}) {
        attempts += events / 3;
        bench.wait_for_attempts(attempts);
        bench.stop();
        bench.clock->minutes += jump;
        bench.start();
    }
    bench.settle();
    bench.check();
    bench.stop();
}
