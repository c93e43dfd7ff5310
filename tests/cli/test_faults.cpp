// Every command × every fault that a person's machine or hand can bring: no cell is empty. Each says in one line what
// is wrong and ends with its documented status, or the command has nothing to do with it, and its help shows that.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "cli/help_pages.hpp"
#include "cli/store_program.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace cli_test;

namespace {

// How a command is called so that it works, and what a fault can get hold of.
struct Row {
    std::string command;
    std::vector<std::string> arguments;
    std::string file_option = {};  // takes a file that is read; "-": as a positional argument; "": it reads none
    bool reads_input = false;      // from standard input
    std::string port_option = {};  // takes a port that is listened on
};

const std::string url = "https://127.0.0.1:1/hooks";

const std::vector<Row>& rows() {
    static const std::vector<std::string> secret = {"--secret-env", "SECRET"};
    static const std::vector<Row> all = {
        {"keygen", {}},
        {"sign", {"--secret-env", "SECRET"}, "--body", true},
        {"verify", {"--secret-env", "SECRET", "--signature", "t=1,v1=0"}, "--body", true},
        {"explain", {"--secret-env", "SECRET"}, "-", true},
        {"events", {}},
        {"send", {url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1", "--body", "-"}, "--cacert", true},
        {"listen", {"--secret-env", "SECRET", "--http", "--forward", url}, "--cacert", false, "--port"},
        {"conformance", {url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1"}, "--cacert"},
        {"subscriptions create", {"--url", "https://a.example/", "--events", "*", "--as", "location:1"}, "--key-file"},
        {"subscriptions list", {"--as", "host"}, "--key-file"},
        {"subscriptions show", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions edit", {"1", "--events", "*", "--as", "host"}, "--key-file"},
        {"subscriptions generate-key", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions rotate", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions set-secret", {"1", "--secret-env", "SECRET", "--as", "host"}, "--key-file"},
        {"subscriptions pause", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions resume", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions disable", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions enable", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions delete", {"1", "--as", "host"}, "--key-file"},
        {"subscriptions test", {"1", "--type", "contact.updated", "--as", "host"}, "--key-file"},
        {"publish", {}, "--key-file", true},
        {"deliveries list", {}, "--key-file"},
        {"deliveries show", {"1"}, "--key-file"},
        {"deliveries retry", {"1"}, "--key-file"},
        {"deliveries replay", {"--since", "1h"}, "--key-file"},
        {"run", {}, "--key-file", false, "--metrics-port"},
        {"completions", {"bash"}},
        {"manual", {}},
    };
    return all;
}

bool uses_store(const Row& row) {
    return row.command == "publish" || row.command == "run" || row.command.starts_with("subscriptions") ||
           row.command.starts_with("deliveries");
}

const HelpPage& help_of(const Row& row) {
    for (const HelpPage& page : help_pages()) {
        if (page.name() == row.command) return page;
    }
    throw std::runtime_error("no help of " + row.command);
}

bool has_option(const Row& row, const char* name) {
    const auto& options = help_of(row).options;
    return std::find(options.begin(), options.end(), name) != options.end();
}

// Runs it with these arguments besides. `keyed`: with the store's key in the environment.
Ended run(const Row& row, const std::string& store, std::vector<std::string> more, ProgramOptions options = {},
          bool keyed = true) {
    std::vector<std::string> arguments;
    std::istringstream words(row.command);
    for (std::string word; words >> word;) arguments.push_back(word);
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    if (uses_store(row)) arguments.insert(arguments.end(), {"--store", store});
    if (uses_store(row) && keyed) arguments.insert(arguments.end(), {"--key-env", "STORE_KEY"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    options.variables = {{"STORE_KEY", store_key}, {"SECRET", "whsec_a_secret_of_32_characters_or_more"}};
    return run_program(arguments, options);
}

void check_fails(const Ended& ended, int status, std::string_view part) {
    CAPTURE(ended.out, ended.err);
    CHECK(ended.status == status);
    CHECK(ended.err.starts_with("fpt-webhooks: "));
    CHECK(contains(ended.err.substr(0, ended.err.find('\n')), part));
    CHECK(count_of(ended.err, '\n') <= 2);
    CHECK_FALSE(contains(ended.err, "whsec_a_secret"));
}

}  // namespace

TEST_CASE("fpt-webhooks faults: the table has every command that there is") {
    std::set<std::string> there;
    std::set<std::string> rows_have;
    for (const HelpPage& page : help_pages()) {
        if (page.commands.empty()) there.insert(page.name());
    }
    for (const Row& row : rows()) rows_have.insert(row.command);
    CHECK(there == rows_have);
}

TEST_CASE("fpt-webhooks faults: an unknown option") {
    const StoreProgram store;
    for (const Row& row : rows()) {
        INFO(row.command);
        const Ended ended = run(row, store.path(), {"--colour", "red"});
        check_fails(ended, 2, "--colour");
        CHECK(ended.out.empty());
    }
}

TEST_CASE("fpt-webhooks faults: a file that cannot be read") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    for (const Row& row : rows()) {
        INFO(row.command);
        if (row.file_option.empty()) {
            CHECK_FALSE(contains(help_of(row).ended.out, " FILE "));
            continue;
        }
        std::vector<std::string> more = {"/nowhere/file"};
        if (row.file_option != "-") more.insert(more.begin(), row.file_option);
        const Ended ended = run(row, store.path(), more, {.input = event_line(1)}, row.file_option != "--key-file");
        check_fails(ended, row.file_option == "--cacert" ? ended.status : 3, "/nowhere/file");
        CHECK((ended.status == 2 || ended.status == 3));
        CHECK(ended.out.empty());
    }
}

TEST_CASE("fpt-webhooks faults: empty standard input") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    for (const Row& row : rows()) {
        INFO(row.command);
        if (row.reads_input) {
            check_fails(run(row, store.path(), {}), 3, "standard input: empty");
        } else {
            CHECK_FALSE(contains(help_of(row).ended.out, "standard input"));
        }
    }
}

TEST_CASE("fpt-webhooks faults: a store of a newer version") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    store.sql("UPDATE fpt_webhooks_version SET version = version + 1; PRAGMA wal_checkpoint(TRUNCATE)");
    for (const Row& row : rows()) {
        INFO(row.command);
        if (uses_store(row)) {
            const Ended ended = run(row, store.path(), {}, {.input = event_line(1)});
            check_fails(ended, 4, "store of a newer version");
            CHECK(ended.out.empty());
        } else {
            CHECK_FALSE(has_option(row, "--store"));
        }
    }
}

TEST_CASE("fpt-webhooks faults: a port in use") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const fpt_webhooks::test::Server taken([](fpt_webhooks::test::Connection&) {});
    const std::string port = std::to_string(taken.port());
    for (const Row& row : rows()) {
        INFO(row.command);
        if (row.port_option.empty()) {
            CHECK_FALSE(has_option(row, "--port"));
            CHECK_FALSE(has_option(row, "--metrics-port"));
            continue;
        }
        const Ended ended = run(row, store.path(), {row.port_option, port});
        check_fails(ended, 5, port);
        CHECK(ended.out.empty());
    }
}

TEST_CASE("fpt-webhooks faults: a full disk under standard output") {
    for (const Row& row : rows()) {
        INFO(row.command);
        const StoreProgram store;
        const bool is_ufp = row.command == "subscriptions set-secret";
        REQUIRE((is_ufp ? store.subscriptions(
                                   {"create", "--url", "https://ufp.example/", "--events", "*", "--scope", "company:1"})
                                  .status == 0
                        : store.create() == "1"));
        const bool generates = row.command == "subscriptions rotate" || row.command == "subscriptions test";
        if (generates) REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
        if (row.command == "subscriptions resume") REQUIRE(store.subscriptions({"pause", "1"}).status == 0);
        if (row.command == "subscriptions enable") REQUIRE(store.subscriptions({"disable", "1"}).status == 0);
        if (row.command.starts_with("deliveries")) {
            REQUIRE(store.subscriptions({"pause", "1"}).status == 0);  // then it is skipped, and may be retried
            REQUIRE(store.run({"publish"}, {.input = event_line(1) + "\n"}).status == 0);
        }
        std::vector<std::string> more;
        if (row.command == "listen") more = {"--port", "0"};
        std::string input = event_line(1);
        if (row.command == "explain") input = "POST /hooks HTTP/1.1\nX-FPT-Signature: t=1,v1=0\n\n" + input;
        const Ended ended = run(row, store.path(), more, {.input = input, .out_file = "/dev/full"});
        CAPTURE(ended.err);
        CHECK(ended.status == 5);
        CHECK(contains(ended.err, "standard output: No space left on device"));
    }
}
