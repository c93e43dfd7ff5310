#include "cli/program.hpp"

#include "support/catch.hpp"

using namespace cli_test;

TEST_CASE("fpt-webhooks: keygen prints a new secret and nothing else") {
    const Ended first = run_program({"keygen"});
    CHECK(first.status == 0);
    CHECK(first.err == "");
    CHECK(first.out.size() == 50);  // "whsec_", 43 characters and the line's end
    CHECK(first.out.substr(0, 6) == "whsec_");
    CHECK(run_program({"keygen"}).out != first.out);
    CHECK(run_program({"keygen", "--json"}).out.substr(0, 17) == R"({"secret":"whsec_)");
}

TEST_CASE("fpt-webhooks: output that cannot be written is an error") {
    const Ended ended = run_program({"keygen"}, {.out_file = "/dev/full"});
    CHECK(ended.status == 5);
    CHECK(ended.err == "fpt-webhooks: standard output: No space left on device\n");
}
