#include "conformance/http_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace conformance_test {
namespace {

namespace fw = fpt_webhooks;

constexpr std::size_t head_bytes_max = 64 * 1024;
constexpr std::size_t body_bytes_max = 4 * 1024 * 1024;

// False when the peer has closed.
bool read_more(int connection, std::string& received) {
    std::array<char, 64 * 1024> part;
    const auto count = recv(connection, part.data(), part.size(), 0);
    if (count > 0) received.append(part.data(), static_cast<std::size_t>(count));
    return count > 0;
}

fw::HttpRequest parse_head(std::string_view head) {
    fw::HttpRequest request;
    request.method = std::string(head.substr(0, head.find(' ')));
    for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
        const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const auto value = line.find_first_not_of(" \t", colon + 1);
        request.headers.add(std::string(line.substr(0, colon)),
                            std::string(value == std::string_view::npos ? std::string_view() : line.substr(value)));
    }
    return request;
}

std::optional<fw::HttpRequest> read_request(int connection, ServerFlaws flaws) {
    std::string received;
    std::size_t head_end = std::string::npos;
    while ((head_end = received.find("\r\n\r\n")) == std::string::npos) {
        if (received.size() > head_bytes_max || !read_more(connection, received)) return std::nullopt;
    }
    fw::HttpRequest request = parse_head(std::string_view(received).substr(0, head_end));
    std::size_t length = 0;
    const auto text = request.headers.find("Content-Length").value_or("0");
    std::from_chars(text.data(), text.data() + text.size(), length);
    if (length > body_bytes_max) return std::nullopt;
    received.erase(0, head_end + 4);
    bool whole = true;
    if (flaws.reads_body_once) {
        if (received.size() < length) read_more(connection, received);
        whole = received.size() >= length;
    } else {
        while (received.size() < length && (whole = read_more(connection, received))) {
        }
    }
    if (!whole && !flaws.takes_cut_bodies) return std::nullopt;
    request.body = received.substr(0, length);
    return request;
}

void write(int connection, const fw::HttpResponse& response) {
    std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + " -\r\n";
    for (const auto& field : response.headers) bytes += field.name + ": " + field.value + "\r\n";
    bytes +=
        "Content-Length: " + std::to_string(response.body.size()) + "\r\nConnection: close\r\n\r\n" + response.body;
    for (std::string_view left = bytes; !left.empty();) {
        const auto sent = send(connection, left.data(), left.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        left.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// Returns when the peer has closed: an answer that was sent before all of the request was read may be lost otherwise.
void wait_for_close(int connection) {
    shutdown(connection, SHUT_WR);
    std::string rest;
    while (read_more(connection, rest)) rest.clear();
}

void serve_one(int connection, const Handler& handler, ServerFlaws flaws) {
    Answer answer;
    if (const auto request = read_request(connection, flaws)) {
        answer = handler(*request);
    } else if (flaws.reads_body_once) {
        answer.response.status = 408;
    }
    if (answer.response.status != 0) {
        write(connection, answer.response);
        wait_for_close(connection);
    }
    if (answer.after_sent) answer.after_sent();
    close(connection);
}

}  // namespace

void serve(int listener, const Handler& handler, ServerFlaws flaws) {
    while (true) {
        const int connection = accept(listener, nullptr, nullptr);
        if (connection < 0) continue;
        std::thread([connection, &handler, flaws] { serve_one(connection, handler, flaws); }).detach();
    }
}

}  // namespace conformance_test
