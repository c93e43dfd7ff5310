// What the transport's tests share: a policy that allows this machine, names that lead to it, and bounded waits.
#pragma once

#include <fpt_webhooks/curl.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"

namespace fpt_webhooks::test {

constexpr auto patience = std::chrono::seconds(60);  // a sanitizer build on a busy machine is slow

// A limit short enough for a test and long enough for what must succeed within it.
constexpr std::chrono::milliseconds short_limit{300};

inline IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

inline std::shared_ptr<const EndpointPolicy> local_policy(std::vector<std::string> allow = {"127.0.0.1"}) {
    return EndpointPolicy::create({.allow = std::move(allow), .allow_http = true}).value();
}

// Blocks those who wait until it is opened, at the latest by its destructor.
class Gate {
  public:
    ~Gate() { open(); }
    void open() {
        const std::lock_guard lock(state_->mutex);
        state_->open = true;
        state_->changed.notify_all();
    }
    // A function that waits; it may outlive the gate.
    [[nodiscard]] std::function<void()> waiter() const {
        return [state = state_] {
            std::unique_lock lock(state->mutex);
            state->changed.wait(lock, [&] { return state->open; });
        };
    }

  private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        bool open = false;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

// A resolver without a name service.
inline std::shared_ptr<Resolver> resolver_of(std::function<Result<std::vector<IpAddress>>(const std::string&)> lookup) {
    return PooledResolver::create({.cache_age = {}, .lookup = std::move(lookup)}).value();
}

// Every name is this machine.
inline std::shared_ptr<Resolver> local_resolver() {
    return resolver_of([](const std::string&) { return std::vector{address("127.0.0.1")}; });
}

// One authority for all tests of a program: making keys is not what they are about.
struct Trust {
    CertificateAuthority authority;
    TemporaryFile ca_file{authority.certificate_pem()};
    Identity identity = authority.issue({.dns_names = {"hooks.example.com"}, .addresses = {"127.0.0.1"}});

    static const Trust& shared() {
        static const Trust trust;
        return trust;
    }
};

inline CurlTransportOptions local_options() {
    return {.ca_file = Trust::shared().ca_file.path(), .resolver = local_resolver()};
}

inline std::shared_ptr<CurlTransport> make_transport(CurlTransportOptions options = local_options()) {
    return CurlTransport::create(std::move(options)).value();
}

inline TransportRequest request_to(std::string url) {
    return {.http = {.url = std::move(url),
                     .headers = {{"Content-Type", "application/json; charset=utf-8"}, {"X-FPT-Signature", "t=1,v1=00"}},
                     .body = R"({"eventId":"1"})"},
            .policy = local_policy(),
            .timeout = patience,
            .connect_timeout = patience};
}

using Pending = std::future<TransportOutcome>;

// A second completion would throw inside it, and the test would see the first; `completions` counts for that.
inline Pending start(Transport& transport, TransportRequest request, Transport::Token* token = nullptr,
                     std::shared_ptr<std::atomic<int>> completions = nullptr) {
    auto promise = std::make_shared<std::promise<TransportOutcome>>();
    Pending pending = promise->get_future();
    auto started = transport.start(std::move(request), [promise, completions](TransportOutcome outcome) {
        if (completions) ++*completions;
        promise->set_value(std::move(outcome));
    });
    if (token != nullptr && started) *token = *started;
    if (!started) promise->set_value({.response = started.error()});
    return pending;
}

inline TransportOutcome await(Pending pending) {
    REQUIRE(pending.wait_for(patience) == std::future_status::ready);
    return pending.get();
}

inline TransportOutcome deliver(Transport& transport, TransportRequest request) {
    return await(start(transport, std::move(request)));
}

inline TransportOutcome deliver(Transport& transport, std::string url) {
    return deliver(transport, request_to(std::move(url)));
}

// The status, or the error's message in its place: readable when a check fails.
inline std::string text_of(const TransportOutcome& outcome) {
    return outcome.response ? std::to_string(outcome.response->status) : outcome.response.error().message();
}

inline bool failed_with(const TransportOutcome& outcome, Errc code) {
    if (!outcome.response && outcome.response.error() == code) return true;
    UNSCOPED_INFO("outcome: " << text_of(outcome));
    return false;
}

inline bool answered(const TransportOutcome& outcome, int status) {
    if (outcome.response && outcome.response->status == status) return true;
    UNSCOPED_INFO("outcome: " << text_of(outcome));
    return false;
}

}  // namespace fpt_webhooks::test
