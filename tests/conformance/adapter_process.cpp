// Our receiver behind an adapter, as a process: adapter_process <adapter>[_exactly_once|_inbox] <listening socket>
// <folder>
#include <sys/prctl.h>

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sqlite3.h>

#include <fpt_webhooks/beast.hpp>
#include <fpt_webhooks/httplib.hpp>
#include <fpt_webhooks/receiver.hpp>
#include <fpt_webhooks/receiver_sqlite.hpp>

#include "conformance/adapter_process.hpp"
#include "conformance/flaw.hpp"
#include "conformance/work.hpp"

namespace fw = fpt_webhooks;
using namespace conformance_test;

namespace {

// As many as the runner sends duplicates at once, and more: one that waits for another's result holds a thread.
constexpr int threads = 16;

void run(sqlite3* database, const std::string& sql) {
    if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return;
    throw std::runtime_error(sqlite3_errmsg(database));
}

std::unique_ptr<fw::Receiver> receiver_with_files(Work& work) {
    auto receiver = fw::Receiver::create({.endpoint = "conformance", .secrets = {fw::Secret(current_secret)}}).value();
    receiver->on_any([&](const fw::EventView& event) { work.take_effect(event.envelope()->event_id.to_string()); });
    return receiver;
}

std::unique_ptr<fw::Receiver> receiver_with_transactions(Work& work, const std::filesystem::path& file) {
    sqlite3* database = nullptr;
    if (sqlite3_open(file.c_str(), &database) != SQLITE_OK) throw std::runtime_error("cannot open the database");
    sqlite3_busy_timeout(database, 1000);  // the test reads it
    run(database,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS effects(event TEXT)");
    auto receiver = fw::Receiver::create({.endpoint = "conformance",
                                          .secrets = {fw::Secret(current_secret)},
                                          .dedupe = fw::SqliteTransactionDedupe::create({.database = database}).value(),
                                          .mode = fw::DedupeMode::in_transaction})
                        .value();
    receiver->on_any([&work, database](const fw::EventView& event) {
        const std::string id = event.envelope()->event_id.to_string();
        work.take_effect(id, [&] { run(database, "INSERT INTO effects VALUES('" + id + "')"); });
    });
    return receiver;
}

// Answers first and works afterwards.
struct WithInbox {
    WithInbox(Work& work, const std::filesystem::path& file) {
        const auto inbox = fw::SqliteInbox::open({.path = file}).value();
        receiver =
            fw::Receiver::create({.endpoint = "conformance", .secrets = {fw::Secret(current_secret)}, .inbox = inbox})
                .value();
        receiver->on_any([&](const fw::EventView& event) { work.take_effect(event.envelope()->event_id.to_string()); });
        workers = fw::InboxWorkers::create({.receiver = receiver,
                                            .inbox = inbox,
                                            .retry_delays = {std::chrono::milliseconds(100)},
                                            .failures_max = 1'000,  // it fails for as long as the runner wants it to
                                            .lease = std::chrono::seconds(1)})
                      .value();
        workers->start().value();
    }

    std::shared_ptr<fw::Receiver> receiver;
    std::unique_ptr<fw::InboxWorkers> workers;
};

// A server of httplib's on a socket that listens already.
class HttplibServer : public httplib::Server {
  public:
    void serve_on(int listener) {
        new_task_queue = [] { return new httplib::ThreadPool(threads); };
        svr_sock_ = listener;
        listen_after_bind();
    }
};

void serve_httplib(const fw::Receiver& receiver, int listener) {
    HttplibServer server;
    fw::serve(server, "/hooks", receiver);
    server.serve_on(listener);
}

void serve_beast(const fw::Receiver& receiver, int listener) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor acceptor(context, boost::asio::ip::tcp::v4(), listener);
    fw::serve(acceptor, receiver);
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) running.emplace_back([&] { context.run(); });
    for (std::thread& thread : running) thread.join();
}

}  // namespace

int main(int argc, char* argv[]) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 4) return 2;
    const std::string_view name = argv[1];
    const int listener = std::atoi(argv[2]);
    const std::filesystem::path folder = argv[3];
    Work work(folder);
    std::shared_ptr<fw::Receiver> receiver;
    std::optional<WithInbox> with_inbox;
    if (name.ends_with("_inbox")) {
        receiver = with_inbox.emplace(work, folder / "inbox.db").receiver;
    } else if (name.ends_with("_exactly_once")) {
        receiver = receiver_with_transactions(work, folder / effects_database);
    } else {
        receiver = receiver_with_files(work);
    }
    if (name.starts_with("httplib")) serve_httplib(*receiver, listener);
    if (name.starts_with("beast")) serve_beast(*receiver, listener);
    std::fprintf(stderr, "no such receiver, or its server has ended: %s\n", argv[1]);
    return 2;
}
