// Whose contract an endpoint follows.
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

}  // namespace fpt_webhooks::inline v0_1
