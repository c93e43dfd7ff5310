// A partner's program: takes a signed request from its HTTP server, handles the event once, refuses a forgery.
#include <fpt_webhooks/receiver.hpp>

#include <cstdio>

namespace fw = fpt_webhooks;

int main() {
    const fw::Secret secret("whsec_consumer_test_secret_of_32_characters");
    const auto signer = fw::Signer::create(fw::Scheme::fpt, secret);
    auto receiver = fw::Receiver::create({.endpoint = "consumer", .secrets = {secret}});
    if (!signer || !receiver) return 1;

    int moved_to = 0;
    (*receiver)->on<fw::ContactStatusChanged>([&](const fw::Envelope&, const fw::ContactStatusChanged& change) {
        moved_to = static_cast<int>(change.new_status);
    });

    fw::HttpRequest request;
    request.body = R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.status_changed",)"
                   R"("eventTimestamp":"2024-05-29T23:00:00.000Z","locationId":1234,"organizationId":5678,)"
                   R"("apiVersion":"v1","data":{"contactId":9876,"previousStatusId":1,"newStatusId":3}})";
    const auto signature = signer->sign(fw::bytes_of(request.body), fw::system_clock()->now());
    if (!signature) return 2;
    request.headers = *signature;
    request.headers.add("Content-Type", "application/json; charset=utf-8");

    if ((*receiver)->handle(request).status != 200 || moved_to != 3) return 3;
    request.body += ' ';
    if ((*receiver)->handle(request).status != 401) return 4;
    std::puts("received once, forgery refused");
    return 0;
}
