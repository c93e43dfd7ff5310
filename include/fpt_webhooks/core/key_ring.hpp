// The secrets of running verifiers: swapped without stopping them, with a count of what each is still used for.
//
// FPT's rotation has no overlap: it reveals the new secret when it is in force already. So rotate there, and reload the
// ring with it at once: what comes in between is answered 401 and retried by FPT. Take the old one out when usage()
// shows that nothing is signed with it any more. The steps: docs/schemes.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/timed_secret.hpp>
#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::inline v0_1 {

struct KeyRingOptions {
    Scheme scheme = Scheme::fpt;

    // 1 to verifier_secrets_max. All that are valid at the moment are tried.
    std::vector<TimedSecret> secrets = {};
};

// One secret of a ring, as far as it may be shown.
struct SecretUse {
    std::string label = {};
    Timestamp not_before = Timestamp::min();
    Timestamp not_after = Timestamp::max();
    std::uint64_t uses = 0;                   // requests that it verified
    std::optional<Timestamp> last_used = {};  // by the verifiers' clocks; nothing: never
};

// Shared by any number of verifiers and threads. A verification takes no lock and never waits, also while the secrets
// are swapped.
class FPT_WEBHOOKS_CORE_EXPORT KeyRing {
  public:
    using Read = std::function<Result<std::vector<TimedSecret>>()>;

    // Errors: invalid_argument that names the option, as Verifier::create.
    [[nodiscard]] static Result<std::shared_ptr<KeyRing>> create(KeyRingOptions options);

    ~KeyRing();
    KeyRing(const KeyRing&) = delete;
    KeyRing& operator=(const KeyRing&) = delete;

    // Puts these secrets in the place of the ones before. When it returns no verification with the old ones is running
    // but that of a Verifier::Stream, which keeps those that it began with. A secret that stays keeps its counts; the
    // others are wiped. Errors: as create; then the ring is as it was.
    [[nodiscard]] Result<void> set(std::vector<TimedSecret> secrets);

    // set(read()). Call it when a signal or a timer of yours says so, e.g. with
    //   ring->reload([] { return fw::read_secrets_file("/run/secrets/webhooks"); });
    // Errors: those of `read` and set; local_failure when `read` throws; then the ring is as it was.
    [[nodiscard]] Result<void> reload(const Read& read);

    // In the order in which they were set.
    [[nodiscard]] std::vector<SecretUse> usage() const;

    [[nodiscard]] const Scheme& scheme() const noexcept;

    class State;

  private:
    friend class Verifier;
    explicit KeyRing(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
