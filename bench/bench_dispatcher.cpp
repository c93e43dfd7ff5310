// The dispatcher on a real disk, end to end, each figure beside its peer or limit in the same run.
//
//   durable   publish with synchronous=FULL until delivered over HTTP and recorded, 64 subscriptions, one fast sink,
//             beside a bare SQLite and libcurl loop that writes the same rows and waits for each group of 256
//   publish   publish from 64 threads beside single synchronous commits, on a store of a million rows
//   scale     a million pending deliveries of 10,000 subscriptions: start, memory, drain rate beside a queue of 1,000;
//             start with a million subscriptions
//   dead      latency of healthy endpoints with and without 1,000 dead ones among 10,000
//
// Usage: fpt_webhooks_bench_dispatcher <folder on a real disk> [section ...]; the folder's files bench.db* are
// replaced.
#include <curl/curl.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fpt_webhooks/fpt_webhooks.hpp>

#include "sink.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

namespace {

using bench::fail;

constexpr fw::Actor host{.role = fw::Role::host};
constexpr std::size_t lanes = 64;
constexpr std::size_t group = 256;

double seconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

template <class T>
T check(fw::Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message().c_str());
        std::exit(2);
    }
    return *std::move(result);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// "VmRSS" or "VmHWM", in MiB.
double memory_mib(const char* field) {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.rfind(field, 0) == 0) return std::strtod(line.c_str() + std::strlen(field) + 1, nullptr) / 1024;
    }
    return 0;
}

struct Folder {
    std::string path;

    [[nodiscard]] std::string database() const { return path + "/bench.db"; }
    void clear() const {
        for (const char* suffix : {"", "-wal", "-shm", "-dispatcher"}) std::filesystem::remove(database() + suffix);
    }
    [[nodiscard]] std::shared_ptr<fw::SqliteStore> open() const {
        return check(fw::SqliteStore::open({.path = database(),
                                            .encryption_key = fw::Secret(std::string(fw::store_key_bytes, 'k')),
                                            .limits = {.subscription_pending_max = 10'000'000}}));
    }
};

std::shared_ptr<const fw::EndpointPolicy> loopback() {
    return check(fw::EndpointPolicy::create({.allow = {"127.0.0.1"}, .allow_http = true}));
}

fw::DispatcherOptions options_for(std::shared_ptr<fw::Store> store, std::size_t in_flight) {
    fw::DispatcherOptions options;
    options.store = std::move(store);
    options.transport = check(fw::CurlTransport::create({.in_flight_max = in_flight}));
    options.quarantine_transport = check(fw::CurlTransport::create({.in_flight_max = in_flight}));
    options.policy = loopback();
    options.in_flight_max = in_flight;
    return options;
}

fw::SubscriptionId subscribe(fw::Dispatcher& dispatcher, std::int32_t location, const std::string& url,
                             bool secret = true) {
    const auto record = check(dispatcher.create_subscription(
        {.actor = host, .url = url, .scope = fw::Scope::location(fw::LocationId(location)), .events = {"*"}}));
    if (secret) static_cast<void>(check(dispatcher.generate_secret(host, record.subscription.id())));
    return record.subscription.id();
}

fw::Envelope event_for(std::int32_t location) {
    static const auto clock = fw::system_clock();
    static const auto random = fw::system_random();
    return check(fw::make_envelope(fw::ContactSubGroupChanged{.contact_id = fw::ContactId(9876),
                                                              .previous_sub_group = fw::SubGroupId(3),
                                                              .new_sub_group = fw::SubGroupId(7)},
                                   {.location = fw::LocationId(location), .organization = fw::OrganizationId(5678)},
                                   *clock, *random));
}

// `recorded`: until nothing is pending in the store.
void wait_until_delivered(fw::Dispatcher& dispatcher, std::uint64_t count, bool recorded = false) {
    const auto end = SteadyClock::now() + 10min;
    for (;;) {
        const fw::DispatcherMetrics metrics = check(dispatcher.metrics());
        if (metrics.delivered >= count && !(recorded && metrics.pending > 0)) return;
        if (SteadyClock::now() > end) fail("deliveries do not end");
        std::this_thread::sleep_for(5ms);
    }
}

