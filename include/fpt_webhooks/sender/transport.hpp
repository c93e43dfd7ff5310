// Carries one HTTP request to an endpoint and brings back what happened: the sender's seam to the network.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/endpoint_policy.hpp>

namespace fpt_webhooks::inline v0_1 {

// Of a response's body this much is read, so that the connection can be used again; a longer one is cut off.
inline constexpr std::size_t response_bytes_read_max = 64 * 1024;

// Of it this much is kept: enough for an error page's first words.
inline constexpr std::size_t response_bytes_kept_max = 4 * 1024;

// Of a response's header section, all lines together. More is bad_response.
inline constexpr std::size_t response_header_bytes_max = 64 * 1024;

struct TransportRequest {
    HttpRequest http;                              // POST; an absolute url; headers as they go out, signature included
    std::shared_ptr<const EndpointPolicy> policy;  // judges the URL, the resolver's answer and the dialled address

    // From start to the response's header section, DNS, connect and TLS included (FPT: 30 s).
    std::chrono::milliseconds timeout{30'000};

    // Of it, for DNS, connect and TLS together.
    std::chrono::milliseconds connect_timeout{10'000};
};

// From the start of the attempt; zero for what did not happen.
struct TransportTimings {
    std::chrono::microseconds resolved{};
    std::chrono::microseconds connected{};
    std::chrono::microseconds secured{};     // TLS handshake done
    std::chrono::microseconds first_byte{};  // of the response
    std::chrono::microseconds total{};
};

struct TransportOutcome {
    // Any status is a value: 500 as well as 200. The body is cut to response_bytes_kept_max; of very many header fields
    // the first ones are kept.
    // Errors: refused_by_policy (nothing was sent), resolve_failed, connect_failed (the peer refused or did not
    // answer), tls_failed, certificate_rejected, timed_out, no_response (in doubt), bad_response, cancelled,
    // local_failure (not the peer's fault).
    Result<HttpResponse> response;

    bool response_cut = false;  // the body was longer than what is read, or did not end in time
    bool connection_reused = false;
    std::optional<IpAddress> remote = {};  // the address that was dialled, if one was
    TransportTimings timings = {};
};

// Implementations may be called from any thread at once.
class FPT_WEBHOOKS_SENDER_EXPORT Transport {
  public:
    using Completion = std::function<void(TransportOutcome)>;
    using Token = std::uint64_t;  // names one started attempt; never reused by one transport

    Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    virtual ~Transport();

    // Starts the request at once: there is no queue inside, so a signature made just before is fresh.
    // `done` is called exactly once, on a thread of the transport, never inside start() or cancel(); it may call any
    // member, start() included, and must not block. With `cancelled` at the latest when the transport is destroyed.
    // Errors, `done` then not called: invalid_argument (header, method, limit, no policy), what
    // EndpointPolicy::check_url says of the URL (malformed, limit_exceeded, refused_by_policy), overloaded (all slots
    // in use), cancelled (the transport is being destroyed), forked.
    [[nodiscard]] virtual Result<Token> start(TransportRequest request, Completion done) = 0;

    // Ends an attempt early: it completes with `cancelled`, unless it completed before. An unknown token is ignored.
    virtual void cancel(Token token) = 0;
};

}  // namespace fpt_webhooks::inline v0_1
