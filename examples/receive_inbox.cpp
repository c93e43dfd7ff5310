// Answers first and processes afterwards, and loses nothing in between: an inbox in an SQLite file. The main function
// plays the sender. Needs the component fpt_webhooks::receiver_sqlite.
#include <cstdio>
#include <filesystem>
#include <future>

#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/receiver.hpp>
#include <fpt_webhooks/receiver_sqlite.hpp>

namespace fw = fpt_webhooks;

struct Intake {
    std::shared_ptr<fw::Receiver> receiver;     // for your HTTP server
    std::unique_ptr<fw::InboxWorkers> workers;  // may as well run in another process, on the same file
};

Intake make_intake(std::string_view secret, const std::string& path, std::function<void()> on_processed) {
    const auto inbox = fw::SqliteInbox::open({.path = path}).value();
    Intake intake;
    intake.receiver =
        fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret)}, .inbox = inbox}).value();
    intake.receiver->on<fw::ContactUpdated>([=](const fw::Envelope&, const fw::ContactUpdated& change) {
        std::printf("contact %d\n", change.contact_id.value());  // may take its time, and may fail: it is tried again
        on_processed();
    });
    intake.workers = fw::InboxWorkers::create({.receiver = intake.receiver, .inbox = inbox}).value();
    intake.workers->start().value();
    return intake;
}

int main() {
    const std::string secret = "whsec_an_example_of_32_characters_or_more";
    const std::string path = "receive_inbox.db";
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);  // what the last run has left

    std::promise<void> processed;
    auto intake = make_intake(secret, path, [&processed] { processed.set_value(); });

    fw::HttpRequest request;
    request.body = R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated",)"
                   R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,)"
                   R"("apiVersion":"v1","data":{"contactId":9876,"operation":"update"}})";
    const auto signer = fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret)).value();
    request.headers = signer.sign(fw::bytes_of(request.body), fw::system_clock()->now()).value();
    request.headers.add("Content-Type", "application/json");

    bool as_expected = true;
    for (const char* what :
         {"signed", "sent again"}) {  // a second processing would end the program: a promise is kept once
        const auto response = intake.receiver->handle(request);
        std::printf("%s: %d %s\n", what, response.status, response.body.c_str());
        as_expected &= response.status == 200;
    }
    as_expected &= processed.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready;
    as_expected &= intake.workers->stop(std::chrono::seconds(60));
    return as_expected ? 0 : 1;
}
