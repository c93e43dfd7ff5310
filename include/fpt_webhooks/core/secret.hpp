// A signing secret: bytes that are wiped, compared only in constant time, and never printed.
//
// FPT (signature verification page): 32 characters or more, revealed once; every byte of the text, prefix
// included, is the key. What a secret must look like is each Scheme's business, checked where it is put to use.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {

// Copies hold their own bytes; each is wiped when destroyed, assigned over or moved from. const access may be shared
// between threads.
class FPT_WEBHOOKS_CORE_EXPORT Secret {
  public:
    // Copies `text`; the caller wipes its own copy.
    explicit Secret(std::string_view text);

    // A fresh secret for FPT: "whsec_" and 43 base64url characters (256 random bits). Errors: crypto_failed.
    [[nodiscard]] static Result<Secret> generate(RandomSource& random);

    Secret(const Secret& other) = default;
    Secret(Secret&& other) noexcept = default;
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

    // The secret itself, for showing it once or storing it encrypted. Valid while this object lives unchanged.
    [[nodiscard]] std::string_view reveal() const noexcept;

    // Constant-time in the contents; the lengths are not secret.
    friend FPT_WEBHOOKS_CORE_EXPORT bool operator==(const Secret& a, const Secret& b) noexcept;

    // A secret in a log is refused by the compiler.
    template <class Stream>
    friend Stream& operator<<(Stream& stream, const Secret&) = delete;

  private:
    void wipe() noexcept;

    std::vector<char> bytes_;  // on the heap always, so that a move leaves no copy behind
};

}  // namespace fpt_webhooks::inline v0_1
