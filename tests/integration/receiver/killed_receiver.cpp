#include "integration/receiver/killed_receiver.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <stdexcept>

namespace fpt_webhooks::test {
namespace {

// Requests on their way at once: each of the process's threads has one.
constexpr std::size_t window = 8;

// Longer than anything takes here: a process that hangs fails the test.
constexpr timeval patience{.tv_sec = 60, .tv_usec = 0};

// Where Catch's macros are not for: several threads.
void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(what);
}

}  // namespace

const char* name_of_step(std::size_t step) {
    if (step < receiver_step_count) return receiver_step_names[step];
    return name_of(disk_steps.at(step - receiver_step_count));
}

// ---- the process ----

ReceiverProcess::ReceiverProcess(const std::vector<std::string>& arguments) {
    int sockets[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0);
    socket_ = sockets[0];
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::vector<std::string> words = arguments;
    words.insert(words.begin(), FPT_WEBHOOKS_RECEIVER_PROCESS);
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, sockets[1], 3);
    const int code = posix_spawn(&process_, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(sockets[1]);
    REQUIRE(code == 0);
}

ReceiverProcess::~ReceiverProcess() {
    if (socket_ < 0) return;
    close(socket_);
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
}

bool ReceiverProcess::send(std::uint64_t number) {
    const std::string packet = std::to_string(number);
    return ::send(socket_, packet.data(), packet.size(), MSG_NOSIGNAL) > 0;
}

std::optional<ReceiverProcess::Answer> ReceiverProcess::receive() {
    char packet[64];
    ssize_t size = -1;
    do {
        size = recv(socket_, packet, sizeof packet - 1, 0);
    } while (size < 0 && (errno == EINTR || errno == ECONNRESET));  // what it wrote before its death follows
    require(size >= 0, "the receiver process hangs");
    if (size == 0) return std::nullopt;
    packet[size] = '\0';
    Answer answer;
    unsigned long long number = 0;
    require(std::sscanf(packet, "%llu %d", &number, &answer.status) == 2, "the receiver process talks nonsense");
    answer.number = number;
    return answer;
}

bool ReceiverProcess::end() {
    shutdown(socket_, SHUT_WR);
    while (receive()) continue;
    close(std::exchange(socket_, -1));
    int status = 0;
    REQUIRE(waitpid(process_, &status, 0) == process_);
    if (WIFEXITED(status)) {
        CHECK(WEXITSTATUS(status) == 0);
        return false;
    }
    CHECK(WTERMSIG(status) == SIGKILL);
    return true;
}

// ---- its lives ----

KilledReceiver::KilledReceiver(std::string mode) : mode_(std::move(mode)) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(folder_.file().c_str(), &database) == SQLITE_OK);
    const int code = sqlite3_exec(database, "PRAGMA journal_mode = WAL; CREATE TABLE effect (event INTEGER)", nullptr,
                                  nullptr, nullptr);
    sqlite3_close(database);
    REQUIRE(code == SQLITE_OK);
    const int descriptor = open(folder_.file("counters").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(descriptor >= 0);
    REQUIRE(ftruncate(descriptor, sizeof(ReceiverCounters)) == 0);
    void* const memory = mmap(nullptr, sizeof(ReceiverCounters), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    REQUIRE(memory != MAP_FAILED);
    counters_ = new (memory) ReceiverCounters;
}

KilledReceiver::~KilledReceiver() { munmap(counters_, sizeof(ReceiverCounters)); }

std::vector<std::string> KilledReceiver::arguments(std::optional<std::size_t> fatal, std::uint64_t hit) const {
    return {mode_, folder_.file(), folder_.file("counters"), fatal ? std::to_string(*fatal) : "-", std::to_string(hit)};
}

// Each event is sent twice at once, the least sent first.
std::uint64_t KilledReceiver::next_number() {
    const auto least = std::min_element(pending_.begin(), pending_.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
    if (least != pending_.end() && least->second < 2) return least->first;
    pending_.emplace(next_, 0);
    return next_++;
}

bool KilledReceiver::live(std::optional<std::size_t> fatal, std::uint64_t hit, std::size_t events) {
    const std::uint64_t died_before = fatal ? died(*fatal) : 0;
    ReceiverProcess process(arguments(fatal, hit));
    for (auto& [number, copies] : pending_) copies = 0;
    std::size_t on_their_way = 0;
    for (std::size_t answered = 0;;) {
        while (on_their_way < window && (answered < events || !pending_.empty())) {
            if (answered >= events &&
                std::all_of(pending_.begin(), pending_.end(), [](const auto& event) { return event.second > 0; })) {
                break;
            }
            const std::uint64_t number = next_number();
            ++pending_[number];
            if (!process.send(number)) break;
            ++on_their_way;
        }
        if (on_their_way == 0) break;
        const auto answer = process.receive();
        if (!answer) break;
        --on_their_way;
        const auto event = pending_.find(answer->number);
        if (answer->status == 200) {
            if (event != pending_.end()) pending_.erase(event);
            ++answered;
        } else {
            CHECK((answer->status == 500 || answer->status == 503));
            if (event != pending_.end()) --event->second;
        }
    }
    const bool killed = process.end();
    const bool at_step = fatal && died(*fatal) > died_before;
    CHECK(killed == at_step);
    if (!killed) CHECK(pending_.empty());
    return at_step;
}

void KilledReceiver::send_all_again() {
    ReceiverProcess process(arguments(std::nullopt, 1));
    std::uint64_t next = 1;
    for (std::uint64_t answered = 0; answered < sent(); ++answered) {
        while (next <= sent() && next - answered <= window) REQUIRE(process.send(next++));
        const auto answer = process.receive();
        REQUIRE(answer.has_value());
        CHECK(answer->status == 200);
    }
    CHECK_FALSE(process.end());
}

std::map<std::int64_t, int> KilledReceiver::effects() const {
    std::map<std::int64_t, int> counts;
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(folder_.file().c_str(), &database) == SQLITE_OK);
    const auto add = [](void* to, int, char** values, char**) {
        (*static_cast<std::map<std::int64_t, int>*>(to))[std::stoll(values[0])] = std::stoi(values[1]);
        return 0;
    };
    const int code = sqlite3_exec(database, "SELECT event, count(*) FROM effect GROUP BY event", add, &counts, nullptr);
    sqlite3_close(database);
    REQUIRE(code == SQLITE_OK);
    return counts;
}

std::uint64_t KilledReceiver::passed(std::size_t step) const {
    if (step < receiver_step_count) return counters_->receiver.passed[step];
    return counters_->disk.passed[static_cast<std::size_t>(disk_steps.at(step - receiver_step_count))];
}
std::uint64_t KilledReceiver::died(std::size_t step) const {
    if (step < receiver_step_count) return counters_->receiver.died[step];
    return counters_->disk.died[static_cast<std::size_t>(disk_steps.at(step - receiver_step_count))];
}

}  // namespace fpt_webhooks::test
