#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "contract/store_contract.hpp"
#include "sqlite/database.hpp"
#include "support/catch.hpp"
#include "unit/sender_sqlite/store_files.hpp"

namespace fw = fpt_webhooks;
using store_contract::at;
using store_contract::Fixture;

namespace {

// The dispatcher's store lives on; everything else goes through one that is opened for that call alone. So nothing
// that the suite sees comes from anywhere but the file.
class OpenedForEachCall final : public fw::Store {
  public:
    OpenedForEachCall(std::string path, fw::StoreLimits limits)
        : path_(std::move(path)), limits_(limits), lasting_(opened()) {}

    fw::Result<std::uint64_t> acquire(fw::Timestamp now) override { return lasting_->acquire(now); }
    void release(std::uint64_t epoch) noexcept override { lasting_->release(epoch); }
    fw::Result<fw::StoreBatchResult> commit(const fw::StoreBatch& batch) override {
        return batch.epoch == 0 ? opened()->commit(batch) : lasting_->commit(batch);
    }
    fw::Result<std::vector<fw::PendingDelivery>> take_fresh(fw::DeliveryId after, std::size_t max) override {
        return opened()->take_fresh(after, max);
    }
    fw::Result<fw::WaitingPage> take_waiting(fw::SubscriptionId id, fw::Timestamp now, std::size_t max) override {
        return opened()->take_waiting(id, now, max);
    }
    fw::Result<fw::ExpireResult> expire_waiting(std::uint64_t epoch, fw::SubscriptionId id, fw::Timestamp before,
                                                fw::Timestamp now, std::size_t max) override {
        return lasting_->expire_waiting(epoch, id, before, now, max);
    }
    fw::Result<std::vector<fw::SubscriptionWake>> wakes() override { return opened()->wakes(); }
    fw::Result<fw::StoreChanges> changes(std::uint64_t since) override { return opened()->changes(since); }
    fw::Result<fw::KeptContact> contact(const fw::ContactKey& key) override { return opened()->contact(key); }
    fw::Result<std::vector<fw::KeptContact>> due_contacts(fw::Timestamp now, fw::Timestamp latest,
                                                          std::size_t max) override {
        return opened()->due_contacts(now, latest, max);
    }
    fw::Result<fw::SubscriptionRecord> create_subscription(const fw::Subscription& subscription,
                                                           fw::Timestamp now) override {
        return opened()->create_subscription(subscription, now);
    }
    fw::Result<fw::SubscriptionRecord> edit_subscription(const fw::SubscriptionEdit& edit) override {
        return opened()->edit_subscription(edit);
    }
    fw::Result<fw::SubscriptionRecord> subscription(fw::SubscriptionId id) override {
        return opened()->subscription(id);
    }
    fw::Result<std::vector<fw::SubscriptionId>> subscriptions_at(std::string_view url, std::size_t max) override {
        return opened()->subscriptions_at(url, max);
    }
    fw::Result<std::vector<fw::SubscriptionRecord>> subscriptions(fw::SubscriptionId after, std::size_t max) override {
        return opened()->subscriptions(after, max);
    }
    fw::Result<fw::Secret> secret(fw::SubscriptionId id) override { return opened()->secret(id); }
    fw::Result<fw::DeliveryPage> deliveries(const fw::DeliveryFilter& filter, fw::DeliveryId after,
                                            std::size_t max) override {
        return opened()->deliveries(filter, after, max);
    }
    fw::Result<std::vector<fw::Attempt>> attempts(fw::DeliveryId delivery) override {
        return opened()->attempts(delivery);
    }
    fw::Result<std::string> event_body(const fw::EventId& id) override { return opened()->event_body(id); }
    fw::Result<fw::ReplayPage> replay(const fw::ReplayRequest& request) override { return opened()->replay(request); }
    fw::Result<std::size_t> maintain(const fw::Retention& retention, fw::Timestamp now, std::size_t max) override {
        return opened()->maintain(retention, now, max);
    }
    fw::Result<fw::StoreStats> stats() override { return opened()->stats(); }

  private:
    [[nodiscard]] std::shared_ptr<fw::SqliteStore> opened() const { return open_store(path_, limits_).value(); }

