#include <algorithm>

#include "cli/example_request.hpp"
#include "cli/program.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

namespace {

// A command that works, up to the point where a fault is added.
struct Base {
    std::string name;
    std::vector<std::string> arguments;
};

const std::vector<Base>& bases() {
    static const std::vector<Base> all = {
        {"keygen", {"keygen"}},
        {"events", {"events"}},
        {"sign", {"sign", "--secret-env", "S"}},
        {"verify", {"verify", "--secret-env", "S", "--at", example_time, "--header", example_header}},
        {"explain", {"explain", "--secret-env", "S", "--at", example_time, "--header", example_header}},
        {"completions", {"completions", "bash"}},
        {"manual", {"manual"}},
    };
    return all;
}

bool reads_input(const Base& base) { return base.name == "sign" || base.name == "verify" || base.name == "explain"; }

Ended run(const Base& base, const std::vector<std::string>& more, ProgramOptions options = {}) {
    std::vector<std::string> arguments = base.arguments;
    arguments.insert(arguments.end(), more.begin(), more.end());
    if (options.input.empty()) options.input = example_body;
    options.variables.insert({"S", example_secret});
    return run_program(arguments, options);
}

// One line that says what and where, perhaps one with a hint, and nothing on standard output.
void check_refusal(const Ended& ended, int status, const std::string& line) {
    CHECK(ended.status == status);
    CHECK(ended.out == "");
    CHECK(ended.err.substr(0, ended.err.find('\n')) == "fpt-webhooks: " + line);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') <= 2);
    CHECK(ended.err.find(example_secret) == std::string::npos);
}

}  // namespace

TEST_CASE("fpt-webhooks: the commands of the fault table work without a fault") {
    for (const Base& base : bases()) {
        INFO(base.name);
        CHECK(run(base, {}).status == 0);
    }
}

TEST_CASE("fpt-webhooks: an unknown option is refused with a way to the help") {
    for (const Base& base : bases()) {
        INFO(base.name);
        const Ended ended = run(base, {"--frobnicate"});
        check_refusal(ended, 2, "The following argument was not expected: --frobnicate");
        CHECK(ended.err.find("\n  see fpt-webhooks " + base.name + " --help\n") != std::string::npos);
    }
}

TEST_CASE("fpt-webhooks: a full disk under standard output is an error") {
    for (const Base& base : bases()) {
        INFO(base.name);
        check_refusal(run(base, {}, {.out_file = "/dev/full"}), 5, "standard output: No space left on device");
    }
}

TEST_CASE("fpt-webhooks: input that cannot be read is refused by its name") {
    const TemporaryFolder folder;
    const std::string missing = folder.file("missing");
    const std::string endless = "/dev/zero";
    for (const Base& base : bases()) {
        if (!reads_input(base)) continue;
        INFO(base.name);
        check_refusal(run(base, {"--body", missing}), 3, missing + ": No such file or directory");
        check_refusal(run(base, {"--body", folder.path.string()}), 3, folder.path.string() + ": Is a directory");
        check_refusal(run(base, {"--body", "/dev/null"}), 3, "/dev/null: empty");
        check_refusal(run(base, {"--body", endless}), 3, "/dev/zero: longer than 16777216 bytes");
        check_refusal(run(base, {}, {.input = std::string((16 << 20) + 1, 'x')}), 3,
                      "standard input: longer than 16777216 bytes");
    }
    check_refusal(run_program({"explain", "--secret-env", "S", missing}, {.variables = {{"S", example_secret}}}), 3,
                  missing + ": No such file or directory");
}

TEST_CASE("fpt-webhooks: empty standard input is an error") {
    for (const Base& base : bases()) {
        if (!reads_input(base)) continue;
        INFO(base.name);
        check_refusal(run_program(base.arguments, {.variables = {{"S", example_secret}}}), 3, "standard input: empty");
    }
    check_refusal(run_program({"explain", "--secret-env", "S"}, {.variables = {{"S", example_secret}}}), 3,
                  "standard input: empty");
}

