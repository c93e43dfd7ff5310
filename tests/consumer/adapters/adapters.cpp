// Both adapters from an installed package: their third parties come with their targets, macros and all.
#include <fpt_webhooks/beast.hpp>
#include <fpt_webhooks/httplib.hpp>

#include <cstdio>

namespace fw = fpt_webhooks;

int main() {
    const auto receiver = fw::Receiver::create(
        {.endpoint = "consumer", .secrets = {fw::Secret("whsec_consumer_test_secret_of_32_characters")}});
    if (!receiver) return 1;
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
    fw::serve(acceptor, **receiver);
    context.poll();

    httplib::Server server;
    fw::serve(server, "/hooks", **receiver);
    return server.bind_to_any_port("127.0.0.1") > 0 ? 0 : 2;
}
