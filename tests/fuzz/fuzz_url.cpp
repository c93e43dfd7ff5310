#include <fpt_webhooks/sender/endpoint_policy.hpp>
#include <fpt_webhooks/sender/url.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto policy = fw::EndpointPolicy::create().value();
    const auto text = fuzz::text_of(data, size);
    const auto url = fw::Url::parse(text);
    if (!url) {
        fuzz::require_useful(url.error(), size);
        fuzz::require(!policy->check_url(text), "the policy lets no malformed URL through");
        return 0;
    }
    const auto again = fw::Url::parse(url->to_string());
    fuzz::require(again && *again == *url, "a URL survives its canonical text");
    fuzz::require(again->to_string() == url->to_string(), "the canonical text is canonical");
    fuzz::require(!url->host().empty() && url->port() != 0 && url->target().starts_with('/'), "no part is empty");
    fuzz::require(url->address().has_value() == fw::IpAddress::parse(url->host()).has_value(),
                  "a host that reads as an address is known as one");
    const auto judged = policy->check_url(text);
    if (judged)
        fuzz::require(*judged == *url && url->is_https(), "the policy changes nothing, and wants https");
    else
        fuzz::require_useful(judged.error(), size);
    return 0;
}
