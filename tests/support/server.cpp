#include "support/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace fpt_webhooks::test {
namespace {

constexpr auto patience = std::chrono::seconds(30);  // a test that waits longer has failed

void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("test server: cannot ") + what);
}

int bind_to_loopback(std::uint16_t& port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(listener >= 0, "make a socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    require(bind(listener, generic, size) == 0 && getsockname(listener, generic, &size) == 0, "take a port");
    port = ntohs(address.sin_port);
    return listener;
}

int listen_on_loopback(int backlog, std::uint16_t& port) {
    const int listener = bind_to_loopback(port);
    require(listen(listener, backlog) == 0, "listen");
    return listener;
}

int connect_without_waiting(std::uint16_t port) {
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    require(client >= 0, "make a socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    (void)connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    return client;
}

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct FreeSession {
    void operator()(SSL* session) const noexcept { SSL_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

TlsContext make_tls_context(const Identity& identity) {
    TlsContext context(SSL_CTX_new(TLS_server_method()));
    require(context != nullptr, "make a TLS context");
    require(use_identity(*context, identity).empty(), "use the certificate");
    return context;
}

std::size_t content_length(std::string_view head) {
    constexpr std::string_view name = "content-length:";
    const auto found = std::search(head.begin(), head.end(), name.begin(), name.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
    });
    if (found == head.end()) return 0;
    return std::stoul(std::string(found + static_cast<std::ptrdiff_t>(name.size()), head.end()));
}

}  // namespace

struct Server::State {
    std::mutex mutex;
    mutable std::condition_variable changed;
    std::size_t connections = 0;
    std::size_t closed = 0;  // of them, by us
    std::size_t requests = 0;
    std::string last_request;
    bool stopping = false;
    std::vector<int> open;  // sockets of live connections, to be shut down at the end

    Script script;
    Options options;
    TlsContext tls;
    int listener = -1;
    std::uint16_t port = 0;
    std::vector<int> backlog_fillers;
    std::vector<std::thread> threads;
    std::thread acceptor;

    void accept_all(const std::shared_ptr<State>& self);
    void serve(int socket, std::size_t number);
};

namespace {

class SocketConnection final : public Connection {
  public:
    SocketConnection(int socket, SSL_CTX* tls, std::size_t number, std::function<void(std::string)> on_request)
        : socket_(socket), number_(number), on_request_(std::move(on_request)) {
        if (tls != nullptr) {
            session_.reset(SSL_new(tls));
            SSL_set_fd(session_.get(), socket);
        }
    }

    ~SocketConnection() override {
        if (session_ && !broken_) SSL_shutdown(session_.get());
    }

    [[nodiscard]] bool handshake() {
        broken_ = session_ && SSL_accept(session_.get()) != 1;
        return !broken_;
    }

    std::optional<std::string> read_request() override {
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!fill()) return std::nullopt;
        }
        const std::size_t total = end + 4 + content_length(std::string_view(buffer_).substr(0, end + 2));
        while (buffer_.size() < total) {
            if (!fill()) return std::nullopt;
        }
        std::string request = buffer_.substr(0, total);
        buffer_.erase(0, total);
        on_request_(request);
        return request;
    }

    bool write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const auto size = std::min<std::size_t>(bytes.size(), 1 << 20);
            const auto sent =
                session_ ? static_cast<ssize_t>(SSL_write(session_.get(), bytes.data(), static_cast<int>(size)))
                         : send(socket_, bytes.data(), size, MSG_NOSIGNAL);
            if (sent <= 0) return !(broken_ = true);
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    void wait_for_close() override {
        while (fill()) buffer_.clear();
    }

    std::size_t number() const noexcept override { return number_; }

  private:
    bool fill() {
        std::array<char, 16384> chunk;
        const auto got = session_ ? static_cast<ssize_t>(SSL_read(session_.get(), chunk.data(), chunk.size()))
                                  : recv(socket_, chunk.data(), chunk.size(), 0);
        if (got <= 0) return !(broken_ = true);
        buffer_.append(chunk.data(), static_cast<std::size_t>(got));
        return true;
    }

    int socket_;
    std::size_t number_;
    std::function<void(std::string)> on_request_;
    std::unique_ptr<SSL, FreeSession> session_;
    std::string buffer_;
    bool broken_ = false;
};

}  // namespace

