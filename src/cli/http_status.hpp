// What a status says.
#pragma once

namespace fpt_webhooks::cli {

// 2xx: taken. 0, no answer, is none.
[[nodiscard]] constexpr bool is_success(int status) noexcept { return status >= 200 && status <= 299; }

}  // namespace fpt_webhooks::cli
