// Runs `fpt-webhooks` as a process: once to its end, or in the background while a test watches its output.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli_test {

struct Ended {
    int status = -1;  // exit status; 128 and more: ended by that signal
    std::string out;
    std::string err;
};

struct ProgramOptions {
    std::string input = {};                             // of standard input, which ends after it
    bool input_stays = false;                           // it does not: the program waits for more
    std::map<std::string, std::string> variables = {};  // of the environment, besides PATH, TZ=UTC and LC_ALL=C
    std::string folder = {};                            // to run in; "": the test's own
    std::string out_file = {};                          // standard output goes there, say to /dev/full
};

// Waits up to 30 s for the end, then kills it and throws.
[[nodiscard]] Ended run_program(const std::vector<std::string>& arguments, const ProgramOptions& options = {});

// The same for a line of the shell (bash, pipefail), up to a minute, with the folder of `fpt-webhooks` first in PATH.
[[nodiscard]] Ended run_shell(const std::string& line, const ProgramOptions& options = {});

// A command that goes on until it is told to end: `listen`, `run`. Killed when destroyed.
class RunningProgram {
  public:
    explicit RunningProgram(const std::vector<std::string>& arguments, const ProgramOptions& options = {});
    // A line of the shell, which becomes its command: what it writes to standard error comes with its output.
    [[nodiscard]] static std::unique_ptr<RunningProgram> from_shell(const std::string& line,
                                                                    const ProgramOptions& options = {});
    ~RunningProgram();
    RunningProgram(const RunningProgram&) = delete;
    RunningProgram& operator=(const RunningProgram&) = delete;

    // Waits up to 30 s until standard output (or error) holds `text` from `from` on. Where it ends, or nothing.
    [[nodiscard]] std::optional<std::size_t> wait_for(std::string_view text, std::size_t from = 0) const;
    [[nodiscard]] std::optional<std::size_t> wait_for_error(std::string_view text, std::size_t from = 0) const;
    // The same until this holds of standard output. False: it did not.
    [[nodiscard]] bool wait_until(const std::function<bool(const std::string& out)>& holds) const;
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;

    void signal(int number) const;
    // Waits up to 30 s.
    [[nodiscard]] Ended wait();

    struct State;

  private:
    explicit RunningProgram(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace cli_test
