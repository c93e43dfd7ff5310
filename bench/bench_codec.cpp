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
bench::Suite::Once bare_sax(std::string_view body) {
    return [text = std::string(body)] {  // zero-terminated
        rapidjson::Reader reader;
        rapidjson::StringStream stream(text.c_str());
        rapidjson::BaseReaderHandler<> handler;
        const auto parsed = reader.Parse<flags>(stream, handler);
        benchmark::DoNotOptimize(parsed.IsError());
    };
}

void decode_envelope() {
    auto envelope = fw::decode_envelope(fw::bytes_of(fpt_body));
    benchmark::DoNotOptimize(envelope);
}

void decode_ufp_event() {
    auto event = fw::decode_ufp_event(fw::bytes_of(ufp_body));
    benchmark::DoNotOptimize(event);
}

const fw::Envelope& sample() {
    static const auto envelope = fw::decode_envelope(fw::bytes_of(fpt_body)).value();
    return envelope;
}

void encode_envelope() {
    auto body = fw::encode_envelope(sample());
    benchmark::DoNotOptimize(body);
}

void data_as() {
    auto event = sample().data_as<fw::ContactSubGroupChanged>();
    benchmark::DoNotOptimize(event);
}

}  // namespace

int main(int argc, char* argv[]) {
    constexpr unsigned validating = rapidjson::kParseValidateEncodingFlag;
    constexpr unsigned unchecked = rapidjson::kParseNoFlags;
    bench::Suite suite;
    suite.add("bare_sax_validating", bare_sax<validating>(fpt_body));
    suite.add("bare_sax_unchecked", bare_sax<unchecked>(fpt_body));
    suite.add("bare_sax_validating_ufp", bare_sax<validating>(ufp_body));
    suite.add("decode_envelope", decode_envelope);
    suite.add("decode_ufp_event", decode_ufp_event);
    suite.add("encode_envelope", encode_envelope);
    suite.add("data_as", data_as);
    constexpr bench::Ratio ratios[] = {
        {"decode_envelope", "bare_sax_validating", 0.8},
        {"decode_envelope", "bare_sax_unchecked"},
        {"decode_ufp_event", "bare_sax_validating_ufp", 0.8},
    };
    return suite.run(argc, argv, ratios);
}