// ---- durable ----

// Hand-made: one thread, the fewest rows and indexes that keep the same facts, everything by groups.
class BareLoop {
  public:
    BareLoop(const Folder& folder, const std::string& url) : multi_(curl_multi_init()) {
        if (sqlite3_open(folder.database().c_str(), &database_) != SQLITE_OK) fail("sqlite3_open");
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE event(seq INTEGER PRIMARY KEY, event_id BLOB UNIQUE, type TEXT, at INTEGER, body BLOB);"
            "CREATE TABLE delivery(id INTEGER PRIMARY KEY, subscription INTEGER, event INTEGER, state INTEGER,"
            " queued_at INTEGER, ended_at INTEGER);"
            "CREATE TABLE attempt(delivery INTEGER, number INTEGER, started INTEGER, duration INTEGER, status INTEGER,"
            " PRIMARY KEY(delivery, number)) WITHOUT ROWID;");
        insert_event_ = prepare("INSERT INTO event VALUES(?,?,?,?,?)");
        insert_delivery_ = prepare("INSERT INTO delivery VALUES(?,?,?,0,?,NULL)");
        end_delivery_ = prepare("UPDATE delivery SET state=2, ended_at=? WHERE id=?");
        insert_attempt_ = prepare("INSERT INTO attempt VALUES(?,1,?,?,200)");
        for (std::size_t i = 0; i < lanes; ++i) {
            CURL* easy = curl_easy_init();
            curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
            curl_easy_setopt(
                easy, CURLOPT_WRITEFUNCTION, +[](char*, std::size_t a, std::size_t b, void*) { return a * b; });
            curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
            curl_easy_setopt(easy, CURLOPT_PROXY, "");
            curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30'000L);
            curl_easy_setopt(easy, CURLOPT_PRIVATE, reinterpret_cast<void*>(i));
            handles_.push_back(easy);
            lists_.push_back(nullptr);
        }
    }
    ~BareLoop() {
        for (CURL* easy : handles_) {
            curl_multi_remove_handle(multi_, easy);
            curl_easy_cleanup(easy);
        }
        for (curl_slist* list : lists_) curl_slist_free_all(list);
        curl_multi_cleanup(multi_);
        for (sqlite3_stmt* statement : {insert_event_, insert_delivery_, end_delivery_, insert_attempt_}) {
            sqlite3_finalize(statement);
        }
        sqlite3_close(database_);
    }
    BareLoop(const BareLoop&) = delete;
    BareLoop& operator=(const BareLoop&) = delete;

    // Deliveries per second.
    double run_rounds(std::size_t count) {
        const auto start = SteadyClock::now();
        for (std::size_t done = 0; done < count; done += group) one_group();
        return static_cast<double>(count) / seconds_since(start);
    }

  private:
    void run(const char* sql) {
        if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sqlite3_errmsg(database_));
    }
    sqlite3_stmt* prepare(const char* sql) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
            fail(sqlite3_errmsg(database_));
        }
        return statement;
    }
    void step(sqlite3_stmt* statement) {
        if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_errmsg(database_));
        sqlite3_reset(statement);
    }

    void one_group() {
        const std::int64_t first = next_;
        bodies_.clear();
        run("BEGIN IMMEDIATE");
        for (std::size_t i = 0; i < group; ++i, ++next_) {
            const fw::Envelope event = event_for(static_cast<std::int32_t>(i % lanes));
            bodies_.push_back(check(fw::encode_envelope(event)));
            const std::int64_t now = fw::system_clock()->now().time_since_epoch().count();
            sqlite3_bind_int64(insert_event_, 1, next_);
            sqlite3_bind_blob(insert_event_, 2, event.event_id.bytes().data(), 16, SQLITE_TRANSIENT);
            sqlite3_bind_text(insert_event_, 3, event.event_type.text().c_str(), -1, SQLITE_TRANSIENT);
            sqlite3_bind_int64(insert_event_, 4, now);
            sqlite3_bind_blob(insert_event_, 5, bodies_.back().data(), static_cast<int>(bodies_.back().size()),
                              SQLITE_STATIC);
            step(insert_event_);
            sqlite3_bind_int64(insert_delivery_, 1, next_);
            sqlite3_bind_int64(insert_delivery_, 2, static_cast<std::int64_t>(i % lanes));
            sqlite3_bind_int64(insert_delivery_, 3, next_);
            sqlite3_bind_int64(insert_delivery_, 4, now);
            step(insert_delivery_);
        }
        run("COMMIT");
        deliver();
        run("BEGIN IMMEDIATE");
        for (std::size_t i = 0; i < group; ++i) {
            const std::int64_t now = fw::system_clock()->now().time_since_epoch().count();
            sqlite3_bind_int64(end_delivery_, 1, now);
            sqlite3_bind_int64(end_delivery_, 2, first + static_cast<std::int64_t>(i));
            step(end_delivery_);
            sqlite3_bind_int64(insert_attempt_, 1, first + static_cast<std::int64_t>(i));
            sqlite3_bind_int64(insert_attempt_, 2, now);
            sqlite3_bind_int64(insert_attempt_, 3, 1);
            step(insert_attempt_);
        }
        run("COMMIT");
    }

    void start(std::size_t lane, std::size_t index) {
        const std::string& body = bodies_[index];
        const auto signature = check(signer_.sign(fw::bytes_of(body), fw::system_clock()->now()));
        curl_slist_free_all(lists_[lane]);
        lists_[lane] = curl_slist_append(nullptr, "Content-Type: application/json; charset=utf-8");
        curl_slist_append(lists_[lane], "User-Agent: FitProTracker-Webhooks/1.1");
        for (const auto& field : signature) {
            curl_slist_append(lists_[lane], std::string(field.name).append(": ").append(field.value).c_str());
        }
        CURL* easy = handles_[lane];
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lists_[lane]);
        curl_multi_add_handle(multi_, easy);
    }

    void deliver() {
        std::size_t next = 0;
        std::size_t done = 0;
        for (std::size_t lane = 0; lane < lanes; ++lane) start(lane, next++);
        while (done < group) {
            int running = 0;
            curl_multi_perform(multi_, &running);
            int left = 0;
            while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
                if (message->data.result != CURLE_OK) fail(curl_easy_strerror(message->data.result));
                CURL* easy = message->easy_handle;
                void* lane = nullptr;
                curl_easy_getinfo(easy, CURLINFO_PRIVATE, &lane);
                curl_multi_remove_handle(multi_, easy);
                ++done;
                if (next < group) start(reinterpret_cast<std::size_t>(lane), next++);
            }
            if (done < group) curl_multi_poll(multi_, nullptr, 0, 100, nullptr);
        }
    }

    fw::Signer signer_ =
        check(fw::Signer::create(fw::Scheme::fpt, fw::Secret("whsec_bench_secret_of_32_chars_or_more")));
    CURLM* multi_;
    sqlite3* database_ = nullptr;
    sqlite3_stmt* insert_event_ = nullptr;
    sqlite3_stmt* insert_delivery_ = nullptr;
    sqlite3_stmt* end_delivery_ = nullptr;
    sqlite3_stmt* insert_attempt_ = nullptr;
    std::vector<CURL*> handles_;
    std::vector<curl_slist*> lists_;
    std::vector<std::string> bodies_;
    std::int64_t next_ = 1;
};

