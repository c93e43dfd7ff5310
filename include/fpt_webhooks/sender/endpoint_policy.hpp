// Where webhooks may be sent: HTTPS and public addresses only (FPT: "We won't deliver to HTTP URLs or private/internal
// addresses"), unless a list says otherwise. One policy serves creation, edit, test and every attempt.
//
// The forbidden ranges are the union of the IANA special-purpose registries (RFC 6890 and its updates) and what other
// senders were attacked through; docs/endpoint-policy.md lists each with its reason.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/ip_address.hpp>
#include <fpt_webhooks/sender/url.hpp>

namespace fpt_webhooks::inline v0_1 {

struct EndpointPolicyOptions {
    // For self-hosters and tests: addresses or ranges ("10.1.0.0/16", "127.0.0.1") that are allowed although the table
    // forbids them, and host names ("hooks.internal", "localhost") that are allowed although their form is forbidden;
    // the addresses behind such a name need entries of their own. The most specific of `allow`, `deny` and the table
    // wins; on a tie `deny` wins. Multicast, unspecified, broadcast and the cloud's metadata addresses are never
    // allowed.
    std::vector<std::string> allow = {};

    // Addresses, ranges or host names that are refused although they are public.
    std::vector<std::string> deny = {};

    // Plain HTTP to hosts whose addresses all stand in `allow`. Off: HTTPS only.
    bool allow_http = false;
};

// Immutable: may be shared between threads.
class FPT_WEBHOOKS_SENDER_EXPORT EndpointPolicy {
  public:
    // Errors: invalid_argument that names the entry.
    [[nodiscard]] static Result<std::shared_ptr<const EndpointPolicy>> create(EndpointPolicyOptions options = {});

    // Everything that can be judged before the name is resolved: form, scheme, port (80 on https is refused as a
    // likely mistake), forbidden names, and the address if the host is one.
    // Errors: those of Url::parse, refused_by_policy with the reason.
    [[nodiscard]] Result<Url> check_url(std::string_view text) const;

    // A resolver's whole answer: one forbidden address refuses it all; an empty answer is refused.
    // Errors: refused_by_policy that names the address, the range and why.
    [[nodiscard]] Result<void> check_answer(const Url& url, std::span<const IpAddress> addresses) const;

    // One address, as it is about to be dialled for `url`. Errors: as check_answer.
    [[nodiscard]] Result<void> check_address(const Url& url, const IpAddress& address) const;

    struct Rules;
    explicit EndpointPolicy(std::unique_ptr<const Rules> rules) noexcept;  // only create() can make Rules
    ~EndpointPolicy();
    EndpointPolicy(const EndpointPolicy&) = delete;
    EndpointPolicy& operator=(const EndpointPolicy&) = delete;

  private:
    std::unique_ptr<const Rules> rules_;
};

}  // namespace fpt_webhooks::inline v0_1
