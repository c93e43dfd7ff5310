// The two servers under test, each with the shipped adapter on loopback, and signed requests as bytes.
#pragma once

#include <fpt_webhooks/beast.hpp>
#include <fpt_webhooks/httplib.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fpt_webhooks/core/signer.hpp>

#include "raw_client.hpp"
#include "support/catch.hpp"

namespace adapters {

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

inline constexpr std::string_view secret = "whsec_fpt_test_secret_32_chars_min!!";

class HttplibServer {
  public:
    static constexpr int slow_status = 408;
    static constexpr bool pipelines = false;

    explicit HttplibServer(fw::HttpHandler handler, fw::HttpLimits limits = {}) {
        fw::serve(server_, "/hooks", std::move(handler), limits);
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();  // stop() before that would be forgotten
    }
    HttplibServer(const HttplibServer&) = delete;
    HttplibServer& operator=(const HttplibServer&) = delete;
    ~HttplibServer() {
        server_.stop();
        thread_.join();
    }
    int port() const { return port_; }

  private:
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
};

class BeastServer {
  public:
    static constexpr int slow_status = 0;  // cut without an answer
    static constexpr bool pipelines = true;

    explicit BeastServer(fw::HttpHandler handler, fw::HttpLimits limits = {})
        : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}) {
        fw::serve(acceptor_, std::move(handler), limits);
        for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { context_.run(); });
    }
    BeastServer(const BeastServer&) = delete;
    BeastServer& operator=(const BeastServer&) = delete;
    ~BeastServer() {
        context_.stop();
        for (auto& thread : threads_) thread.join();
    }
    int port() const { return acceptor_.local_endpoint().port(); }

  private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::vector<std::thread> threads_;
};

inline std::string event_body(const std::string& id = "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e") {
    return R"({"eventId":")" + id +
           R"(","eventType":"contact.updated","eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,)"
           R"("organizationId":5678,"apiVersion":"v1","data":{"contactId":9876,"operation":"update"}})";
}

inline std::string signature(const std::string& body) {
    const auto signer = fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret)).value();
    const auto headers = signer.sign(fw::bytes_of(body), fw::system_clock()->now()).value();
    return "X-FPT-Signature: " + headers.begin()->value + "\r\n";
}

inline std::string head(const std::string& more, const std::string& method = "POST") {
    return method + " /hooks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=utf-8\r\n" + more +
           "\r\n";
}

inline std::string length_of(const std::string& body) {
    return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}

// A whole signed request; `more`: further header lines.
inline std::string signed_request(const std::string& body, const std::string& more = "") {
    return head(signature(body) + length_of(body) + more) + body;
}

inline std::string chunked(std::string_view body, std::size_t piece) {
    std::string out;
    for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) {
        const auto now = body.substr(0, piece);
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", now.size());
        out.append(size).append(now).append("\r\n");
    }
    return out + "0\r\n\r\n";
}

// A receiver that counts effects, behind a server.
template <class Server>
struct Endpoint {
    explicit Endpoint(fw::HttpLimits limits = {})
        : server([this](const fw::HttpRequest& request) { return receiver->handle(request); }, limits) {
        receiver->on<fw::ContactUpdated>([this](const fw::Envelope&, const fw::ContactUpdated&) { ++effects; });
    }
    std::atomic<int> effects{0};
    std::unique_ptr<fw::Receiver> receiver =
        fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret)}}).value();
    Server server;
};

}  // namespace adapters
