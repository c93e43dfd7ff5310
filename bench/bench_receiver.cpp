// One request through Receiver::handle, by what becomes of it, beside the parts that it cannot do without.
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/receiver.hpp>

#include <string>
#include <vector>

#include "ratio.hpp"

namespace fw = fpt_webhooks;

namespace {

constexpr std::string_view secret = "whsec_bench_secret_of_32_chars_or_more";

// Stands still, so that one signature serves a whole run.
class FixedClock final : public fw::Clock {
  public:
    fw::Timestamp now() const noexcept override { return fw::Timestamp(std::chrono::seconds(1717023600)); }
    std::chrono::steady_clock::time_point steady_now() const noexcept override { return {}; }
};

const std::shared_ptr<const fw::Clock> fixed_clock = std::make_shared<FixedClock>();

fw::HttpRequest signed_request(std::uint64_t number) {
    static const auto signer = fw::Signer::create(fw::Scheme::fpt, fw::Secret(secret)).value();
    std::string id = std::to_string(number);
    id.insert(0, fw::EventId::text_length - id.size(), '0');
    fw::HttpRequest request;
    request.body = R"({"eventId":")" + id +
                   R"(","eventType":"contact.sub_group_changed",)"
                   R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,)"
                   R"("apiVersion":"v1","data":{"contactId":9876,"previousSubGroupId":3,"newSubGroupId":7}})";
    request.headers = signer.sign(fw::bytes_of(request.body), fixed_clock->now()).value();
    request.headers.add("Content-Type", "application/json; charset=utf-8");
    request.headers.add("User-Agent", "FitProTracker-Webhooks/1.1");
    return request;
}

std::unique_ptr<fw::Receiver> make_receiver() {
    auto receiver =
        fw::Receiver::create({.endpoint = "bench", .secrets = {fw::Secret(secret)}, .clock = fixed_clock}).value();
    receiver->on<fw::ContactSubGroupChanged>(
        [](const fw::Envelope&, const fw::ContactSubGroupChanged& change) { benchmark::DoNotOptimize(change); });
    return receiver;
}

// Every iteration's answer must be the one that the benchmark is about.
void handle_all(benchmark::State& state, const std::vector<fw::HttpRequest>& requests, fw::HandleOutcome outcome) {
    const auto receiver = make_receiver();
    if (outcome == fw::HandleOutcome::duplicate) benchmark::DoNotOptimize(receiver->handle(requests.front()));
    std::size_t next = 0;
    for (auto _ : state) {
        auto response = receiver->handle(requests[next]);
        benchmark::DoNotOptimize(response);
        if (++next == requests.size()) next = 0;
    }
    if (receiver->stats().count(outcome) != static_cast<std::uint64_t>(state.iterations())) {
        state.SkipWithError("not every request ended as this benchmark means it to");
    }
    state.SetItemsProcessed(state.iterations());
}

// More than the store's capacity: by the time that an id comes round again, it has been forgotten. So this also holds
// the cost of a full store.
void handle_fresh(benchmark::State& state) {
    static const auto requests = [] {
        std::vector<fw::HttpRequest> made;
        for (std::uint64_t i = 0; i < fw::memory_dedupe_capacity_default + 1000; ++i) made.push_back(signed_request(i));
        return made;
    }();
    handle_all(state, requests, fw::HandleOutcome::processed);
}

void handle_duplicate(benchmark::State& state) { handle_all(state, {signed_request(1)}, fw::HandleOutcome::duplicate); }

void handle_rejected(benchmark::State& state) {
    fw::HttpRequest request = signed_request(1);
    request.body.back() = ' ';
    handle_all(state, {request}, fw::HandleOutcome::unauthorized);
}

void handle_unsigned(benchmark::State& state) {
    fw::HttpRequest request = signed_request(1);
    request.headers = {{"Content-Type", "application/json"}};
    handle_all(state, {request}, fw::HandleOutcome::unauthorized);
}

void verify_and_decode(benchmark::State& state) {
    const auto verifier = fw::Verifier::create({.secrets = {fw::Secret(secret)}, .clock = fixed_clock}).value();
    const fw::HttpRequest request = signed_request(1);
    for (auto _ : state) {
        const bool verified = verifier.verify(request).has_value();
        auto data = fw::decode_envelope(fw::bytes_of(request.body))->data_as<fw::ContactSubGroupChanged>();
        benchmark::DoNotOptimize(verified);
        benchmark::DoNotOptimize(data);
    }
    state.SetItemsProcessed(state.iterations());
}

void verify_only(benchmark::State& state) {
    const auto verifier = fw::Verifier::create({.secrets = {fw::Secret(secret)}, .clock = fixed_clock}).value();
    const fw::HttpRequest request = signed_request(1);
    for (auto _ : state) {
        auto verified = verifier.verify(request);
        benchmark::DoNotOptimize(verified);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(verify_only);
BENCHMARK(verify_and_decode);
BENCHMARK(handle_fresh);
BENCHMARK(handle_duplicate);
BENCHMARK(handle_rejected);
BENCHMARK(handle_unsigned);

}  // namespace

int main(int argc, char* argv[]) {
    constexpr bench::Ratio ratios[] = {
        {"handle_fresh", "verify_and_decode"},
        {"handle_duplicate", "verify_and_decode"},
        {"handle_rejected", "verify_only"},
    };
    return bench::run(argc, argv, ratios);
}
