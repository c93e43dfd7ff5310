// Durable receiving on a real disk, each figure beside the disk's own in the same run.
//
//   accept   a Receiver with a SqliteInbox, whose workers process meanwhile: 1,000 signed requests a second for 20 s,
//            open loop: a request's time runs from the moment when it was due, whether or not a thread was free for it.
//            Beside it: appending 4 KiB and syncing, alone on the same disk, before and after.
//   claims   SqliteDedupe, claim and complete, by one thread and by 16, beside bare single commits of SQLite
//
// Usage: fpt_webhooks_bench_inbox <folder on a real disk> [section ...]; the folder's files bench.db* are replaced.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/receiver_sqlite.hpp>

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

namespace {

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::exit(2);
}

template <class T>
T check(fw::Result<T> result) {
    if (!result) fail(result.error().message().c_str());
    return *std::move(result);
}
void check(const fw::Result<void>& result) {
    if (!result) fail(result.error().message().c_str());
}

double milliseconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

struct Folder {
    std::string path;

    [[nodiscard]] std::string database() const { return path + "/bench.db"; }
    void clear() const {
        for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database() + suffix);
    }
};

void print_percentiles(const char* what, std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double part) {
        return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
    };
    std::printf("%-36s p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms (%zu)\n", what, at(0.5), at(0.99),
                at(0.999), at(1), values.size());
    std::fflush(stdout);
}

// What the disk takes for the least that anything durable needs.
void print_floor(const Folder& folder, const char* what) {
    const std::string path = folder.path + "/bench.floor";
    const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) fail("no file on the disk");
    const std::string page(4'096, 'x');
    std::vector<double> times;
    for (int i = 0; i < 2'000; ++i) {
        const auto start = SteadyClock::now();
        if (write(descriptor, page.data(), page.size()) < 0 || fdatasync(descriptor) != 0) fail("write");
        times.push_back(milliseconds_since(start));
    }
    close(descriptor);
    std::filesystem::remove(path);
    print_percentiles(what, std::move(times));
}

constexpr std::string_view secret_text = "whsec_bench_secret_of_32_chars_or_more";

// The envelope page's sample with an id of its own: 255 bytes.
fw::HttpRequest request_for(std::size_t number, const fw::Signer& signer) {
    char id[33];
    // Spread over all values, as other people's ids are.
    std::snprintf(id, sizeof id, "%016llx%016zx", static_cast<unsigned long long>(number * 0x9E3779B97F4A7C15U),
                  number);
    fw::HttpRequest request;
    request.body.append(R"({"eventId":")").append(id);
    request.body.append(R"(","eventType":"contact.sub_group_changed","eventTimestamp":"2026-06-10T23:45:00.000Z",)"
                        R"("locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
                        R"("data":{"contactId":9876,"previousSubGroupId":3,"newSubGroupId":7}})");
    request.headers = check(signer.sign(fw::bytes_of(request.body), fw::system_clock()->now()));
    request.headers.add("Content-Type", "application/json; charset=utf-8");
    return request;
}

// ---- accept ----

