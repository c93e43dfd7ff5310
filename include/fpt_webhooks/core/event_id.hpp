// The id of an event: 128 bits, written as 32 hex digits without dashes (FPT envelope, field `eventId`).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// A regular value, ordered by its bytes. The same on every retry: it is the receiver's idempotency key.
class FPT_WEBHOOKS_CORE_EXPORT EventId {
  public:
    static constexpr std::size_t text_length = 32;  // hex digits

    constexpr EventId() noexcept = default;
    constexpr explicit EventId(const std::array<std::byte, 16>& bytes) noexcept : bytes_(bytes) {}

    // Any 128-bit id; hex digits of either case. Errors: malformed with the offset of the first wrong byte.
    [[nodiscard]] static Result<EventId> parse(std::string_view text);

    // A fresh id: UUID version 7 (RFC 9562 section 5.7), so that ids made later sort later and indexes stay local.
    // Errors: crypto_failed.
    [[nodiscard]] static Result<EventId> generate(const Clock& clock, RandomSource& random);

    // 32 lower-case hex digits.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] constexpr const std::array<std::byte, 16>& bytes() const noexcept { return bytes_; }
    friend constexpr auto operator<=>(const EventId&, const EventId&) noexcept = default;

  private:
    std::array<std::byte, 16> bytes_{};
};

}  // namespace fpt_webhooks::inline v0_1

template <>
struct std::hash<fpt_webhooks::EventId> {
    std::size_t operator()(const fpt_webhooks::EventId& id) const noexcept {
        // The last eight bytes: in a version 7 id these are the random ones.
        std::size_t low = 0;
        std::memcpy(&low, id.bytes().data() + id.bytes().size() - sizeof low, sizeof low);
        return low;
    }
};
