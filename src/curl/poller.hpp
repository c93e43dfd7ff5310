// epoll as libcurl's socket callbacks want it, with as few system calls as possible.
//
// libcurl says "remove" whenever a request ends and "add" when the next one takes the same connection. Obeying each
// would cost two system calls per request, so a socket stays registered until it is closed, or until an event comes
// that nobody waits for (an idle connection that its peer closed).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// Owned by one thread, but for wake().
class Poller {
  public:
    // An event on a socket that is wanted, as EPOLLIN, EPOLLOUT, EPOLLERR bits.
    struct Ready {
        int socket = -1;
        std::uint32_t events = 0;
    };

    Poller() = default;
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    // Errors: local_failure.
    [[nodiscard]] Result<void> open();

    // What is wanted of a socket from now on: EPOLLIN, EPOLLOUT, both or 0. False: the kernel refused (no memory).
    [[nodiscard]] bool want(int socket, std::uint32_t events);

    // To be called when a socket was opened, since libcurl does not announce each close: one that never connected just
    // goes, and its number comes back.
    void greet(int socket);

    // To be called just before a socket is closed.
    void forget(int socket) noexcept;

    // Waits until something is ready, wake() was called or `timeout_ms` ends (-1: no limit). The result is valid until
    // the next call.
    [[nodiscard]] std::span<const Ready> wait(int timeout_ms) noexcept;

    // Ends a wait, now or the next one. From any thread, any number of times.
    void wake() noexcept;

  private:
    // One round of the loop answers so many sockets before it looks at time limits and new work.
    static constexpr std::size_t events_max = 128;

    struct Socket {
        std::uint32_t wanted = 0;
        std::uint32_t registered = 0;
        std::uint32_t generation = 0;  // grows when the number is closed: an event may still name its predecessor
    };

    [[nodiscard]] bool correct(int socket) noexcept;
    void accept_event(const epoll_event& event) noexcept;

    int epoll_ = -1;
    int wake_ = -1;
    std::vector<Socket> sockets_;  // by number
    std::array<epoll_event, events_max> events_{};
    std::array<Ready, events_max> ready_{};
    std::size_t ready_count_ = 0;
};

}  // namespace fpt_webhooks::inline v0_1::detail
