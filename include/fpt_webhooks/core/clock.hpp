// Where time comes from. Everything that needs the time is given a Clock; nothing else asks the system.
#pragma once

#include <chrono>
#include <memory>

#include <fpt_webhooks/core/timestamp.hpp>

namespace fpt_webhooks::inline v0_1 {

// Implementations may be called from any thread at once and never throw.
class FPT_WEBHOOKS_CORE_EXPORT Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock();

    // Wall time, for signatures and records. It may jump either way.
    [[nodiscard]] virtual Timestamp now() const noexcept = 0;

    // Steady time, for waits and deadlines. It never goes back.
    [[nodiscard]] virtual std::chrono::steady_clock::time_point steady_now() const noexcept = 0;
};

// The machine's clocks. Stateless; may be shared by all.
[[nodiscard]] FPT_WEBHOOKS_CORE_EXPORT std::shared_ptr<const Clock> system_clock();

}  // namespace fpt_webhooks::inline v0_1
