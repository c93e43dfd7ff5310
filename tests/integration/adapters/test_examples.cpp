// The examples that listen, each as a process of its own, over HTTP on loopback.
#include <array>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "servers.hpp"

using namespace adapters;

namespace {

constexpr const char* ufp_secret = "my gym secret";

// A port that was free a moment ago.
int free_port() {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
    return acceptor.local_endpoint().port();
}

// Started, and listening; ends with this object.
class Example {
  public:
    explicit Example(const char* program) : port_(free_port()) {
        std::array<int, 2> output{};
        REQUIRE(pipe2(output.data(), O_CLOEXEC) == 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
        std::string name = program;
        std::string port = std::to_string(port_);
        std::array<std::string, 3> settings{"WEBHOOK_SECRET=" + std::string(secret),
                                            "FPT_SECRET=" + std::string(secret),
                                            std::string("UFP_SECRET=") + ufp_secret};
        std::array<char*, 3> arguments{name.data(), port.data(), nullptr};
        std::array<char*, 4> environment{settings[0].data(), settings[1].data(), settings[2].data(), nullptr};
        const int failed = posix_spawn(&child_, program, &actions, nullptr, arguments.data(), environment.data());
        posix_spawn_file_actions_destroy(&actions);
        ::close(output[1]);
        lines_ = fdopen(output[0], "r");
        REQUIRE(failed == 0);
        REQUIRE(line() == "listening");
    }
    Example(const Example&) = delete;
    Example& operator=(const Example&) = delete;
    ~Example() {
        kill(child_, SIGTERM);
        waitpid(child_, nullptr, 0);
        std::fclose(lines_);
    }

    int port() const { return port_; }

    // The next line that it prints.
    std::string line() {
        std::array<char, 512> text{};
        if (!std::fgets(text.data(), static_cast<int>(text.size()), lines_)) return "(ended)";
        std::string read = text.data();
        if (read.ends_with('\n')) read.pop_back();
        return read;
    }

  private:
    int port_;
    pid_t child_ = -1;
    std::FILE* lines_ = nullptr;
};

void receives_events(const char* program) {
    Example example(program);
    RawClient client(example.port());
    client.send(signed_request(event_body()));
    CHECK(client.receive().body == "processed");
    CHECK(example.line() == "contact 9876 of location 1234");
    RawClient again(example.port());
    again.send(signed_request(event_body()));
    CHECK(again.receive().body == "duplicate");
    RawClient forger(example.port());
    forger.send(head(length_of("{}")) + "{}");
    CHECK(forger.receive().status == 401);
}

std::string to_path(std::string request, const std::string& path) {
    return request.replace(request.find("/hooks"), 6, path);
}

}  // namespace

TEST_CASE("example: receive_httplib processes an event once") { receives_events(EXAMPLE_HTTPLIB); }

TEST_CASE("example: receive_beast processes an event once") { receives_events(EXAMPLE_BEAST); }

TEST_CASE("example: receive_both serves both vendors, and explains what it refuses") {
    Example example(EXAMPLE_BOTH);
    RawClient client(example.port());
    client.send(to_path(signed_request(event_body()), "/fpt"));
    CHECK(client.receive().status == 200);
    CHECK(example.line() == "FPT contact.updated");

    const std::string ufp = R"({"webhook_event_type":"newlead_created","created_at":"11/06/2025 17:22","tenant_id":42,)"
                            R"("payload":{"name":"Jo"}})";
    const auto signer = fw::Signer::create(fw::Scheme::ufp, fw::Secret(ufp_secret)).value();
    const auto headers = signer.sign(fw::bytes_of(ufp), fw::system_clock()->now()).value();
    const std::string line = "X-UFP-Signature: " + headers.begin()->value + "\r\n";
    RawClient second(example.port());
    second.send(to_path(head(line + length_of(ufp)), "/ufp") + ufp);
    CHECK(second.receive().status == 200);
    CHECK(example.line() == "UFP newlead_created");

    RawClient third(example.port());
    third.send(to_path(head(line + length_of(ufp)), "/fpt") + ufp);
    CHECK(third.receive().status == 401);
    CHECK(example.line().starts_with("header_missing: there is no header X-FPT-Signature"));
}
