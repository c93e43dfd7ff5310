#include <fpt_webhooks/core/clock.hpp>

namespace fpt_webhooks::inline v0_1 {
namespace {

class SystemClock final : public Clock {
  public:
    Timestamp now() const noexcept override {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
    std::chrono::steady_clock::time_point steady_now() const noexcept override {
        return std::chrono::steady_clock::now();
    }
};

}  // namespace

Clock::~Clock() = default;

std::shared_ptr<const Clock> system_clock() { return std::make_shared<SystemClock>(); }

}  // namespace fpt_webhooks::inline v0_1
