// One request through Receiver::handle, by what becomes of it, beside the parts that it cannot do without.
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/receiver.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
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

// Handles the same requests over and over; in the end each must have come out as the benchmark means it to.
class Handling {
  public:
    Handling(std::vector<fw::HttpRequest> requests, fw::HandleOutcome outcome)
        : requests_(std::move(requests)), outcome_(outcome) {}
    ~Handling() {
        if (receiver_->stats().count(outcome_) == calls_) return;
        std::fprintf(stderr, "not every request ended as its benchmark means it to\n");
        std::abort();
    }
    Handling(const Handling&) = delete;
    Handling& operator=(const Handling&) = delete;

    void once() {
        auto response = receiver_->handle(requests_[calls_++ % requests_.size()]);
        benchmark::DoNotOptimize(response);
    }

    void see_first() { benchmark::DoNotOptimize(receiver_->handle(requests_.front())); }

  private:
    std::unique_ptr<fw::Receiver> receiver_ = make_receiver();
    std::vector<fw::HttpRequest> requests_;
    fw::HandleOutcome outcome_;
    std::uint64_t calls_ = 0;
};

bench::Suite::Once fresh() {
    // More than the store's capacity: by the time that an id comes round again, it has been forgotten. So this also
    // holds the cost of a full store.
    std::vector<fw::HttpRequest> requests;
    for (std::uint64_t i = 0; i < fw::memory_dedupe_capacity_default + 1000; ++i) requests.push_back(signed_request(i));
    return [handling = std::make_shared<Handling>(std::move(requests), fw::HandleOutcome::processed)] {
        handling->once();
    };
}

bench::Suite::Once duplicate() {
    auto handling = std::make_shared<Handling>(std::vector{signed_request(1)}, fw::HandleOutcome::duplicate);
    handling->see_first();
    return [handling] { handling->once(); };
}

bench::Suite::Once refused(fw::HttpRequest request) {
    return [handling = std::make_shared<Handling>(std::vector{std::move(request)}, fw::HandleOutcome::unauthorized)] {
        handling->once();
    };
}

bench::Suite::Once tampered() {
    fw::HttpRequest request = signed_request(1);
    request.body.back() = ' ';
    return refused(std::move(request));
}

bench::Suite::Once without_signature() {
    fw::HttpRequest request = signed_request(1);
    request.headers = {{"Content-Type", "application/json"}};
    return refused(std::move(request));
}

fw::Verifier make_verifier() {
    return fw::Verifier::create({.secrets = {fw::Secret(secret)}, .clock = fixed_clock}).value();
}

bench::Suite::Once verify_and_decode() {
    return [verifier = make_verifier(), request = signed_request(1)] {
        const bool verified = verifier.verify(request).has_value();
        auto data = fw::decode_envelope(fw::bytes_of(request.body))->data_as<fw::ContactSubGroupChanged>();
        benchmark::DoNotOptimize(verified);
        benchmark::DoNotOptimize(data);
    };
}

bench::Suite::Once verify_only() {
    return [verifier = make_verifier(), request = signed_request(1)] {
        auto verified = verifier.verify(request);
        benchmark::DoNotOptimize(verified);
    };
}

}  // namespace

int main(int argc, char* argv[]) {
    bench::Suite suite;
    suite.add("verify_only", verify_only());
    suite.add("verify_and_decode", verify_and_decode());
    suite.add("handle_fresh", fresh());
    suite.add("handle_duplicate", duplicate());
    suite.add("handle_rejected", tampered());
    suite.add("handle_unsigned", without_signature());
    constexpr bench::Ratio ratios[] = {
        {"handle_fresh", "verify_and_decode"},
        {"handle_duplicate", "verify_and_decode"},
        {"handle_rejected", "verify_only"},
    };
    return suite.run(argc, argv, ratios);
}
