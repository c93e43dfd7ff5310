// Numbered events, signed: parent and child, before a death and after it, mean the same ones.
#pragma once

#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/signer.hpp>

#include <cstdint>
#include <cstdio>
#include <string>

namespace fpt_webhooks::test {

inline constexpr std::string_view receiver_secret = "whsec_fpt_test_secret_32_chars_min!!";

inline HttpRequest numbered_request(std::uint64_t number) {
    char id[33];
    std::snprintf(id, sizeof id, "%032llx", static_cast<unsigned long long>(number));
    HttpRequest request;
    request.body.append(R"({"eventId":")").append(id);
    request.body.append(R"(","eventType":"contact.created","eventTimestamp":"2026-06-10T23:45:00.123Z",)");
    request.body.append(R"("locationId":1234,"organizationId":5678,"apiVersion":"v1","data":{"contactId":)");
    request.body.append(std::to_string(number)).append(R"(,"operation":"create"}})");
    const auto signer = Signer::create(Scheme::fpt, Secret(receiver_secret)).value();
    request.headers = signer.sign(bytes_of(request.body), system_clock()->now()).value();
    request.headers.add("Content-Type", "application/json");
    return request;
}

}  // namespace fpt_webhooks::test