// Publishes `count` events with a bounded number on their way to the disk, and waits until all are delivered.
double publish_and_deliver(fw::Dispatcher& dispatcher, std::size_t count) {
    constexpr std::size_t waiting_max = 2'048;
    std::mutex mutex;
    std::condition_variable room;
    std::size_t waiting = 0;
    const std::uint64_t before = check(dispatcher.metrics()).delivered;
    const auto start = SteadyClock::now();
    for (std::size_t i = 0; i < count; ++i) {
        {
            std::unique_lock lock(mutex);
            room.wait(lock, [&] { return waiting < waiting_max; });
            ++waiting;
        }
        auto event = check(fw::NewEvent::from(event_for(static_cast<std::int32_t>(i % lanes))));
        const auto queued =
            dispatcher.publish_async(std::move(event), [&](const fw::Result<fw::AppendVerdict>& result) {
                if (!result) fail(result.error().message().c_str());
                const std::lock_guard lock(mutex);
                --waiting;
                if (waiting == waiting_max / 2) room.notify_one();
                if (waiting == 0) room.notify_one();
            });
        if (!queued) fail(queued.error().message().c_str());
    }
    {
        std::unique_lock lock(mutex);
        room.wait(lock, [&] { return waiting == 0; });
    }
    wait_until_delivered(dispatcher, before + count, true);
    return static_cast<double>(count) / seconds_since(start);
}

