// One effect for each event, whatever dies in between: the mark "done" commits with what the handler writes, in your
// own SQLite transaction. The main function plays the sender. Needs fpt_webhooks::receiver_sqlite and SQLite itself.
#include <cstdio>
#include <filesystem>

#include <sqlite3.h>

#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/receiver.hpp>
#include <fpt_webhooks/receiver_sqlite.hpp>

namespace fw = fpt_webhooks;

fw::Result<void> run(sqlite3* database, const std::string& sql) {
    if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return fw::Error(fw::Errc::handler_failed, sqlite3_errmsg(database));
}

// `database`: yours, WAL and synchronous FULL. While an event is being handled, only its handler may use it.
std::unique_ptr<fw::Receiver> make_receiver(std::string_view secret, sqlite3* database, const bool& fails) {
    auto receiver = fw::Receiver::create({.endpoint = "crm",
                                          .secrets = {fw::Secret(secret)},
                                          .dedupe = fw::SqliteTransactionDedupe::create({.database = database}).value(),
                                          .mode = fw::DedupeMode::in_transaction})
                        .value();
    receiver->on<fw::ContactUpdated>(
        [=, &fails](const fw::Envelope&, const fw::ContactUpdated& change) -> fw::Result<void> {
            const std::string contact = std::to_string(change.contact_id.value());
            auto written = run(database, "UPDATE contacts SET updates = updates + 1 WHERE id = " + contact);
            if (fails) return fw::Error(fw::Errc::handler_failed, "after it has written");
            return written;
        });
    return receiver;
}

int updates(sqlite3* database) {
    sqlite3_stmt* select = nullptr;
    sqlite3_prepare_v2(database, "SELECT updates FROM contacts", -1, &select, nullptr);
    const int count = sqlite3_step(select) == SQLITE_ROW ? sqlite3_column_int(select, 0) : -1;
    sqlite3_finalize(select);
    return count;
}

int main() {
    const std::string secret = "whsec_an_example_of_32_characters_or_more";
    const std::string path = "receive_exactly_once.db";
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);  // what the last run has left

    sqlite3* database = nullptr;
    if (sqlite3_open(path.c_str(), &database) != SQLITE_OK) return 1;
    run(database,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE contacts(id INTEGER, updates INTEGER);"
        "INSERT INTO contacts VALUES(9876, 0)")
        .value();
    bool fails = true;
    auto receiver = make_receiver(secret, database, fails);

    fw::HttpRequest request;
    request.body = R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated",)"
                   R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,)"
                   R"("apiVersion":"v1","data":{"contactId":9876,"operation":"update"}})";
    const auto signer = fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret)).value();
    request.headers = signer.sign(fw::bytes_of(request.body), fw::system_clock()->now()).value();
    request.headers.add("Content-Type", "application/json");

    const auto send = [&](const char* what, int expected_status, int expected_updates) {
        const auto response = receiver->handle(request);
        std::printf("%s: %d %s, %d update(s)\n", what, response.status, response.body.c_str(), updates(database));
        return response.status == expected_status && updates(database) == expected_updates;
    };
    bool as_expected = send("the handler fails behind its write", 500, 0);
    fails = false;
    as_expected &= send("sent again", 200, 1);
    as_expected &= send("and again", 200, 1);
    receiver.reset();  // before the connection that it uses
    sqlite3_close(database);
    return as_expected ? 0 : 1;
}
