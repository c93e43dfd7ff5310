// `fpt-webhooks listen` in the background of a test, on a port of its own, and `send` to it.
#pragma once

#include <string>
#include <vector>

#include "cli/program.hpp"
#include "cli/text.hpp"
#include "support/temporary_folder.hpp"

namespace cli_test {

// In the environment of every command as SECRET and OTHER_SECRET.
inline const std::string secret = "whsec_the_secret_of_both_sides_in_tests";
inline const std::string other_secret = "whsec_another_secret_nobody_listens_with";

[[nodiscard]] ProgramOptions with_secrets(std::string input = {});

struct Listening {
    // Knows SECRET, unless `more` says where else its secrets are.
    explicit Listening(const std::vector<std::string>& more = {});

    // The arguments with which send and conformance get through to it.
    [[nodiscard]] std::vector<std::string> reached_by(const std::string& command) const;

    // With SECRET, unless `more` says so. To its end.
    [[nodiscard]] Ended send(const std::vector<std::string>& more = {}) const;

    // Ends it by SIGTERM.
    [[nodiscard]] Ended end();

    TemporaryFolder folder = {};  // where it runs: its files have short names
    RunningProgram program;
    std::string url;
};

// Arguments that a command refuses.
struct Nonsense {
    std::vector<std::string> arguments;
    int status;
    std::string says;
};

// Each is refused in one line, and a hint, before anything is printed. In the environment, beside `options`: SECRET,
// and SHORT, which is too short for one.
void check_refused(const std::string& command, const std::vector<Nonsense>& cases,
                   ProgramOptions options = with_secrets());

}  // namespace cli_test
