#include "curl/poller.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr std::uint64_t wake_key = ~std::uint64_t{0};  // no socket has this number and generation

std::uint64_t key_of(int socket, std::uint32_t generation) noexcept {
    return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(socket);
}

}  // namespace

Poller::~Poller() {
    if (epoll_ >= 0) close(epoll_);
    if (wake_ >= 0) close(wake_);
}

Result<void> Poller::open() {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll_ < 0 || wake_ < 0) return Error(Errc::local_failure, "no descriptor for the transport's loop");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = wake_key;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
        return Error(Errc::local_failure, "the transport's loop cannot wait for events");
    }
    return {};
}

// Makes the registration what is wanted.
bool Poller::correct(int socket) noexcept {
    Socket& entry = sockets_[static_cast<std::size_t>(socket)];
    if (entry.wanted == entry.registered) return true;
    epoll_event event{};
    event.events = entry.wanted;
    event.data.u64 = key_of(socket, entry.generation);
    const int operation = entry.wanted == 0 ? EPOLL_CTL_DEL : entry.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    const bool done = epoll_ctl(epoll_, operation, socket, &event) == 0;
    if (done) entry.registered = entry.wanted;
    return done;
}

bool Poller::want(int socket, std::uint32_t events) {
    const auto index = static_cast<std::size_t>(socket);
    if (index >= sockets_.size()) sockets_.resize(index + 1);
    Socket& entry = sockets_[index];
    entry.wanted = events;
    const bool covered = (events & ~entry.registered) == 0;
    return covered || correct(socket);
}

void Poller::greet(int socket) {
    const auto index = static_cast<std::size_t>(socket);
    if (index >= sockets_.size()) sockets_.resize(index + 1);
    sockets_[index] = Socket{.generation = sockets_[index].generation + 1};
}

void Poller::forget(int socket) noexcept {
    const auto index = static_cast<std::size_t>(socket);
    if (index >= sockets_.size()) return;
    Socket& entry = sockets_[index];
    // Closing deregisters by itself only if no forked child holds the socket too.
    if (entry.registered != 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
    entry = Socket{.generation = entry.generation + 1};
}

void Poller::accept_event(const epoll_event& event) noexcept {
    if (event.data.u64 == wake_key) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = read(wake_, &count, sizeof(count));
        return;
    }
    const auto socket = static_cast<int>(event.data.u64 & 0xffff'ffffU);
    const Socket& entry = sockets_[static_cast<std::size_t>(socket)];
    if (entry.generation != event.data.u64 >> 32) return;
    constexpr std::uint32_t failed = EPOLLERR | EPOLLHUP;
    const std::uint32_t unwanted = event.events & ~(entry.wanted | failed);
    if (unwanted != 0 || entry.wanted == 0) (void)correct(socket);
    if (entry.wanted == 0) return;
    ready_[ready_count_++] = {.socket = socket, .events = event.events & (entry.wanted | failed)};
}

std::span<const Poller::Ready> Poller::wait(int timeout_ms) noexcept {
    const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
    ready_count_ = 0;
    for (int i = 0; i < count; ++i) accept_event(events_[static_cast<std::size_t>(i)]);
    return std::span(ready_).first(ready_count_);
}

void Poller::wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = write(wake_, &one, sizeof(one));  // full: it is awake already
}

}  // namespace fpt_webhooks::inline v0_1::detail
