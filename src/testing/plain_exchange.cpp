#include <fpt_webhooks/testing/plain_exchange.hpp>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fpt_webhooks/core/clock.hpp>

namespace fpt_webhooks::inline v0_1::testing {
namespace {

namespace chr = std::chrono;

constexpr std::size_t pieces_max = 10'000;  // more is no slow body but a mistaken unit

struct Target {
    std::string authority;  // as it goes into Host
    std::string host;
    std::string port;
    std::string path;
};

Result<Target> parse_url(std::string_view url) {
    const auto invalid = [](const char* text) { return Error(Errc::invalid_argument, std::string("url: ") + text); };
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return invalid("a plain exchange speaks http:// only");
    url.remove_prefix(scheme.size());
    if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c > '~'; })) {
        return invalid("only visible ASCII is allowed");
    }
    if (url.find('#') != std::string_view::npos) return invalid("a fragment is not sent");
    const std::string_view authority = url.substr(0, url.find_first_of("/?"));
    if (authority.empty() || authority.find('@') != std::string_view::npos) return invalid("host[:port] is needed");

    Target target{.authority = std::string(authority),
                  .host = {},
                  .port = "80",
                  .path = std::string(url.substr(authority.size()))};
    if (!target.path.starts_with('/')) target.path.insert(target.path.begin(), '/');
    const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
    const auto colon = bracket == std::string_view::npos ? bracket : authority.find(':', bracket);
    const std::string_view host = authority.substr(0, colon);
    if (colon != std::string_view::npos) target.port = std::string(authority.substr(colon + 1));
    target.host = std::string(host.starts_with('[') ? host.substr(1, host.size() - 2) : host);
    const bool port_good =
        !target.port.empty() && target.port.size() <= 5 &&
        std::all_of(target.port.begin(), target.port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (target.host.empty() || !port_good) return invalid("host[:port] is needed");
    return target;
}

Error system_error(Errc code, const char* what) {
    return Error(code, std::string(what) + ": " + std::system_category().message(errno));
}

// A connected socket with a time limit over all that happens on it.
class Socket {
  public:
    Socket(int descriptor, const Clock& clock, chr::steady_clock::time_point deadline) noexcept
        : descriptor_(descriptor), clock_(clock), deadline_(deadline) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { close(descriptor_); }

    [[nodiscard]] bool connect_to(const addrinfo& address) const {
        if (connect(descriptor_, address.ai_addr, address.ai_addrlen) == 0) return true;
        if (errno != EINPROGRESS || !wait_for(POLLOUT)) return false;
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
        errno = error;
        return error == 0;
    }

    // False when the peer takes no more, or the time is over.
    [[nodiscard]] bool write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto sent = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else if (errno != EINTR && (errno != EAGAIN || !wait_for(POLLOUT))) {
                return false;
            }
        }
        return true;
    }

    // Appends what has come. Zero: the peer closed; nothing: an error or the time is over.
    [[nodiscard]] std::optional<std::size_t> read_into(std::string& bytes) const {
        std::array<char, 16'384> part;
        while (true) {
            const auto received = recv(descriptor_, part.data(), part.size(), 0);
            if (received >= 0) {
                bytes.append(part.data(), static_cast<std::size_t>(received));
                return static_cast<std::size_t>(received);
            }
            if (errno != EINTR && (errno != EAGAIN || !wait_for(POLLIN))) return std::nullopt;
        }
    }

    void end_sending() const noexcept { shutdown(descriptor_, SHUT_WR); }

  private:
    [[nodiscard]] bool wait_for(short events) const {
        const auto left = chr::ceil<chr::milliseconds>(deadline_ - clock_.steady_now()).count();
        pollfd descriptor{.fd = descriptor_, .events = events, .revents = 0};
        const int ready = left <= 0 ? 0 : poll(&descriptor, 1, static_cast<int>(left));
        if (ready == 0) errno = ETIMEDOUT;
        return ready > 0 || (ready < 0 && errno == EINTR);
    }

    const int descriptor_;
    const Clock& clock_;
    const chr::steady_clock::time_point deadline_;
};

