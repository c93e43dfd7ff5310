#include "cli/stop.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

std::atomic<int> told_by_signal = -1;

void write_occurrence(int pipe_end, Occurrence occurrence) noexcept {
    const int before = errno;
    [[maybe_unused]] const ssize_t ignored = write(pipe_end, &occurrence, sizeof occurrence);  // it holds thousands
    errno = before;
}

void on_end(int) {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    write_occurrence(told_by_signal, Occurrence::end);
}

void on_hangup(int) { write_occurrence(told_by_signal, Occurrence::reload); }

Failure failure(const char* call) {
    return {ExitStatus::machine, std::string(call) + ": " + std::generic_category().message(errno)};
}

void handle(int signal, void (*handler)(int), struct sigaction& before) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, &before);
}

// Milliseconds below zero: for ever.
int count_ready(std::span<pollfd> entries, int milliseconds) {
    for (;;) {
        const int ready = poll(entries.data(), entries.size(), milliseconds);
        if (ready >= 0) return ready;
        if (errno != EINTR) throw failure("poll");
    }
}

}  // namespace

Stop::Stop(Hangup hangup) {
    if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) throw failure("pipe");
    told_by_signal = pipe_[1];
    handle(SIGINT, on_end, interrupt_before_);
    handle(SIGTERM, on_end, terminate_before_);
    sigaction(SIGHUP, nullptr, &hangup_before_);
    const bool ignored = hangup_before_.sa_handler == SIG_IGN;  // by nohup
    if (hangup == Hangup::reloads || !ignored) {
        handle(SIGHUP, hangup == Hangup::reloads ? on_hangup : on_end, hangup_before_);
    }
}

Stop::~Stop() {
    sigaction(SIGINT, &interrupt_before_, nullptr);
    sigaction(SIGTERM, &terminate_before_, nullptr);
    sigaction(SIGHUP, &hangup_before_, nullptr);
    for (const int end : pipe_) close(end);
}

void Stop::post(Occurrence occurrence) noexcept { write_occurrence(pipe_[1], occurrence); }

Occurrence Stop::take() {
    for (;;) {
        wait();
        Occurrence occurrence{};
        if (read(pipe_[0], &occurrence, sizeof occurrence) == sizeof occurrence) return occurrence;
    }
}

void Stop::wait() const {
    while (!wait_for(std::chrono::hours(24))) {
    }
}

bool Stop::wait_for(std::chrono::milliseconds time) const {
    const auto bounded =
        std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds(0), std::chrono::hours(24));
    pollfd entry = {.fd = pipe_[0], .events = POLLIN, .revents = 0};
    return count_ready({&entry, 1}, static_cast<int>(bounded.count())) > 0;
}

Stop::Input Stop::wait_for_input(int descriptor, bool may_wait) const {
    pollfd entries[] = {{.fd = pipe_[0], .events = POLLIN, .revents = 0},
                        {.fd = descriptor, .events = POLLIN, .revents = 0}};
    const int ready = count_ready(entries, may_wait ? -1 : 0);
    if (entries[0].revents != 0) return Input::requested;
    return ready > 0 ? Input::ready : Input::none;
}

}  // namespace fpt_webhooks::cli
