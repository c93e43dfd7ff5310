// Whose contract an endpoint follows, and what its requests look like.
#pragma once

#include <string_view>

namespace fpt_webhooks::inline v0_1 {

enum class Profile {
    fpt,  // FitProTracker: Envelope, X-FPT-Signature with a timestamp
    ufp,  // FitnessForce Unified Fitness Platform: UfpEvent, X-UFP-Signature over the body alone
};

[[nodiscard]] constexpr std::string_view name_of(Profile profile) noexcept {
    return profile == Profile::fpt ? "fpt" : "ufp";
}

// What FPT sends today.
inline constexpr std::string_view default_user_agent = "FitProTracker-Webhooks/1.1";

// The media type of a profile's requests. UFP documents none; receivers of either must not insist on parameters.
[[nodiscard]] constexpr std::string_view content_type_of(Profile profile) noexcept {
    return profile == Profile::fpt ? "application/json; charset=utf-8" : "application/json";
}

}  // namespace fpt_webhooks::inline v0_1
