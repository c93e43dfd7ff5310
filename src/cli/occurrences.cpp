#include "cli/occurrences.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    return set;
}

Failure failure(const char* call) {
    return {ExitStatus::machine, std::string(call) + ": " + std::generic_category().message(errno)};
}

}  // namespace

Occurrences::Occurrences() {
    const sigset_t awaited = set_of({SIGTERM, SIGINT, SIGHUP});
    pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
    signals_ = signalfd(-1, &awaited, SFD_CLOEXEC);
    if (signals_ < 0) throw failure("signalfd");
    if (pipe2(posted_, O_CLOEXEC) != 0) {
        const Failure cause = failure("pipe2");
        close(signals_);
        throw cause;
    }
}

Occurrences::~Occurrences() {
    for (const int descriptor : {signals_, posted_[0], posted_[1]}) close(descriptor);
}

void Occurrences::post(Occurrence::Kind kind) noexcept {
    // A pipe holds thousands of them, and there are never more than a few.
    while (write(posted_[1], &kind, sizeof kind) < 0 && errno == EINTR) {
    }
}

Occurrence Occurrences::wait() const {
    for (;;) {
        pollfd ready[] = {{.fd = signals_, .events = POLLIN, .revents = 0},
                          {.fd = posted_[0], .events = POLLIN, .revents = 0}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR) throw failure("poll");
        signalfd_siginfo info{};
        if (ready[0].revents != 0 && read(signals_, &info, sizeof info) == sizeof info) {
            const int signal = static_cast<int>(info.ssi_signo);
            return {.kind = signal == SIGHUP ? Occurrence::Kind::reload : Occurrence::Kind::terminate,
                    .signal = signal};
        }
        Occurrence::Kind kind{};
        if (ready[1].revents != 0 && read(posted_[0], &kind, sizeof kind) == sizeof kind) return {.kind = kind};
    }
}

void end_by(int signal) {
    std::signal(signal, SIG_DFL);
    const sigset_t set = set_of({signal});
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    raise(signal);
    std::_Exit(128 + signal);
}

}  // namespace fpt_webhooks::cli
