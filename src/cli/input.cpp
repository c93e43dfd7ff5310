#include "cli/input.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/core.h>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {

std::string read_input(const std::string& path) {
    const bool is_standard = path == "-";
    const std::string name = is_standard ? "standard input" : path;
    const auto refuse = [&](const std::string& why, const char* hint = "") {
        return Failure(ExitStatus::input, fmt::format("{}: {}", name, why), hint);
    };
    const int descriptor = is_standard ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw refuse(std::generic_category().message(errno));
    const auto close_file = [is_standard](const int* open_file) {
        if (!is_standard) close(*open_file);
    };
    const std::unique_ptr<const int, decltype(close_file)> closer(&descriptor, close_file);

    std::string text;
    char piece[64 * 1024];
    for (;;) {
        const ssize_t count = read(descriptor, piece, sizeof piece);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw refuse(std::generic_category().message(errno));
        if (count == 0) break;
        text.append(piece, static_cast<std::size_t>(count));
        if (text.size() > input_bytes_max) throw refuse(fmt::format("longer than {} bytes", input_bytes_max));
    }
    if (text.empty()) throw refuse("empty", is_standard ? "pipe something into it, or name a file" : "");
    return text;
}

void SecretSource::add_to(CLI::App& app) {
    auto* group = app.add_option_group("Secret", "never on the command line, where others would see it");
    group->add_option("--secret-env", environment, "Environment variable that holds the signing secret")
        ->type_name("NAME");
    group->add_option("--secret-file", file, "File that holds it, one secret a line")->type_name("FILE");
    group->require_option(1);
}

std::vector<TimedSecret> SecretSource::all() const {
    if (!environment.empty()) {
        const char* const text = std::getenv(environment.c_str());
        if (text == nullptr || *text == '\0') {
            throw Failure(ExitStatus::input, fmt::format("environment variable {}: not set, or empty", environment),
                          fmt::format("export {}=...", environment));
        }
        return {TimedSecret(Secret(text), Timestamp::min(), Timestamp::max(), environment)};
    }
    auto read = read_secrets_file(file);
    if (!read) throw Failure(ExitStatus::input, read.error().message());
    if (read->empty()) throw Failure(ExitStatus::input, fmt::format("{}: no secret in it", file));
    return *std::move(read);
}

Secret SecretSource::one() const { return all().front().secret; }

}  // namespace fpt_webhooks::cli
