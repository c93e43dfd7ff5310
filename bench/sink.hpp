// An HTTP endpoint in a process of its own that answers every complete request with 200 and does nothing else.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>

namespace bench {

[[noreturn]] inline void fail(const char* what) {
    std::perror(what);
    std::exit(2);
}

// Ends with this object. Make it before the first thread: it forks.
class Sink {
  public:
    Sink() {
        const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (bind(listener, generic, size) != 0 || listen(listener, 4096) != 0 ||
            getsockname(listener, generic, &size) != 0) {
            fail("listen");
        }
        port_ = ntohs(address.sin_port);
        process_ = fork();
        if (process_ < 0) fail("fork");
        if (process_ == 0) serve(listener);
        close(listener);
    }
    ~Sink() {
        kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
    }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    [[nodiscard]] std::string url(const std::string& path = "/hook") const {
        std::string url = "http://127.0.0.1:";
        return url.append(std::to_string(port_)).append(path);
    }

  private:
    // The size of the first complete request in `text`; 0: there is none yet.
    static std::size_t complete(const std::string& text) {
        const std::size_t end = text.find("\r\n\r\n");
        if (end == std::string::npos) return 0;
        const std::size_t field = text.find("Content-Length: ");
        const std::size_t body = field < end ? std::strtoul(text.c_str() + field + 16, nullptr, 10) : 0;
        return text.size() >= end + 4 + body ? end + 4 + body : 0;
    }

    static bool answer(int socket, std::string& pending) {
        static const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        std::array<char, 4096> chunk;
        const ssize_t got = recv(socket, chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (got <= 0) return false;
        pending.append(chunk.data(), static_cast<std::size_t>(got));
        while (const std::size_t size = complete(pending)) {
            pending.erase(0, size);
            if (send(socket, response.data(), response.size(), MSG_NOSIGNAL) < 0) return false;
        }
        return true;
    }

    [[noreturn]] static void serve(int listener) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int epoll = epoll_create1(EPOLL_CLOEXEC);
        const auto watch = [epoll](int socket) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.fd = socket;
            if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) fail("epoll_ctl");
        };
        watch(listener);
        std::unordered_map<int, std::string> pending;
        std::array<epoll_event, 128> events;
        while (true) {
            const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                const int socket = events[static_cast<std::size_t>(i)].data.fd;
                if (socket == listener) {
                    const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
                    if (accepted < 0) continue;
                    const int on = 1;
                    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                    watch(accepted);
                } else if (!answer(socket, pending[socket])) {
                    close(socket);
                    pending.erase(socket);
                }
            }
        }
    }

    pid_t process_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace bench
