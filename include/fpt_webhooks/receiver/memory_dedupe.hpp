// A DedupeStore in this process's memory, bounded: the default of a Receiver.
//
// It forgets everything when the process ends: a retry that comes after a restart is processed again. Where that
// matters, use a durable store.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>

namespace fpt_webhooks::inline v0_1 {

// About 30 MB when full (300 bytes a key), and seven days at one event every six seconds.
inline constexpr std::size_t memory_dedupe_capacity_default = 100'000;

// Far beyond any sender's window for retries (24 h), so that a replay by hand on Monday of last week's events is seen.
inline constexpr std::chrono::milliseconds dedupe_retention_default = std::chrono::hours(24 * 7);

// Ten years: a longer one is a mistaken unit, and far longer ones would overflow the steady clock.
inline constexpr std::chrono::milliseconds dedupe_retention_max = std::chrono::hours(24 * 3660);

struct MemoryDedupeOptions {
    // Keys held at once, done and leased together; at least 1. When full, a new key pushes out, in this order: one
    // whose lease has ended (a few are looked at), the oldest done one, the oldest released one. A running lease never.
    std::size_t capacity = memory_dedupe_capacity_default;

    // How long a done key is remembered, from its completion; more than zero, up to
    // dedupe_retention_max.
    std::chrono::milliseconds retention = dedupe_retention_default;

    // Leases and retention run on its steady time, so a jump of the wall clock moves neither. Nothing: the system's.
    std::shared_ptr<const Clock> clock = nullptr;

    // Called when a done key is pushed out before its retention ended, with the time since its completion: events
    // repeated later than that are processed twice, so `capacity` is too small when this age comes near the sender's
    // window for retries. Runs on the claiming thread without a lock; what it throws is dropped.
    std::function<void(std::chrono::milliseconds completed_ago)> on_forgotten_early = nullptr;
};

// A snapshot: the numbers belong together.
struct MemoryDedupeStats {
    std::size_t done = 0;      // keys that are remembered as processed
    std::size_t leased = 0;    // keys that are claimed, ended leases included
    std::size_t released = 0;  // keys that were released as failed and not claimed again
    std::size_t waiting = 0;   // threads inside claim() that wait for another holder's result

    std::uint64_t forgotten_early = 0;  // done keys pushed out before their retention ended, since creation
    std::optional<std::chrono::milliseconds> forgotten_age_min = {};  // the least age among those
};

// May be shared between threads, and by several receivers: keys hold the endpoint's name. Every operation takes
// constant time (amortised), however many keys there are; done keys past their retention go a few per claim.
//
// A wait inside claim() passes in real steady time, while leases end by `clock`: under a clock moved by hand, a waiting
// claim notices the end of a lease when its own wait ends at the latest.
class FPT_WEBHOOKS_RECEIVER_EXPORT MemoryDedupe final : public DedupeStore {
  public:
    // Errors: invalid_argument that names the option.
    [[nodiscard]] static Result<std::shared_ptr<MemoryDedupe>> create(MemoryDedupeOptions options);

    ~MemoryDedupe() override;

    [[nodiscard]] Result<Claim> claim(const DedupeKey& key, std::chrono::milliseconds lease,
                                      std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> complete(ClaimToken token) override;
    [[nodiscard]] Result<void> release(ClaimToken token, ReleaseAs how) override;
    [[nodiscard]] Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) override;

    [[nodiscard]] MemoryDedupeStats stats() const;

  private:
    class State;
    explicit MemoryDedupe(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
