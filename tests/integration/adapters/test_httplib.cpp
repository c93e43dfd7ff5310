#include "servers.hpp"

using namespace adapters;

TEST_CASE("httplib: a path is taken literally, and other paths stay the host's") {
    const auto receiver = fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret)}}).value();
    httplib::Server server;
    fw::serve(server, "/hooks.v1+x", *receiver);
    server.Get("/health", [](const httplib::Request&, httplib::Response& out) { out.body = "fine"; });
    const int port = server.bind_to_any_port("127.0.0.1");
    std::thread thread([&] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::yield();

    httplib::Client client("127.0.0.1", port);
    CHECK(client.Post("/hooks.v1+x", "{}", "application/json")->status == 401);
    CHECK(client.Post("/hooksXv1+x", "{}", "application/json")->status == 404);
    CHECK(client.Post("/hooks.v11x", "{}", "application/json")->status == 404);
    CHECK(client.Get("/health")->body == "fine");
    server.stop();
    thread.join();
}

TEST_CASE("httplib: the server's own smaller limit on bodies is answered 413") {
    httplib::Server server;
    fw::serve(server, "/hooks", [](const fw::HttpRequest&) { return fw::HttpResponse{.status = 200}; });
    server.set_payload_max_length(10);
    const int port = server.bind_to_any_port("127.0.0.1");
    std::thread thread([&] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::yield();
    RawClient client(port);
    client.send(signed_request(event_body()));
    CHECK(client.receive().status == 413);
    server.stop();
    thread.join();
}