void durable(const Folder& folder, const bench::Sink& sink) {
    constexpr std::size_t count = 20'480;
    std::vector<double> bare_rates, our_rates, ratios;
    folder.clear();
    const Folder other{folder.path + "/bare"};
    std::filesystem::create_directories(other.path);
    other.clear();
    BareLoop bare(other, sink.url());
    auto dispatcher = check(fw::Dispatcher::create(options_for(folder.open(), lanes)));
    for (std::size_t i = 0; i < lanes; ++i) subscribe(*dispatcher, static_cast<std::int32_t>(i), sink.url());
    if (!dispatcher->start()) fail("start");
    for (int round = -1; round < 7; ++round) {
        const double theirs = bare.run_rounds(count);
        const double ours = publish_and_deliver(*dispatcher, count);
        if (round < 0) continue;  // the first one connects
        bare_rates.push_back(theirs);
        our_rates.push_back(ours);
        ratios.push_back(ours / theirs);
    }
    dispatcher->stop();
    std::printf("durable: bare loop %.0f/s, dispatcher %.0f/s, ratio %.2f (%.2f to %.2f), target 1.00\n",
                median(bare_rates), median(our_rates), median(ratios), *std::min_element(ratios.begin(), ratios.end()),
                *std::max_element(ratios.begin(), ratios.end()));
}

// ---- publish ----

// `count` events, one after another for each location, straight into the store.
void fill(fw::Store& store, std::size_t count, std::size_t locations) {
    for (std::size_t done = 0; done < count;) {
        fw::StoreBatch batch{.at = fw::system_clock()->now()};
        for (std::size_t i = 0; i < 4'096 && done < count; ++i, ++done) {
            batch.events.push_back(check(fw::NewEvent::from(event_for(static_cast<std::int32_t>(done % locations)))));
        }
        check(store.commit(batch));
    }
}

void publish(const Folder& folder, const bench::Sink& sink) {
    constexpr auto time = 3s;
    constexpr std::size_t threads = 64;
    folder.clear();
    const auto store = folder.open();
    auto dispatcher = check(fw::Dispatcher::create(options_for(store, lanes)));
    for (std::size_t i = 0; i < lanes; ++i) subscribe(*dispatcher, static_cast<std::int32_t>(i), sink.url(), false);
    fill(*store, 1'000'000, lanes);
    std::vector<double> singles, many, ratios;
    for (int round = 0; round < 3; ++round) {
        auto start = SteadyClock::now();
        std::size_t alone = 0;
        for (; SteadyClock::now() - start < time; ++alone) {
            fw::StoreBatch batch{.at = fw::system_clock()->now()};
            batch.events.push_back(check(fw::NewEvent::from(event_for(static_cast<std::int32_t>(alone % lanes)))));
            check(store->commit(batch));
        }
        singles.push_back(static_cast<double>(alone) / seconds_since(start));

        std::atomic<std::size_t> together = 0;
        start = SteadyClock::now();
        std::vector<std::thread> publishers;
        for (std::size_t i = 0; i < threads; ++i) {
            publishers.emplace_back([&, i] {
                for (; SteadyClock::now() - start < time; ++together) {
                    check(dispatcher->publish(event_for(static_cast<std::int32_t>(i))));
                }
            });
        }
        for (std::thread& publisher : publishers) publisher.join();
        many.push_back(static_cast<double>(together) / seconds_since(start));
        ratios.push_back(many.back() / singles.back());
    }
    std::printf(
        "publish: single commits %.0f/s, 64 threads %.0f/s, ratio %.1f, target 6.0 (a store of a million rows)\n",
        median(singles), median(many), median(ratios));
}

// ---- scale ----

