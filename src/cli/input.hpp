// What commands read: standard input, files, and secrets, which never stand on a command line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/core/headers.hpp>
#include <fpt_webhooks/core/scheme.hpp>
#include <fpt_webhooks/core/timed_secret.hpp>

#include "cli/command.hpp"

namespace fpt_webhooks::cli {

// A body that any receiver takes is far smaller; a captured request has its headers besides.
inline constexpr std::size_t input_bytes_max = std::size_t{16} << 20;

// The whole file; "-" is standard input. Fails (input) when it cannot be read, is empty or longer than the limit.
[[nodiscard]] std::string read_input(const std::string& path);

// Of a store's key, and whatever white space is behind it.
inline constexpr std::size_t secret_file_bytes_max = 256;

// The same for a file that holds one secret and nothing else: no copy of it stays behind in this process.
[[nodiscard]] Secret read_secret_file(const std::string& path);

// What errors call it: "standard input" for "-".
[[nodiscard]] std::string name_of_input(const std::string& path);

// Seconds since 1970, or as parse_timestamp reads it; up to the year 9999. Fails (usage) by the option's name.
[[nodiscard]] Timestamp parse_time(const std::string& text, std::string_view option);

// "Name: value" as HTTP has it: white space around the value is not part of it. Errors: malformed; what stands there
// is not repeated, it may be anything of anybody's.
[[nodiscard]] Result<Headers::Field> split_header(std::string_view line);

// The same for the value of an option. Fails (usage).
[[nodiscard]] Headers::Field parse_header(std::string_view text, std::string_view option);

// --scheme: one of those that the library knows by name.
struct SchemeOption {
    std::string name = std::string(Scheme::fpt.name);

    void add_to(CLI::App& app);
    [[nodiscard]] const Scheme& scheme() const noexcept;
};

// The options --secret-env NAME and --secret-file FILE.
struct SecretSource {
    std::string environment = {};
    std::string file = {};

    // `needed`: one of them is; else a command that does without may leave both out.
    void add_to(CLI::App& app, bool needed = true);

    // A file may hold several, as read_secrets_file reads them; a variable holds one. Throws Failure when there is
    // none.
    [[nodiscard]] std::vector<TimedSecret> all() const;

    // The failure (input) that says why one of them cannot be used.
    [[nodiscard]] Failure unusable(const TimedSecret& secret, const Error& error) const;
    // Throws that for the first one that `scheme` does not take.
    void check(const std::vector<TimedSecret>& secrets, const Scheme& scheme) const;
};

}  // namespace fpt_webhooks::cli
