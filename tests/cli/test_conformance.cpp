#include "cli/listening.hpp"

#include <map>
#include <set>

#include "support/catch.hpp"
#include "support/server.hpp"

using namespace cli_test;
using namespace fpt_webhooks::test;

namespace {

// What HTTP alone can show of a receiver: docs/testing.md.
const std::set<std::string> shown_by_http = {
    "unsigned",     "tampered",     "partial_signature", "appended_bytes",     "raw_bytes",
    "stale",        "old_secret",   "from_the_future",   "same_refusal",       "several_signatures",
    "header_names", "content_type", "unknown_event",     "malformed_requests", "unreadable_event"};

Ended play(const Listening& listen, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = listen.reached_by("conformance");
    arguments.insert(arguments.end(), {"--secret-env", "SECRET"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments, with_secrets());
}

// Those whose line has this verdict.
std::set<std::string> scenarios_with(const std::string& verdict, const Ended& ended) {
    std::set<std::string> found;
    for (const std::string& line : lines_of(ended.out)) {
        const std::string name = line.substr(0, line.find(' '));
        const auto begin = line.find_first_not_of(' ', name.size());
        if (begin != std::string::npos && line.compare(begin, verdict.size(), verdict) == 0) found.insert(name);
    }
    return found;
}

}  // namespace

TEST_CASE(
    "fpt-webhooks conformance: listen passes what HTTP can show, over TLS and without, and a JUnit file says so") {
    for (const std::vector<std::string>& how : {std::vector<std::string>{}, std::vector<std::string>{"--http"}}) {
        Listening listen(how);
        const std::string junit = listen.folder.file("report.xml");
        const Ended ended = play(listen, {"--junit", junit});
        INFO(ended.out << ended.err);
        CHECK(ended.status == 0);
        CHECK(scenarios_with("passed", ended) == shown_by_http);
        CHECK(scenarios_with("failed", ended).empty());
        CHECK(lines_of(ended.out).front().starts_with("SCENARIO "));
        CHECK(ended.err.starts_with("15 passed, 0 failed, "));
        const std::string xml = contents(junit);
        CHECK(xml.starts_with("<?xml "));
        CHECK(count_of(xml, "<testcase ") == lines_of(ended.out).size() - 1);
        CHECK(count_of(xml, "<skipped") == count_of(xml, "<testcase ") - 15);
    }
}

TEST_CASE("fpt-webhooks conformance: a receiver that accepts everything fails, with a reason for each") {
    const Server careless(answer_always(response_of(200)));
    const TemporaryFolder folder;
    const std::string junit = folder.file("report.xml");
    const Ended ended = run_program({"conformance", careless.url(), "--secret-env", "SECRET", "--junit", junit,
                                     "--only", "tampered", "--only", "stale", "--only", "header_names"},
                                    with_secrets());
    INFO(ended.out << ended.err);
    CHECK(ended.status == 1);
    CHECK(scenarios_with("failed", ended) == std::set<std::string>{"tampered", "stale"});
    CHECK(scenarios_with("passed", ended) == std::set<std::string>{"header_names"});
    CHECK(count_of(contents(junit), "<failure") == 2);
    CHECK(ended.err == "1 passed, 2 failed, 0 not checked\n");
}

TEST_CASE("fpt-webhooks conformance: json is a line for each scenario") {
    const Listening listen;
    const Ended ended = play(listen, {"--json", "--only", "stale"});
    CHECK(ended.status == 0);
    REQUIRE(lines_of(ended.out).size() == 1);
    CHECK(ended.out.starts_with(R"({"scenario":"stale","verdict":"passed","reason":"","took_ms":)"));
}

TEST_CASE("fpt-webhooks conformance: list names the scenarios, needs nothing and plays none") {
    const Ended ended = run_program({"conformance", "--list"});
    CHECK(ended.status == 0);
    CHECK(lines_of(ended.out).front().starts_with("SCENARIO "));
    for (const std::string& name : shown_by_http) {
        CAPTURE(name);
        CHECK(ended.out.find("\n" + name + " ") != std::string::npos);
    }
    const Ended json = run_program({"conformance", "--list", "--json"});
    CHECK(lines_of(json.out).size() == lines_of(ended.out).size() - 1);
    CHECK(json.out.starts_with(R"({"scenario":")"));
}

TEST_CASE("fpt-webhooks conformance: nonsense is named in one line, with a status of its own") {
    const ClosedPort closed;
    const std::string url = closed.url();
    const std::vector<Nonsense> cases = {
        {{"--secret-env", "SECRET"}, 2, "URL is required"},
        {{url}, 2, "a secret is needed"},
        {{url, "--secret-env", "SHORT"}, 3, "environment variable SHORT: "},
        {{url, "--secret-env", "NOT_SET"}, 3, "NOT_SET"},
        {{url, "--secret-env", "SECRET", "--frob"}, 2, "--frob"},
        {{url, "--secret-env", "SECRET", "--only", "nonsense"}, 2, "--only nonsense: no such scenario"},
        {{url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1"}, 2, "--allow-address, --cacert: of no use"},
        {{url, "--secret-env", "SECRET", "--cacert", "ca.pem"}, 2, "--allow-address, --cacert: of no use"},
        {{"hooks", "--secret-env", "SECRET"}, 2, "hooks: malformed input"},
        {{"https://10.0.0.1/", "--secret-env", "SECRET"}, 6, "refused by the endpoint policy"},
        {{"https://hooks.example/", "--secret-env", "SECRET", "--cacert", "/no/such"}, 3, "/no/such: No such file"}};
    check_refused("conformance", cases);
}

TEST_CASE("fpt-webhooks conformance: a JUnit file that cannot be written is an error, after the table") {
    const ClosedPort closed;
    const std::string url = closed.url();
    for (const auto& [file, says] : std::map<std::string, std::string>{{"/no/such/file", "No such file or directory"},
                                                                       {"/dev/full", "No space left on device"}}) {
        const Ended ended = run_program(
            {"conformance", url, "--secret-env", "SECRET", "--only", "stale", "--junit", file}, with_secrets());
        CAPTURE(file, ended.err);
        CHECK(ended.status == 5);
        CHECK(scenarios_with("failed", ended) == std::set<std::string>{"stale"});
        CHECK(ended.err.ends_with("fpt-webhooks: " + file + ": " + says + "\n"));
    }
}

TEST_CASE("fpt-webhooks conformance: a JUnit file goes through no link that was laid, and keeps its mode") {
    const TemporaryFolder folder;
    const ClosedPort closed;
    ProgramOptions options = with_secrets();
    options.folder = folder.path.string();
    const std::string play =
        "exec fpt-webhooks conformance " + closed.url() + " --secret-env SECRET --only stale --junit report.xml";
    const auto run = [&](const std::string& before) {
        const Ended ended = run_shell("umask 027; " + before + play, options);
        CAPTURE(ended.err);
        CHECK(ended.status == 1);
        return mode_of(folder.path / "report.xml");
    };
    // Its process has the number of the shell.
    CHECK(run("touch victim; ln -s victim report.xml.$$.part; ") == 0640);
    CHECK(contents(folder.path / "victim") == "");
    CHECK_FALSE(std::filesystem::is_symlink(folder.path / "report.xml"));
    CHECK(run("rm report.xml; touch report.xml.$$.part; chmod 666 report.xml.$$.part; ") == 0640);
    CHECK(run("chmod 606 report.xml; ") == 0606);
    CHECK(run("mv report.xml elsewhere; ln -s elsewhere report.xml; ") == 0606);
    CHECK(std::filesystem::is_symlink(folder.path / "report.xml"));
    CHECK(contents(folder.path / "elsewhere").starts_with("<?xml "));
}

TEST_CASE("fpt-webhooks conformance: a receiver that is not there fails") {
    const ClosedPort closed;
    const std::string url = closed.url();
    const Ended ended = run_program({"conformance", url, "--secret-env", "SECRET", "--only", "stale"}, with_secrets());
    CHECK(ended.status == 1);
    CHECK(scenarios_with("failed", ended) == std::set<std::string>{"stale"});
}
