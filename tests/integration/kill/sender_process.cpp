// The process that is killed: a dispatcher over a SQLite file that publishes a numbered series and delivers it.
//
// It talks with its parent over a socket of messages (descriptor 3): "try p n" before it publishes up to number n of
// producer p, "ack p n" when the publish has returned, "see n" and "seen n" around the observing of change n, "secret s
// current|next text" (answered "ok") before anything is signed with that secret, "up", "drained", "notice ..." and
// "error ...". The parent says "stop" when it is to end well.
#include <fpt_webhooks/curl.hpp>
#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "integration/kill/series.hpp"
#include "integration/kill/watched_disk.hpp"
#include "integration/kill/watched_store.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;
using namespace std::chrono_literals;

namespace {

constexpr int parent = 3;
constexpr auto patience = 60s;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "sender process: %s\n", why.c_str());
    _exit(2);
}

void tell(const std::string& message) {
    if (send(parent, message.data(), message.size(), MSG_NOSIGNAL) < 0) _exit(3);  // the parent is gone
}

template <class T>
T good(Result<T> result, const char* what) {
    if (!result) {
        tell(std::string("error ").append(what).append(": ").append(result.error().message()));
        give_up(std::string(what).append(": ").append(result.error().message()));
    }
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

struct Arguments {
    std::map<std::string, std::string> values;

    Arguments(int count, char** texts) {
        for (int i = 1; i < count; ++i) {
            const std::string text = texts[i];
            const std::size_t at = text.find('=');
            if (at == std::string::npos) give_up("an argument is name=value");
            values[text.substr(0, at)] = text.substr(at + 1);
        }
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        const auto found = values.find(name);
        return found == values.end() ? std::string() : found->second;
    }
    [[nodiscard]] std::uint64_t number(const std::string& name) const {
        const std::string value = text(name);
        return value.empty() ? 0 : std::stoull(value);
    }
};

// What its threads wait for, under one lock.
struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false;
    std::uint64_t oks = 0;       // answers to "secret"
    std::uint64_t accepted = 0;  // events
    long owed = 0;               // deliveries that this process's publishes have made and that are not answered 2xx

    template <class F>
    void change(F&& f) {
        const std::lock_guard lock(mutex);
        f();
        changed.notify_all();
    }
    // False: not within this time.
    template <class F>
    bool wait(std::chrono::milliseconds limit, F&& f) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, f);
    }
    bool is_stopping() {
        const std::lock_guard lock(mutex);
        return stopping;
    }
};

StepCounters& shared_counters(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) give_up("no counters");
    void* const memory = mmap(nullptr, sizeof(StepCounters), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (memory == MAP_FAILED) give_up("no counters");
    return *static_cast<StepCounters*>(memory);
}

class Sender {
  public:
    explicit Sender(const Arguments& arguments)
        : arguments_(arguments),
          steps_(shared_counters(arguments.text("counters")), step_of(arguments), arguments.number("hit")),
          disk_({.steps = &steps_,
                 .survivors = arguments.text("survivors"),
                 .some_unsynced_survives = arguments.number("some") != 0}),
          listener_([this] { listen(); }) {
        listener_.detach();  // it ends with the process
    }

