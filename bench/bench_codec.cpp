// The codec beside a bare RapidJSON SAX pass over the same bytes, which it is judged by.
#include <string>
#include <string_view>

#include <fpt_webhooks/core/contact_events.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>

// The peer at its best.
#if defined(__SSE4_2__)
#define RAPIDJSON_SSE42
#elif defined(__SSE2__)
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/reader.h>

#include "ratio.hpp"

namespace fw = fpt_webhooks;

namespace {

constexpr std::string_view fpt_body =
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.sub_group_changed",)"
    R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
    R"("data":{"contactId":9876,"previousSubGroupId":3,"newSubGroupId":7}})";
static_assert(fpt_body.size() == 255, "the size that all figures of the project are given for");

constexpr std::string_view ufp_body =
    R"({"webhook_event_type":"new_lead_created","created_at":"11/06/2025 17:22","company_id":1,"tenant_id":2,)"
    R"("payload":{"tenant_name":"DEMO TENANT - T1","client_name":"Campaign","phone":"+10000000000",)"
    R"("email":"lead@example.com","gender":"Male","dob":"11/06/2000","source":"Referral","channel":"WalkIn",)"
    R"("created_date_time":"11/06/2025 17.22","client_status":"Prospect","external_id":"","migration_id":"",)"
    R"("created_by":858,"track_mode":"StaffWebApp","is_child":"False","relation":"None","parent_id":0}})";

template <unsigned flags>
void bare_sax(benchmark::State& state, std::string_view body) {
    const std::string text(body);  // zero-terminated
    for (auto _ : state) {
        rapidjson::Reader reader;
        rapidjson::StringStream stream(text.c_str());
        rapidjson::BaseReaderHandler<> handler;
        const auto parsed = reader.Parse<flags>(stream, handler);
        benchmark::DoNotOptimize(parsed.IsError());
    }
    state.SetItemsProcessed(state.iterations());
}

void decode_envelope(benchmark::State& state) {
    for (auto _ : state) {
        auto envelope = fw::decode_envelope(fw::bytes_of(fpt_body));
        benchmark::DoNotOptimize(envelope);
    }
    state.SetItemsProcessed(state.iterations());
}

void encode_envelope(benchmark::State& state) {
    const auto envelope = fw::decode_envelope(fw::bytes_of(fpt_body)).value();
    for (auto _ : state) {
        auto body = fw::encode_envelope(envelope);
        benchmark::DoNotOptimize(body);
    }
    state.SetItemsProcessed(state.iterations());
}

void data_as(benchmark::State& state) {
    const auto envelope = fw::decode_envelope(fw::bytes_of(fpt_body)).value();
    for (auto _ : state) {
        auto event = envelope.data_as<fw::ContactSubGroupChanged>();
        benchmark::DoNotOptimize(event);
    }
    state.SetItemsProcessed(state.iterations());
}

void decode_ufp_event(benchmark::State& state) {
    for (auto _ : state) {
        auto event = fw::decode_ufp_event(fw::bytes_of(ufp_body));
        benchmark::DoNotOptimize(event);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(decode_envelope);
BENCHMARK(encode_envelope);
BENCHMARK(data_as);
BENCHMARK(decode_ufp_event);

}  // namespace

int main(int argc, char* argv[]) {
    constexpr unsigned validating = rapidjson::kParseValidateEncodingFlag;
    constexpr unsigned unchecked = rapidjson::kParseNoFlags;
    benchmark::RegisterBenchmark("bare_sax_validating", bare_sax<validating>, fpt_body);
    benchmark::RegisterBenchmark("bare_sax_unchecked", bare_sax<unchecked>, fpt_body);
    benchmark::RegisterBenchmark("bare_sax_validating_ufp", bare_sax<validating>, ufp_body);
    const bench::Ratio ratios[] = {
        {"decode_envelope", "bare_sax_validating", 0.8},
        {"decode_envelope", "bare_sax_unchecked"},
        {"decode_ufp_event", "bare_sax_validating_ufp", 0.8},
    };
    return bench::run(argc, argv, ratios);
}
