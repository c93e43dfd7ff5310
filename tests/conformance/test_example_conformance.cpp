// The example program, against a sound receiver and against a flawed one.
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "conformance/flaw.hpp"
#include "conformance/receiver_under_test.hpp"
#include "support/catch.hpp"

namespace {

// The program's exit status.
int run_example(conformance_test::ReceiverUnderTest& receiver, const std::filesystem::path& junit) {
    const auto secret = receiver.folder() / "secret";
    std::ofstream(secret) << conformance_test::current_secret << '\n';
    const std::string command = "'" FPT_WEBHOOKS_EXAMPLE_CONFORMANCE "' " + receiver.options().url + " '" +
                                secret.string() + "' '" + junit.string() + "'";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string contents(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
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
