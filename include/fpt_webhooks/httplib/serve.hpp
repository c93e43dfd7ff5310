// Receives webhooks in a server of cpp-httplib (0.11 and later; docs/adapters.md).
//
//     httplib::Server server;
//     fpt_webhooks::serve(server, "/hooks", *receiver);
//     server.listen("127.0.0.1", 8080);
//
// The body is taken from the socket's bytes before anything decodes it. What httplib itself reads before this code
// runs, it reads without limits on a line's length, on the number of headers or on their time: stand it behind a proxy
// that has such limits, or use the adapter for Beast. It does not serve pipelined requests.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <httplib.h>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/receiver/handle_report.hpp>
#include <fpt_webhooks/receiver/http_limits.hpp>
#include <fpt_webhooks/receiver/receiver.hpp>

namespace fpt_webhooks::inline v0_1 {

namespace detail {

// One path's handler; copied into each of the server's routes, const from then on.
class HttplibRoute {
  public:
    HttplibRoute(HttpHandler handler, HttpLimits limits, std::shared_ptr<const Clock> clock)
        : handler_(std::move(handler)), limits_(limits), clock_(std::move(clock)) {}

    void with_body(const ::httplib::Request& in, ::httplib::Response& out, const ::httplib::ContentReader& read) const {
        const auto deadline = clock_->steady_now() + limits_.body_deadline;
        HttpRequest request = head_of(in);
        auto refused = refuse_head(request, limits_);
        // Such a body httplib takes apart; its raw bytes are not to be had.
        const bool multipart = in.is_multipart_form_data();
        if (!refused && multipart) refused = refusal(415, name_of(HandleOutcome::wrong_media_type));
        if (refused) {
            const bool unread = announces_body(request);
            if (unread && !multipart) discard(read, deadline);
            return unread ? write_and_close(*refused, out) : write(*refused, out);
        }
        // Without an announcement there is no body (RFC 9112 section 6.3); httplib would wait for one.
        if (announces_body(request)) {
            if (const auto failed = take_body(read, deadline, out, request.body)) return write_and_close(*failed, out);
        }
        write(answer(handler_, request), out);
    }

    // GET, HEAD and OPTIONS: their bodies httplib never reads.
    void without_body(const ::httplib::Request& in, ::httplib::Response& out) const {
        const HttpRequest request = head_of(in);
        const HttpResponse refused =
            refuse_head(request, limits_).value_or(refusal(405, name_of(HandleOutcome::wrong_method)));
        announces_body(request) ? write_and_close(refused, out) : write(refused, out);
    }

  private:
    using TimePoint = std::chrono::steady_clock::time_point;

    static HttpRequest head_of(const ::httplib::Request& in) {
        HttpRequest request{.method = in.method, .url = in.target};
        for (const auto& [name, value] : in.headers) {
            // httplib's own remarks among the headers
            const bool remark =
                name == "REMOTE_ADDR" || name == "REMOTE_PORT" || name == "LOCAL_ADDR" || name == "LOCAL_PORT";
            if (!remark) request.headers.add(name, value);
        }
        return request;
    }

    // Fills `body` with the raw bytes, or says why not.
    std::optional<HttpResponse> take_body(const ::httplib::ContentReader& read, TimePoint deadline,
                                          const ::httplib::Response& out, std::string& body) const {
        bool late = false;
        std::size_t total = 0;
        const bool complete = read([&](const char* data, std::size_t size) {
            late = clock_->steady_now() > deadline;
            total += size;
            if (total <= limits_.body_bytes_max) body.append(data, size);
            return !late && total - body.size() <= limits_.body_bytes_max;  // what is too much is read like discard()
        });
        if (late) return refusal(408, "too slow");
        if (total > limits_.body_bytes_max || (!complete && out.status == 413)) {
            return refusal(413, name_of(HandleOutcome::too_large));
        }
        if (!complete) return refusal(400, "incomplete body");
        return std::nullopt;
    }

    // A connection that is closed with bytes unread is reset, and the peer may never see the response: so they are
    // read, as many as an honest body has and no longer than one may take.
    void discard(const ::httplib::ContentReader& read, TimePoint deadline) const {
        std::size_t left = limits_.body_bytes_max;
        read([&](const char*, std::size_t size) {
            left -= std::min(left, size);
            return left > 0 && clock_->steady_now() <= deadline;
        });
    }

    static void write(const HttpResponse& response, ::httplib::Response& out) {
        out.status = response.status;
        for (const auto& field : response.headers) out.headers.emplace(field.name, field.value);
        out.body = response.body;
    }

    // A handler has no other way to have its connection closed than to fail after the last byte of the response.
    // `response` has a body.
    static void write_and_close(const HttpResponse& response, ::httplib::Response& out) {
        write(response, out);
        out.body.clear();
        out.set_header("Connection", "close");
        out.set_content_provider(response.body.size(), "text/plain",
                                 [body = response.body](std::size_t, std::size_t, ::httplib::DataSink& sink) {
                                     sink.write(body.data(), body.size());
                                     return false;
                                 });
    }

    HttpHandler handler_;
    HttpLimits limits_;
    std::shared_ptr<const Clock> clock_;
};

// httplib takes a path for a regular expression.
inline std::string escaped_path(std::string_view path) {
    std::string pattern;
    for (const char c : path) {
        if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) pattern += '\\';
        pattern += c;
    }
    return pattern;
}

}  // namespace detail

// Answers every request to `path`, taken literally, with `handler`: those with another method than POST 405, those
// beyond `limits` as HttpLimits says. A body that stops altogether is cut by the server's own read time-out
// (httplib::Server::set_read_timeout), one that only drips by body_deadline.
// Call it before the server listens. `clock`: for the deadline; nothing: the system's. Throws what httplib throws.
inline void serve(::httplib::Server& server, std::string_view path, HttpHandler handler, HttpLimits limits = {},
                  std::shared_ptr<const Clock> clock = nullptr) {
    const auto route = std::make_shared<const detail::HttplibRoute>(std::move(handler), limits,
                                                                    clock ? std::move(clock) : system_clock());
    const std::string pattern = detail::escaped_path(path);
    const auto with_body = [route](const auto& in, auto& out, const auto& read) { route->with_body(in, out, read); };
    const auto without_body = [route](const auto& in, auto& out) { route->without_body(in, out); };
    const ::httplib::Server::HandlerWithContentReader reading = with_body;
    const ::httplib::Server::Handler plain = without_body;
    server.Post(pattern, reading).Put(pattern, reading).Patch(pattern, reading).Delete(pattern, reading);
    server.Get(pattern, plain).Options(pattern, plain);
}

// The same with receiver.handle. The receiver outlives the server.
inline void serve(::httplib::Server& server, std::string_view path, const Receiver& receiver, HttpLimits limits = {}) {
    serve(
        server, path, [&receiver](const HttpRequest& request) { return receiver.handle(request); }, limits);
}

}  // namespace fpt_webhooks::inline v0_1
