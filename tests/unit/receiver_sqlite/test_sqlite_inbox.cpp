#include <fpt_webhooks/receiver_sqlite/sqlite_inbox.hpp>

#include <sqlite3.h>

#include "contract/inbox_store_contract.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<fw::SqliteInbox> open_inbox(const TemporaryFolder& folder, std::shared_ptr<ManualClock> clock,
                                            std::chrono::milliseconds retention = 1h,
                                            std::size_t waiting_max = fw::inbox_waiting_max_default) {
    return fw::SqliteInbox::open(
               {.path = folder.file(), .retention = retention, .waiting_max = waiting_max, .clock = std::move(clock)})
        .value();
}

std::string ask(const TemporaryFolder& folder, const char* sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(folder.file().c_str(), &database) == SQLITE_OK);
    std::string answer;
    sqlite3_exec(
        database, sql,
        [](void* to, int, char** values, char**) { return *static_cast<std::string*>(to) = values[0], 0; }, &answer,
        nullptr);
    sqlite3_close(database);
    return answer;
}

}  // namespace

TEST_CASE("sqlite inbox: keeps the contract of every inbox") {
    const TemporaryFolder folder;
    check_inbox_store_contract(
        {.open = [&](std::shared_ptr<ManualClock> clock, std::chrono::milliseconds retention, std::size_t waiting_max) {
            return open_inbox(folder, std::move(clock), retention, waiting_max);
        }});
}

TEST_CASE("sqlite inbox: an unusable option is refused by its name") {
    CHECK(fw::SqliteInbox::open({}).error().message() == "invalid argument: path: the name of a file is needed");
    CHECK(fw::SqliteInbox::open({.path = "x", .retention = 0ms}).error().message() ==
          "invalid argument: retention: more than zero and at most 3660 days");
    CHECK(fw::SqliteInbox::open({.path = "x", .waiting_max = 0}).error().message() ==
          "invalid argument: waiting_max: at least 1 is needed");
    CHECK(fw::SqliteInbox::open({.path = "x", .letters_max = 0}).error().message() ==
          "invalid argument: letters_max: at least 1 is needed");
    CHECK(fw::SqliteInbox::open({.path = "x", .busy_timeout = -1ms}).error().message() ==
          "invalid argument: busy_timeout: zero to one hour");
}

TEST_CASE("sqlite inbox: everything is there after the file was closed, and leases run on, delays too") {
    const TemporaryFolder folder;
    const auto clock = std::make_shared<ManualClock>();
    fw::ClaimToken leased;
    {
        const auto inbox = open_inbox(folder, clock);
        for (const char* id : {"leased", "put off", "done", "waiting"}) {
            inbox->add({"crm", id}, "contact.created", fw::bytes_of(id), clock->now()).value();
        }
        const auto items = inbox->take("crm", 60s, 3, 0ms).value();
        leased = items.at(0).token;
        inbox->release(items.at(1).token, fw::ReleaseAs::failed, 5s).value();
        inbox->complete(items.at(2).token).value();
    }
    const auto inbox = open_inbox(folder, clock);
    CHECK(inbox->waiting().value() == 3);
    CHECK(inbox->take("crm", 60s, 10, 0ms)->at(0).body == "waiting");
    clock->advance(5s);
    const auto put_off = inbox->take("crm", 60s, 10, 0ms).value();
    REQUIRE(put_off.size() == 1);
    CHECK(put_off[0].body == "put off");
    CHECK(put_off[0].failures == 1);
    CHECK(inbox->add({"crm", "done"}, "", {}, clock->now()).value() == fw::InboxVerdict::duplicate);
    CHECK(inbox->complete(leased).has_value());
    CHECK(inbox->waiting().value() == 2);
}

TEST_CASE("sqlite inbox: a restart of the machine, whose steady clock begins anew, ends leases and delays") {
    const TemporaryFolder folder;
    {
        const auto before = std::make_shared<ManualClock>();
        before->advance(100 * 24h);
        const auto inbox = open_inbox(folder, before);
        inbox->add({"crm", "leased"}, "", {}, before->now()).value();
        inbox->add({"crm", "put off"}, "", {}, before->now()).value();
        const auto items = inbox->take("crm", 60s, 2, 0ms).value();
        inbox->release(items.at(1).token, fw::ReleaseAs::abandoned, 24h).value();
        CHECK(inbox->take("crm", 60s, 2, 0ms)->empty());
    }
    CHECK(open_inbox(folder, std::make_shared<ManualClock>())->take("crm", 60s, 2, 0ms)->size() == 2);
}

TEST_CASE("sqlite inbox: bodies are forgotten when they are processed, keys a few with each arrival") {
    const TemporaryFolder folder;
    const auto clock = std::make_shared<ManualClock>();
    const auto inbox = open_inbox(folder, clock);
    for (int i = 0; i < 10; ++i) inbox->add({"crm", std::to_string(i)}, "", fw::bytes_of("b"), clock->now()).value();
    for (const fw::InboxItem& item : inbox->take("crm", 60s, 10, 0ms).value()) inbox->complete(item.token).value();
    CHECK(ask(folder, "SELECT count(*) FROM fpt_webhooks_inbox_body") == "0");
    CHECK(ask(folder, "SELECT count(*) FROM fpt_webhooks_inbox") == "10");
    clock->advance(1h);
    inbox->add({"crm", "a"}, "", fw::bytes_of("b"), clock->now()).value();
    CHECK(ask(folder, "SELECT count(*) FROM fpt_webhooks_inbox") == "9");
    for (const char* id : {"b", "c", "d", "e"}) inbox->add({"crm", id}, "", fw::bytes_of("b"), clock->now()).value();
    CHECK(ask(folder, "SELECT count(*) FROM fpt_webhooks_inbox") == "5");
}

TEST_CASE("sqlite inbox: a letter that finds no room leaves its event where it was") {
    const TemporaryFolder folder;
    const auto clock = std::make_shared<ManualClock>();
    const auto inbox = fw::SqliteInbox::open({.path = folder.file(), .letters_max = 1, .clock = clock}).value();
    inbox->dead_letters().add(dead_letter_contract::letter("x")).value();
    inbox->add({"crm", "a"}, "", fw::bytes_of("b"), clock->now()).value();
    const auto item = inbox->take("crm", 60s, 1, 0ms)->at(0);
    CHECK(inbox->bury(item.token, dead_letter_contract::letter("a")).error() == fw::Errc::store_full);
    CHECK(inbox->waiting().value() == 1);
    CHECK(inbox->release(item.token, fw::ReleaseAs::failed, 0ms).has_value());
}

TEST_CASE("sqlite inbox: what another connection adds is found by who waits") {
    const TemporaryFolder folder;
    const auto clock = std::make_shared<ManualClock>();
    const auto inbox = open_inbox(folder, clock);
    const auto other = open_inbox(folder, clock);
    std::vector<fw::InboxItem> items;
    std::thread worker([&] { items = inbox->take("crm", 60s, 10, inbox_contract::long_wait).value(); });
    other->add({"crm", "a"}, "", fw::bytes_of("b"), clock->now()).value();
    worker.join();
    CHECK(items.size() == 1);
}
