// What commands that send to a URL have in common: which targets are allowed, whom to trust, whose events they are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/curl/curl_transport.hpp>
#include <fpt_webhooks/sender/endpoint_policy.hpp>
#include <fpt_webhooks/sender/transport.hpp>

namespace fpt_webhooks::cli {

// --allow-address ADDR.
struct AllowedTargets {
    std::vector<std::string> allowed = {};

    void add_to(CLI::App& app);

    // Throws Failure: usage for an entry that is none.
    [[nodiscard]] std::shared_ptr<const EndpointPolicy> policy(bool allow_http) const;
};

// With the authorities of --cacert FILE. Throws Failure: input for those that cannot be read.
[[nodiscard]] std::shared_ptr<Transport> make_transport(const CurlTransportOptions& options);

// --allow-address ADDR and --cacert FILE.
struct TargetAccess : AllowedTargets {
    std::string authorities = {};

    void add_to(CLI::App& app);

    // The policy for `url`, which it has judged as far as it can without an address. Throws Failure: usage for an entry
    // or a URL that is none, refused.
    [[nodiscard]] std::shared_ptr<const EndpointPolicy> policy_for(const std::string& url, bool allow_http) const;

    [[nodiscard]] std::shared_ptr<Transport> transport() const { return make_transport({.ca_file = authorities}); }
};

// --vendor fpt | ufp
struct VendorOption {
    std::string name = "fpt";

    void add_to(CLI::App& app);
    [[nodiscard]] Profile profile() const noexcept { return name == "fpt" ? Profile::fpt : Profile::ufp; }
    [[nodiscard]] const Scheme& scheme() const noexcept { return name == "fpt" ? Scheme::fpt : Scheme::ufp; }
};

}  // namespace fpt_webhooks::cli
