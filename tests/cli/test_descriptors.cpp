// Standard input, output and error that are closed or full, as under a supervisor or on a full disk.
#include "cli/store_program.hpp"

using namespace cli_test;

namespace {

const ProgramOptions with_key = {.variables = {{"STORE_KEY", store_key}}};

std::string on(const StoreProgram& store) { return " --store '" + store.path() + "' --key-env STORE_KEY"; }

}  // namespace

TEST_CASE("fpt-webhooks: an error that cannot be written ends with its status all the same") {
    for (const char* const where : {"2>&-", "2>/dev/full", "<&- >&- 2>&-"}) {
        CAPTURE(where);
        CHECK(run_shell("fpt-webhooks nonsense " + std::string(where)).status == 2);
        CHECK(run_shell("fpt-webhooks sign --secret-env NOT_SET " + std::string(where)).status == 3);
    }
    CHECK(run_shell("fpt-webhooks events >&- 2>&-").status == 5);
}

TEST_CASE("fpt-webhooks publish: what it cannot say of one line does not keep it from the others") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const std::string lines = event_line(1) + "\\nbad\\n" + event_line(2) + "\\n";
    const Ended ended =
        run_shell("printf '" + lines + "' | fpt-webhooks publish" + on(store) + " 2>/dev/full", with_key);
    CHECK(ended.out == "2 accepted, 0 duplicate, 1 refused\n");
    CHECK(ended.status == 1);
}

TEST_CASE("fpt-webhooks: a closed standard input or output is an error, and no file of its own takes its place") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const Ended reading = run_shell("fpt-webhooks publish <&-" + on(store), with_key);
    CHECK(reading.err == "fpt-webhooks: standard input: Bad file descriptor\n");
    CHECK(reading.status == 3);
    const Ended running = run_shell("fpt-webhooks run >&-" + on(store), with_key);
    CHECK(contains(running.err, "standard output: Bad file descriptor"));
    CHECK(running.status == 5);
}

TEST_CASE("fpt-webhooks: help and version that cannot be written are errors") {
    for (const char* const command : {"--help", "--version", "subscriptions --help", "keygen --help"}) {
        CAPTURE(command);
        const Ended ended = run_shell("fpt-webhooks " + std::string(command) + " >/dev/full");
        CHECK(ended.err == "fpt-webhooks: standard output: No space left on device\n");
        CHECK(ended.status == 5);
    }
}

TEST_CASE("fpt-webhooks: a command that there is not is named") {
    CHECK(run_program({"nonsense"}).err == "fpt-webhooks: nonsense: no such command\n  see fpt-webhooks --help\n");
    CHECK(run_program({"deliveries", "nonsense"}).err ==
          "fpt-webhooks: nonsense: no such command\n  see fpt-webhooks deliveries --help\n");
    CHECK(contains(run_program({"deliveries"}).err, "required"));
}

TEST_CASE("fpt-webhooks: what was done is said when it cannot be printed, so that nobody does it twice") {
    const StoreProgram store;
    const ProgramOptions full{.out_file = "/dev/full"};
    const Ended created = store.subscriptions(
        {"create", "--url", "https://partner.example/", "--events", "contact.*", "--scope", "location:1234"}, "host",
        full);
    CHECK(created.status == 5);
    CHECK(created.err ==
          "fpt-webhooks: standard output: No space left on device\n  subscription 1 is there all the same\n");
    ProgramOptions publishing = full;
    publishing.input = event_lines(1, 2);
    const Ended published = store.run({"publish"}, publishing);
    CHECK(published.status == 5);
    CHECK(published.err ==
          "fpt-webhooks: standard output: No space left on device\n"
          "  2 accepted, 0 duplicate, 0 refused all the same\n");
    CHECK(store.look_into()->stats().value().pending == 2);
}
