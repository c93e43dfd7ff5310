// One HTTP/1.1 request over a plain socket, with the sender's hand on every byte (RFC 9112). POSIX systems only.
//
// For tests against http:// URLs. It follows no policy on addresses, knows no TLS, keeps no connection.
#pragma once

#include <chrono>
#include <cstddef>

#include <fpt_webhooks/testing/exchange.hpp>
#include <fpt_webhooks/testing/export.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// Header section and body of a response together; more is bad_response. An answer to a webhook has a few hundred bytes.
inline constexpr std::size_t plain_response_bytes_max = std::size_t{1} << 20;

// Sends `request` to its url, `http://host[:port][/path][?query]`, adding Host, Content-Length and `Connection: close`,
// and waits for the answer. A RawExchange by itself. Blocks for `time_limit` at most, beside the resolver's time.
// Errors: invalid_argument (URL, method, header, manner), resolve_failed, connect_failed, timed_out (before the request
// was sent), no_response (the peer closed or was silent), bad_response, local_failure. May be called from any thread.
[[nodiscard]] FPT_WEBHOOKS_TESTING_EXPORT Result<HttpResponse> plain_exchange(
    const HttpRequest& request, const BodyManner& manner = {},
    std::chrono::milliseconds time_limit = std::chrono::seconds(30));

}  // namespace fpt_webhooks::inline v0_1::testing