    void run() {
        steps_.pass(Step::opening);
        std::shared_ptr<Store> real =
            good(SqliteStore::open({.path = arguments_.text("database"), .encryption_key = Secret(store_key)}), "open");
        steps_.pass(Step::opened);
        store_ = std::make_shared<WatchedStore>(
            std::move(real), steps_, [this](SubscriptionId id, const Secret& secret) { reveal(id, "next", secret); });
        CurlTransportOptions transport_options;
        transport_options.ca_file = arguments_.text("ca");  // a small one: reading the system's takes 20 ms
        std::shared_ptr<Transport> transport =
            std::make_shared<WatchedTransport>(good(CurlTransport::create(transport_options), "transport"), steps_,
                                               [this](const TransportOutcome& outcome) { count_answer(outcome); });
        dispatcher_ = good(Dispatcher::create({.store = store_,
                                               .transport = std::move(transport),
                                               .policy = loopback_policy(),
                                               .on_notice = [](const Notice& notice) { report(notice); },
                                               .fpt = patient_policy(),
                                               .poll_interval = 20ms}),
                           "create");
        for (std::size_t e = 0; e < endpoints; ++e) {
            const SubscriptionId id(static_cast<std::int32_t>(e + 1));
            reveal(id, "current", good(store_->secret(id), "secret"));
        }
        // Its last owner may have died before it could resume.
        const auto paused = good(dispatcher_->subscription(the_host, paused_subscription), "subscription");
        if (paused.subscription.status() == SubscriptionStatus::paused) {
            good(dispatcher_->resume(the_host, paused_subscription), "resume");
        }
        good(dispatcher_->start(), "start");
        tell("up");
        arguments_.number("drain") != 0 ? drain() : work();
        dispatcher_->stop();
        dispatcher_.reset();
        store_.reset();
    }

  private:
    static std::optional<Step> step_of(const Arguments& arguments) {
        if (arguments.number("hit") == 0) return std::nullopt;
        return static_cast<Step>(arguments.number("step"));
    }

    static void report(const Notice& notice) {
        if (notice.kind == Notice::Kind::attempt_failed || notice.kind == Notice::Kind::recovered) return;
        if (notice.kind == Notice::Kind::same_url) return;  // made again, since the first one's reply was lost
        tell(std::string("notice ")
                 .append(to_string(notice.kind))
                 .append(" ")
                 .append(to_string(notice.reason))
                 .append(" ")
                 .append(notice.detail));
    }

    void listen() {
        char buffer[64];
        for (;;) {
            const ssize_t size = recv(parent, buffer, sizeof buffer, 0);
            if (size <= 0) _exit(3);  // the parent is gone
            const std::string_view message(buffer, static_cast<std::size_t>(size));
            shared_.change([&] { message == "stop" ? shared_.stopping = true : (++shared_.oks, false); });
        }
    }

    // Returns when the parent knows it.
    void reveal(SubscriptionId id, const char* which, const Secret& secret) {
        const std::lock_guard one_at_a_time(revealing_);
        std::uint64_t before = 0;
        shared_.change([&] { before = shared_.oks; });
        tell(std::string("secret ")
                 .append(std::to_string(id.value()))
                 .append(" ")
                 .append(which)
                 .append(" ")
                 .append(secret.reveal()));
        if (!shared_.wait(patience, [&] { return shared_.oks > before; })) give_up("the parent does not answer");
    }

    void count_answer(const TransportOutcome& outcome) {
        if (!outcome.response || outcome.response->status != 200) return;
        shared_.change([&] { --shared_.owed; });
    }

    // Publishes the numbers from..to of a producer.
    void publish(std::size_t producer, std::uint64_t from, std::uint64_t to) {
        tell(std::string("try ").append(std::to_string(producer)).append(" ").append(std::to_string(to)));
        std::vector<Envelope> events;
        for (std::uint64_t n = from; n <= to; ++n) events.push_back(event_of(producer, n));
        std::vector<Result<AppendVerdict>> results;
        if (events.size() == 1) {
            results.push_back(dispatcher_->publish(events.front()));
        } else {
            results = dispatcher_->publish(events);
        }
        steps_.pass(Step::before_reply);
        for (std::size_t i = 0; i < results.size(); ++i) {
            const AppendVerdict verdict = good(results[i], "publish");
            const std::uint64_t number = from + i;
            tell(std::string("ack ")
                     .append(std::to_string(producer))
                     .append(" ")
                     .append(std::to_string(number))
                     .append(verdict == AppendVerdict::duplicate ? " duplicate" : " accepted"));
            steps_.pass(Step::after_reply);
            shared_.change([&] {
                ++shared_.accepted;
                if (verdict == AppendVerdict::accepted) {
                    shared_.owed += static_cast<long>(matches_of(producer, number));
                }
            });
        }
    }

