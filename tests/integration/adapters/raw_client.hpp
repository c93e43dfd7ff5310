// A client that sends exactly the bytes that it is given, and understands just enough of what comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adapters {

struct Answer {
    int status = 0;  // 0: the connection ended without one
    std::string head = {};
    std::string body = {};
};

class RawClient {
  public:
    explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("connect");
        }
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { ::close(socket_); }

    // False when the peer has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // Something to read, or the end, within this time?
    bool readable(std::chrono::milliseconds within) {
        if (!buffer_.empty()) return true;
        pollfd one{socket_, POLLIN, 0};
        return ::poll(&one, 1, static_cast<int>(within.count())) > 0;
    }

    // The next response. `to_head`: the request was a HEAD.
    Answer receive(bool to_head = false) {
        std::size_t end;
        while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos) {
            if (!fill()) return {};
        }
        Answer answer{.head = buffer_.substr(0, end + 2)};
        buffer_.erase(0, end + 4);
        answer.status = std::stoi(answer.head.substr(answer.head.find(' ') + 1));
        const auto at = answer.head.find("Content-Length: ");
        if (to_head || at == answer.head.npos) return answer;
        const std::size_t length = std::stoul(answer.head.substr(at + 16));
        while (buffer_.size() < length) {
            if (!fill()) throw std::runtime_error("cut response");
        }
        answer.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return answer;
    }

    // Did the peer close, with nothing more said?
    bool is_closed() { return buffer_.empty() && !fill() && buffer_.empty(); }

  private:
    static constexpr std::chrono::seconds patience{20};

    bool fill() {
        if (!readable(patience)) throw std::runtime_error("no answer");
        char piece[4096];
        const auto size = ::recv(socket_, piece, sizeof piece, 0);
        if (size > 0) buffer_.append(piece, static_cast<std::size_t>(size));
        return size > 0;
    }

    int socket_;
    std::string buffer_;
};

}  // namespace adapters