void Server::State::serve(int socket, std::size_t number) {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);  // OpenSSL writes without MSG_NOSIGNAL
    {
        SocketConnection connection(socket, options.speaks_tls ? tls.get() : nullptr, number, [this](std::string text) {
            const std::lock_guard lock(mutex);
            ++requests;
            last_request = std::move(text);
            changed.notify_all();
        });
        if (connection.handshake()) script(connection);
    }
    const std::lock_guard lock(mutex);
    std::erase(open, socket);
    close(socket);
    ++closed;
    changed.notify_all();
}

void Server::State::accept_all(const std::shared_ptr<State>& self) {
    while (true) {
        // Waited for apart: accept4 takes its descriptor before it waits, and a test may use up all of them meanwhile.
        pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
        poll(&waiting, 1, -1);
        const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0 && (errno == EMFILE || errno == ECONNABORTED || errno == EINTR)) continue;
        if (socket < 0) return;  // shut down
        const int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        const std::lock_guard lock(mutex);
        if (stopping) {
            close(socket);
            return;
        }
        open.push_back(socket);
        threads.emplace_back([self, socket, number = connections] { self->serve(socket, number); });
        ++connections;
        changed.notify_all();
    }
}

Server::Server(Script script) : Server(std::move(script), Options{}) {}

Server::Server(Script script, Options options) : state_(std::make_shared<State>()) {
    state_->script = std::move(script);
    state_->options = std::move(options);
    if (state_->options.identity) state_->tls = make_tls_context(*state_->options.identity);
    const bool accepts = state_->options.accepts;
    state_->listener = listen_on_loopback(accepts ? 256 : 0, state_->port);
    if (accepts) {
        state_->acceptor = std::thread([state = state_] { state->accept_all(state); });
    } else {
        // A backlog of zero holds one connection or two, then the system drops what comes.
        for (int i = 0; i < 8; ++i) state_->backlog_fillers.push_back(connect_without_waiting(state_->port));
    }
}

Server::~Server() {
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        for (const int socket : state_->open) shutdown(socket, SHUT_RDWR);
        shutdown(state_->listener, SHUT_RDWR);
    }
    if (state_->acceptor.joinable()) state_->acceptor.join();
    {
        const std::lock_guard lock(state_->mutex);
        threads.swap(state_->threads);
    }
    for (std::thread& thread : threads) thread.join();
    for (const int filler : state_->backlog_fillers) close(filler);
    close(state_->listener);
}

std::uint16_t Server::port() const noexcept { return state_->port; }

std::string Server::url(std::string_view host, std::string_view target) const {
    std::string text = state_->options.identity ? "https://" : "http://";
    text.append(host).append(":").append(std::to_string(state_->port)).append(target);
    return text;
}

std::size_t Server::connections() const {
    const std::lock_guard lock(state_->mutex);
    return state_->connections;
}

std::size_t Server::requests() const {
    const std::lock_guard lock(state_->mutex);
    return state_->requests;
}

std::string Server::last_request() const {
    const std::lock_guard lock(state_->mutex);
    return state_->last_request;
}

bool Server::wait_for_connections(std::size_t count) const {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, patience, [&] { return state_->connections >= count; });
}

bool Server::wait_for_closed(std::size_t count) const {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, patience, [&] { return state_->closed >= count; });
}

bool Server::wait_for_requests(std::size_t count) const {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, patience, [&] { return state_->requests >= count; });
}

Server::Script answer_always(std::string response) {
    return [response = std::move(response)](Connection& connection) {
        while (connection.read_request()) {
            if (!connection.write(response)) return;
        }
    };
}

std::string response_of(int status, std::string_view body, std::string_view extra_headers) {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " Whatever\r\n";
    text.append(extra_headers);
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return text;
}

ClosedPort::ClosedPort() : socket_(bind_to_loopback(port_)) {}

ClosedPort::~ClosedPort() { close(socket_); }

std::string ClosedPort::url(std::string_view scheme) const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_) + "/hooks";
}

std::uint16_t free_port() {
    std::uint16_t port = 0;
    close(listen_on_loopback(1, port));
    return port;
}

}  // namespace fpt_webhooks::test