// In a process of its own, so that its memory is its own.
int drain(const Folder& folder, std::size_t pending) {
    const auto opened = SteadyClock::now();
    auto dispatcher = check(fw::Dispatcher::create(options_for(folder.open(), 64)));
    if (auto started = dispatcher->start(); !started) fail(started.error().message().c_str());
    const double start_seconds = seconds_since(opened);
    const auto begin = SteadyClock::now();
    const std::size_t drained = std::min<std::size_t>(pending, 400'000);
    wait_until_delivered(*dispatcher, drained);
    const double rate = static_cast<double>(drained) / seconds_since(begin);
    dispatcher->stop();
    std::printf("scale: %zu pending: start %.3f s, drained %zu at %.0f/s, resident at most %.0f MiB\n", pending,
                start_seconds, drained, rate, memory_mib("VmHWM"));
    return 0;
}

int start_only(const Folder& folder) {
    const auto opened = SteadyClock::now();
    auto dispatcher = check(fw::Dispatcher::create(options_for(folder.open(), 64)));
    if (auto started = dispatcher->start(); !started) fail(started.error().message().c_str());
    std::printf("scale: 1000000 subscriptions: start %.3f s (target under 5), resident %.0f MiB\n",
                seconds_since(opened), memory_mib("VmRSS"));
    return 0;
}

void run_self(const Folder& folder, const char* what, const std::string& argument) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_dispatcher", folder.path.c_str(), what, argument.c_str(), nullptr);
        fail("execl");
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) fail(what);
}

void scale(const Folder& folder, const bench::Sink& sink) {
    constexpr std::size_t subscriptions = 10'000;
    folder.clear();
    {
        const auto store = folder.open();
        auto dispatcher = check(fw::Dispatcher::create(options_for(store, lanes)));
        for (std::size_t i = 0; i < subscriptions; ++i) {
            subscribe(*dispatcher, static_cast<std::int32_t>(i), sink.url());
        }
        fill(*store, 1'000, subscriptions);
    }
    run_self(folder, "drain", "1000");
    fill(*folder.open(), 1'000'000, subscriptions);
    run_self(folder, "drain", "1000000");
    std::printf("scale: targets: start under 0.5 s, at most 200 MiB, at least 0.8 of the rate of a queue of 1,000\n");
    {
        sqlite3* database = nullptr;
        sqlite3_open(folder.database().c_str(), &database);
        const char* const copy =
            "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 990000) "
            "INSERT INTO fpt_webhooks_subscription SELECT 100000 + i, url, scope_kind, 100000 + i, scope_tenant, "
            "events,"
            " status, pii, version, 0, deleted, created_at, changed_at, 10000000 + i, cuts, streak_started, "
            "streak_last,"
            " streak_warned, fifo_per_contact FROM n, (SELECT * FROM fpt_webhooks_subscription LIMIT 1)";
        if (sqlite3_exec(database, copy, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sqlite3_errmsg(database));
        sqlite3_close(database);
    }
    run_self(folder, "start", "");
}

// ---- dead ----

// Notes when each subscription's request came back.
class Watching final : public fw::Transport {
  public:
    explicit Watching(std::shared_ptr<fw::Transport> inner) : inner_(std::move(inner)) {}

    fw::Result<Token> start(fw::TransportRequest request, Completion done) override {
        const std::size_t slash = request.http.url.rfind('/');
        const auto number = static_cast<std::size_t>(std::atol(request.http.url.c_str() + slash + 1));
        return inner_->start(std::move(request), [this, number, done = std::move(done)](fw::TransportOutcome outcome) {
            if (outcome.response) {
                const std::lock_guard lock(mutex_);
                latencies_.push_back(
                    std::chrono::duration<double, std::milli>(SteadyClock::now() - published[number]).count());
            }
            done(std::move(outcome));
        });
    }
    void cancel(Token token) override { inner_->cancel(token); }

    double percentile(double part) {
        const std::lock_guard lock(mutex_);
        if (latencies_.empty()) return 0;
        std::sort(latencies_.begin(), latencies_.end());
        return latencies_[static_cast<std::size_t>(part * static_cast<double>(latencies_.size() - 1))];
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return latencies_.size();
    }
    void forget() {
        const std::lock_guard lock(mutex_);
        latencies_.clear();
    }

    std::vector<SteadyClock::time_point> published;

  private:
    std::shared_ptr<fw::Transport> inner_;
    std::mutex mutex_;
    std::vector<double> latencies_;
};

int listen_and_never_answer(std::uint16_t& port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener, generic, size) != 0 || listen(listener, 4096) != 0) fail("listen");
    getsockname(listener, generic, &size);
    port = ntohs(address.sin_port);
    return listener;  // the kernel accepts; nobody reads
}

