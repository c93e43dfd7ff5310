// keygen, sign, verify, explain: what can be said of a signature without a network.
#include <memory>

#include <fpt_webhooks/core.hpp>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"

namespace fpt_webhooks::cli {
namespace {

void add_keygen(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("keygen", "A new signing secret, on standard output");
    app->footer("Keep it where only the sender and the receiver read it; it is stored nowhere.");
    commands.push_back({app, [&console] {
                            const Secret secret = need(Secret::generate(*system_random()), "keygen");
                            console.json
                                ? console.print(
                                      JsonText().begin_object().field("secret", secret.reveal()).end_object().text())
                                : console.print(secret.reveal());
                            return ExitStatus::ok;
                        }});
}

}  // namespace

void add_signature_commands(CLI::App& parent, Console& console, Commands& commands) {
    add_keygen(parent, console, commands);
}

}  // namespace fpt_webhooks::cli
