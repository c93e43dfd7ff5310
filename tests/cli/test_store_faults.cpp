// Commands that work on a store × what can be wrong with it, or with how they are called: each cell has its exit status
// and one line that says what is wrong.
#include "cli/store_program.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace cli_test;

namespace {

// Every command, called as it should be; subscription 1 and delivery 1 are there.
const std::vector<std::vector<std::string>> commands = {
    {"subscriptions", "create", "--url", "https://a.example/", "--events", "*", "--as", "location:1"},
    {"subscriptions", "list", "--as", "host"},
    {"subscriptions", "show", "1", "--as", "host"},
    {"subscriptions", "edit", "1", "--events", "*", "--as", "host"},
    {"subscriptions", "generate-key", "1", "--as", "host"},
    {"subscriptions", "rotate", "1", "--as", "host"},
    {"subscriptions", "set-secret", "1", "--secret-env", "SECRET", "--as", "host"},
    {"subscriptions", "pause", "1", "--as", "host"},
    {"subscriptions", "resume", "1", "--as", "host"},
    {"subscriptions", "disable", "1", "--as", "host"},
    {"subscriptions", "enable", "1", "--as", "host"},
    {"subscriptions", "delete", "1", "--as", "host"},
    {"subscriptions", "test", "1", "--type", "contact.updated", "--as", "host"},
    {"publish"},
    {"deliveries", "list"},
    {"deliveries", "show", "1"},
    {"deliveries", "retry", "1"},
    {"deliveries", "replay", "--since", "1h"}};

// "subscriptions create"
std::string name_of(const std::vector<std::string>& command) {
    return command.front() == "publish" ? command.front() : command[0] + " " + command[1];
}

Ended run_on(std::vector<std::string> command, const std::vector<std::string>& access, const std::string& key) {
    command.insert(command.end(), access.begin(), access.end());
    return run_program(command,
                       {.input = event_lines(1, 1), .variables = {{"STORE_KEY", key}, {"SECRET", "correct horse"}}});
}

// Nothing on standard output; the error, and a hint at most.
void check_fails(const Ended& ended, int status, const std::string& part) {
    CAPTURE(ended.out, ended.err);
    CHECK(ended.status == status);
    CHECK(ended.out.empty());
    CHECK(ended.err.substr(0, 14) == "fpt-webhooks: ");
    CHECK(contains(ended.err, part));
    CHECK(count_of(ended.err, '\n') <= 2);
}

}  // namespace

TEST_CASE("fpt-webhooks: a store that is not there is made by subscriptions create alone") {
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        const StoreProgram store;
        const Ended ended = run_on(command, {"--store", store.path(), "--key-env", "STORE_KEY"}, store_key);
        if (name_of(command) == "subscriptions create") {
            CHECK(ended.status == 0);
            continue;
        }
        check_fails(ended, 4, store.path() + ": there is no store\n");
        CHECK(std::filesystem::is_empty(store.folder.path));
    }
}

TEST_CASE("fpt-webhooks: a store's folder that is not there is an error of the store") {
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        check_fails(run_on(command, {"--store", "/nowhere/webhooks.db", "--key-env", "STORE_KEY"}, store_key), 4,
                    "/nowhere/webhooks.db: ");
    }
}

TEST_CASE("fpt-webhooks: an empty file is no store") {
    const StoreProgram store;
    std::ofstream(store.path()) << "";
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        if (name_of(command) == "subscriptions create") continue;  // makes one of it
        check_fails(run_on(command, {"--store", store.path(), "--key-env", "STORE_KEY"}, store_key), 4,
                    store.path() + ": there is no store\n");
        CHECK(std::filesystem::file_size(store.path()) == 0);
    }
}

TEST_CASE("fpt-webhooks: another program's database is no store") {
    const StoreProgram store;
    store.sql("CREATE TABLE customer (name TEXT)");
    const std::string before = contents(store.path());
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        if (name_of(command) == "subscriptions create") continue;  // a store may live among a host's tables
        check_fails(run_on(command, {"--store", store.path(), "--key-env", "STORE_KEY"}, store_key), 4,
                    store.path() + ": there is no store\n");
        CHECK(contents(store.path()) == before);
    }
}

TEST_CASE("fpt-webhooks: a file that is no store is left as it is") {
    const StoreProgram store;
    const std::string text(10'000, 'x');
    std::ofstream(store.path()) << text;
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        check_fails(run_on(command, {"--store", store.path(), "--key-env", "STORE_KEY"}, store_key), 4,
                    "store corrupt: ");
        CHECK(contents(store.path()) == text);
    }
}

TEST_CASE("fpt-webhooks: a store of a newer release is left as it is") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    store.sql("UPDATE fpt_webhooks_version SET version = version + 1; PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string before = contents(store.path());
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        check_fails(run_on(command, {"--store", store.path(), "--key-env", "STORE_KEY"}, store_key), 4,
                    "store of a newer version");
        CHECK(contents(store.path()) == before);
    }
}