TEST_CASE("fpt-webhooks: a body of the greatest length is taken") {
    const std::string longest(16 << 20, 'x');
    const Ended signature = run(bases()[2], {"--timestamp", example_time}, {.input = longest});
    REQUIRE(signature.status == 0);
    CHECK(run_program({"verify", "--secret-env", "S", "--at", example_time, "--header", signature.out},
                      {.input = longest, .variables = {{"S", example_secret}}})
              .status == 0);
}

TEST_CASE("fpt-webhooks: a secret that is not there is refused by its place") {
    const TemporaryFolder folder;
    std::ofstream(folder.file("quoted")) << "# ours\n\"" << example_secret << "\"\n";
    std::ofstream(folder.file("empty")) << "# none\n";
    for (const Base& base : bases()) {
        if (!reads_input(base)) continue;
        INFO(base.name);
        check_refusal(run(base, {}, {.variables = {{"S", ""}}}), 3, "environment variable S: not set, or empty");

        Base without = base;
        std::erase(without.arguments, "--secret-env");
        std::erase(without.arguments, "S");
        CHECK(run(without, {}).status == 2);
        CHECK(run(without, {}).err.find("--secret-file") != std::string::npos);
        CHECK(run(base, {"--secret-file", folder.file("quoted")}).status == 2);  // both
        check_refusal(run(without, {"--secret-file", folder.file("no")}), 3, folder.file("no") + ": cannot be opened");
        check_refusal(run(without, {"--secret-file", folder.path.string()}), 3,
                      folder.path.string() + ": cannot be read");
        check_refusal(run(without, {"--secret-file", folder.file("empty")}), 3,
                      folder.file("empty") + ": no secret in it");
        check_refusal(run(without, {"--secret-file", folder.file("quoted")}), 3,
                      folder.file("quoted") + ": line 2: quotes around the secret");
        check_refusal(run(without, {"--secret-env", "NOT_SET"}), 3, "environment variable NOT_SET: not set, or empty");
    }
}

TEST_CASE("fpt-webhooks: a secret that the scheme cannot use is refused by its place, and not shown") {
    const TemporaryFolder folder;
    std::ofstream(folder.file("secrets")) << "hush-hush\n";
    for (const Base& base : bases()) {
        if (base.name != "sign" && base.name != "verify") continue;  // to explain it is a finding
        INFO(base.name);
        const std::string why = "scheme fpt: the secret has 9 bytes, at least 32 are needed";
        check_refusal(run(base, {}, {.variables = {{"S", "hush-hush"}}}), 3, "environment variable S: " + why);
        Base by_file = base;
        std::replace(by_file.arguments.begin(), by_file.arguments.end(), std::string("--secret-env"),
                     std::string("--secret-file"));
        std::replace(by_file.arguments.begin(), by_file.arguments.end(), std::string("S"), folder.file("secrets"));
        check_refusal(run(by_file, {}), 3, folder.file("secrets") + ": line 1: " + why);
    }
    const Ended standard = run(bases()[2], {"--scheme", "standard_webhooks"}, {.variables = {{"S", "whsec_!!"}}});
    check_refusal(standard, 3,
                  "environment variable S: scheme standard_webhooks: the secret is not base64 (after an optional "
                  "\"whsec_\")");
}

TEST_CASE("fpt-webhooks: a scheme or an id that cannot be is a usage error") {
    for (const Base& base : bases()) {
        if (!reads_input(base)) continue;
        INFO(base.name);
        check_refusal(run(base, {"--scheme", "github"}), 2, "--scheme: github not in {fpt,ufp,standard_webhooks}");
    }
    for (const char* const id : {"", "a.b", "a b", "\x1b[2J"}) {
        CAPTURE(id);
        const Ended ended =
            run(bases()[2], {"--scheme", "standard_webhooks", "--id", id}, {.variables = {{"S", standard_secret}}});
        CHECK(ended.status == 2);
        CHECK(ended.out == "");
        CHECK(ended.err.find("message_id") != std::string::npos);
        CHECK(ended.err.find('\x1b') == std::string::npos);
    }
}
