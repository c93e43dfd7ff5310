// Many concurrent duplicates of one event have one effect, in every store, from many threads and several processes.
#include <fpt_webhooks/receiver_sqlite.hpp>

#include <sqlite3.h>

#include <atomic>
#include <thread>
#include <vector>

#include "integration/receiver/killed_receiver.hpp"
#include "integration/receiver/receiver_events.hpp"
#include "support/catch.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t thread_count = 8;
constexpr std::size_t duplicates = 1'000;  // of each thread

// A store in each of its forms; how many threads wait in it.
struct Backend {
    std::shared_ptr<DedupeStore> store;
    std::function<std::size_t()> waiting;
    DedupeMode mode = DedupeMode::lease;
};

Backend in_memory() {
    const auto store = MemoryDedupe::create({}).value();
    return {store, [store] { return store->stats().waiting; }};
}
Backend in_file(const TemporaryFolder& folder) {
    const auto store = SqliteDedupe::open({.path = folder.file()}).value();
    return {store, [store] { return store->stats().waiting; }};
}
Backend in_transaction(sqlite3* database) {
    const auto store = SqliteTransactionDedupe::create({.database = database}).value();
    return {store, [store] { return store->waiting(); }, DedupeMode::in_transaction};
}

struct Connection {
    explicit Connection(const std::string& path) {
        REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
        sqlite3_exec(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", nullptr, nullptr, nullptr);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { sqlite3_close(database); }
    sqlite3* database = nullptr;
};

std::unique_ptr<Receiver> make_receiver(const Backend& backend, std::function<void()> handler,
                                        std::chrono::milliseconds busy_wait,
                                        BusyAnswer busy_answer = BusyAnswer::retry_later) {
    auto receiver = Receiver::create({.endpoint = "crm",
                                      .secrets = {Secret(receiver_secret)},
                                      .dedupe = backend.store,
                                      .mode = backend.mode,
                                      .busy_wait = busy_wait,
                                      .busy_answer = busy_answer})
                        .value();
    receiver->on_any([handler = std::move(handler)](const EventView&) { handler(); });
    return receiver;
}

void check_one_effect(const Backend& backend) {
    std::atomic<int> effects = 0;
    std::atomic<int> wrong = 0;
    // Slow: it goes on only when all other threads wait for its result.
    const auto receiver = make_receiver(
        backend,
        [&] {
            while (backend.waiting() != thread_count - 1) std::this_thread::yield();
            ++effects;
        },
        10min);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < thread_count; ++i) {
        threads.emplace_back([&] {
            const HttpRequest request = numbered_request(1);
            for (std::size_t n = 0; n < duplicates; ++n) {
                if (receiver->handle(request).status != 200) ++wrong;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(effects == 1);
    CHECK(wrong == 0);
    CHECK(receiver->stats().count(HandleOutcome::processed) == 1);
    CHECK(receiver->stats().count(HandleOutcome::duplicate) == thread_count * duplicates - 1);
}

void check_busy_answers(const Backend& backend) {
    std::atomic<bool> entered = false;
    std::atomic<bool> go_on = false;
    const auto handler = [&] {
        entered = true;
        while (!go_on) std::this_thread::yield();
    };
    const auto patient = make_receiver(backend, handler, 10min);
    const auto hasty = make_receiver(backend, handler, 0ms);
    const auto obliging = make_receiver(backend, handler, 0ms, BusyAnswer::accepted);
    const HttpRequest request = numbered_request(1);
    std::atomic<int> good = 0;
    const auto send = [&] { good += patient->handle(request).status == 200 ? 1 : 0; };
    std::thread holder(send);
    while (!entered) std::this_thread::yield();
    const HttpResponse told = hasty->handle(request);
    CHECK(told.status == 503);
    CHECK(told.headers.find("Retry-After").has_value());
    CHECK(obliging->handle(request).status == 200);
    CHECK(obliging->stats().count(HandleOutcome::busy) == 1);
    std::thread waiter(send);
    while (backend.waiting() != 1) std::this_thread::yield();
    go_on = true;
    holder.join();
    waiter.join();
    CHECK(good == 2);
    CHECK(patient->stats().count(HandleOutcome::processed) == 1);
    CHECK(patient->stats().count(HandleOutcome::duplicate) == 1);
}

// Eight threads in each of four processes.
void check_processes(const char* mode) {
    constexpr std::size_t process_count = 4;
    constexpr std::size_t of_each_process = thread_count * duplicates / process_count;
    KilledReceiver files(mode);
    std::atomic<std::size_t> good = 0;
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<ReceiverProcess>> processes;
    for (std::size_t i = 0; i < process_count; ++i) {
        auto arguments = files.arguments(std::nullopt, 1);
        arguments.emplace_back("once");
        processes.push_back(std::make_unique<ReceiverProcess>(arguments));
    }
    for (const auto& process : processes) {
        threads.emplace_back([&good, &process] {
            std::size_t sent = 0;
            for (std::size_t answered = 0; answered < of_each_process; ++answered) {
                while (sent < of_each_process && sent - answered < 2 * thread_count && process->send(1)) ++sent;
                const auto answer = process->receive();
                if (!answer) return;
                if (answer->status == 200) ++good;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& process : processes) CHECK_FALSE(process->end());
    CHECK(good == thread_count * duplicates);
    CHECK(files.effects() == std::map<std::int64_t, int>{{1, 1}});
}

}  // namespace

TEST_CASE("duplicates: 8 threads with 1,000 each have one effect, in memory") { check_one_effect(in_memory()); }

TEST_CASE("duplicates: 8 threads with 1,000 each have one effect, in a file") {
    const TemporaryFolder folder;
    check_one_effect(in_file(folder));
}

TEST_CASE("duplicates: 8 threads with 1,000 each have one effect, in the host's transaction") {
    const TemporaryFolder folder;
    const Connection connection(folder.file());
    check_one_effect(in_transaction(connection.database));
}

TEST_CASE("duplicates: 8,000 from 4 processes have one effect, in a file") { check_processes(mode_lease); }

TEST_CASE("duplicates: 8,000 from 4 processes have one effect, in the hosts' transactions") {
    check_processes(mode_transaction);
}

TEST_CASE("duplicates: while an event is processed they wait, or are told to come again, or thanked, as configured") {
    SECTION("in memory") { check_busy_answers(in_memory()); }
    SECTION("in a file") {
        const TemporaryFolder folder;
        check_busy_answers(in_file(folder));
    }
    SECTION("in the host's transaction") {
        const TemporaryFolder folder;
        const Connection connection(folder.file());
        check_busy_answers(in_transaction(connection.database));
    }
}
