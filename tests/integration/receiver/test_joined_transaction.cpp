// Several events at once on one connection of the host's: none is lost or repeated because another one has it.
#include <fpt_webhooks/receiver_sqlite.hpp>

#include <sqlite3.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include "integration/receiver/receiver_events.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view slow = "00000000000000000000000000000001";
constexpr std::string_view poison = "00000000000000000000000000000002";

// Takes a letter only when the test says so.
class HeldLetters final : public DeadLetterStore {
  public:
    Result<void> add(const NewDeadLetter&) override {
        adding = true;
        while (!may_add) std::this_thread::yield();
        ++letters;
        return {};
    }
    Result<DeadLetterPage> page(std::string_view, DeadLetterId, std::size_t) override { return DeadLetterPage{}; }
    Result<void> remove(DeadLetterId) override { return Error(Errc::not_found); }

    std::atomic<bool> adding = false;
    std::atomic<bool> may_add = false;
    std::atomic<int> letters = 0;
};

struct Host {
    explicit Host(std::chrono::milliseconds busy_wait = 0ms) {
        REQUIRE(sqlite3_open(folder.file().c_str(), &database) == SQLITE_OK);
        run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE effect (id TEXT)");
        store = SqliteTransactionDedupe::create({.database = database}).value();
        receiver = Receiver::create({.endpoint = "crm",
                                     .secrets = {Secret(receiver_secret)},
                                     .dedupe = store,
                                     .mode = DedupeMode::in_transaction,
                                     .dead_letters = letters,
                                     .failures_max = 1,
                                     .busy_wait = busy_wait,
                                     .busy_answer = BusyAnswer::accepted})
                       .value();
        receiver->on_any([this](const EventView& event) -> Result<void> {
            run("INSERT INTO effect VALUES ('" + std::string(event.idempotency_key()) + "')");
            if (event.idempotency_key() == slow) {
                entered = true;
                while (!go_on) std::this_thread::yield();
                if (slow_fails) return Error(Errc::local_failure, "slow");
            }
            if (event.idempotency_key() != poison || cured) return {};
            ++poisoned;
            return Error(Errc::local_failure, "poison");
        });
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() {
        receiver.reset();
        store.reset();
        sqlite3_close(database);
    }
    void run(const std::string& sql) const {
        if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
            throw std::runtime_error(sqlite3_errmsg(database));
        }
    }
    int send(std::uint64_t number) const { return receiver->handle(numbered_request(number)).status; }
    HandleOutcome process(std::uint64_t number) const {
        return receiver->process(bytes_of(numbered_request(number).body)).outcome;
    }
    // As another connection sees them: the last digit of each event's id.
    std::string effects() const {
        std::string found;
        sqlite3* other = nullptr;
        REQUIRE(sqlite3_open(folder.file().c_str(), &other) == SQLITE_OK);
        const auto append = [](void* to, int, char** values, char**) {
            static_cast<std::string*>(to)->append(values[0] + 31);
            return 0;
        };
        CHECK(sqlite3_exec(other, "SELECT id FROM effect ORDER BY id", append, &found, nullptr) == SQLITE_OK);
        sqlite3_close(other);
        return found;
    }

    const TemporaryFolder folder;
    sqlite3* database = nullptr;
    std::shared_ptr<SqliteTransactionDedupe> store;
    std::shared_ptr<HeldLetters> letters = std::make_shared<HeldLetters>();
    std::unique_ptr<Receiver> receiver;
    std::atomic<bool> entered = false;
    std::atomic<bool> go_on = false;
    std::atomic<bool> slow_fails = false;
    std::atomic<bool> cured = false;
    std::atomic<int> poisoned = 0;
};

}  // namespace

TEST_CASE(
    "joined transaction: an event that finds the connection taken is answered 503, also where busy ones get 200") {
    Host host;
    std::atomic<int> first = 0;
    std::thread holder([&] { first = host.send(1); });
    while (!host.entered) std::this_thread::yield();
    CHECK(host.send(3) == 503);
    CHECK(host.send(1) == 200);  // this one is being processed
    CHECK(host.receiver->stats().count(HandleOutcome::store_unavailable) == 1);
    CHECK(host.receiver->stats().count(HandleOutcome::busy) == 1);
    host.go_on = true;
    holder.join();
    CHECK(first == 200);
    CHECK(host.send(3) == 200);
    CHECK(host.receiver->stats().count(HandleOutcome::processed) == 2);
    CHECK(host.send(3) == 200);
    CHECK(host.receiver->stats().count(HandleOutcome::duplicate) == 1);
}

TEST_CASE("joined transaction: a dead letter is marked although another event has taken the connection meanwhile") {
    Host host;
    std::atomic<int> answer = 0;
    std::thread failing([&] { answer = host.send(2); });
    while (!host.letters->adding) std::this_thread::yield();
    std::thread other([&] { CHECK(host.send(1) == 200); });
    while (!host.entered) std::this_thread::yield();
    host.letters->may_add = true;
    while (host.store->waiting() == 0 && answer == 0) std::this_thread::yield();
    host.go_on = true;
    failing.join();
    other.join();
    CHECK(answer == 200);
    CHECK(host.receiver->stats().count(HandleOutcome::dead_lettered) == 1);
    CHECK(host.send(2) == 200);
    CHECK(host.receiver->stats().count(HandleOutcome::duplicate) == 1);
    CHECK(host.letters->letters == 1);
    CHECK(host.poisoned == 1);
}

TEST_CASE("joined transaction: an event that is processed again keeps its effect when another one is rolled back") {
    Host host(25s);
    host.slow_fails = true;
    std::thread failing([&] { CHECK(host.send(1) == 200); });
    while (!host.entered) std::this_thread::yield();
    std::atomic<bool> done = false;
    HandleOutcome outcome = HandleOutcome::busy;
    std::thread again([&] {
        outcome = host.process(3);
        done = true;
    });
    while (host.store->waiting() == 0 && !done) std::this_thread::yield();
    host.letters->may_add = true;
    host.go_on = true;
    failing.join();
    again.join();
    CHECK(outcome == HandleOutcome::processed);
    CHECK(host.effects() == "3");
}

TEST_CASE("joined transaction: a dead letter that fails again leaves nothing, and one that succeeds has one effect") {
    Host host;
    host.letters->may_add = true;
    CHECK(host.send(2) == 200);
    CHECK(host.process(2) == HandleOutcome::handler_failed);
    CHECK(host.effects().empty());
    host.cured = true;
    CHECK(host.process(2) == HandleOutcome::processed);
    CHECK(host.effects() == "2");
    CHECK(host.process(2) == HandleOutcome::duplicate);  // its letter was not removed
    CHECK(host.effects() == "2");
    CHECK(host.send(2) == 200);
    CHECK(host.receiver->stats().count(HandleOutcome::duplicate) == 1);
}

TEST_CASE(
    "joined transaction: an event that is processed again while the connection is taken for too long is told so") {
    Host host;
    std::thread holder([&] { CHECK(host.send(1) == 200); });
    while (!host.entered) std::this_thread::yield();
    const Processed refused = host.receiver->process(bytes_of(numbered_request(3).body));
    CHECK(refused.outcome == HandleOutcome::store_unavailable);
    CHECK(refused.error == Errc::store_busy);
    host.go_on = true;
    holder.join();
    CHECK(host.effects() == "1");
}