    // The last one that was acknowledged is published again, and must still be known.
    std::uint64_t begin_series(std::size_t producer) {
        const std::uint64_t last = arguments_.number(std::string("acked").append(std::to_string(producer)));
        if (last > 0) {
            const auto verdict = good(dispatcher_->publish(event_of(producer, last)), "publish again");
            if (verdict != AppendVerdict::duplicate) {
                tell(std::string("error an acknowledged event is forgotten: ")
                         .append(std::to_string(producer))
                         .append(" ")
                         .append(std::to_string(last)));
            }
        }
        return last + 1;
    }

    void produce(std::size_t producer) {
        std::uint64_t next = begin_series(producer);
        while (!shared_.is_stopping()) {
            {
                const std::lock_guard not_paused(paused_[producer]);
                const std::uint64_t last = next + (next % 3 == 0 ? 4 : 0);
                publish(producer, next, last);
                next = last + 1;
            }
            // No more than the endpoints can bear.
            shared_.wait(50ms, [&] { return shared_.stopping || shared_.owed < 100; });
        }
    }

    void observe(std::uint64_t number) {
        tell(std::string("see ").append(std::to_string(number)));
        good(dispatcher_->observe(change_of(number)), "observe");
        tell(std::string("seen ").append(std::to_string(number)));
    }

    void observe_contacts() {
        for (std::uint64_t next = arguments_.number("seen") + 1; !shared_.is_stopping(); ++next) {
            observe(next);
            shared_.wait(10ms, [&] { return shared_.stopping; });
        }
    }

    // What operators do meanwhile.
    void operate() {
        for (std::uint64_t turn = arguments_.number("turn"); !shared_.is_stopping(); ++turn) {
            std::uint64_t before = 0;
            shared_.change([&] { before = shared_.accepted; });
            switch (turn % 5) {
                case 0: (void)good(dispatcher_->rotate_secret(the_host, rotated_subscription), "rotate"); break;
                case 1: pause_and_resume(); break;
                case 2: edit_url(turn); break;
                case 3: create_and_remove(); break;
                default: replay_one(); break;
            }
            shared_.wait(50ms, [&] { return shared_.stopping || shared_.accepted >= before + 10; });
        }
    }

    void pause_and_resume() {
        const std::lock_guard nothing_is_skipped(paused_[paused_producer]);
        const std::size_t before = store_->expirings();
        (void)good(dispatcher_->pause(the_host, paused_subscription), "pause");
        shared_.wait(40ms, [&] { return store_->expirings() > before; });
        (void)good(dispatcher_->resume(the_host, paused_subscription), "resume");
    }

    void edit_url(std::uint64_t turn) {
        const auto record = good(dispatcher_->subscription(the_host, edited_subscription), "subscription");
        std::string url = record.subscription.url().to_string();
        url.resize(url.find('?') == std::string::npos ? url.size() : url.find('?'));
        url.append("?edit=").append(std::to_string(turn));
        (void)good(dispatcher_->edit_subscription(the_host, edited_subscription, {.url = url}), "edit");
    }

    void create_and_remove() {
        const auto made = good(dispatcher_->create_subscription({.actor = the_host,
                                                                 .url = "http://127.0.0.1:9/",
                                                                 .scope = Scope::location(LocationId(77)),
                                                                 .events = {"*"}}),
                               "create subscription");
        good(dispatcher_->remove(the_host, made.subscription.id()), "remove");
    }

