// Signs and sends one FPT event, without a store and without retries. Needs the component fpt_webhooks::curl.
//
// Usage: fpt_webhooks_example_send <https url> [<CA file> <allowed address or name>...]
// The last two are for an endpoint on your own machine or network.

#include <cstdio>

#include <fpt_webhooks/curl.hpp>

namespace fw = fpt_webhooks;

// Made once: fw::CurlTransport::create().value(), and fw::EndpointPolicy::create().value() for public HTTPS only.
fw::TransportOutcome send(const std::string& url, std::string_view secret, fw::Transport& transport,
                          std::shared_ptr<const fw::EndpointPolicy> policy) {
    const auto clock = fw::system_clock();
    const auto random = fw::system_random();
    const auto signer = fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret)).value();

    const auto event = fw::make_envelope(fw::ContactUpdated{.contact_id = fw::ContactId(9876)},
                                         {.location = fw::LocationId(1234), .organization = fw::OrganizationId(5678)},
                                         *clock, *random);
    return fw::deliver_once(transport, signer, *clock,
                            {.url = url, .body = fw::encode_envelope(event.value()).value(), .policy = policy});
}

int main(int argc, char* argv[]) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s <https url> [<CA file> <allowed address or name>...]\n", argv[0]);
        return 2;
    }
    const auto transport = fw::CurlTransport::create({.ca_file = argc > 2 ? argv[2] : ""});
    const auto policy = fw::EndpointPolicy::create({.allow = {argv + (argc > 2 ? 3 : 2), argv + argc}});
    if (!transport || !policy) {
        std::fprintf(stderr, "%s\n", (transport ? policy.error() : transport.error()).message().c_str());
        return 2;
    }
    const auto outcome = send(argv[1], "whsec_an_example_of_32_characters_or_more", **transport, *policy);
    if (!outcome.response) {
        std::fprintf(stderr, "not delivered: %s\n", outcome.response.error().message().c_str());
        return 1;
    }
    std::printf("answer: %d\n", outcome.response->status);
    return outcome.response->status / 100 == 2 ? 0 : 1;
}
