// Receives FPT webhooks: the README's receiver, and a main function that plays the sender so that it runs by itself.
// Needs the component fpt_webhooks::receiver, and nothing else.

// [receive]
#include <cstdio>

#include <fpt_webhooks/receiver.hpp>

namespace fw = fpt_webhooks;

std::unique_ptr<fw::Receiver> make_receiver(std::string_view secret) {
    // What was processed is remembered in memory, until a restart; in a file: `.dedupe = fw::SqliteDedupe::open(...)`,
    // docs/receiver-stores.md.
    auto receiver = fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret)}}).value();

    receiver->on<fw::ContactStatusChanged>([](const fw::Envelope& event, const fw::ContactStatusChanged& change) {
        std::printf("contact %d of location %d: status %d\n", change.contact_id.value(), event.location_id.value(),
                    static_cast<int>(change.new_status));
    });
    receiver->on_any([](const fw::EventView& event) {  // whatever has no handler of its own
        std::printf("%s %s\n", std::string(event.type()).c_str(), event.payload().text().c_str());
    });
    return receiver;
}
// In your HTTP server, for every request:   fw::HttpResponse response = receiver->handle(request);
// [receive]

#include <fpt_webhooks/core/signer.hpp>

int main() {
    constexpr std::string_view secret = "whsec_an_example_of_32_characters_or_more";
    const auto receiver = make_receiver(secret);

    fw::HttpRequest request;
    request.body = R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.status_changed",)"
                   R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,)"
                   R"("apiVersion":"v1","data":{"contactId":9876,"previousStatusId":1,"newStatusId":3}})";
    const auto signer = fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret)).value();
    request.headers = signer.sign(fw::bytes_of(request.body), fw::system_clock()->now()).value();
    request.headers.add("Content-Type", "application/json; charset=utf-8");

    const auto send = [&](const char* what, int expected) {
        const fw::HttpResponse response = receiver->handle(request);
        std::printf("%s: %d %s\n", what, response.status, response.body.c_str());
        return response.status == expected;
    };
    bool as_expected = send("signed", 200);
    as_expected &= send("sent again", 200);
    request.body.replace(request.body.find("9876"), 4, "9877");
    as_expected &= send("tampered with", 401);
    return as_expected ? 0 : 1;
}
