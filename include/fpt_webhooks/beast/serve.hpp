// Receives webhooks with Boost.Beast (1.74 and later; docs/adapters.md).
//
//     boost::asio::io_context context;
//     tcp::acceptor acceptor(context, {tcp::v4(), 8080});
//     fpt_webhooks::serve(acceptor, *receiver);
//     context.run();    // on as many threads as events shall be handled at once
//
// Every limit of HttpLimits holds, on headers, bodies and their time; so does one on chunk extensions and
// trailers. The bytes are as they came: Beast decodes chunks and nothing else. Connections are kept and requests may be
// pipelined.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <fpt_webhooks/receiver/handle_report.hpp>
#include <fpt_webhooks/receiver/http_limits.hpp>
#include <fpt_webhooks/receiver/receiver.hpp>

namespace fpt_webhooks::inline v0_1 {

// A parsed header as a request without its body; fields in their order, repeated ones repeated.
template <class Fields>
[[nodiscard]] HttpRequest to_request(const boost::beast::http::header<true, Fields>& head) {
    HttpRequest request{.method = std::string(head.method_string()), .url = std::string(head.target())};
    for (const auto& field : head) {
        request.headers.add(std::string(field.name_string()), std::string(field.value()));
    }
    return request;
}

// Our response as Beast's, with a Content-Length. `head_only`: the answer to a HEAD, which has no body. Throws what
// Beast throws for a status or a header that it cannot hold.
[[nodiscard]] inline boost::beast::http::response<boost::beast::http::string_body> to_beast(const HttpResponse& ours,
                                                                                            bool keep_alive,
                                                                                            bool head_only = false) {
    boost::beast::http::response<boost::beast::http::string_body> response;
    response.result(static_cast<unsigned>(ours.status));
    for (const auto& field : ours.headers) response.insert(field.name, field.value);
    if (!ours.body.empty() && response.count("Content-Type") == 0) response.set("Content-Type", "text/plain");
    response.content_length(ours.body.size());
    response.keep_alive(keep_alive);
    if (!head_only) response.body() = ours.body;
    return response;
}

namespace detail {

struct BeastService {
    HttpHandler handler;
    HttpLimits limits;
    std::atomic<std::size_t> connections{0};
};

// One connection, alive as long as an operation of it is under way; all of them run on its strand, one at a time.
class BeastSession : public std::enable_shared_from_this<BeastSession> {
  public:
    BeastSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<BeastService> service)
        : stream_(std::move(socket)),
          service_(std::move(service)),
          buffer_(service_->limits.header_bytes_max + read_bytes_max) {
        ++service_->connections;
    }
    BeastSession(const BeastSession&) = delete;
    BeastSession& operator=(const BeastSession&) = delete;
    ~BeastSession() { --service_->connections; }

