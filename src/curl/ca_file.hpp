// The file of certificate authorities that endpoints are verified against.
#pragma once

#include <string>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// `given`, or where libcurl was built to find the system's bundle when it is empty; checked to be readable and to hold
// a PEM certificate. Errors: invalid_argument.
[[nodiscard]] Result<std::string> find_ca_file(const std::string& given);

}  // namespace fpt_webhooks::inline v0_1::detail
