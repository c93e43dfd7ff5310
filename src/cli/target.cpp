#include "cli/target.hpp"

#include <fmt/core.h>

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

std::shared_ptr<Transport> make_transport(const CurlTransportOptions& options) {
    if (!options.ca_file.empty()) (void)read_input(options.ca_file);  // says better than libcurl why it cannot
    auto transport = CurlTransport::create(options);
    if (transport) return *std::move(transport);
    const Error& error = transport.error();
    if (error == Errc::invalid_argument && error.detail().starts_with("ca_file")) {
        throw Failure(ExitStatus::input, "--cacert: " + error.detail());
    }
    throw failure_of(error, error.detail().starts_with("proxy") ? "--proxy" : "");
}

void VendorOption::add_to(CLI::App& app) {
    app.add_option("--vendor", name, "fpt (if left out) or ufp")
        ->type_name("NAME")
        ->check(CLI::IsMember({"fpt", "ufp"}));
}

}  // namespace fpt_webhooks::cli
