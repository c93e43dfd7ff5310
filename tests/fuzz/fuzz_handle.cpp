#include <fpt_webhooks/core/explain.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/receiver/receiver.hpp>

#include <algorithm>
#include <array>

#include "fuzz.hpp"

// The input is a request as text: "s" (to be signed) or "u", "f" (FPT) or "p" (UFP), a space and the method; header
// lines "name:value"; an empty line; the body.
namespace fw = fpt_webhooks;

namespace {

struct FixedClock final : fw::Clock {
    fw::Timestamp now() const noexcept override { return fw::Timestamp(std::chrono::seconds(1717023600)); }
    std::chrono::steady_clock::time_point steady_now() const noexcept override { return {}; }
};

struct Endpoint {
    explicit Endpoint(fw::Profile profile)
        : scheme(profile == fw::Profile::fpt ? fw::Scheme::fpt : fw::Scheme::ufp),
          signer(fw::Signer::create(scheme, secret).value()),
          receiver(fw::Receiver::create({.endpoint = "fuzz", .profile = profile, .secrets = {secret}, .clock = clock})
                       .value()) {
        if (profile == fw::Profile::fpt) receiver->on<fw::ContactUpdated>([](const auto&, const auto&) {});
        receiver->on_any(
            [](const fw::EventView& event) { fuzz::require(!event.type().empty(), "an event has a type"); });
    }
    const fw::Secret secret{"whsec_a_secret_that_no_input_can_know_of"};
    const std::shared_ptr<const fw::Clock> clock = std::make_shared<const FixedClock>();
    const fw::Scheme& scheme;
    const fw::Signer signer;
    const std::unique_ptr<fw::Receiver> receiver;
};

std::string_view take_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Endpoint fpt(fw::Profile::fpt);
    static const Endpoint ufp(fw::Profile::ufp);
    std::string_view text = fuzz::text_of(data, size);
    const std::string_view first = take_line(text);
    const Endpoint& endpoint = first.size() > 1 && first[1] == 'p' ? ufp : fpt;
    fw::HttpRequest request{.method = std::string(first.substr(std::min<std::size_t>(first.size(), 3)))};
    for (auto line = take_line(text); !line.empty(); line = take_line(text)) {
        const auto colon = std::min(line.find(':'), line.size() - 1);
        request.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 1)));
    }
    request.body = text;
    const bool sign = first.starts_with('s');
    if (sign) {
        for (const auto& [name, value] : endpoint.signer.sign(fw::bytes_of(text), endpoint.clock->now()).value()) {
            request.headers.add(name, value);
        }
    }

    static const std::array<fw::HttpResponse, 2> unauthorized{
        fpt.receiver->handle({.headers = {{"Content-Type", "application/json"}}}), ufp.receiver->handle({})};
    const auto response = endpoint.receiver->handle(request);
    const bool judged = response.status == 200 || response.status == 400;
    const bool refused = response.status == 405 || response.status == 413 || response.status == 415;
    fuzz::require(judged || refused || response.status == 401, "the status is one of the documented");
    fuzz::require(!judged || sign, "what is not signed is never read");
    if (response.status == 401) {
        const auto& reference = unauthorized[&endpoint == &ufp];
        fuzz::require(response.body == reference.body && response.headers == reference.headers, "every 401 is alike");
        fuzz::require(!sign || request.headers.count(endpoint.scheme.signature_header) > 1, "what is signed is read");
        const auto why =
            fw::explain(request, {.scheme = endpoint.scheme, .secrets = {endpoint.secret}, .clock = endpoint.clock});
        fuzz::require(!why.verified && !why.findings.empty(), "a refusal is explained");
        fuzz::require(why.to_string().find("a_secret_that") == std::string::npos, "an explanation keeps the secret");
    }
    return 0;
}
