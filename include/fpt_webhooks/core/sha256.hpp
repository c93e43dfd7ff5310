// SHA-256 (FIPS 180-4) of a body: tells a repeated event from another one under the same id.
#pragma once

#include <array>
#include <cstddef>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/export.hpp>

namespace fpt_webhooks::inline v0_1 {

using Sha256 = std::array<std::byte, 32>;

// If OpenSSL fails, which takes a broken installation, BadResultAccess is thrown: a made-up hash would make two events
// one.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Sha256 sha256(ByteView bytes);

}  // namespace fpt_webhooks::inline v0_1
