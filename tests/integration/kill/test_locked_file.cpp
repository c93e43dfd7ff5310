// Other processes at the same file: one that keeps it locked, and one that dispatches from it already.
#include "integration/kill/live_sender.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;
using namespace std::chrono_literals;

namespace {

// A process that has the file locked while this object lives.
class Lock {
  public:
    explicit Lock(const std::string& database) {
        int sockets[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0);
        socket_ = sockets[0];
        process_ = spawn_sender({"lock=1", std::string("database=").append(database)}, sockets[1]);
        close(sockets[1]);
        char message[16];
        REQUIRE(recv(socket_, message, sizeof message, 0) == 6);  // "locked"
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
        close(socket_);  // it lets go
        int status = 0;
        waitpid(process_, &status, 0);
    }

  private:
    int socket_ = -1;
    pid_t process_ = 0;
};

}  // namespace

TEST_CASE("locked file: publishing waits for a file that is locked for a while") {
    const TemporaryFolder folder;
    LiveSender sender(folder.database());
    sender.dispatcher().start().value();
    auto lock = std::make_unique<Lock>(folder.database());
    auto published = std::async(std::launch::async, [&] { return sender.publish_next(); });
    CHECK(published.wait_for(100ms) == std::future_status::timeout);
    lock.reset();
    REQUIRE(published.get().value() == AppendVerdict::accepted);
    sender.settle();
    CHECK(sender.notices().count(Notice::Kind::store_failed) == 0);
    sender.check();
}

TEST_CASE("locked file: longer than we wait is store_busy, and heals by itself") {
    const TemporaryFolder folder;
    LiveSender sender(folder.database(), 50ms);
    sender.publish(200);
    {
        const Lock lock(folder.database());
        REQUIRE(sender.dispatcher().start().error() == Errc::store_busy);
    }
    sender.dispatcher().start().value();
    for (std::size_t round = 1; round <= 2; ++round) {
        auto lock = std::make_unique<Lock>(folder.database());
        for (int i = 0; i < 3; ++i) {
            const auto refused = sender.publish_next();
            REQUIRE_FALSE(refused);
            CHECK(refused.error() == Errc::store_busy);
            CHECK(refused.error() == Condition::transient);
        }
        CHECK(sender.dispatcher().pause(the_host, SubscriptionId(1)).error() == Errc::store_busy);
        CHECK(sender.dispatcher().subscription(the_host, SubscriptionId(1)).has_value());  // reading goes on
        (void)sender.notices().wait_for(Notice::Kind::store_failed, round);
        lock.reset();
        sender.publish(50);
        (void)sender.notices().wait_for(Notice::Kind::store_recovered, round);
    }
    sender.settle();
    sender.check();
}

TEST_CASE("locked file: what another process publishes is delivered by the one that dispatches") {
    const TemporaryFolder folder;
    LiveSender sender(folder.database());
    sender.dispatcher().start().value();
    {
        const auto store = SqliteStore::open({.path = folder.database(), .encryption_key = Secret(store_key)}).value();
        const auto other =
            Dispatcher::create(
                {.store = store, .transport = CurlTransport::create().value(), .policy = loopback_policy()})
                .value();
        REQUIRE(other->start().error() == Errc::store_busy);
        for (std::uint64_t n = 1; n <= 50; ++n) {
            REQUIRE(other->publish(event_of(0, n)).value() == AppendVerdict::accepted);
        }
    }
    for (int i = 0; i < 50; ++i) REQUIRE(sender.publish_next().value() == AppendVerdict::duplicate);
    sender.settle();
    sender.check();
}

TEST_CASE("locked file: a second dispatcher is refused, and takes over when the first has been killed") {
    KilledSender first(Disk::real);
    std::shared_ptr<SettlingStore> store;
    std::unique_ptr<Dispatcher> second;
    const TemporaryFile authorities(CertificateAuthority().certificate_pem());
    CurlTransportOptions transport_options;
    transport_options.ca_file = authorities.path();
    const auto transport = std::shared_ptr<Transport>(CurlTransport::create(transport_options).value());
    for (int round = 0; round < 5; ++round) {
        const auto death = first.live(
            {.killed_after = 30ms, .meanwhile = [&] {
                 store = std::make_shared<SettlingStore>(
                     SqliteStore::open({.path = first.database(), .encryption_key = Secret(store_key)}).value());
                 second = Dispatcher::create({.store = store,
                                              .transport = transport,
                                              .policy = loopback_policy(),
                                              .fpt = patient_policy(),
                                              .poll_interval = 20ms})
                              .value();
                 CHECK(second->start().error() == Errc::store_busy);
             }});
        REQUIRE(death == KilledSender::Death::by_us);
        second->start().value();
        if (second->subscription(the_host, paused_subscription).value().subscription.status() ==
            SubscriptionStatus::paused) {  // by the one that died
            REQUIRE(second->resume(the_host, paused_subscription).has_value());
        }
        REQUIRE(store->settle(patience));
        second.reset();
        store.reset();
    }
    (void)first.live({.drains = true});
    first.check();
    for (const std::string& violation : first.violations().all()) UNSCOPED_INFO(violation);
    REQUIRE(first.violations().all().empty());
}