TEST_CASE("fpt-webhooks: a folder is no store") {
    const StoreProgram store;
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        check_fails(run_on(command, {"--store", store.folder.path.string(), "--key-env", "STORE_KEY"}, store_key), 4,
                    store.folder.path.string() + ": ");
    }
}

TEST_CASE(
    "fpt-webhooks: a store's key that cannot be read or used is an error of the input, before the store is opened") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const std::string before = contents(store.path());
    const std::string empty = store.folder.file("empty");
    std::ofstream(empty) << "";
    const std::string long_one = store.folder.file("long");
    std::ofstream(long_one) << store_key << std::string(200, '\n');
    const std::string bad = store.folder.file("bad");
    std::ofstream(bad) << "whsec_not_a_key";
    struct Fault {
        std::vector<std::string> key;
        int status;
        std::string part;
    };
    const Fault faults[] = {{{}, 2, "[--key-file,--key-env]"},
                            {{"--key-env", "STORE_KEY", "--key-file", bad}, 2, "[--key-file,--key-env]"},
                            {{"--key-env", "NOT_SET"}, 3, "environment variable NOT_SET: not set, or empty\n"},
                            {{"--key-file", "/nowhere"}, 3, "/nowhere: No such file or directory\n"},
                            {{"--key-file", empty}, 3, empty + ": empty\n"},
                            {{"--key-file", long_one}, 3, long_one + ": longer than 256 bytes\n"},
                            {{"--key-file", "/tmp"}, 3, "/tmp: Is a directory\n"},
                            {{"--key-file", bad}, 3, bad + ": no store key: 64 hex digits are needed\n"}};
    for (const Fault& fault : faults) {
        for (const auto& command : commands) {
            CAPTURE(name_of(command), fault.key);
            std::vector<std::string> access = {"--store", store.path()};
            access.insert(access.end(), fault.key.begin(), fault.key.end());
            const Ended ended = run_on(command, access, store_key);
            check_fails(ended, fault.status, fault.part);
            CHECK_FALSE(contains(ended.err, "whsec"));
        }
    }
    CHECK(contents(store.path()) == before);
}

TEST_CASE("fpt-webhooks: the key's file may end in a line break") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    const std::string key = store.folder.file("key");
    std::ofstream(key) << store_key << "\n";
    CHECK(run_on({"subscriptions", "rotate", "1", "--as", "host"}, {"--store", store.path(), "--key-file", key}, "")
              .status == 0);
}

TEST_CASE("fpt-webhooks: an option that there is not, or that lacks, is a usage error of every command") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        check_fails(run_on(command, {"--store", store.path(), "--key-env", "STORE_KEY", "--colour", "red"}, store_key),
                    2, "--colour");
        check_fails(run_on(command, {"--key-env", "STORE_KEY"}, store_key), 2, "--store is required");
        if (command.front() != "subscriptions") continue;
        auto nobody = command;
        nobody.resize(nobody.size() - 2);
        check_fails(run_on(nobody, {"--store", store.path(), "--key-env", "STORE_KEY"}, store_key), 2,
                    "--as is required");
    }
    for (const std::string name : {"subscriptions", "deliveries"}) {
        check_fails(run_program({name}), 2, "subcommand is required");
        check_fails(run_program({name, "invent"}), 2, "invent: no such command");
    }
}

TEST_CASE("fpt-webhooks: output that cannot be written ends every command with its own status") {
    for (const auto& command : commands) {
        CAPTURE(name_of(command));
        const StoreProgram store;
        const std::string& verb = command.back() == "publish" ? command.back() : command[1];
        if (verb == "set-secret") {
            REQUIRE(
                store
                    .subscriptions({"create", "--url", "https://ufp.example/", "--events", "*", "--scope", "company:1"})
                    .status == 0);
        } else {
            REQUIRE(store.create("https://127.0.0.1:1/") == "1");  // where `test` is not allowed to connect
        }
        if (verb == "rotate" || verb == "test") REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
        if (verb == "resume") REQUIRE(store.subscriptions({"pause", "1"}).status == 0);
        if (verb == "enable") REQUIRE(store.subscriptions({"disable", "1"}).status == 0);
        if (command.front() == "deliveries") {
            REQUIRE(store.subscriptions({"pause", "1"}).status == 0);  // so that delivery 1 is there and has ended
            REQUIRE(store.publish(event_lines(1, 1)).status == 0);
        }
        auto arguments = command;
        arguments.insert(arguments.end(), {"--store", store.path(), "--key-env", "STORE_KEY"});
        const Ended ended =
            run_program(arguments, {.input = event_lines(1, 1),
                                    .variables = {{"STORE_KEY", store_key}, {"SECRET", "correct horse"}},
                                    .out_file = "/dev/full"});
        check_fails(ended, 5, "standard output: No space left on device\n");
    }
}
