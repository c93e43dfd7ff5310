#include "cli/target.hpp"

#include <fmt/core.h>

#include <fpt_webhooks/curl/curl_transport.hpp>

#include "cli/command.hpp"
#include "cli/input.hpp"

namespace fpt_webhooks::cli {

void AllowedTargets::add_to(CLI::App& app) {
    app.add_option("--allow-address", allowed, "Private address or name to allow; repeatable")
        ->type_name("ADDR")
        ->allow_extra_args(false);
}

std::shared_ptr<const EndpointPolicy> AllowedTargets::policy(bool allow_http) const {
    auto policy = EndpointPolicy::create({.allow = allowed, .allow_http = allow_http});
    if (!policy) throw Failure(ExitStatus::usage, "--allow-address: " + policy.error().detail());
    return *std::move(policy);
}

void TargetAccess::add_to(CLI::App& app) {
    AllowedTargets::add_to(app);
    app.add_option("--cacert", authorities, "PEM file to trust instead of the system's")->type_name("FILE");
}

std::shared_ptr<const EndpointPolicy> TargetAccess::policy_for(const std::string& url, bool allow_http) const {
    auto judge = policy(allow_http);
    if (const auto judged = judge->check_url(url); !judged) {
        if (judged.error() == Errc::refused_by_policy) throw failure_of(judged.error(), url);
        throw Failure(ExitStatus::usage, fmt::format("{}: {}", url, judged.error().message()),
                      "as in https://host/path");
    }
    return judge;
}

std::shared_ptr<Transport> TargetAccess::transport() const {
    if (!authorities.empty()) (void)read_input(authorities);  // says better than libcurl why it cannot
    auto transport = CurlTransport::create({.ca_file = authorities});
    if (transport) return *std::move(transport);
    const bool unusable = transport.error() == Errc::invalid_argument;
    throw Failure(unusable ? ExitStatus::input : ExitStatus::machine, "--cacert: " + transport.error().detail());
}

void VendorOption::add_to(CLI::App& app) {
    app.add_option("--vendor", name, "fpt (if left out) or ufp")
        ->type_name("NAME")
        ->check(CLI::IsMember({"fpt", "ufp"}));
}

}  // namespace fpt_webhooks::cli