    // The newest delivery that has ended among the first of this page, so that history is not read whole.
    void replay_one() {
        const auto stats = dispatcher_->deliveries({.state = DeliveryState::delivered}, last_replayed_, 50);
        const auto page = good(stats, "deliveries");
        if (page.deliveries.empty()) return;
        last_replayed_ = page.deliveries.back().id;
        const auto count =
            good(dispatcher_->replay({.filter = {.delivery = last_replayed_}, .include_delivered = true}), "replay");
        if (count != 1) tell("error a replay of one delivery made another number of them");
    }

    void work() {
        std::vector<std::thread> threads;
        if (arguments_.number("quiet") != 0) {  // what happens only when nothing else does
            shared_.wait(500ms, [&] { return store_->maintainings() > 0; });
        }
        threads.emplace_back([this] { observe_contacts(); });
        if (arguments_.number("windows") != 0) {  // the first one closes when its quiet time is over
            shared_.wait(2 * contact_window_max, [&] { return shared_.stopping; });
        }
        for (std::size_t p = 0; p < producers; ++p) threads.emplace_back([this, p] { produce(p); });
        threads.emplace_back([this] { operate(); });
        for (std::thread& thread : threads) thread.join();
    }

    // Publishes what was tried and never acknowledged, and stays until nothing is pending.
    void drain() {
        for (std::size_t p = 0; p < producers; ++p) {
            const std::uint64_t next = begin_series(p);
            const std::uint64_t last = arguments_.number(std::string("tried").append(std::to_string(p)));
            if (next <= last) publish(p, next, last);
        }
        // The contact that was being observed is seen to its end.
        for (std::uint64_t next = arguments_.number("seen") + 1;
             next <= arguments_.number("see") || next % changes_each != 1; ++next) {
            observe(next);
        }
        const Timestamp ever = Timestamp::max();
        for (int i = 0; i < 6'000; ++i) {
            const bool open = !good(store_->due_contacts(ever, ever, 1), "windows").empty();
            if (!open && good(store_->stats(), "stats").pending == 0) {
                tell("drained");
                return;
            }
            shared_.wait(10ms, [&] { return shared_.stopping; });  // answers wake it; their commits have no signal
        }
        tell(std::string("error not drained: ").append(what_is_left()));
    }

    std::string what_is_left() {
        const auto metrics = good(dispatcher_->metrics(), "metrics");
        const auto open = good(store_->due_contacts(Timestamp::max(), Timestamp::max(), 100), "windows");
        return std::to_string(metrics.pending)
            .append(" pending, ")
            .append(std::to_string(open.size()))
            .append(" windows, ")
            .append(std::to_string(metrics.in_flight))
            .append(" in flight, ")
            .append(std::to_string(metrics.attempts))
            .append(" attempts");
    }

    const Arguments& arguments_;
    Steps steps_;
    WatchedDisk disk_;
    Shared shared_;
    std::mutex revealing_;
    std::array<std::mutex, producers> paused_;
    DeliveryId last_replayed_;
    std::shared_ptr<WatchedStore> store_;
    std::unique_ptr<Dispatcher> dispatcher_;
    std::thread listener_;
};

// Holds the file for itself until the parent says otherwise.
void lock_file(const std::string& path) {
    sqlite3* database = nullptr;
    if (sqlite3_open(path.c_str(), &database) != SQLITE_OK) give_up("cannot open the file");
    sqlite3_busy_timeout(database, static_cast<int>(std::chrono::milliseconds(patience).count()));
    if (sqlite3_exec(database, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) != SQLITE_OK) give_up("cannot lock it");
    tell("locked");
    char answer = 0;
    (void)!recv(parent, &answer, 1, 0);
    sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(database);
    _exit(0);
}

}  // namespace

int main(int count, char** texts) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const Arguments arguments(count, texts);
    if (arguments.number("lock") != 0) lock_file(arguments.text("database"));
    static Sender* sender = new Sender(arguments);  // never destroyed: its listener runs to the end
    sender->run();
    tell("done");
    std::fflush(nullptr);
    _exit(0);
}
