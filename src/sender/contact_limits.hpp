// What a ContactState and the times beside it must keep to, so that they can be stored and become events.
#pragma once

#include <chrono>
#include <string>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/timestamp.hpp>
#include <fpt_webhooks/sender/contact_change_detector.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// A time that can be written, and that bears having a window's length added to it.
inline bool is_writable(Timestamp time) noexcept {
    using namespace std::chrono;
    return time >= sys_days(year(0) / 1 / 1) && time < sys_days(year(10000) / 1 / 1);
}

inline Result<void> check_time(const char* name, Timestamp time) {
    if (is_writable(time)) return {};
    return Error(Errc::out_of_range, std::string(name).append(": outside the years 0000 to 9999"));
}

inline Result<void> check_fingerprint(const ContactState& state) {
    if (state.fingerprint.size() <= contact_fingerprint_bytes_max) return {};
    return Error(Errc::limit_exceeded,
                 std::string("fingerprint: over ").append(std::to_string(contact_fingerprint_bytes_max)) + " bytes");
}

}  // namespace fpt_webhooks::inline v0_1::detail