void accept(const Folder& folder) {
    constexpr std::size_t per_second = 1'000;
    constexpr std::size_t count = 20 * per_second;
    constexpr std::size_t thread_count = 16;
    folder.clear();
    print_floor(folder, "accept: 4 KiB and fdatasync, before");
    std::atomic<std::size_t> processed = 0;
    const auto signer = check(fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret_text)));
    const auto inbox = check(fw::SqliteInbox::open({.path = folder.database()}));
    const std::shared_ptr<fw::Receiver> receiver =
        check(fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret_text)}, .inbox = inbox}));
    receiver->on_any([&](const fw::EventView&) { ++processed; });
    const auto workers = check(fw::InboxWorkers::create({.receiver = receiver, .inbox = inbox}));
    check(workers->start());

    std::vector<fw::HttpRequest> requests;
    for (std::size_t i = 0; i < count; ++i) requests.push_back(request_for(i, signer));
    std::vector<double> times(count);
    std::atomic<std::size_t> next = 0;
    const auto start = SteadyClock::now() + 10ms;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) {
        threads.emplace_back([&] {
            for (std::size_t i = next++; i < count; i = next++) {
                const auto due = start + i * std::chrono::microseconds(1'000'000 / per_second);
                std::this_thread::sleep_until(due);
                if (receiver->handle(requests[i]).status != 200) fail("not accepted");
                times[i] = milliseconds_since(due);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const double seconds = milliseconds_since(start) / 1'000;
    print_percentiles("accept: verified and stored", times);
    const std::size_t meanwhile = processed;
    while (check(inbox->waiting()) != 0) std::this_thread::sleep_for(20ms);
    std::printf("accept: %.0f requests/s for %.1f s, %zu processed meanwhile, %zu in the end; target: p99 under 5 ms\n",
                static_cast<double>(count) / seconds, seconds, meanwhile, processed.load());
    workers->stop(1s);
    print_floor(folder, "accept: 4 KiB and fdatasync, after");
}

// ---- claims ----

// Keys claimed and completed a second.
double claim_rate(const Folder& folder, std::size_t thread_count, std::size_t count) {
    folder.clear();
    const auto store = check(fw::SqliteDedupe::open({.path = folder.database()}));
    std::atomic<std::size_t> next = 0;
    const auto start = SteadyClock::now();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) {
        threads.emplace_back([&] {
            for (std::size_t i = next++; i < count; i = next++) {
                const std::string id = std::to_string(i * 0x9E3779B97F4A7C15U);
                const auto claim = check(store->claim({"crm", id}, 60s, 0ms));
                check(store->complete(claim.token));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    return static_cast<double>(count) * 1'000 / milliseconds_since(start);
}

// One row a commit.
double bare_rate(const Folder& folder, std::size_t count) {
    folder.clear();
    sqlite3* database = nullptr;
    if (sqlite3_open(folder.database().c_str(), &database) != SQLITE_OK) fail("sqlite3_open");
    sqlite3_exec(database,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                 "CREATE TABLE claim (id INTEGER PRIMARY KEY, key BLOB UNIQUE, at INTEGER)",
                 nullptr, nullptr, nullptr);
    sqlite3_stmt* insert = nullptr;
    if (sqlite3_prepare_v2(database, "INSERT INTO claim VALUES (NULL, ?, 0)", -1, &insert, nullptr) != SQLITE_OK) {
        fail(sqlite3_errmsg(database));
    }
    const auto start = SteadyClock::now();
    for (std::size_t i = 0; i < count; ++i) {
        const std::string id = std::to_string(i * 0x9E3779B97F4A7C15U);
        sqlite3_bind_blob(insert, 1, id.data(), static_cast<int>(id.size()), SQLITE_TRANSIENT);
        if (sqlite3_step(insert) != SQLITE_DONE) fail(sqlite3_errmsg(database));
        sqlite3_reset(insert);
    }
    const double rate = static_cast<double>(count) * 1'000 / milliseconds_since(start);
    sqlite3_finalize(insert);
    sqlite3_close(database);
    return rate;
}

void claims(const Folder& folder) {
    constexpr int rounds = 3;
    for (int round = 0; round < rounds; ++round) {
        const double bare = bare_rate(folder, 3'000);
        const double single = claim_rate(folder, 1, 1'500);
        const double many = claim_rate(folder, 16, 15'000);
        std::printf(
            "claims: bare single commits %.0f/s; claim and complete: one thread %.0f/s (two commits each: %.2f of"
            " the bare rate), 16 threads %.0f/s (%.2f)\n",
            bare, single, 2 * single / bare, many, 2 * many / bare);
        std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc < 2) return std::fprintf(stderr, "usage: %s <folder on a real disk> [section ...]\n", argv[0]), 2;
    const Folder folder{argv[1]};
    std::filesystem::create_directories(folder.path);
    const std::map<std::string, void (*)(const Folder&)> sections = {{"accept", accept}, {"claims", claims}};
    std::vector<std::string> names(argv + 2, argv + argc);
    if (names.empty()) names = {"accept", "claims"};
    for (const std::string& name : names) {
        const auto section = sections.find(name);
        if (section == sections.end()) return std::fprintf(stderr, "no section %s\n", name.c_str()), 2;
        section->second(folder);
    }
    folder.clear();
    return 0;
}
