// Every command × every fault that a person's machine or hand can bring: no cell is empty. Each says in one line what
// is wrong and ends with its documented status, or the command has nothing to do with it, and its help shows that.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

#include "cli/help_pages.hpp"
#include "cli/listening.hpp"
#include "cli/store_program.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace cli_test;

namespace {

// How a command is called so that it works, and what a fault can get hold of.
struct Row {
    std::string command;
    std::vector<std::string> arguments;
    bool reads_input = false;      // from standard input
    std::string port_option = {};  // takes a port that is listened on
};

const std::string url = "https://127.0.0.1:1/hooks";

const std::vector<Row>& rows() {
    static const std::vector<Row> all = {
        {"keygen", {}},
        {"sign", {"--secret-env", "SECRET"}, true},
        {"verify", {"--secret-env", "SECRET", "--signature", "t=1,v1=0"}, true},
        {"explain", {"--secret-env", "SECRET"}, true},
        {"events", {}},
        {"send", {url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1", "--body", "-"}, true},
        {"listen", {"--secret-env", "SECRET", "--http", "--forward", url}, false, "--port"},
        {"conformance", {url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1"}},
        {"subscriptions create", {"--url", "https://a.example/", "--events", "*", "--as", "location:1"}},
        {"subscriptions list", {"--as", "host"}},
        {"subscriptions show", {"1", "--as", "host"}},
        {"subscriptions edit", {"1", "--events", "*", "--as", "host"}},
        {"subscriptions generate-key", {"1", "--as", "host"}},
        {"subscriptions rotate", {"1", "--as", "host"}},
        {"subscriptions set-secret", {"1", "--secret-env", "SECRET", "--as", "host"}},
        {"subscriptions pause", {"1", "--as", "host"}},
        {"subscriptions resume", {"1", "--as", "host"}},
        {"subscriptions disable", {"1", "--as", "host"}},
        {"subscriptions enable", {"1", "--as", "host"}},
        {"subscriptions delete", {"1", "--as", "host"}},
        {"subscriptions test", {"1", "--type", "contact.updated", "--as", "host"}},
        {"publish", {}, true},
        {"deliveries list", {}},
        {"deliveries show", {"1"}},
        {"deliveries retry", {"1"}},
        {"deliveries replay", {"--since", "1h"}},
        {"run", {}, false, "--metrics-port"},
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

// The options with a file that is read, as its help lists them.
std::vector<std::string> files_read_by(const Row& row) {
    static const std::set<std::string> written = {"--store", "--cacert-out", "--certificate", "--junit"};
    static const std::regex line("  (--[a-z-]+) FILE .*");
    std::vector<std::string> found;
    for (const std::string& text : lines_of(help_of(row).ended.out)) {
        std::smatch option;
        if (std::regex_match(text, option, line) && !written.contains(option[1])) found.push_back(option[1]);
    }
    return found;
}

// Runs it with these arguments besides, `replaced` instead of the row's own.
Ended run(const Row& row, const std::string& store, std::vector<std::string> more, ProgramOptions options = {},
          const std::set<std::string>& replaced = {}) {
    std::vector<std::string> arguments;
    std::istringstream words(row.command);
    for (std::string word; words >> word;) arguments.push_back(word);
    std::vector<std::string> own = row.arguments;
    if (uses_store(row)) own.insert(own.end(), {"--store", store, "--key-env", "STORE_KEY"});
    for (std::size_t i = 0; i < own.size(); ++i) {
        replaced.contains(own[i]) ? void(++i) : arguments.push_back(own[i]);
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    options.variables = {{"STORE_KEY", store_key}, {"SECRET", "whsec_a_secret_of_32_characters_or_more"}};
    return run_program(arguments, options);
}

// Its store has what the command works on. With a URL that no name has to be resolved for.
void prepare(const StoreProgram& store, const Row& row) {
    if (row.command == "subscriptions set-secret") {
        REQUIRE(
            store.subscriptions({"create", "--url", "https://ufp.example/", "--events", "*", "--scope", "company:1"})
                .status == 0);
        return;
    }
    REQUIRE(store.create(url) == "1");
    const bool generates = row.command == "subscriptions rotate" || row.command == "subscriptions test";
    if (generates) REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    if (row.command == "subscriptions resume") REQUIRE(store.subscriptions({"pause", "1"}).status == 0);
    if (row.command == "subscriptions enable") REQUIRE(store.subscriptions({"disable", "1"}).status == 0);
    if (row.command.starts_with("deliveries")) {
        REQUIRE(store.subscriptions({"pause", "1"}).status == 0);  // then it is skipped, and may be retried
        REQUIRE(store.run({"publish"}, {.input = event_line(1) + "\n"}).status == 0);
        REQUIRE(store.subscriptions({"resume", "1"}).status == 0);
    }
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
    std::size_t files = 0;
    for (const Row& row : rows()) {
        for (const std::string& option : files_read_by(row)) {
            INFO(row.command << " " << option);
            std::set<std::string> replaced = {option};
            if (option == "--secret-file") replaced.insert("--secret-env");
            if (option == "--key-file") replaced.insert("--key-env");
            std::vector<std::string> more = {option, "/nowhere/file"};
            if (row.command == "explain") more.insert(more.end(), {"--header", "X-FPT-Signature: t=1,v1=0"});
            if (row.command == "subscriptions create" && option == "--secret-file") {  // for UFP alone
                replaced.insert("--as");
                more.insert(more.end(), {"--as", "host", "--scope", "company:1"});
            }
            const Ended ended = run(row, store.path(), more, {.input = event_line(1)}, replaced);
            check_fails(ended, 3, "/nowhere/file: ");
            CHECK(ended.out.empty());
            ++files;
        }
    }
    CHECK(files > rows().size());
    check_fails(
        run_program({"explain", "/nowhere/file", "--secret-env", "SECRET"}, {.variables = {{"SECRET", store_key}}}), 3,
        "/nowhere/file: No such file or directory");
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

// All of them need to write: a reader too makes the files of SQLite's log.
TEST_CASE("fpt-webhooks faults: a full disk under the store") {
    for (const Row& row : rows()) {
        INFO(row.command);
        if (!uses_store(row)) continue;  // as the test of a newer version shows
        const StoreProgram store;
        prepare(store, row);
        std::filesystem::create_directory(store.folder.path / "small");
        const std::string access = " --store small/w.db --key-env STORE_KEY";
        const std::string look = "fpt-webhooks subscriptions show 1 --as host --json" + access +
                                 "; fpt-webhooks deliveries list --json" + access;
        std::string arguments;
        for (const std::string& argument : row.arguments) arguments += " '" + argument + "'";
        // A file system of 2 MB that only this shell sees.
        const std::string script =
            "mount -t tmpfs -o size=2m small small || exit 77\n"
            "cp '" +
            store.path() +
            "' small/w.db\n"
            "{ " +
            look +
            "; } > before\n"
            "cat /dev/zero > small/ballast 2> /dev/null\n"
            "fpt-webhooks " +
            row.command + arguments + access +
            " < line; echo \"status $?\"\n"
            "rm small/ballast\n"
            "{ " +
            look +
            "; } > after\n"
            "cmp before after && [ -s before ] && echo unchanged\n";
        std::ofstream(store.folder.file("script")) << script;
        std::ofstream(store.folder.file("line")) << event_line(1) << "\n";
        ProgramOptions options{
            .variables = {{"STORE_KEY", store_key}, {"SECRET", "whsec_a_secret_of_32_characters_or_more"}},
            .folder = store.folder.path.string()};
        const Ended ended = run_shell("unshare -rm bash script", options);
        if (ended.status == 77 || contains(ended.err, "unshare failed")) {
            WARN("this machine lets us mount no tmpfs: skipped");
            return;
        }
        CAPTURE(ended.out, ended.err);
        CHECK(ended.out == "status 4\nunchanged\n");
        CHECK(ended.err.starts_with("fpt-webhooks: "));
        CHECK(count_of(ended.err, '\n') <= 2);
    }
}

TEST_CASE("fpt-webhooks faults: a full disk under standard output") {
    for (const Row& row : rows()) {
        INFO(row.command);
        const StoreProgram store;
        prepare(store, row);
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