Result<std::unique_ptr<Socket>> open_socket(const Target& target, const Clock& clock,
                                            chr::steady_clock::time_point deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found); error != 0) {
        return Error(Errc::resolve_failed, gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
    Error last(Errc::connect_failed, "no address");
    for (const addrinfo* address = found; address; address = address->ai_next) {
        const int descriptor = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (descriptor < 0) return system_error(Errc::local_failure, "socket");
        auto socket = std::make_unique<Socket>(descriptor, clock, deadline);
        if (fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 || fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
            return system_error(Errc::local_failure, "fcntl");
        }
        if (socket->connect_to(*address)) return socket;
        last = system_error(errno == ETIMEDOUT ? Errc::timed_out : Errc::connect_failed, "connect");
    }
    return last;
}

Result<std::string> head_of(const HttpRequest& request, const Target& target, std::size_t content_length) {
    const bool method_good = !request.method.empty() && std::all_of(request.method.begin(), request.method.end(),
                                                                    [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!method_good) return Error(Errc::invalid_argument, "method: upper-case letters are needed");
    std::string head = request.method + ' ' + target.path + " HTTP/1.1\r\nHost: " + target.authority + "\r\n";
    for (const auto& field : request.headers) {
        if (auto good = check_header(field.name, field.value); !good) return std::move(good).error().in("headers");
        head += field.name + ": " + field.value + "\r\n";
    }
    return head + "Content-Length: " + std::to_string(content_length) + "\r\nConnection: close\r\n\r\n";
}

// False when the peer stopped reading: it may have answered all the same.
bool send_all(const Socket& socket, std::string_view head, std::string_view body, const BodyManner& manner) {
    if (!socket.write(head)) return false;
    const std::size_t piece = body.size() / manner.pieces + (body.size() % manner.pieces != 0 ? 1 : 0);
    for (std::size_t at = 0; at < body.size(); at += piece) {
        if (at != 0 && manner.pause.count() > 0) std::this_thread::sleep_for(manner.pause);
        if (!socket.write(body.substr(at, piece))) return false;
    }
    if (manner.missing_bytes != 0) socket.end_sending();
    return true;
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view white = " \t";
    const auto first = text.find_first_not_of(white);
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(white) - first + 1);
}

// Of "HTTP/1.1 200 OK" and the fields after it, without the empty line. Errors: bad_response.
Result<HttpResponse> parse_head(std::string_view head) {
    HttpResponse response;
    const std::string_view status_line = head.substr(0, head.find("\r\n"));
    constexpr std::size_t status_at = std::string_view("HTTP/1.1 ").size();
    const char* const digits = status_line.data() + std::min(status_at, status_line.size());
    const auto parsed = std::from_chars(digits, status_line.data() + status_line.size(), response.status);
    if (!status_line.starts_with("HTTP/1.") || parsed.ec != std::errc() || parsed.ptr - digits != 3) {
        return Error(Errc::bad_response, "no HTTP/1 status line");
    }
    for (auto rest = head.substr(std::min(status_line.size() + 2, head.size())); !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find("\r\n"));
        rest.remove_prefix(std::min(line.size() + 2, rest.size()));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return Error(Errc::bad_response, "a header line without a colon");
        response.headers.add(std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1))));
    }
    return response;
}

// The body of a chunked response, or nothing while its last chunk is missing. Trailers are dropped.
std::optional<std::string> dechunk(std::string_view text) {
    std::string body;
    while (true) {
        std::size_t size = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), size, 16);
        const auto line_end = text.find("\r\n");
        if (parsed.ec != std::errc() || line_end == std::string_view::npos) return std::nullopt;
        text.remove_prefix(line_end + 2);
        if (size == 0) return body;
        if (text.size() < 2 || text.size() - 2 < size) return std::nullopt;
        body += text.substr(0, size);
        text.remove_prefix(size + 2);
    }
}

// The body, once it is complete. `closed`: nothing more will come.
std::optional<std::string> complete_body(const HttpResponse& response, std::string_view received, bool closed) {
    const auto coding = response.headers.find("Transfer-Encoding");
    if (coding && equals_ignoring_case(*coding, "chunked")) return dechunk(received);
    if (const auto length = response.headers.find("Content-Length")) {
        std::size_t size = 0;
        const auto parsed = std::from_chars(length->data(), length->data() + length->size(), size);
        if (parsed.ec != std::errc() || received.size() < size) return std::nullopt;
        return std::string(received.substr(0, size));
    }
    if (response.status == 204 || response.status == 304) return std::string();
    return closed ? std::optional<std::string>(received) : std::nullopt;
}

Result<HttpResponse> read_response(const Socket& socket) {
    constexpr std::string_view head_end = "\r\n\r\n";
    std::string received;
    std::optional<HttpResponse> response;
    for (bool closed = false;;) {
        const auto end = response ? std::string::npos : received.find(head_end);
        if (end != std::string::npos) {
            auto parsed = parse_head(std::string_view(received).substr(0, end));
            if (!parsed) return parsed;
            received.erase(0, end + head_end.size());
            if (parsed->status >= 200) response = *std::move(parsed);  // else interim: the answer is yet to come
            continue;
        }
        if (response) {
            if (auto body = complete_body(*response, received, closed)) {
                response->body = *std::move(body);
                return *std::move(response);
            }
        }
        if (closed) {
            if (response || !received.empty()) return Error(Errc::bad_response, "the response is not complete");
            return Error(Errc::no_response, "the peer closed the connection");
        }
        if (received.size() > plain_response_bytes_max) return Error(Errc::bad_response, "the response is too long");
        const auto count = socket.read_into(received);
        if (!count) return system_error(Errc::no_response, "receive");
        closed = *count == 0;
    }
}

}  // namespace

Result<HttpResponse> plain_exchange(const HttpRequest& request, const BodyManner& manner,
                                    chr::milliseconds time_limit) {
    if (manner.pieces == 0 || manner.pieces > pieces_max) {
        return Error(Errc::invalid_argument, "pieces: 1 to 10,000 are allowed");
    }
    const auto target = parse_url(request.url);
    if (!target) return target.error();
    const auto head = head_of(request, *target, request.body.size() + manner.missing_bytes);
    if (!head) return head.error();

    const auto clock = system_clock();
    auto socket = open_socket(*target, *clock, clock->steady_now() + time_limit);
    if (!socket) return std::move(socket).error();
    const bool sent = send_all(**socket, *head, request.body, manner);
    const bool late = !sent && errno == ETIMEDOUT;
    if (late) return Error(Errc::timed_out, "the peer did not take the request in time");
    return read_response(**socket);
}

}  // namespace fpt_webhooks::inline v0_1::testing
