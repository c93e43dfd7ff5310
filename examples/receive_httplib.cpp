// Receives FPT webhooks at /hooks with cpp-httplib. Needs the component fpt_webhooks::httplib.
//
//   WEBHOOK_SECRET=whsec_... receive_httplib 8080
#include <cstdio>
#include <cstdlib>

#include <fpt_webhooks/httplib.hpp>

namespace fw = fpt_webhooks;

int main(int argc, char* argv[]) {
    const char* secret = std::getenv("WEBHOOK_SECRET");
    if (argc != 2 || !secret) return std::fputs("usage: WEBHOOK_SECRET=... receive_httplib <port>\n", stderr), 2;

    const auto receiver = fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret)}}).value();
    receiver->on<fw::ContactUpdated>([](const fw::Envelope& event, const fw::ContactUpdated& change) {
        std::printf("contact %d of location %d\n", change.contact_id.value(), event.location_id.value());
        std::fflush(stdout);
    });

    httplib::Server server;
    fw::serve(server, "/hooks", *receiver);
    if (!server.bind_to_port("127.0.0.1", std::atoi(argv[1]))) return std::perror("bind"), 1;
    std::puts("listening");
    std::fflush(stdout);
    server.listen_after_bind();
}