    std::string path_;
    fw::StoreLimits limits_;
    std::shared_ptr<fw::SqliteStore> lasting_;
};

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator descriptors("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

// Runs `f` in a child process and tells whether it returned true there.
template <class F>
bool in_child(F&& f) {
    const pid_t child = fork();
    if (child == 0) _exit(f() ? 0 : 1);
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string folder_contents(const TemporaryFolder& folder) {
    std::string all;
    for (const auto& file : std::filesystem::directory_iterator(folder.path)) all += contents(file.path());
    return all;
}

}  // namespace

TEST_CASE("sqlite store: keeps the contract of stores") {
    const TemporaryFolder folder;
    int files = 0;
    check_store_contract({.open = [&](fw::StoreLimits limits) {
        return open_store(folder.file(std::to_string(++files)), limits).value();
    }});
}

TEST_CASE("sqlite store: keeps the contract across stores on one file, nothing remembered between calls") {
    const TemporaryFolder folder;
    int files = 0;
    check_store_contract({.open = [&](fw::StoreLimits limits) {
        return std::make_shared<OpenedForEachCall>(folder.file(std::to_string(++files)), limits);
    }});
}

TEST_CASE("sqlite store: everything is there again after it was closed") {
    const TemporaryFolder folder;
    std::vector<fw::Delivery> history;
    {
        Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
        const auto id = f.create();
        fw::SubscriptionEdit edit = f.edit_of(id);
        edit.secret = fw::Secret("the signing secret");
        f.store->edit_subscription(edit).value();
        f.publish_numbers(1, 4);
        f.update({f.failed(1, 1, at(60)), f.failed(2, 1, at(60))});
        f.deliver(3);
        f.cut(id, fw::EndReason::unsubscribed, {"contact.created"});
        f.start(2, 2, at(20));
        history = f.history();
    }
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
    CHECK(f.history() == history);
    CHECK(f.pending() == 3);
    CHECK(f.record(fw::SubscriptionId(1)).cuts.size() == 1);
    CHECK(f.store->secret(fw::SubscriptionId(1)).value() == fw::Secret("the signing secret"));
    CHECK(f.store->acquire(at(30)).value() == 2);
    CHECK(f.delivery(2).attempts == 2);
    CHECK(f.publish({{.number = 1}}) == std::vector{fw::AppendVerdict::duplicate});
}

TEST_CASE("sqlite store: options that cannot be are refused by name") {
    const TemporaryFolder folder;
    const auto refused = [](fw::SqliteStoreOptions options) {
        const auto store = fw::SqliteStore::open(std::move(options));
        REQUIRE_FALSE(store.has_value());
        CHECK(store.error() == fw::Errc::invalid_argument);
        return store.error().detail().substr(0, store.error().detail().find(':'));
    };
    CHECK(refused({.path = "", .encryption_key = fw::Secret(store_key)}) == "path");
    CHECK(refused({.path = ":memory:", .encryption_key = fw::Secret(store_key)}) == "path");
    CHECK(refused({.path = std::string("a\0b", 3), .encryption_key = fw::Secret(store_key)}) == "path");
    CHECK(refused({.path = folder.file()}) == "encryption_key");
    CHECK(refused({.path = folder.file(), .encryption_key = fw::Secret("short")}) == "encryption_key");
    CHECK(refused({.path = folder.file(),
                   .encryption_key = fw::Secret(store_key),
                   .busy_timeout = std::chrono::milliseconds(-1)}) == "busy_timeout");
    CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("sqlite store: one that may not be created is not found, and nothing is changed") {
    const TemporaryFolder folder;
    const auto look = [](const std::string& path) {
        return fw::SqliteStore::open(
            {.path = path, .encryption_key = fw::Secret(std::string(64, 'a')), .may_create = false});
    };
    CHECK(look(folder.file()).error() == fw::Errc::not_found);
    CHECK(std::filesystem::is_empty(folder.path));

    std::ofstream(folder.file("empty")) << "";
    CHECK(look(folder.file("empty")).error() == fw::Errc::not_found);
    CHECK(std::filesystem::file_size(folder.file("empty")) == 0);

    {
        fw::detail::Database other(folder.file("other"), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                   std::chrono::seconds(1));
        other.execute("CREATE TABLE customer (name TEXT)");
        CHECK(look(folder.file("other")).error() == fw::Errc::not_found);
        CHECK(other.ask("SELECT group_concat(name) FROM sqlite_master") == "customer");
        CHECK(other.ask("PRAGMA journal_mode") == "delete");
    }

    CHECK(open_store(folder.file()));
    CHECK(look(folder.file()));
}

TEST_CASE("sqlite store: a new file is its owner's alone") {
    const TemporaryFolder folder;
    const auto store = open_store(folder.file()).value();
    store->create_subscription(store_contract::subscription({}), at(0)).value();
    for (const auto& file : std::filesystem::directory_iterator(folder.path)) {
        struct stat status {};
        REQUIRE(stat(file.path().c_str(), &status) == 0);
        CHECK((status.st_mode & 0077) == 0);
    }
}

TEST_CASE("sqlite store: secrets are nowhere in its files, and open under their own key only") {
    const TemporaryFolder folder;
    const std::string text = "whsec_a_text_to_look_for_in_every_file_of_the_store";
    auto store = open_store(folder.file()).value();
    Fixture f({.open = [&](fw::StoreLimits) { return store; }});
    const auto id = f.create();
    const auto other = f.create();
    for (const auto each : {id, other, id}) {
        fw::SubscriptionEdit edit = f.edit_of(each);
        edit.secret = fw::Secret(text);
        store->edit_subscription(edit).value();
        CHECK(folder_contents(folder).find(text) == std::string::npos);
    }
    CHECK(store->secret(id).value() == fw::Secret(text));

    auto options = store_options(folder.file());
    options.encryption_key = fw::Secret("another encryption key, 32 bytes");
    const auto stranger = fw::SqliteStore::open(std::move(options)).value();
    CHECK(stranger->secret(id).error() == fw::Errc::crypto_failed);
    CHECK(stranger->subscription(id)->secret_number == 2);

    f.store.reset();
    store.reset();
    CHECK(folder_contents(folder).find(text) == std::string::npos);
}

TEST_CASE("sqlite store: one dispatcher on a file, whatever store, process or name of the file asks") {
    const TemporaryFolder folder;
    const auto first = open_store(folder.file()).value();
    std::filesystem::create_symlink(folder.file(), folder.file("link.db"));
    const auto second = open_store(folder.file("link.db")).value();
    const auto epoch = first->acquire(at(0)).value();
    const auto refused = second->acquire(at(0));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == fw::Errc::store_busy);
    CHECK(refused.error().detail().find("another dispatcher runs on this database") != std::string::npos);
    CHECK(in_child([&] {
        const auto third = open_store(folder.file());
        return third && third.value()->acquire(at(0)).error() == fw::Errc::store_busy;
    }));
    CHECK(second->commit({.epoch = epoch, .at = at(1)}).error() == fw::Errc::fenced);  // not its own
    first->release(epoch);
    CHECK(second->acquire(at(0)).value() > epoch);
    CHECK(first->commit({.epoch = epoch, .at = at(1)}).error() == fw::Errc::fenced);
}

TEST_CASE("sqlite store: a dispatcher that ends without a word leaves the lock to the next") {
    const TemporaryFolder folder;
    CHECK(in_child([&] {
        const auto store = open_store(folder.file()).value();
        return store->acquire(at(0)).has_value();  // _exit: no destructor runs
    }));
    CHECK(open_store(folder.file()).value()->acquire(at(0)).value() == 2);
}

TEST_CASE("sqlite store: what one process changes the other sees") {
    const TemporaryFolder folder;
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
    const auto id = f.create();
    const auto before = f.store->changes(0).value();
    CHECK(in_child([&] {
        Fixture other({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
        other.publish_numbers(1, 1);
        other.set_status(id, fw::SubscriptionStatus::paused);
        other.create({.scope = store_contract::organization(5)});
        return true;
    }));
    const auto changes = f.store->changes(before.sequence).value();
    CHECK(changes.subscriptions == std::vector{id, fw::SubscriptionId(2)});
    CHECK(f.record(id).subscription.status() == fw::SubscriptionStatus::paused);
    CHECK(f.fresh_ids() == std::vector<std::int64_t>{1});
    f.publish_numbers(2, 2);  // matched by what the other process made of the subscriptions
    CHECK(f.delivery(2).reason == fw::EndReason::paused);
    CHECK(f.delivery(3).state == fw::DeliveryState::fresh);
}

TEST_CASE("sqlite store: after fork every call in the child says so, and its end harms nothing") {
    const TemporaryFolder folder;
    Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
    f.create();
    f.own();
    f.publish_numbers(1, 1);
    CHECK(in_child([&] {
        const auto& store = f.store;
        const bool told = store->acquire(at(0)).error() == fw::Errc::forked &&
                          store->commit({.at = at(0)}).error() == fw::Errc::forked &&
                          store->take_fresh({}, 1).error() == fw::Errc::forked &&
                          store->stats().error() == fw::Errc::forked &&
                          store->secret(fw::SubscriptionId(1)).error() == fw::Errc::forked;
        store->release(f.epoch);
        f.store.reset();
        return told;
    }));
    CHECK(open_store(folder.file()).value()->acquire(at(0)).error() == fw::Errc::store_busy);
    f.deliver(1);
    CHECK(f.pending() == 0);
}

TEST_CASE("sqlite store: many that open a new file at once all get it") {
    for (int round = 0; round < 10; ++round) {
        const TemporaryFolder folder;
        std::atomic<int> opened{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                const auto store = open_store(folder.file());
                if (store && store.value()->create_subscription(store_contract::subscription({}), at(0))) ++opened;
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(opened == 8);
        CHECK(open_store(folder.file()).value()->subscriptions({}, 100)->size() == 8);
    }
}

TEST_CASE("sqlite store: leaves no descriptor open") {
    const TemporaryFolder folder;
    const auto round = [&] {
        Fixture f({.open = [&](fw::StoreLimits) { return open_store(folder.file()).value(); }});
        f.create();
        f.own();
        (void)f.history();
        (void)f.fresh();
        CHECK(open_store(folder.file()).value()->acquire(at(0)).error() == fw::Errc::store_busy);
        CHECK_FALSE(open_store((folder.path / "no" / "folder").string()).has_value());
    };
    round();
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 5; ++i) round();
    CHECK(open_descriptors() == before);
}
