// Starts a thread on which no signal is delivered: signals are the host's, and its handlers expect its threads.
#pragma once

#include <signal.h>

#include <thread>
#include <utility>

namespace fpt_webhooks::inline v0_1::detail {

// `body` is noexcept: nothing may leave the root of a thread. Throws std::system_error when there is no thread to have.
template <class Body>
[[nodiscard]] std::thread start_quiet_thread(Body body) {
    static_assert(std::is_nothrow_invocable_v<Body&>);
    struct Mask {
        Mask() noexcept {
            sigset_t all;
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, &before);
        }
        ~Mask() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
        Mask(const Mask&) = delete;
        Mask& operator=(const Mask&) = delete;
        sigset_t before;
    };
    const Mask mask;  // a new thread inherits it
    return std::thread(std::move(body));
}

}  // namespace fpt_webhooks::inline v0_1::detail
