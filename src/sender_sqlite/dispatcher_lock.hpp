// That one dispatcher runs on a database: a lock on a file beside it. The system drops it when its holder dies.
#pragma once

#include <string>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// Whoever opens the file anew meets the lock, in another process or in this one.
class DispatcherLock {
  public:
    DispatcherLock() = default;
    DispatcherLock(const DispatcherLock&) = delete;
    DispatcherLock& operator=(const DispatcherLock&) = delete;
    ~DispatcherLock() { release(); }

    [[nodiscard]] bool is_held() const noexcept { return descriptor_ >= 0; }

    // Errors: store_busy, store_failed.
    [[nodiscard]] Result<void> acquire(const std::string& path);
    void release() noexcept;

  private:
    int descriptor_ = -1;
};

}  // namespace fpt_webhooks::inline v0_1::detail
