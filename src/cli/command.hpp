// What the commands of `fpt-webhooks` share: how one is added, how one ends, and its exit status.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/core/error.hpp>
#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::cli {

// Documented in docs/fpt-webhooks.md and the man page; scripts rely on the numbers.
enum class ExitStatus {
    ok = 0,
    no = 1,       // it worked, and the answer is no: not verified, not delivered, a scenario failed, a line refused
    usage = 2,    // unknown command or option, or a value that cannot be
    input = 3,    // a file or standard input cannot be read, is empty, too long or malformed
    store = 4,    // the store cannot be used: missing, locked, damaged, of a newer version, its disk full
    machine = 5,  // this machine: a port in use, no descriptors, output that cannot be written
    refused = 6,  // the request makes sense and is refused: not found, wrong state, forbidden, endpoint policy
    interrupted = 130,  // SIGINT or SIGTERM came before the end: what was reported as done is done
};

// Ends a command: main prints "fpt-webhooks: <what>" and "  <hint>", each on one line of standard error.
class Failure : public std::runtime_error {
  public:
    Failure(ExitStatus status, const std::string& what, std::string hint = {})
        : std::runtime_error(what), status_(status), hint_(std::move(hint)) {}

    [[nodiscard]] ExitStatus status() const noexcept { return status_; }
    [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  private:
    ExitStatus status_;
    std::string hint_;
};

// The status that an error of the library ends a command with, unless the command knows better.
[[nodiscard]] ExitStatus status_of(const Error& error) noexcept;

// "<place>: <message>" with that status.
[[nodiscard]] Failure failure_of(const Error& error, std::string_view place);

// The value, or the failure as an exception.
template <class T>
T need(Result<T> result, std::string_view place) {
    if (!result) throw failure_of(result.error(), place);
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

class Console;

// The group of options that few need: the help does not list them, the command's footer names them.
inline constexpr const char* rare_options = "Rare";

// A command as the command line finds it: run when `app` was parsed and none of its own subcommands was.
struct Command {
    CLI::App* app = nullptr;
    std::function<ExitStatus()> run;  // throws Failure
};

// Each adds its commands to `parent`; their options live as long as the returned functions.
using Commands = std::vector<Command>;
void add_signature_commands(CLI::App& parent, Console& console, Commands& commands);  // keygen sign verify explain
void add_events_command(CLI::App& parent, Console& console, Commands& commands);
void add_send_command(CLI::App& parent, Console& console, Commands& commands);
void add_listen_command(CLI::App& parent, Console& console, Commands& commands);
void add_conformance_command(CLI::App& parent, Console& console, Commands& commands);
void add_subscription_commands(CLI::App& parent, Console& console, Commands& commands);
void add_publish_command(CLI::App& parent, Console& console, Commands& commands);
void add_delivery_commands(CLI::App& parent, Console& console, Commands& commands);
void add_run_command(CLI::App& parent, Console& console, Commands& commands);
void add_completions_command(CLI::App& parent, Console& console, Commands& commands);  // of the whole tree at `parent`
void add_manual_command(CLI::App& parent, Console& console, Commands& commands);       // likewise

}  // namespace fpt_webhooks::cli