void dead(const Folder& folder, const bench::Sink& sink) {
    constexpr std::size_t endpoints = 10'000;
    constexpr std::size_t dead_ones = 1'000;
    constexpr std::size_t per_second = 2'000;
    constexpr std::size_t rounds = 4;  // of one event to every endpoint
    std::uint16_t dead_port = 0;
    const int listener = listen_and_never_answer(dead_port);
    const std::string dead_url = std::string("http://127.0.0.1:").append(std::to_string(dead_port)).append("/");
    double healthy_p99[2] = {};
    for (const bool with_dead : {false, true}) {
        folder.clear();
        auto options = options_for(folder.open(), 1'024);
        const auto watching = std::make_shared<Watching>(options.transport);
        const auto quarantine = std::make_shared<Watching>(options.quarantine_transport);
        watching->published.resize(endpoints);
        quarantine->published.resize(endpoints);
        options.transport = watching;
        options.quarantine_transport = quarantine;
        options.in_flight_max = 1'024;
        options.timeout = 5s;
        options.connect_timeout = 5s;
        auto dispatcher = check(fw::Dispatcher::create(std::move(options)));
        for (std::size_t i = 0; i < endpoints; ++i) {
            const bool is_dead = with_dead && i % (endpoints / dead_ones) == 0;
            std::string url = is_dead ? dead_url : sink.url("/");
            url.append(std::to_string(i));
            subscribe(*dispatcher, static_cast<std::int32_t>(i), url);
        }
        if (!dispatcher->start()) fail("start");
        for (std::size_t round = 0; round < rounds; ++round) {
            if (round == 1) watching->forget();  // the first round connects
            const auto start = SteadyClock::now();
            for (std::size_t i = 0; i < endpoints; ++i) {
                watching->published[i] = SteadyClock::now();
                auto event = check(fw::NewEvent::from(event_for(static_cast<std::int32_t>(i))));
                if (!dispatcher->publish_async(std::move(event), [](const auto&) {})) fail("publish");
                std::this_thread::sleep_until(start + std::chrono::microseconds((i + 1) * 1'000'000 / per_second));
            }
        }
        std::this_thread::sleep_for(500ms);
        healthy_p99[with_dead ? 1 : 0] = watching->percentile(0.99);
        std::printf("dead: %s dead ones among 10000: %zu answers, p50 %.1f ms, p99 %.1f ms\n",
                    with_dead ? "with 1000" : "without", watching->count(), watching->percentile(0.5),
                    watching->percentile(0.99));
        dispatcher->stop(0ms);
    }
    close(listener);
    std::printf("dead: p99 with / without %.2f, target at most 1.50\n", healthy_p99[1] / healthy_p99[0]);
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc < 2) return std::fprintf(stderr, "usage: %s <folder on a real disk> [section ...]\n", argv[0]), 2;
    const Folder folder{argv[1]};
    std::filesystem::create_directories(folder.path);
    if (argc == 4 && std::strcmp(argv[2], "drain") == 0) return drain(folder, std::strtoul(argv[3], nullptr, 10));
    if (argc == 4 && std::strcmp(argv[2], "start") == 0) return start_only(folder);
    const bench::Sink sink;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::map<std::string, void (*)(const Folder&, const bench::Sink&)> sections = {
        {"durable", durable}, {"publish", publish}, {"scale", scale}, {"dead", dead}};
    std::vector<std::string> names(argv + 2, argv + argc);
    if (names.empty()) names = {"durable", "publish", "scale", "dead"};
    for (const std::string& name : names) {
        const auto section = sections.find(name);
        if (section == sections.end()) return std::fprintf(stderr, "no section %s\n", name.c_str()), 2;
        section->second(folder, sink);
        std::fflush(stdout);
    }
    folder.clear();
    return 0;
}
