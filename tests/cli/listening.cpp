#include "cli/listening.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "support/catch.hpp"

namespace cli_test {
namespace {

bool names_secret(const std::vector<std::string>& arguments) {
    return std::any_of(arguments.begin(), arguments.end(),
                       [](const std::string& argument) { return argument.starts_with("--secret"); });
}

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
    if (!names_secret(second)) first.insert(first.end(), {"--secret-env", "SECRET"});
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

ProgramOptions in_folder(const std::filesystem::path& folder) {
    ProgramOptions options = with_secrets();
    options.folder = folder.string();
    return options;
}

}  // namespace

ProgramOptions with_secrets(std::string input) {
    return {.input = std::move(input), .variables = {{"SECRET", secret}, {"OTHER_SECRET", other_secret}}};
}

void check_refused(const std::string& command, const std::vector<Nonsense>& cases, ProgramOptions options) {
    options.variables["SHORT"] = "short";
    for (const Nonsense& nonsense : cases) {
        std::vector<std::string> arguments = {command};
        arguments.insert(arguments.end(), nonsense.arguments.begin(), nonsense.arguments.end());
        const Ended ended = run_program(arguments, options);
        CAPTURE(arguments, ended.err);
        CHECK(ended.status == nonsense.status);
        CHECK(ended.out == "");
        CHECK(ended.err.starts_with("fpt-webhooks: "));
        CHECK(ended.err.find(nonsense.says) != std::string::npos);
        CHECK(lines_of(ended.err).size() <= 2);
        CHECK(ended.err.find(secret) == std::string::npos);
    }
}

Listening::Listening(const std::vector<std::string>& more)
    : program(joined({"listen", "--port", "0"}, more), in_folder(folder.path)) {
    const auto begin = program.wait_for("http");
    if (!begin || !program.wait_for("\n", *begin)) throw std::runtime_error("listen: " + program.out() + program.err());
    url = program.out().substr(*begin - 4);
    url = url.substr(0, url.find_first_of("\"\n"));
}

std::vector<std::string> Listening::reached_by(const std::string& command) const {
    const bool plain = !url.starts_with("https");
    if (plain && command == "conformance") return {command, url};
    std::vector<std::string> arguments = {command, url, "--allow-address", "127.0.0.1"};
    if (plain) {
        arguments.emplace_back("--allow-http");
    } else {
        arguments.insert(arguments.end(), {"--cacert", folder.file("fpt-webhooks-ca.pem")});
    }
    return arguments;
}

Ended Listening::send(const std::vector<std::string>& more) const {
    return run_program(joined(reached_by("send"), more), with_secrets());
}

Ended Listening::end() {
    program.signal(SIGTERM);
    return program.wait();
}

}  // namespace cli_test
