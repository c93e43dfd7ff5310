#include <fpt_webhooks/testing/signature_vectors.hpp>

#include <string>

namespace fpt_webhooks::inline v0_1::testing {
namespace {

using namespace std::string_view_literals;

constexpr auto secret = "whsec_fpt_test_secret_32_chars_min!!"sv;
constexpr auto stripe_body =
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated","object":"event"})"sv;
constexpr auto tampered_body =
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.deleted","object":"event"})"sv;
constexpr auto stripe_signature = "t=1717023600,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86"sv;
constexpr auto envelope_body =
    R"({"eventId":"0197a1b2c3d47e5f8a9b0c1d2e3f4a5b","eventType":"contact.status_changed",)"
    R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
    R"("data":{"contactId":9876,"previousStatusId":1,"newStatusId":3}})"sv;
constexpr auto binary_body = "\x00\xff\xfe\r\n{\"caf\xe9\"}\x80"sv;

constexpr auto ufp_secret = "s3cret"sv;
constexpr auto ufp_body =
    R"({"webhook_event_type":"new_lead_created","created_at":"11/06/2025 17:22","company_id":1,"tenant_id":12,)"
    R"("payload":{"first_name":"Asha","is_child":"False"}})"sv;
constexpr auto ufp_signature = "eb1a6ccee42fd6dbe7d0d3d398e29ffe3771d40461109054d06bc0acfb889bd0"sv;

constexpr auto standard_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"sv;
constexpr auto standard_body = R"({"test": 2432232314})"sv;
constexpr auto standard_id = "msg_p5jXN8AQM9LWM0D4loKWxJek"sv;
constexpr auto standard_signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="sv;

constexpr std::int64_t stripe_time = 1717023600;
constexpr std::int64_t standard_time = 1614265330;

constexpr SignatureVector fpt(std::string_view name, std::string_view body, std::string_view signature,
                              std::int64_t verified_at = stripe_time, std::optional<Errc> refusal = {},
                              bool canonical = false) {
    return {name, Scheme::fpt, secret, body, signature, "", "", verified_at, refusal, canonical};
}

constexpr SignatureVector ufp(std::string_view name, std::string_view body, std::string_view signature,
                              std::optional<Errc> refusal = {}, bool canonical = false) {
    return {name, Scheme::ufp, ufp_secret, body, signature, "", "", 0, refusal, canonical};
}

constexpr SignatureVector standard(std::string_view name, std::string_view body, std::string_view signature,
                                   std::string_view id = standard_id, std::int64_t verified_at = standard_time,
                                   std::optional<Errc> refusal = {}, bool canonical = false) {
    return {
        name,     Scheme::standard_webhooks, standard_secret, body, signature, "1614265330", id, verified_at, refusal,
        canonical};
}

constexpr SignatureVector table[] = {
    fpt("fpt: made with npm stripe", stripe_body, stripe_signature, stripe_time, {}, true),
    fpt("fpt: an envelope", envelope_body,
        "t=1781135100,v1=c48ebff90fe4fd380fb60676b49f617142c37f7e21c4a850c615bd0f68b42792", 1781135100, {}, true),
    fpt("fpt: an empty body", "", "t=1717023600,v1=f576ac1224e91b293b31de7f8c28097e3f5a9c6221d44b9795b5526a3fe9fca1",
        stripe_time, {}, true),
    fpt("fpt: a body that is not UTF-8 and holds a zero byte", binary_body,
        "t=1717023600,v1=f648a853b1c46fbb747bf1f6d5f06c32c7ede6fd941af3a662cb01631b77df28", stripe_time, {}, true),
    fpt("fpt: upper-case hex", stripe_body,
        "t=1717023600,v1=346AA46E7746E77D7038840FCC19A75C961DA302ABCFC12D33C450C2E2B13F86"),
    fpt("fpt: the matching signature stands last of three", stripe_body,
        "t=1717023600,v1=f576ac1224e91b293b31de7f8c28097e3f5a9c6221d44b9795b5526a3fe9fca1,"
        "v1=ae3313c02a5e9c40fd41744d1e1c11e8a29b3677297bbd616f30c312cc5182ca,"
        "v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86"),
    fpt("fpt: an unknown key stands first", stripe_body,
        "v0=zz,t=1717023600,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86"),
    fpt("fpt: exactly 300 s old", stripe_body, stripe_signature, stripe_time + 300),
    fpt("fpt: exactly 300 s ahead", stripe_body, stripe_signature, stripe_time - 300),
    fpt("fpt: 301 s old", stripe_body, stripe_signature, stripe_time + 301, Errc::timestamp_too_old),
    fpt("fpt: 301 s ahead", stripe_body, stripe_signature, stripe_time - 301, Errc::timestamp_in_future),
    fpt("fpt: one word of the body changed", tampered_body, stripe_signature, stripe_time, Errc::signature_mismatch),
    fpt("fpt: one digit of the signature changed", stripe_body,
        "t=1717023600,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f87", stripe_time,
        Errc::signature_mismatch),
    fpt("fpt: the time changed", stripe_body,
        "t=1717023601,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86", stripe_time,
        Errc::signature_mismatch),
    fpt("fpt: signed with another secret", stripe_body,
        "t=1717023600,v1=ae3313c02a5e9c40fd41744d1e1c11e8a29b3677297bbd616f30c312cc5182ca", stripe_time,
        Errc::signature_mismatch),
    fpt("fpt: signed over the body's hash, as another product with this header does", stripe_body,
        "t=1717023600,v1=7169cc80d3179d9fc15b96d9755123f32c03cbfff8bae1fe661b0825556ad7bc", stripe_time,
        Errc::signature_mismatch),
    fpt("fpt: a shortened signature", stripe_body, "t=1717023600,v1=346aa46e", stripe_time, Errc::signature_malformed),
    fpt("fpt: the time twice", stripe_body,
        "t=1717023600,t=1717023600,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86", stripe_time,
        Errc::signature_malformed),
    fpt("fpt: no time", stripe_body, "v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86", stripe_time,
        Errc::signature_missing),
    fpt("fpt: no signature", stripe_body, "t=1717023600", stripe_time, Errc::signature_missing),

    ufp("ufp: the documented sample", ufp_body, ufp_signature, {}, true),
    ufp("ufp: an empty body", "", "91dfac70c5348b04e1babb8b421ac92cec08b565b49ca16130dccb72503647b7", {}, true),
    ufp("ufp: upper-case hex", ufp_body, "EB1A6CCEE42FD6DBE7D0D3D398E29FFE3771D40461109054D06BC0ACFB889BD0"),
    ufp("ufp: another body", "{}", ufp_signature, Errc::signature_mismatch),
    ufp("ufp: a prefix that another vendor writes", ufp_body,
        "sha256=eb1a6ccee42fd6dbe7d0d3d398e29ffe3771d40461109054d06bc0acfb889bd0", Errc::signature_malformed),

    standard("standard webhooks: from its libraries", standard_body, standard_signature, standard_id, standard_time, {},
             true),
    standard("standard webhooks: a body that is not UTF-8", "\xff\x00\n"sv,
             "v1,4sn29jDFYwnkbIP2a79bg8j7tuOlff18NUB4jAJDwuY=", "msg_2", standard_time, {}, true),
    standard("standard webhooks: the matching signature stands last", standard_body,
             "v1a,AAAA v1,TcxlhK9b6UD6iVI1ZU2tTqp8PEVfYRseNNfa6b+LcUg= "
             "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    standard("standard webhooks: another id", standard_body, standard_signature, "msg_other", standard_time,
             Errc::signature_mismatch),
    standard("standard webhooks: the secret's text taken for the key", standard_body,
             "v1,TcxlhK9b6UD6iVI1ZU2tTqp8PEVfYRseNNfa6b+LcUg=", standard_id, standard_time, Errc::signature_mismatch),
    standard("standard webhooks: 301 s old", standard_body, standard_signature, standard_id, standard_time + 301,
             Errc::timestamp_too_old),
};

}  // namespace

Headers SignatureVector::headers() const {
    Headers headers{{std::string(scheme.signature_header), std::string(signature)}};
    if (!scheme.timestamp_header.empty()) headers.add(std::string(scheme.timestamp_header), std::string(timestamp));
    if (!scheme.id_header.empty()) headers.add(std::string(scheme.id_header), std::string(id));
    return headers;
}

std::span<const SignatureVector> signature_vectors() noexcept { return table; }

}  // namespace fpt_webhooks::inline v0_1::testing
