// A receiver in a process of its own, to be killed. It reads numbers of events from socket 3, one a packet, handles the
// signed request of each, and answers "<number> <status>".
//
// Usage: <mode> <database> <counters> <fatal step or -> <hit> [once]; steps are numbered as in KilledReceiver.
// once: no event fails, and the handler goes on only when another thread waits for its result.
#include <fpt_webhooks/receiver_sqlite.hpp>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "integration/kill/watched_disk.hpp"
#include "integration/receiver/receiver_events.hpp"
#include "integration/receiver/watched_receiver.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;
using namespace std::chrono_literals;

namespace {

constexpr int socket_descriptor = 3;
constexpr std::size_t thread_count = 8;

// What a death costs each of its events; a duplicate waits longer than that.
constexpr std::chrono::milliseconds lease = 150ms;
constexpr std::chrono::milliseconds busy_wait = 20s;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "receiver process: %s\n", what.c_str());
    std::exit(3);
}

template <class T>
T check(Result<T> result) {
    if (!result) fail(result.error().message());
    return *std::move(result);
}

ReceiverCounters& map_counters(const char* path) {
    const int descriptor = open(path, O_RDWR | O_CLOEXEC);
    void* const memory = mmap(nullptr, sizeof(ReceiverCounters), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) fail("no counters");
    return *static_cast<ReceiverCounters*>(memory);
}

// The host's own table, in the same file.
class Effects {
  public:
    explicit Effects(const std::string& path) {
        if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) fail("no database");
        sqlite3_busy_timeout(database_, 20'000);
        sqlite3_exec(database_, "PRAGMA synchronous = FULL", nullptr, nullptr, nullptr);
    }
    Effects(const Effects&) = delete;
    Effects& operator=(const Effects&) = delete;
    ~Effects() { sqlite3_close(database_); }

    [[nodiscard]] sqlite3* database() const { return database_; }
    Result<void> add(std::int64_t number) {
        const std::lock_guard lock(mutex_);
        const std::string sql = "INSERT INTO effect VALUES (" + std::to_string(number) + ")";
        if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
        return Error(Errc::handler_failed, sqlite3_errmsg(database_));
    }

  private:
    sqlite3* database_ = nullptr;
    std::mutex mutex_;
};

struct Options {
    std::string mode;
    std::string database;
    bool once = false;
};

class Process {
  public:
    Process(const Options& options, ReceiverSteps& steps)
        : options_(options), steps_(steps), effects_(options.database) {
        ReceiverOptions receiving{.endpoint = "crm",
                                  .secrets = {Secret(receiver_secret)},
                                  .lease = options.once ? std::chrono::milliseconds(60s) : lease,
                                  .busy_wait = busy_wait};
        if (options.mode == mode_lease) {
            const auto store = check(SqliteDedupe::open({.path = options.database, .busy_timeout = 20s}));
            waiting_ = [store] { return store->stats().waiting; };
            receiving.dedupe = std::make_shared<WatchedDedupe>(store, steps);
        } else if (options.mode == mode_transaction) {
            const auto store = check(SqliteTransactionDedupe::create({.database = effects_.database()}));
            waiting_ = [store] { return store->waiting(); };
            receiving.dedupe = std::make_shared<WatchedDedupe>(store, steps);
            receiving.mode = DedupeMode::in_transaction;
        } else {
            sqlite_inbox_ = check(SqliteInbox::open({.path = options.database, .busy_timeout = 20s}));
            receiving.inbox = std::make_shared<WatchedInbox>(sqlite_inbox_, steps);
        }
        const auto inbox = receiving.inbox;
        receiver_ = check(Receiver::create(std::move(receiving)));
        receiver_->on<ContactCreated>(
            [this](const Envelope&, const ContactCreated& contact) { return handle(contact.contact_id.value()); });
        if (!inbox) return;
        workers_ = check(InboxWorkers::create({.receiver = receiver_,
                                               .inbox = inbox,
                                               .retry_delays = std::vector<std::chrono::milliseconds>(64, 5ms),
                                               .lease = lease,
                                               .observer = [this](const InboxReport&) {
                                                   const std::lock_guard lock(mutex_);
                                                   progress_.notify_all();
                                               }}));
        if (auto started = workers_->start(); !started) fail(started.error().message());
    }

    // Until the other side closes the socket; an inbox is emptied then.
    void run() {
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < thread_count; ++i) threads.emplace_back([this] { serve(); });
        for (std::thread& thread : threads) thread.join();
        if (!sqlite_inbox_) return;
        std::unique_lock lock(mutex_);
        while (check(sqlite_inbox_->waiting()) != 0) progress_.wait_for(lock, 100ms);
    }

  private:
    void serve() {
        char packet[64];
        for (;;) {
            const ssize_t size = recv(socket_descriptor, packet, sizeof packet - 1, 0);
            if (size <= 0) return;
            packet[size] = '\0';
            steps_.pass(ReceiverStep::request_read);
            const HttpResponse response = receiver_->handle(numbered_request(std::strtoull(packet, nullptr, 10)));
            steps_.pass(ReceiverStep::before_answer);
            std::string answer(packet);
            answer.append(" ").append(std::to_string(response.status));
            if (send(socket_descriptor, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
            steps_.pass(ReceiverStep::after_answer);
        }
    }

    Result<void> handle(std::int32_t number) {
        if (options_.once) {
            while (waiting_() == 0) std::this_thread::yield();
            return effects_.add(number);
        }
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            first = number % 4 == 0 && failed_.insert(number).second;
        }
        steps_.pass(ReceiverStep::before_effect);
        if (first && options_.mode != mode_transaction) return Error(Errc::handler_failed, "on purpose");
        auto added = effects_.add(number);
        steps_.pass(ReceiverStep::after_effect);
        if (first) return Error(Errc::handler_failed, "on purpose, with an effect that must be taken back");
        return added;
    }

    const Options& options_;
    ReceiverSteps& steps_;
    Effects effects_;
    std::function<std::size_t()> waiting_;
    std::shared_ptr<SqliteInbox> sqlite_inbox_;
    std::shared_ptr<Receiver> receiver_;
    std::mutex mutex_;
    std::condition_variable progress_;
    std::set<std::int32_t> failed_;
    std::unique_ptr<InboxWorkers> workers_;  // last: its threads use the rest
};

}  // namespace

int main(int argc, char* argv[]) {
    if (argc < 6) fail("wrong arguments");
    const Options options{.mode = argv[1], .database = argv[2], .once = argc > 6};
    ReceiverCounters& counters = map_counters(argv[3]);
    std::optional<ReceiverStep> fatal;
    std::optional<Step> fatal_on_disk;
    if (std::strcmp(argv[4], "-") != 0) {
        const auto step = std::strtoull(argv[4], nullptr, 10);
        if (step < receiver_step_count) {
            fatal = static_cast<ReceiverStep>(step);
        } else {
            fatal_on_disk = disk_steps.at(step - receiver_step_count);
        }
    }
    const std::uint64_t hit = std::strtoull(argv[5], nullptr, 10);
    ReceiverSteps steps(counters.receiver, fatal, hit);
    Steps on_disk(counters.disk, fatal_on_disk, hit);
    const WatchedDisk disk({.steps = &on_disk});
    Process(options, steps).run();
    return 0;
}
