// What every store checks of its arguments.
#pragma once

#include <string>

#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>

namespace fpt_webhooks::inline v0_1::detail {

[[nodiscard]] inline Result<void> check_lease(std::chrono::milliseconds lease) {
    if (lease <= std::chrono::milliseconds::zero() || lease > dedupe_lease_max) {
        return Error(Errc::invalid_argument, "lease: more than zero and at most 24 h");
    }
    return {};
}

[[nodiscard]] inline Result<void> check_endpoint_name(std::string_view endpoint) {
    if (endpoint.empty() || endpoint.size() > endpoint_name_bytes_max) {
        return Error(Errc::invalid_argument,
                     "endpoint name: 1 to " + std::to_string(endpoint_name_bytes_max) + " bytes are needed");
    }
    return {};
}

[[nodiscard]] inline Result<void> check_key(const DedupeKey& key) {
    if (auto valid = check_endpoint_name(key.endpoint); !valid) return valid;
    if (key.id.empty() || key.id.size() > idempotency_key_bytes_max) {
        return Error(Errc::invalid_argument,
                     "idempotency key: 1 to " + std::to_string(idempotency_key_bytes_max) + " bytes are needed");
    }
    return {};
}

[[nodiscard]] inline Result<void> check_retention(std::chrono::milliseconds retention) {
    if (retention <= std::chrono::milliseconds::zero() || retention > dedupe_retention_max) {
        return Error(Errc::invalid_argument, "retention: more than zero and at most 3660 days");
    }
    return {};
}

}  // namespace fpt_webhooks::inline v0_1::detail
