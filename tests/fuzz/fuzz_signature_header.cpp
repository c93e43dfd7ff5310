#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/verifier.hpp>

#include "fuzz.hpp"

namespace fw = fpt_webhooks;

namespace {

struct FixedClock final : fw::Clock {
    fw::Timestamp now() const noexcept override { return fw::Timestamp(std::chrono::seconds(1717023600)); }
    std::chrono::steady_clock::time_point steady_now() const noexcept override { return {}; }
};

// The input as the signature header of every scheme, and as the timestamp and the id where there are such headers.
void try_as(const fw::Scheme& scheme, std::string_view header, const std::string& input) {
    static const auto clock = std::make_shared<const FixedClock>();
    static const fw::Secret secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const auto signed_headers = fw::Signer::create(scheme, secret).value().sign({}, clock->now(), "msg_1").value();
    fw::Headers headers;
    for (const auto& field : signed_headers) headers.add(field.name, field.name == header ? input : field.value);

    const auto verifier = fw::Verifier::create({.scheme = scheme, .secrets = {secret}, .clock = clock}).value();
    const auto verdict = verifier.verify(headers, {});
    const auto stream = verifier.begin(headers);
    fuzz::require(!verdict || stream.has_value(), "both forms agree on the headers");
    if (verdict) {
        // The same text, or a longer list that holds it; only hex digits have two cases.
        const std::string ours(*signed_headers.find(header));
        const bool same =
            scheme.encoding == fw::SignatureEncoding::hex ? fw::equals_ignoring_case(input, ours) : input == ours;
        fuzz::require(same || input.size() > ours.size(), "only ours verifies");
    } else if (verdict.error() == fw::Errc::signature_malformed) {
        fuzz::require(verdict.error().offset().has_value(), "a malformed header has an offset");
        fuzz::require_useful(verdict.error(), input.size());
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string input(fuzz::text_of(data, size));
    for (const auto* scheme : {&fw::Scheme::fpt, &fw::Scheme::ufp, &fw::Scheme::standard_webhooks}) {
        for (const auto header : {scheme->signature_header, scheme->timestamp_header, scheme->id_header}) {
            if (!header.empty()) try_as(*scheme, header, input);
        }
    }
    return 0;
}
