// Several events at once on one connection of the host's: none is lost or repeated because another one has it.
#include <fpt_webhooks/receiver_sqlite.hpp>

#include <sqlite3.h>

#include <atomic>
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
    Host() {
        REQUIRE(sqlite3_open(folder.file().c_str(), &database) == SQLITE_OK);
        sqlite3_exec(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", nullptr, nullptr, nullptr);
        store = SqliteTransactionDedupe::create({.database = database}).value();
        receiver = Receiver::create({.endpoint = "crm",
                                     .secrets = {Secret(receiver_secret)},
                                     .dedupe = store,
                                     .mode = DedupeMode::in_transaction,
                                     .dead_letters = letters,
                                     .failures_max = 1,
                                     .busy_wait = 0ms,
                                     .busy_answer = BusyAnswer::accepted})
                       .value();
        receiver->on_any([this](const EventView& event) -> Result<void> {
            if (event.idempotency_key() == slow) {
                entered = true;
                while (!go_on) std::this_thread::yield();
            }
            if (event.idempotency_key() != poison) return {};
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
    int send(std::uint64_t number) const { return receiver->handle(numbered_request(number)).status; }

    const TemporaryFolder folder;
    sqlite3* database = nullptr;
    std::shared_ptr<SqliteTransactionDedupe> store;
    std::shared_ptr<HeldLetters> letters = std::make_shared<HeldLetters>();
    std::unique_ptr<Receiver> receiver;
    std::atomic<bool> entered = false;
    std::atomic<bool> go_on = false;
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