    void start() {
        boost::asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->read_head(); });
    }

  private:
    using ErrorCode = boost::beast::error_code;
    using BodyError = boost::beast::http::error;

    using Response = boost::beast::http::response<boost::beast::http::string_body>;

    // What one read takes in at most. Beast waits for the whole of a header, of a chunk's line with its extensions, and
    // of the trailers: the buffer holds the longest header and one read more, and no request makes it grow beyond that.
    static constexpr std::size_t read_bytes_max = std::size_t{64} * 1024;

    // Past the end of the honest body of a refused request: see linger().
    static constexpr std::size_t linger_bytes_max = std::size_t{4} * 1024 * 1024;
    static constexpr std::chrono::seconds linger_time{2};

    const HttpLimits& limits() const noexcept { return service_->limits; }

    void read_head() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(limits().header_bytes_max));
        // Content-Length is judged by refuse_head, after method and encoding.
        parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
        stream_.expires_after(limits().header_deadline);
        boost::beast::http::async_read_header(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_head(error); });
    }

    void on_head(ErrorCode error) {
        if (error) return on_broken(error);
        request_ = to_request(parser_->get());
        if (const auto refused = refuse_head(request_, limits())) {
            return respond(*refused, parser_->keep_alive() && !announces_body(request_));
        }
        if (!boost::beast::iequals(parser_->get()[boost::beast::http::field::expect], "100-continue")) {
            return read_body();
        }
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        boost::asio::async_write(stream_, boost::asio::buffer(go_on.data(), go_on.size()),
                                 [self = shared_from_this()](ErrorCode failed, std::size_t) {
                                     if (!failed) self->read_body();
                                 });
    }

    void read_body() {
        parser_->body_limit(limits().body_bytes_max);
        stream_.expires_after(limits().body_deadline);
        boost::beast::http::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_body(error); });
    }

    void on_body(ErrorCode error) {
        if (error) return on_broken(error);
        request_.body = std::move(parser_->get().body());
        stream_.expires_never();  // the handler takes its own time
        respond(answer(service_->handler, request_), parser_->keep_alive());
    }

    // A connection that ended or was too slow is gone; what cannot be read as HTTP is answered.
    void on_broken(ErrorCode error) {
        if (error == BodyError::header_limit || error == BodyError::buffer_overflow) {
            return respond(refusal(431, "headers too large"), false);  // trailers and chunk extensions too
        }
        if (error == BodyError::body_limit) return respond(refusal(413, name_of(HandleOutcome::too_large)), false);
        const bool is_http = error.category() == make_error_code(BodyError::bad_version).category();
        if (!is_http || error == BodyError::end_of_stream || error == BodyError::partial_message) return;
        respond(refusal(400, "malformed request"), false);
    }

    void respond(const HttpResponse& response, bool keep_alive) {
        const bool head_only = parser_->get().method() == boost::beast::http::verb::head;
        response_ = built(response, keep_alive, head_only);
        stream_.expires_after(limits().header_deadline);
        boost::beast::http::async_write(stream_, response_,
                                        [self = shared_from_this(), keep_alive](ErrorCode error, std::size_t) {
                                            if (error) return;
                                            keep_alive ? self->read_head() : self->linger();
                                        });
    }

    // Beast throws for a response that it cannot hold, such as one with a header of 64 KiB; that must not end the
    // thread that runs the io_context.
    static Response built(const HttpResponse& response, bool keep_alive, bool head_only) {
        try {
            return to_beast(response, keep_alive, head_only);
        } catch (const std::exception&) {
            return to_beast(refusal(500, name_of(HandleOutcome::handler_failed)), keep_alive, head_only);
        }
    }

    // A connection that is closed with bytes unread is reset, and the peer may never see the response: so what it
    // still sends is read for a moment.
    void linger() {
        ErrorCode ignored;
        stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
        buffer_.clear();
        stream_.expires_after(linger_time);
        read_rest(0);
    }

    void read_rest(std::size_t so_far) {
        stream_.async_read_some(buffer_.prepare(read_bytes_max),
                                [self = shared_from_this(), so_far](ErrorCode error, std::size_t size) {
                                    const bool more = !error && so_far + size <= linger_bytes_max;
                                    if (more) self->read_rest(so_far + size);
                                });
    }

    boost::beast::tcp_stream stream_;
    std::shared_ptr<BeastService> service_;
    boost::beast::flat_buffer buffer_;  // holds what came after a request, the next one's beginning
    std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
    HttpRequest request_;
    Response response_;
};

class BeastListener : public std::enable_shared_from_this<BeastListener> {
  public:
    BeastListener(boost::asio::ip::tcp::acceptor& acceptor, std::shared_ptr<BeastService> service)
        : acceptor_(acceptor), pause_(acceptor.get_executor()), service_(std::move(service)) {}

    void accept() {
        acceptor_.async_accept(boost::asio::make_strand(acceptor_.get_executor()),
                               [self = shared_from_this()](auto error, boost::asio::ip::tcp::socket socket) {
                                   self->on_accept(error, std::move(socket));
                               });
    }

  private:
    void on_accept(const boost::beast::error_code& error, boost::asio::ip::tcp::socket socket) {
        if (!acceptor_.is_open() || error == boost::asio::error::operation_aborted) return;
        if (error) return accept_later();
        if (service_->connections < service_->limits.connections_max) {
            std::make_shared<BeastSession>(std::move(socket), service_)->start();
        }
        accept();
    }

    // Out of descriptors, most likely: the next attempt would fail as fast.
    void accept_later() {
        pause_.expires_after(std::chrono::milliseconds(100));
        pause_.async_wait([self = shared_from_this()](auto error) {
            if (!error) self->accept();
        });
    }

    boost::asio::ip::tcp::acceptor& acceptor_;
    boost::asio::steady_timer pause_;
    std::shared_ptr<BeastService> service_;
};

}  // namespace detail

// Accepts connections from `acceptor` until it is closed, and answers every request on them with `handler`; of their
// paths (HttpRequest::url) it takes no notice. Returns at once: the work is done by the threads that run the acceptor's
// io_context. The handler blocks one of them while it runs, so run as many as events shall be handled at once.
// `acceptor`: listening, outlives the io_context's run. Close it on its executor's thread to end the accepting.
inline void serve(boost::asio::ip::tcp::acceptor& acceptor, HttpHandler handler, HttpLimits limits = {}) {
    auto service = std::make_shared<detail::BeastService>();
    service->handler = std::move(handler);
    service->limits = limits;
    std::make_shared<detail::BeastListener>(acceptor, std::move(service))->accept();
}

// The same with receiver.handle. The receiver outlives the io_context's run.
inline void serve(boost::asio::ip::tcp::acceptor& acceptor, const Receiver& receiver, HttpLimits limits = {}) {
    serve(
        acceptor, [&receiver](const HttpRequest& request) { return receiver.handle(request); }, limits);
}

}  // namespace fpt_webhooks::inline v0_1
