#include "cli/metrics_server.hpp"

#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>

#include <sys/socket.h>

#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/prometheus.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr const char* address = "127.0.0.1";
constexpr std::size_t threads = 4;      // a scraper, a health check, and a person
constexpr time_t peer_seconds_max = 5;  // to send a request or take the answer

// httplib's default, SO_REUSEPORT, would share the port with another process of ours without a word.
void set_socket_options(socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

// httplib would read a body before it looks for who takes it, a chunked one without any limit. Of GET it reads none.
httplib::Server::HandlerResponse refuse_bodies(const httplib::Request& request, httplib::Response& response) {
    if (request.method == "GET" || request.method == "HEAD") return httplib::Server::HandlerResponse::Unhandled;
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    return httplib::Server::HandlerResponse::Handled;
}

}  // namespace

MetricsServer::MetricsServer(std::uint16_t port, Probe& probe, Log& log) : log_(log) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(threads); };
    server_.set_socket_options(set_socket_options);
    server_.set_keep_alive_max_count(1);  // a connection kept between two requests would hold one of few threads
    server_.set_read_timeout(peer_seconds_max);
    server_.set_write_timeout(peer_seconds_max);
    server_.set_pre_routing_handler(refuse_bodies);
    server_.Get("/metrics", [&probe](const httplib::Request&, httplib::Response& response) {
        const Probe::Answer answer = probe.ask();
        response.status = answer.metrics ? 200 : 503;
        answer.metrics ? response.set_content(prometheus_text(*answer.metrics), prometheus_media_type)
                       : response.set_content(answer.trouble + "\n", "text/plain");
    });
    server_.Get("/healthz", [&probe](const httplib::Request&, httplib::Response& response) {
        const Probe::Answer answer = probe.ask();
        response.status = answer.trouble.empty() ? 200 : 503;
        response.set_content((answer.trouble.empty() ? "ok" : answer.trouble) + "\n", "text/plain");
    });
    errno = 0;
    port_ = port == 0 ? server_.bind_to_any_port(address) : (server_.bind_to_port(address, port) ? port : -1);
    if (port_ > 0) return;
    const int cause = errno == 0 ? EADDRINUSE : errno;
    throw Failure(ExitStatus::machine,
                  fmt::format("--metrics-port {}: {}", port, std::generic_category().message(cause)),
                  "--metrics-port 0 takes any port that is free");
}

MetricsServer::~MetricsServer() {
    if (!listening_.valid()) return;
    // Told to stop before it has begun, httplib does not hear it.
    while (!server_.is_running() && listening_.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    }
    server_.stop();
    listening_.wait();
}

void MetricsServer::start() {
    listening_ = std::async(std::launch::async, [this] { listen(); });
}

void MetricsServer::listen() {
    std::string cause = "no more connections can be accepted";
    try {
        if (server_.listen_after_bind()) return;
    } catch (const std::exception& error) {
        cause = error.what();
    }
    log_.write(LogLevel::error, "metrics_failed", {{"error", cause}});
}

std::string MetricsServer::metrics_url() const { return fmt::format("http://{}:{}/metrics", address, port_); }

}  // namespace fpt_webhooks::cli
