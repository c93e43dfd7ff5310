// Receives FPT webhooks with Boost.Beast. Needs the component fpt_webhooks::beast.
//
//   WEBHOOK_SECRET=whsec_... receive_beast 8080
#include <cstdio>
#include <cstdlib>

#include <boost/asio/thread_pool.hpp>
#include <fpt_webhooks/beast.hpp>

namespace fw = fpt_webhooks;

int main(int argc, char* argv[]) {
    const char* secret = std::getenv("WEBHOOK_SECRET");
    if (argc != 2 || !secret) return std::fputs("usage: WEBHOOK_SECRET=... receive_beast <port>\n", stderr), 2;

    const auto receiver = fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret)}}).value();
    receiver->on<fw::ContactUpdated>([](const fw::Envelope& event, const fw::ContactUpdated& change) {
        std::printf("contact %d of location %d\n", change.contact_id.value(), event.location_id.value());
        std::fflush(stdout);
    });

    boost::asio::thread_pool threads(8);  // as many events are handled at once
    const auto port = static_cast<unsigned short>(std::atoi(argv[1]));
    boost::asio::ip::tcp::acceptor acceptor(threads, {boost::asio::ip::address_v4::loopback(), port});
    fw::serve(acceptor, *receiver);
    std::puts("listening");
    std::fflush(stdout);
    threads.join();
}
