#include <fpt_webhooks/curl/curl_transport.hpp>

#include <curl/curl.h>

#include <mutex>
#include <string>
#include <utility>

#include <fpt_webhooks/curl/pooled_resolver.hpp>

#include "core/fork.hpp"
#include "curl/ca_file.hpp"
#include "curl/loop.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

constexpr std::size_t idle_connections_limit = 65'536;  // far above what one process may open

// Once per process and never undone: the host may use libcurl too, and other threads may be in it.
CURLcode initialise_libcurl() {
    static std::once_flag once;
    static CURLcode code = CURLE_FAILED_INIT;
    std::call_once(once, [] { code = curl_global_init(CURL_GLOBAL_DEFAULT); });
    return code;
}

// Only libcurl's OpenSSL family keeps parsed authorities.
bool tls_library_caches_authorities() {
    CURL* easy = curl_easy_init();
    if (easy == nullptr) return false;
    const curl_tlssessioninfo* tls = nullptr;
    const bool known = curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls != nullptr;
    const bool caches = known && tls->backend == CURLSSLBACKEND_OPENSSL;
    curl_easy_cleanup(easy);
    return caches;
}

Result<void> check_proxy(const std::string& proxy) {
    if (proxy.empty()) return {};
    auto url = Url::parse(proxy);
    if (!url) return url.error().in("proxy");
    if (url->is_https() || !url->address() || url->target() != "/") {
        return Error(Errc::invalid_argument, "proxy: must be http://<address>:<port>");
    }
    return {};
}

}  // namespace

struct CurlTransport::State {
    std::shared_ptr<detail::Loop> loop;
    bool caches_authorities = false;
    std::uint64_t generation = detail::fork_generation();

    [[nodiscard]] bool forked() const noexcept { return generation != detail::fork_generation(); }
};

CurlTransport::CurlTransport(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

Result<std::shared_ptr<CurlTransport>> CurlTransport::create(CurlTransportOptions options) {
    if (options.in_flight_max < 1 || options.in_flight_max > in_flight_limit) {
        return Error(Errc::invalid_argument, "in_flight_max: must be 1 to " + std::to_string(in_flight_limit));
    }
    if (options.idle_connections_max > idle_connections_limit) {
        return Error(Errc::invalid_argument,
                     "idle_connections_max: must be at most " + std::to_string(idle_connections_limit));
    }
    if (auto good = check_proxy(options.proxy); !good) return good.error();
    if (detail::fork_generation() == 0) return Error(Errc::local_failure, "no memory for the fork handler");
    if (initialise_libcurl() != CURLE_OK) return Error(Errc::local_failure, "libcurl did not initialise");
    auto ca_file = detail::find_ca_file(options.ca_file);
    if (!ca_file) return ca_file.error();
    if (!options.clock) options.clock = system_clock();
    if (!options.resolver) {
        auto resolver = PooledResolver::create({.clock = options.clock});
        if (!resolver) return resolver.error();
        options.resolver = *std::move(resolver);
    }
    auto loop = detail::Loop::create({
        .exchange = {.ca_file = *std::move(ca_file), .proxy = std::move(options.proxy), .http2 = options.http2},
        .in_flight_max = options.in_flight_max,
        .idle_connections_max = options.idle_connections_max,
        .resolver = std::move(options.resolver),
        .clock = std::move(options.clock),
    });
    if (!loop) return loop.error();
    return std::make_shared<CurlTransport>(std::make_unique<State>(
        State{.loop = *std::move(loop), .caches_authorities = tls_library_caches_authorities()}));
}

CurlTransport::~CurlTransport() {
    if (state_->forked()) {
        (void)state_.release();  // on purpose: closing would say goodbye on the parent's connections
        return;
    }
    state_->loop->stop();
}

Result<Transport::Token> CurlTransport::start(TransportRequest request, Completion done) {
    if (state_->forked()) return Error(Errc::forked);
    const auto loop = state_->loop;  // the completion may destroy this object while we are in it
    return loop->start(std::move(request), std::move(done));
}

void CurlTransport::cancel(Token token) {
    if (state_->forked()) return;
    const auto loop = state_->loop;
    loop->cancel(token);
}

bool CurlTransport::caches_authorities() const noexcept { return state_->caches_authorities; }

}  // namespace fpt_webhooks::inline v0_1
