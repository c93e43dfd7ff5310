// Verifies that a request's body was signed with one of our secrets, recently.
//
// Strict to the byte: the raw body as it arrived, constant-time comparison, every signature in the header tried in
// every position, and nothing accepted that the scheme's grammar does not say. See docs/schemes.md.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <fpt_webhooks/core/bytes.hpp>
#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/timed_secret.hpp>

namespace fpt_webhooks::inline v0_1 {

// A longer signature header is malformed: the longest honest one holds a handful of signatures.
inline constexpr std::size_t signature_header_bytes_max = 4096;

class KeyRing;

struct VerifierOptions {
    Scheme scheme = Scheme::fpt;

    // 1 to verifier_secrets_max. All that are valid now are tried, so an old and a new one may overlap.
    std::vector<TimedSecret> secrets = {};

    // Instead of `secrets`: those of the moment in this ring, whose scheme is the same as `scheme`.
    std::shared_ptr<KeyRing> key_ring = nullptr;

    // How far the signature's time may lie from ours, either way, the limit itself included. Nothing: the scheme's own
    // (300 s). Zero is allowed and means the same second. Unused by schemes without a timestamp.
    std::optional<std::chrono::seconds> tolerance = std::nullopt;

    // Nothing: the system's clock.
    std::shared_ptr<const Clock> clock = nullptr;
};

// What a verified request tells beside "yes".
struct Verification {
    std::size_t secret_index = 0;             // which of the secrets matched (the first, if several did)
    std::optional<Timestamp> signed_at = {};  // whole seconds; nothing when the scheme has no timestamp
    SecretLabel secret_label = {};            // that secret's
};

// Immutable but for its key ring: may be shared between threads and copied cheaply. verify() allocates nothing,
// whatever the verdict.
class FPT_WEBHOOKS_CORE_EXPORT Verifier {
  public:
    class Stream;

    // Errors: invalid_argument that names the option: no secret, too many, one that the scheme refuses (by its index),
    // a negative tolerance, a validity that ends before it begins, a key ring of another scheme or beside secrets.
    [[nodiscard]] static Result<Verifier> create(VerifierOptions options);

    // `body`: the raw bytes, exactly as they arrived.
    // Errors, all permanent, all to be answered alike (401): signature_missing, signature_malformed (with the offset in
    // the signature header), timestamp_too_old, timestamp_in_future (by how much), signature_mismatch,
    // no_active_secret.
    [[nodiscard]] Result<Verification> verify(const Headers& headers, ByteView body) const;
    [[nodiscard]] Result<Verification> verify(const HttpRequest& request) const {
        return verify(request.headers, bytes_of(request.body));
    }

    // The incremental form: begin with the headers, feed the body as it arrives, ask once at its end. Refuses at once
    // what the headers alone condemn.
    [[nodiscard]] Result<Stream> begin(const Headers& headers) const;

    [[nodiscard]] const Scheme& scheme() const noexcept;

    struct State;

  private:
    explicit Verifier(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

    std::shared_ptr<const State> state_;
};

// One body under verification; owned by one thread at a time. Allocates nothing.
class FPT_WEBHOOKS_CORE_EXPORT Verifier::Stream {
  public:
    Stream(Stream&& other) noexcept;
    Stream& operator=(Stream&&) = delete;
    ~Stream();

    // The next bytes, in order; any size, zero included.
    void update(ByteView chunk) noexcept;

    // The verdict over all bytes so far. Ends the stream: a second call, or an update after it, is a programming
    // mistake and yields signature_mismatch. Errors: signature_mismatch.
    [[nodiscard]] Result<Verification> finish() noexcept;

  private:
    friend class Verifier;
    struct Core;
    Stream() noexcept;

    // Room for the hash states of all secrets and for all signatures of the header; what stands in it is Core's
    // business.
    static constexpr std::size_t core_bytes = 4096;
    alignas(std::max_align_t) std::array<std::byte, core_bytes> storage_;
};

}  // namespace fpt_webhooks::inline v0_1
