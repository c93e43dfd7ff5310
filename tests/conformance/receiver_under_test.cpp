#include "conformance/receiver_under_test.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>

#include "conformance/flaw.hpp"
#include "conformance/work.hpp"

namespace conformance_test {
namespace {

namespace fw = fpt_webhooks;
namespace testing = fpt_webhooks::testing;
using namespace std::chrono_literals;

constexpr int listener_in_child = 3;
constexpr int death_awaited_ms = 5'000;  // only who does no work, and does not say so, lives that long
constexpr int death_poll_ms = 10;

void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("receiver under test: cannot ") + what);
}

void write_file(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }

}  // namespace

ReceiverUnderTest::ReceiverUnderTest(std::string_view name) : name_(name) {
    std::string folder = (std::filesystem::temp_directory_path() / "fpt_webhooks_conformance_XXXXXX").string();
    require(mkdtemp(folder.data()) != nullptr, "make a folder");
    folder_ = folder;
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    require(bind(listener_, generic, size) == 0 && getsockname(listener_, generic, &size) == 0 &&
                listen(listener_, SOMAXCONN) == 0,
            "listen");
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/hooks";
    start();
}

ReceiverUnderTest::~ReceiverUnderTest() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    close(listener_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void ReceiverUnderTest::start() {
    std::string program = FPT_WEBHOOKS_RECEIVER_PROCESS;
    std::string name = name_;
    std::string listener = std::to_string(listener_in_child);
    std::string folder = folder_.string();
    std::array<char*, 5> arguments{program.data(), name.data(), listener.data(), folder.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, listener_, listener_in_child);
    const int error = posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    require(error == 0, "start the process");
}

fw::Result<void> ReceiverUnderTest::kill_at(testing::KillMoment moment, const fw::EventId& event,
                                            const std::function<void()>& deliver) {
    const std::string_view name = moment == testing::KillMoment::before_effect ? before_effect : after_effect;
    write_file(folder_ / die_flag, std::string(name) + ' ' + event.to_string());
    deliver();
    const int process = static_cast<int>(syscall(SYS_pidfd_open, process_, 0));  // glibc 2.36 declares it for C only
    pollfd death{.fd = process, .events = POLLIN, .revents = 0};
    bool died = false;
    // A receiver that passes the event over takes the flag away: it will not get there.
    for (int waited = 0; !died && waited < death_awaited_ms && std::filesystem::exists(folder_ / die_flag);
         waited += death_poll_ms) {
        died = poll(&death, 1, death_poll_ms) == 1;
    }
    close(process);
    std::filesystem::remove(folder_ / die_flag);
    if (!died) return fw::Error(fw::Errc::local_failure, "the receiver never got to that moment");
    waitpid(process_, nullptr, 0);
    start();
    return {};
}

testing::ConformanceOptions ReceiverUnderTest::options() {
    testing::ConformanceOptions options;
    options.url = url_;
    options.secret = fw::Secret(current_secret);
    options.old_secret = fw::Secret(old_secret);
    options.patience = 300ms;
    options.settle_time = 20ms;
    options.slow_body_pause = 100ms;
    options.effect_probe = [this](const fw::EventId& event) -> std::uint64_t {
        return Work(folder_).read(effects_file).count(event.to_string());
    };
    options.failure_hook = [this](bool failing) {
        if (failing) {
            write_file(folder_ / failing_flag, "");
        } else {
            std::filesystem::remove(folder_ / failing_flag);
        }
    };
    options.kill_hook = [this](testing::KillMoment moment, const fw::EventId& event,
                               const std::function<void()>& deliver) { return kill_at(moment, event, deliver); };
    return options;
}

}  // namespace conformance_test
