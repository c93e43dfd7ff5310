// How a test's requests reach a receiver: one that takes whole requests, and one that also rules how bytes travel.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// Sends the request, all of its headers as they are, and returns the answer, whatever its status. An error: no answer
// came. Called from several threads at once.
using Exchange = std::function<Result<HttpResponse>(const HttpRequest& request)>;

// How the bytes of a body travel.
struct BodyManner {
    std::size_t pieces = 1;              // the body is written in so many parts, at least 1
    std::chrono::milliseconds pause{0};  // and this is between them

    // Content-Length promises so many bytes more than there are; then the sending side of the connection is closed, and
    // the answer is waited for, if one comes.
    std::size_t missing_bytes = 0;
};

// The same, in that manner. A receiver may well close the connection instead of answering: an error like any other.
using RawExchange = std::function<Result<HttpResponse>(const HttpRequest& request, const BodyManner& manner)>;

}  // namespace fpt_webhooks::inline v0_1::testing
