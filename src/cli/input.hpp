// What commands read: standard input, files, and secrets, which never stand on a command line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/core/timed_secret.hpp>

namespace fpt_webhooks::cli {

// A body that any receiver takes is far smaller; a captured request has its headers besides.
inline constexpr std::size_t input_bytes_max = std::size_t{16} << 20;

// The whole file; "-" is standard input. Fails (input) when it cannot be read, is empty or longer than the limit.
[[nodiscard]] std::string read_input(const std::string& path);

// The options --secret-env NAME and --secret-file FILE, one of which is needed.
struct SecretSource {
    std::string environment = {};
    std::string file = {};

    void add_to(CLI::App& app);

    // A file may hold several, as read_secrets_file reads them; a variable holds one. Never empty.
    [[nodiscard]] std::vector<TimedSecret> all() const;
    // The first one.
    [[nodiscard]] Secret one() const;
};

}  // namespace fpt_webhooks::cli
