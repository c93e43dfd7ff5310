// The example program, against a sound receiver and against a flawed one.
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "conformance/flaw.hpp"
#include "conformance/receiver_under_test.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace {

// The program's exit status.
int run_example(const std::string& url, const std::filesystem::path& secret, const std::string& rest) {
    const std::string command = "'" FPT_WEBHOOKS_EXAMPLE_CONFORMANCE "' " + url + " '" + secret.string() + "' " + rest;
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
int run_example(conformance_test::ReceiverUnderTest& receiver, const std::filesystem::path& junit) {
    const auto secret = receiver.folder() / "secret";
    std::ofstream(secret) << conformance_test::current_secret << "\tlabel=current\n";
    return run_example(receiver.options().url, secret, "'" + junit.string() + "'");
}

}  // namespace

TEST_CASE("example conformance: a sound receiver passes, and the JUnit file says what was not checked") {
    conformance_test::ReceiverUnderTest receiver(conformance_test::our_receiver);
    const auto junit = receiver.folder() / "junit.xml";
    CHECK(run_example(receiver, junit) == 0);
    const std::string xml = contents(junit);
    CHECK(xml.find("failures=\"0\"") != std::string::npos);
    CHECK(xml.find("<skipped message=\"needs a kill hook") != std::string::npos);
    CHECK(xml.find(conformance_test::current_secret) == std::string::npos);
}

TEST_CASE("example conformance: a flawed receiver fails, by name") {
    conformance_test::ReceiverUnderTest receiver("ignores_time");
    const auto junit = receiver.folder() / "junit.xml";
    CHECK(run_example(receiver, junit) == 1);
    CHECK(contents(junit).find("<failure message=\"an event signed ten minutes ago was answered 200") !=
          std::string::npos);
}

TEST_CASE(
    "example conformance: where nothing takes a signed event this is said once, and a bad secret file by its line") {
    const TemporaryFolder folder;
    const auto secret = folder.path / "secret";
    const auto said = folder.path / "said";
    const std::string rest = "2> '" + said.string() + "'";
    std::ofstream(secret) << conformance_test::current_secret << '\n';
    CHECK(run_example("http://127.0.0.1:1/hooks", secret, rest) == 1);
    CHECK(contents(said).find("http://127.0.0.1:1/hooks takes no signed event, so the other verdicts say little: the "
                              "event got no answer") == 0);
    std::ofstream(secret) << conformance_test::current_secret << " label=current\n";
    CHECK(run_example("http://127.0.0.1:1/hooks", secret, rest) == 2);
    CHECK(contents(said) == secret.string() + ": line 1: a tab is needed before label=\n");
}
