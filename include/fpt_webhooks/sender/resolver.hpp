// Turns a host name into addresses without blocking who asks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/ip_address.hpp>

namespace fpt_webhooks::inline v0_1 {

// Implementations may be called from any thread at once.
class FPT_WEBHOOKS_SENDER_EXPORT Resolver {
  public:
    // The whole answer, in the order to be tried; never empty. Errors: resolve_failed (the name has no address, or its
    // servers do not answer: the endpoint's fault), local_failure (this machine cannot ask at all: not the endpoint's
    // fault, never counted against it), overloaded, cancelled.
    using Completion = std::function<void(Result<std::vector<IpAddress>>)>;

    Resolver() = default;
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    virtual ~Resolver();

    // Calls `done` exactly once, on any thread, maybe before this returns; with `cancelled` at the latest when the
    // resolver is destroyed. How long a name may take is the caller's affair: it stops waiting and ignores the answer.
    // `host` is a name, never an address.
    virtual void resolve(const std::string& host, Completion done) = 0;
};

}  // namespace fpt_webhooks::inline v0_1
