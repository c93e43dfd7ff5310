#include "cli/program.hpp"

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cli_test {
namespace {

using namespace std::chrono_literals;

// A pipe's ends, each closed once.
struct Pipe {
    Pipe() {
        if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    void close_end(int end) {
        if (ends[end] >= 0) close(ends[end]);
        ends[end] = -1;
    }
    int ends[2] = {-1, -1};
};

std::vector<std::string> environment_of(const ProgramOptions& options) {
    const std::string program = FPT_WEBHOOKS_PROGRAM;
    const char* const path = getenv("PATH");
    std::map<std::string, std::string> variables = {
        {"PATH", program.substr(0, program.rfind('/')) + ":" + (path != nullptr ? path : "/usr/bin:/bin")},
        {"TZ", "UTC"},
        {"LC_ALL", "C"}};
    for (const auto& [name, value] : options.variables) variables[name] = value;
    std::vector<std::string> lines;
    for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
    return lines;
}

std::vector<char*> pointers_of(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

struct RunningProgram::State {
    // `command`: a program's path and its arguments.
    State(std::vector<std::string> command, const ProgramOptions& options)
        : input(options.input), input_stays(options.input_stays) {
        std::vector<std::string> environment = environment_of(options);
        std::signal(SIGPIPE, SIG_IGN);  // a program may well end without reading its input
        const auto arguments = pointers_of(command);
        const auto variables = pointers_of(environment);
        const int out_file = options.out_file.empty() ? -1 : open(options.out_file.c_str(), O_WRONLY | O_CLOEXEC);
        child = fork();
        if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            setpgid(0, 0);
            std::signal(SIGPIPE, SIG_DFL);
            if (!options.folder.empty() && chdir(options.folder.c_str()) != 0) _exit(126);
            dup2(to_child.ends[0], STDIN_FILENO);
            dup2(out_file >= 0 ? out_file : from_child.ends[1], STDOUT_FILENO);
            dup2(errors.ends[1], STDERR_FILENO);
            execve(arguments[0], arguments.data(), variables.data());
            _exit(127);
        }
        group = child;
        setpgid(child, child);  // in both, so that neither is too early
        if (out_file >= 0) close(out_file);
        to_child.close_end(0);
        from_child.close_end(1);
        errors.close_end(1);
        writer = std::thread([this] { feed(); });
        out_reader = std::thread([this] { collect(from_child.ends[0], out); });
        error_reader = std::thread([this] { collect(errors.ends[0], err); });
    }

    ~State() {
        kill(-group, SIGKILL);  // what a shell has left in the background too: it would keep our pipes open
        int status = 0;
        if (child > 0) waitpid(child, &status, 0);
        for (std::thread* thread : {&writer, &out_reader, &error_reader}) {
            if (thread->joinable()) thread->join();
        }
    }

    void feed() {
        std::string_view rest = input;
        while (!rest.empty()) {
            const ssize_t count = write(to_child.ends[1], rest.data(), rest.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) break;  // it does not read
            rest.remove_prefix(static_cast<std::size_t>(count));
        }
        if (!input_stays) to_child.close_end(1);
    }

    void collect(int from, std::string& into) {
        char piece[4096];
        for (;;) {
            const ssize_t count = read(from, piece, sizeof piece);
            if (count < 0 && errno == EINTR) continue;
            const std::lock_guard lock(mutex);
            if (count > 0) into.append(piece, static_cast<std::size_t>(count));
            if (count <= 0) ++streams_ended;
            changed.notify_all();
            if (count <= 0) return;
        }
    }

    std::optional<std::size_t> wait_for(const std::string& in, std::string_view text, std::size_t from) {
        std::unique_lock lock(mutex);
        std::size_t found = std::string::npos;
        changed.wait_for(lock, 30s, [&] {
            found = in.find(text, from);
            return found != std::string::npos || streams_ended == 2;
        });
        if (found == std::string::npos) return std::nullopt;
        return found + text.size();
    }

    Ended wait(std::chrono::seconds patience) {
        {
            std::unique_lock lock(mutex);
            if (!changed.wait_for(lock, patience, [&] { return streams_ended == 2; })) {
                throw std::runtime_error("fpt-webhooks does not end; so far: " + out + err);
            }
        }
        int status = 0;
        waitpid(child, &status, 0);
        child = -1;
        return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out, err};
    }

    const std::string input;
    const bool input_stays;
    Pipe to_child, from_child, errors;
    pid_t child = -1;  // not yet waited for
    pid_t group = -1;
    std::mutex mutex;
    std::condition_variable changed;
    int streams_ended = 0;
    std::string out;
    std::string err;
    std::thread writer, out_reader, error_reader;
};

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, const ProgramOptions& options) {
    std::vector<std::string> command = {FPT_WEBHOOKS_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    state_ = std::make_unique<State>(std::move(command), options);
}
RunningProgram::RunningProgram(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunningProgram::~RunningProgram() = default;

std::unique_ptr<RunningProgram> RunningProgram::from_shell(const std::string& line, const ProgramOptions& options) {
    auto state =
        std::make_unique<State>(std::vector<std::string>{"/bin/bash", "-c", "exec 2>&1; exec " + line}, options);
    return std::unique_ptr<RunningProgram>(new RunningProgram(std::move(state)));
}

bool RunningProgram::wait_until(const std::function<bool(const std::string& out)>& holds) const {
    std::unique_lock lock(state_->mutex);
    bool held = false;
    state_->changed.wait_for(lock, 30s, [&] { return (held = holds(state_->out)) || state_->streams_ended == 2; });
    return held;
}

std::optional<std::size_t> RunningProgram::wait_for(std::string_view text, std::size_t from) const {
    return state_->wait_for(state_->out, text, from);
}
std::optional<std::size_t> RunningProgram::wait_for_error(std::string_view text, std::size_t from) const {
    return state_->wait_for(state_->err, text, from);
}
std::string RunningProgram::out() const {
    const std::lock_guard lock(state_->mutex);
    return state_->out;
}
std::string RunningProgram::err() const {
    const std::lock_guard lock(state_->mutex);
    return state_->err;
}
void RunningProgram::signal(int number) const { kill(state_->child, number); }
Ended RunningProgram::wait() { return state_->wait(30s); }

Ended run_program(const std::vector<std::string>& arguments, const ProgramOptions& options) {
    return RunningProgram(arguments, options).wait();
}

Ended run_shell(const std::string& line, const ProgramOptions& options) {
    return RunningProgram::State({"/bin/bash", "-o", "pipefail", "-c", line}, options).wait(60s);
}

}  // namespace cli_test
