#include "cli/stop.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

std::atomic<int> requested_by_signal = -1;

void write_request(int pipe_end) noexcept {
    const int before = errno;
    [[maybe_unused]] const ssize_t ignored = write(pipe_end, "", 1);  // a full pipe has its request already
    errno = before;
}

void on_signal(int) { write_request(requested_by_signal); }

// Milliseconds below zero: for ever.
int count_ready(std::span<pollfd> entries, int milliseconds) {
    for (;;) {
        const int ready = poll(entries.data(), entries.size(), milliseconds);
        if (ready >= 0) return ready;
        if (errno != EINTR) throw Failure(ExitStatus::machine, "poll: " + std::generic_category().message(errno));
    }
}

}  // namespace

Stop::Stop() {
    if (pipe2(requests_, O_CLOEXEC | O_NONBLOCK) != 0) {
        throw Failure(ExitStatus::machine, "pipe: " + std::generic_category().message(errno));
    }
    requested_by_signal = requests_[1];
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &interrupt_before_);
    sigaction(SIGTERM, &action, &terminate_before_);
}

Stop::~Stop() {
    sigaction(SIGINT, &interrupt_before_, nullptr);
    sigaction(SIGTERM, &terminate_before_, nullptr);
    for (const int end : requests_) close(end);
}

void Stop::request() noexcept { write_request(requests_[1]); }

void Stop::wait() const {
    while (!wait_for(std::chrono::hours(24))) {
    }
}

bool Stop::wait_for(std::chrono::milliseconds time) const {
    const auto bounded =
        std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds(0), std::chrono::hours(24));
    pollfd entry = {.fd = requests_[0], .events = POLLIN, .revents = 0};
    return count_ready({&entry, 1}, static_cast<int>(bounded.count())) > 0;
}

Stop::Input Stop::wait_for_input(int descriptor, bool may_wait) const {
    pollfd entries[] = {{.fd = requests_[0], .events = POLLIN, .revents = 0},
                        {.fd = descriptor, .events = POLLIN, .revents = 0}};
    const int ready = count_ready(entries, may_wait ? -1 : 0);
    if (entries[0].revents != 0) return Input::requested;
    return ready > 0 ? Input::ready : Input::none;
}

}  // namespace fpt_webhooks::cli
