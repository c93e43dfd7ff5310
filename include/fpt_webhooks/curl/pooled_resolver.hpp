// Resolves names with the system's getaddrinfo (RFC 3493 section 6.1) on a bounded pool of threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/curl/export.hpp>
#include <fpt_webhooks/sender/resolver.hpp>

namespace fpt_webhooks::inline v0_1 {

// A longer answer is an error: no honest endpoint has so many, and every one of them would have to be judged.
inline constexpr std::size_t resolved_addresses_max = 64;

struct PooledResolverOptions {
    // Threads, started when needed and kept: so many names can hang at once before others wait. 1 to 256.
    std::size_t threads_max = 16;

    // Requests that wait for an answer, all names together; one more is answered `overloaded`. At least 1.
    std::size_t waiting_max = 1024;

    // How long an answer is given again without asking. Short, since getaddrinfo tells no time to live. Zero: no cache.
    std::chrono::milliseconds cache_age{30'000};

    // Answers kept; the oldest goes first. Zero: no cache.
    std::size_t cache_entries_max = 1024;

    // Ages the cache. Nothing: the system's clock.
    std::shared_ptr<const Clock> clock = nullptr;

    // The look-up itself: blocking, called from several threads at once, may throw. Nothing: getaddrinfo, both
    // families, in its order. For tests: a name that hangs, or an answer that changes, without a name server.
    std::function<Result<std::vector<IpAddress>>(const std::string& host)> lookup = nullptr;
};

// Requests for one name share one look-up, so that a name that hangs holds one thread and no more.
class FPT_WEBHOOKS_CURL_EXPORT PooledResolver final : public Resolver {
  public:
    // Errors: invalid_argument that names the option; local_failure.
    [[nodiscard]] static Result<std::shared_ptr<PooledResolver>> create(PooledResolverOptions options = {});

    // Answers what is waiting with `cancelled`. Threads that hang in a look-up are left behind and end by themselves:
    // the destructor waits for none of them.
    ~PooledResolver() override;

    // `done` is called on a thread of the pool; an answer from the cache and a refusal, before this returns.
    // Errors given to `done`: resolve_failed ("not found" or "temporary" in its text), overloaded, cancelled,
    // local_failure (no thread, no memory, no descriptors), forked.
    void resolve(const std::string& host, Completion done) override;

    struct State;
    explicit PooledResolver(std::shared_ptr<State> state) noexcept;  // only create() can make State

  private:
    std::shared_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
