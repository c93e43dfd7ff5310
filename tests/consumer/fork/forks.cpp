// Objects made before a fork: values and the signer go on working in the child, the transport refuses there and leaves
// the parent's connections alone, and ids that parent and child make differ.
#include <fpt_webhooks/fpt_webhooks.hpp>

#include <array>
#include <cstdio>
#include <future>
#include <string>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fw = fpt_webhooks;

namespace {

std::string fresh_id(fw::RandomSource& random) {
    const auto id = fw::EventId::generate(*fw::system_clock(), random);
    return id ? id->to_string() : std::string{};
}

// An endpoint on loopback that answers only when it is told to.
struct Endpoint {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int connection = -1;
    unsigned port = 0;

    bool listen_on_loopback() {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* raw = reinterpret_cast<sockaddr*>(&address);
        if (bind(listener, raw, size) != 0 || listen(listener, 1) != 0 || getsockname(listener, raw, &size) != 0)
            return false;
        port = ntohs(address.sin_port);
        return true;
    }
    bool take_request() {
        connection = accept(listener, nullptr, nullptr);
        std::string request;
        std::array<char, 4096> part{};
        while (request.find("\r\n\r\n{}") == std::string::npos) {
            const ssize_t size = read(connection, part.data(), part.size());
            if (size <= 0) return false;
            request.append(part.data(), static_cast<std::size_t>(size));
        }
        return true;
    }
    // Whatever the child did to the connection would be seen here.
    bool is_silent() const {
        char byte = 0;
        return recv(connection, &byte, 1, MSG_DONTWAIT) == -1;
    }
    bool answer() const {
        const std::string response = "HTTP/1.1 204 No Content\r\n\r\n";
        return write(connection, response.data(), response.size()) == static_cast<ssize_t>(response.size());
    }
};

int child(const fw::Signer& signer, const fw::Verifier& verifier, std::shared_ptr<fw::CurlTransport> transport,
          const fw::TransportRequest& request, const std::string& id, int channel) {
    const auto body = fw::bytes_of("{}");
    const auto headers = signer.sign(body, fw::system_clock()->now());
    if (!headers || !verifier.verify(*headers, body)) return 21;
    const auto started = transport->start(request, [](fw::TransportOutcome) {});
    if (started || started.error() != fw::Errc::forked) return 22;
    transport.reset();
    return write(channel, id.data(), id.size()) == static_cast<ssize_t>(id.size()) ? 0 : 23;
}

}  // namespace

int main() {
    const fw::Secret secret("whsec_consumer_test_secret_of_32_characters");
    const auto signer = fw::Signer::create(fw::Scheme::fpt, secret);
    const auto verifier = fw::Verifier::create({.scheme = fw::Scheme::fpt, .secrets = {secret}});
    const auto policy = fw::EndpointPolicy::create({.allow = {"127.0.0.1"}, .allow_http = true});
    auto transport = fw::CurlTransport::create();
    const auto random = fw::system_random();
    Endpoint endpoint;
    if (!signer || !verifier || !policy || !transport || !endpoint.listen_on_loopback()) return 1;

    fw::TransportRequest request;
    request.http.url = "http://127.0.0.1:" + std::to_string(endpoint.port) + "/hooks";
    request.http.body = "{}";
    request.policy = *policy;
    std::promise<int> status;
    const auto done = [&](const fw::TransportOutcome& outcome) {
        status.set_value(outcome.response ? outcome.response->status : 0);
    };
    if (!(*transport)->start(request, done) || !endpoint.take_request()) return 2;

    std::array<int, 2> channel{};
    if (pipe(channel.data()) != 0) return 3;
    const pid_t pid = fork();
    if (pid == 0) {
        // Nothing else may hold the transport, or its destructor would not run.
        auto mine = *std::move(transport);
        transport = fw::Error(fw::Errc::forked);
        return child(*signer, *verifier, std::move(mine), request, fresh_id(*random), channel[1]);
    }
    close(channel[1]);
    std::string childs_id(fw::EventId::text_length, '\0');
    if (read(channel[0], childs_id.data(), childs_id.size()) != static_cast<ssize_t>(childs_id.size()))
        childs_id.clear();
    int ended = 0;
    if (waitpid(pid, &ended, 0) != pid || !WIFEXITED(ended)) return 4;
    if (WEXITSTATUS(ended) != 0) return WEXITSTATUS(ended);

    // The first 48 bits of an id are the time; a repeated random part would be equal in all that follows.
    if (childs_id.empty() || childs_id.substr(12) == fresh_id(*random).substr(12)) return 5;
    if (!endpoint.is_silent() || !endpoint.answer() || status.get_future().get() != 204) return 6;
    std::puts("the child worked by itself, and the parent's delivery arrived");
    return 0;
}
