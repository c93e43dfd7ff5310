// A raw TCP or TLS server whose every connection does what a test says, byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "support/certificates.hpp"

namespace fpt_webhooks::test {

// One accepted connection, on its own thread. Every call ends when the server is destroyed.
class Connection {
  public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    // The next request: its header section and a body of Content-Length bytes. Nothing when the peer closed.
    [[nodiscard]] virtual std::optional<std::string> read_request() = 0;

    // False when the peer is gone.
    virtual bool write(std::string_view bytes) = 0;

    // Waits until the peer closes.
    virtual void wait_for_close() = 0;

    // Counts from 0 in the order of acceptance.
    [[nodiscard]] virtual std::size_t number() const noexcept = 0;
};

class Server {
  public:
    using Script = std::function<void(Connection&)>;

    struct Options {
        std::optional<Identity> identity = {};  // nothing: plain TCP
        bool speaks_tls = true;                 // false: with an identity, accepts TCP and leaves TLS to the script
        bool accepts = true;                    // false: a full backlog, so that connecting hangs
    };

    // Listens on a free port of 127.0.0.1. The connection closes when the script returns.
    explicit Server(Script script);
    Server(Script script, Options options);
    ~Server();  // ends all connections and waits for their scripts
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] std::string url(std::string_view host = "127.0.0.1", std::string_view target = "/hook") const;

    [[nodiscard]] std::size_t connections() const;  // accepted so far
    [[nodiscard]] std::size_t requests() const;     // read so far by read_request()
    [[nodiscard]] std::string last_request() const;

    // Wait, up to 30 s, until so many were seen. False: they were not.
    [[nodiscard]] bool wait_for_connections(std::size_t count) const;
    [[nodiscard]] bool wait_for_closed(std::size_t count) const;  // by us, after their scripts
    [[nodiscard]] bool wait_for_requests(std::size_t count) const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

// Answers every request with these bytes and keeps the connection.
[[nodiscard]] Server::Script answer_always(std::string response);

// "HTTP/1.1 200 OK" with a Content-Length.
[[nodiscard]] std::string response_of(int status, std::string_view body = {}, std::string_view extra_headers = {});

// A port of 127.0.0.1 that refuses connections as long as this lives: it is taken, and nobody listens on it.
class ClosedPort {
  public:
    ClosedPort();
    ~ClosedPort();
    ClosedPort(const ClosedPort&) = delete;
    ClosedPort& operator=(const ClosedPort&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string url(std::string_view scheme = "http") const;

  private:
    std::uint16_t port_ = 0;
    int socket_ = -1;
};

// A port of 127.0.0.1 on which nobody listens (it was free a moment ago): for somebody who will.
[[nodiscard]] std::uint16_t free_port();

}  // namespace fpt_webhooks::test
