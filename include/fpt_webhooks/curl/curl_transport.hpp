// Carries webhooks over HTTP/1.1 and HTTP/2 with libcurl (https://curl.se/libcurl/c/libcurl-multi.html): one thread, no
// thread per delivery, connections kept and reused.
//
// What is dialled is what the policy judged: the resolver's whole answer is checked and pinned, the address is checked
// again as the socket is opened and before each request goes out, reused connections included. Redirects are never
// followed, proxies of the environment never used, certificates always verified, TLS 1.2 at least.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/curl/export.hpp>
#include <fpt_webhooks/sender/resolver.hpp>
#include <fpt_webhooks/sender/transport.hpp>

namespace fpt_webhooks::inline v0_1 {

inline constexpr std::size_t in_flight_limit = 65'536;  // an attempt's slot number has 16 bits of its token

struct CurlTransportOptions {
    // The certificate authorities that endpoints are verified against: a file in PEM form. Empty: the system's bundle,
    // as libcurl was built to find it. Read again within an hour when it changes.
    std::string ca_file = {};

    // "http://<address>:<port>": every connection is tunnelled through it (CONNECT), and what it cannot reach is
    // local_failure. The proxy then resolves and dials: the policy judges the URL only, so the proxy must judge
    // addresses itself; plain HTTP to a name is refused. Empty: none; the environment is never asked.
    std::string proxy = {};

    // Attempts in flight, waiting for DNS included; one more is refused as `overloaded`. 1 to in_flight_limit.
    std::size_t in_flight_max = 256;

    // Connections kept open without a request; beyond it the one idle for longest is closed. Together with
    // in_flight_max this bounds the descriptors in use (while it dials, an attempt may hold two for a moment).
    std::size_t idle_connections_max = 256;

    // HTTP/2 where the endpoint offers it in the TLS handshake; false: HTTP/1.1 only.
    bool http2 = true;

    // Nothing: a PooledResolver of its own.
    std::shared_ptr<Resolver> resolver = nullptr;

    // For time limits and timings until libcurl takes over. Nothing: the system's clock.
    std::shared_ptr<const Clock> clock = nullptr;
};

// May be shared between threads. Completions run on its one thread, outside all locks; one that throws is ignored.
// An attempt whose kept connection turns out dead before any byte of the answer is repeated by libcurl within its time
// limit, on a new connection: the endpoint may see the same request, with the same id, twice.
class FPT_WEBHOOKS_CURL_EXPORT CurlTransport final : public Transport {
  public:
    // Errors: invalid_argument that names the option (a ca_file that cannot be read or holds no certificate, also when
    // it is the system's), local_failure (no descriptors, no thread, no memory).
    [[nodiscard]] static Result<std::shared_ptr<CurlTransport>> create(CurlTransportOptions options = {});

    // Completes what is in flight with `cancelled`, then waits for the thread; called by a completion it does not wait.
    // In a child after fork it leaks everything on purpose: the connections are the parent's.
    ~CurlTransport() override;

    // As Transport says. Called by a completion, the attempt starts on the same thread without a hop. Refused as
    // invalid_argument besides: no policy, a time limit below 1 ms or above a day, methods HEAD and CONNECT, a header
    // that is HTTP's own business (Host, Content-Length, Transfer-Encoding, Connection, Expect, ...).
    // `cancelled`: the transport is being destroyed.
    [[nodiscard]] Result<Token> start(TransportRequest request, Completion done) override;

    void cancel(Token token) override;

    // Does this libcurl's TLS library keep the parsed authorities between connections? If not (a GnuTLS build), each
    // new connection parses the whole bundle, which costs some 24 ms of CPU with the system's.
    [[nodiscard]] bool caches_authorities() const noexcept;

    struct State;
    explicit CurlTransport(std::unique_ptr<State> state) noexcept;  // only create() can make State

  private:
    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
