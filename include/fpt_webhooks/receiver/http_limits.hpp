// What an HTTP server checks before a webhook's body is read: for the adapters, and for adapters of your own
// (docs/adapters.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/receiver/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// Receiver::handle, or whatever wraps it. Called from any of the server's threads, and from several at once.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Against requests that are there to use up memory or threads. What exceeds a limit is refused before it is stored.
struct HttpLimits {
    // Header fields; more: 431. A webhook has some ten, each proxy on its way adds a few.
    std::size_t headers_max = 64;

    // Their names and values together; more: 431. The largest honest header is a signature, at most 4 KiB.
    std::size_t header_bytes_max = std::size_t{16} * 1024;

    // More: 413. Not less than ReceiverOptions::body_bytes_max, or that one is never met.
    std::size_t body_bytes_max = body_bytes_max_default;

    // For the whole body, from the end of the headers on; later: 408, or the connection is cut. FPT waits for 30 s in
    // all, and the handler needs its part of them.
    std::chrono::milliseconds body_deadline = std::chrono::seconds(10);

    // Beast only. For a request's headers, with the wait for a next one on a connection that is kept; also for sending
    // the response.
    std::chrono::milliseconds header_deadline = std::chrono::seconds(30);

    // Beast only: connections open at once; one more is closed at once. Each may hold one body.
    std::size_t connections_max = 256;
};

// The response to a request whose body shall not even be read, by its headers alone; nothing: read it. In this order:
// a length that cannot be trusted (400, 501), too many headers (431), method (405), Content-Encoding (415),
// Content-Length (413). `head`: without a body; header fields as they arrived, repeated ones repeated.
[[nodiscard]] FPT_WEBHOOKS_RECEIVER_EXPORT std::optional<HttpResponse> refuse_head(const HttpRequest& head,
                                                                                   const HttpLimits& limits);

// Do the headers announce a body, or leave any doubt about it? A connection whose announced body was not read must be
// closed after the response: otherwise the body's bytes would be taken for the next request.
[[nodiscard]] FPT_WEBHOOKS_RECEIVER_EXPORT bool announces_body(const HttpRequest& head) noexcept;

// A refusal with these words as its body. 405 says which method is allowed.
[[nodiscard]] FPT_WEBHOOKS_RECEIVER_EXPORT HttpResponse refusal(int status, std::string_view words);

// `handler`'s response. When it throws, or its status is not one of 200 to 599: 500 with the body "handler_failed";
// what it threw is no business of the peer's.
[[nodiscard]] FPT_WEBHOOKS_RECEIVER_EXPORT HttpResponse answer(const HttpHandler& handler, const HttpRequest& request);

}  // namespace fpt_webhooks::inline v0_1
