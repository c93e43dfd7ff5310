// A sender in this process, over a real SQLite file and a real endpoint, for what happens while it lives.
#pragma once

#include <fpt_webhooks/curl.hpp>
#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <stdlib.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "integration/kill/killed_sender.hpp"
#include "integration/kill/series.hpp"
#include "support/catch.hpp"
#include "support/forwarding_store.hpp"

namespace fpt_webhooks::test {

inline constexpr auto patience = std::chrono::seconds(60);

// A folder of its own, removed with everything in it.
struct TemporaryFolder {
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "fpt_webhooks_live_XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    [[nodiscard]] std::string database() const { return (path / "webhooks.db").string(); }

    std::filesystem::path path;
};

// Collects notices, and waits for the one that a test is about.
class Notices {
  public:
    NoticeHandler handler() {
        return [this](const Notice& notice) {
            const std::lock_guard lock(mutex_);
            seen_.push_back(notice);
            came_.notify_all();
        };
    }
    Notice wait_for(Notice::Kind kind, std::size_t count = 1) {
        std::unique_lock lock(mutex_);
        const bool came = came_.wait_for(lock, patience, [&] { return count_of(kind) >= count; });
        INFO(to_string(kind));
        REQUIRE(came);
        return *std::find_if(seen_.rbegin(), seen_.rend(), [&](const Notice& notice) { return notice.kind == kind; });
    }
    // Does so many-th one come within this time? For those that must not.
    [[nodiscard]] bool comes(Notice::Kind kind, std::size_t count, std::chrono::milliseconds within) {
        std::unique_lock lock(mutex_);
        return came_.wait_for(lock, within, [&] { return count_of(kind) >= count; });
    }
    [[nodiscard]] std::size_t count(Notice::Kind kind) {
        const std::lock_guard lock(mutex_);
        return count_of(kind);
    }

  private:
    [[nodiscard]] std::size_t count_of(Notice::Kind kind) const {
        return static_cast<std::size_t>(
            std::count_if(seen_.begin(), seen_.end(), [kind](const Notice& notice) { return notice.kind == kind; }));
    }
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<Notice> seen_;
};

// Producer 0 publishes to endpoint 0, which takes everything.
class LiveSender {
  public:
    explicit LiveSender(const std::string& database, std::chrono::milliseconds busy_timeout = std::chrono::seconds(30))
        : store_(std::make_shared<SettlingStore>(
              SqliteStore::open({.path = database, .encryption_key = Secret(store_key), .busy_timeout = busy_timeout})
                  .value())),
          dispatcher_(make_dispatcher()) {
        const auto record = dispatcher_->create_subscription(
            {.actor = the_host, .url = endpoint_.url(), .scope = Scope::location(LocationId(1)), .events = {"*"}});
        const Secret secret = dispatcher_->generate_secret(the_host, record.value().subscription.id()).value();
        endpoint_.learn(std::string(secret.reveal()), true);
    }

    [[nodiscard]] Dispatcher& dispatcher() { return *dispatcher_; }
    [[nodiscard]] Notices& notices() { return notices_; }
    [[nodiscard]] WatchedEndpoint& endpoint() { return endpoint_; }

    [[nodiscard]] Result<AppendVerdict> publish_next() {
        auto result = dispatcher_->publish(event_of(0, acked_ + 1));
        if (result) ++acked_;
        return result;
    }
    void publish(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) REQUIRE(publish_next().value() == AppendVerdict::accepted);
    }

    // Waits until nothing is pending.
    void settle() { REQUIRE(store_->settle(patience)); }

    // Everything that was accepted has been delivered, each event in as many arrivals as it should.
    void check() {
        endpoint_.check(0, acked_);
        for (const std::string& violation : violations_.all()) UNSCOPED_INFO(violation);
        REQUIRE(violations_.all().empty());
        CHECK(endpoint_.arrivals() == acked_);
        for (const Delivery& delivery : dispatcher_->deliveries({}, {}, 10'000).value().deliveries) {
            CHECK(delivery.state == DeliveryState::delivered);
        }
    }

  private:
    std::unique_ptr<Dispatcher> make_dispatcher() {
        CurlTransportOptions options;
        options.ca_file = authorities_.path();
        return Dispatcher::create({.store = store_,
                                   .transport = CurlTransport::create(options).value(),
                                   .policy = loopback_policy(),
                                   .on_notice = notices_.handler(),
                                   .fpt = patient_policy(),
                                   .poll_interval = std::chrono::milliseconds(20)})
            .value();
    }

    Violations violations_;
    Notices notices_;
    WatchedEndpoint endpoint_{0, violations_};
    TemporaryFile authorities_{CertificateAuthority().certificate_pem()};
    std::uint64_t acked_ = 0;
    const std::shared_ptr<SettlingStore> store_;
    const std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace fpt_webhooks::test
