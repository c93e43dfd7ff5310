// The requests of docs/schemes.md, whose signatures OpenSSL computed, and the Standard Webhooks specification's
// example.
#pragma once

#include <string>

namespace cli_test {

inline const std::string example_body =
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated",)"
    R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
    R"("data":{"contactId":9876,"operation":"update"}})";
inline const std::string example_secret = "whsec_docs_example_secret_32_characters";
inline const std::string example_time = "1717023600";  // 2024-05-29T23:00:00Z
inline const std::string example_value =
    "t=1717023600,v1=2ab0b9c22f49109598ba9727b15db0a0a32fb8c21186a3451eb8e0bf28681416";
inline const std::string example_header = "X-FPT-Signature: " + example_value;

inline const std::string ufp_secret = "my gym secret";
inline const std::string ufp_value = "7c25354af961b0b11d67d9672186c44779f0148108329fb930238ee4d27b0f53";

inline const std::string standard_body = R"({"test": 2432232314})";
inline const std::string standard_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
inline const std::string standard_time = "1614265330";
inline const std::string standard_id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
inline const std::string standard_value = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

}  // namespace cli_test
