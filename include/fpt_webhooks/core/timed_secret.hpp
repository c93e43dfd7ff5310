// A secret with the time in which it is accepted and a name for people; and lists of them from a file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::inline v0_1 {

// Secrets in one verifier. A rotation needs two; each one more costs an HMAC for every forged request.
inline constexpr std::size_t verifier_secrets_max = 8;

// A whole file of eight secrets with their times is far below 64 KiB; a longer one is something else.
inline constexpr std::size_t secrets_file_bytes_max = std::size_t{64} << 10;

// What an operator calls a secret, e.g. "2026-06" or "old". A regular value that allocates nothing, so that a verdict
// can carry it.
class FPT_WEBHOOKS_CORE_EXPORT SecretLabel {
  public:
    static constexpr std::size_t length_max = 31;

    SecretLabel() = default;

    // Up to length_max bytes of printable ASCII; "" is none. Errors: invalid_argument.
    [[nodiscard]] static Result<SecretLabel> make(std::string_view text);

    // Valid while this object lives unchanged.
    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), length_}; }

    friend bool operator==(const SecretLabel&, const SecretLabel&) = default;

  private:
    std::array<char, length_max> text_{};
    std::uint8_t length_ = 0;
};

// Both ends of the time are included. Without bounds: always.
struct FPT_WEBHOOKS_CORE_EXPORT TimedSecret {
    TimedSecret(Secret secret_, Timestamp not_before_ = Timestamp::min(), Timestamp not_after_ = Timestamp::max(),
                std::string label_ = {})
        : secret(std::move(secret_)), not_before(not_before_), not_after(not_after_), label(std::move(label_)) {}

    Secret secret;
    Timestamp not_before;
    Timestamp not_after;
    std::string label;  // see SecretLabel
};

// One secret a line, as it was given to you, without quotes. Behind it, each after a tab: `label=old`,
// `not_before=2026-06-10T00:00:00Z`, `not_after=...` (as parse_timestamp reads them). Empty lines and those that begin
// with '#' are skipped; lines may end with CR LF. A secret without a label is called "line 3". One that holds
// " label=", " not_before=", " not_after=" or "<tab>" is refused: a tab was meant.
// Errors: malformed, limit_exceeded; the detail names the line and shows nothing of it.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<std::vector<TimedSecret>> parse_secrets(std::string_view text);

// The same from a file. Errors: local_failure when it cannot be read; those of parse_secrets. The detail begins with
// `path`.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT Result<std::vector<TimedSecret>> read_secrets_file(const std::string& path);

}  // namespace fpt_webhooks::inline v0_1
