// One signed request as a vendor sends it.
#pragma once

#include <string>

#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/signer.hpp>

namespace fpt_webhooks::inline v0_1::testing {

[[nodiscard]] Result<HttpRequest> vendor_request(const Signer& signer, Profile profile, std::string body,
                                                 Timestamp signed_at);

}  // namespace fpt_webhooks::inline v0_1::testing
