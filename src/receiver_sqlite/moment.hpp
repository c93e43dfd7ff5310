// The two times that every step needs: wall time for what is kept, steady time for what is held.
#pragma once

#include <chrono>
#include <cstdint>

#include <fpt_webhooks/core/clock.hpp>

namespace fpt_webhooks::inline v0_1::detail {

struct Moment {
    Timestamp wall;
    std::int64_t steady;  // nanoseconds on the machine's steady clock, the same for all its processes since its start

    static Moment of(const Clock& clock) noexcept {
        return {clock.now(), std::chrono::nanoseconds(clock.steady_now().time_since_epoch()).count()};
    }
};

// Something is held for a time: leased, or put off. In a file, steady times are only good together with the length:
// after a restart of the machine the clock begins anew, and what is left may seem longer than it ever was.
struct Hold {
    std::int64_t until = 0;   // as Moment::steady
    std::int64_t length = 0;  // nanoseconds

    static Hold from(const Moment& now, std::chrono::milliseconds length) noexcept {
        const std::int64_t nanoseconds = std::chrono::nanoseconds(length).count();
        return {now.steady + nanoseconds, nanoseconds};
    }
    [[nodiscard]] std::int64_t left(const Moment& now) const noexcept {
        const std::int64_t rest = until - now.steady;
        return rest > 0 && rest <= length ? rest : 0;
    }
};

}  // namespace fpt_webhooks::inline v0_1::detail
