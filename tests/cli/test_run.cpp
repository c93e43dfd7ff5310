// `fpt-webhooks run` as a process of its own: what this process publishes into the store, that one delivers.
#include <atomic>
#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "cli/help_pages.hpp"
#include "cli/page.hpp"
#include "cli/test_run_site.hpp"

using namespace run_test;

namespace {

using Samples = std::map<std::string, double>;

// By the rules of text format 0.0.4, as far as ours uses them: HELP and TYPE once and before a metric's samples.
Samples parse_metrics(const std::string& text) {
    Samples samples;
    std::map<std::string, std::string> types;
    std::set<std::string> helped;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        std::istringstream words(line);
        std::string first, second, third;
        words >> first >> second;
        if (first == "#") {
            words >> third;
            if (second == "HELP") CHECK(helped.insert(third).second);
            if (second != "TYPE") continue;
            REQUIRE(helped.contains(third));
            CHECK((words >> types[third] && !types[third].empty()));
            continue;
        }
        std::string name = first.substr(0, first.find('{'));
        CHECK(name.substr(0, 13) == "fpt_webhooks_");
        for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
            const std::string base = name.substr(0, name.size() - std::min(name.size(), suffix.size()));
            if (name.ends_with(suffix) && types[base] == "histogram") name = base;
        }
        CHECK(types.contains(name));
        CHECK(name.ends_with("_total") == (types[name] == "counter"));
        std::size_t read = 0;
        const double value = std::stod(second, &read);
        CHECK(read == second.size());
        CHECK(samples.emplace(first, value).second);
    }
    return samples;
}

// The fields of a line of logfmt. Fails where it is none.
std::map<std::string, std::string> logfmt_fields(const std::string& line) {
    CAPTURE(line);
    std::map<std::string, std::string> fields;
    std::size_t at = 0;
    while (at < line.size()) {
        const std::size_t equals = line.find('=', at);
        REQUIRE(equals != std::string::npos);
        const std::string name = line.substr(at, equals - at);
        std::string value;
        at = equals + 1;
        if (at < line.size() && line[at] == '"') {
            for (++at; at < line.size() && line[at] != '"'; ++at) {
                if (line[at] == '\\') ++at;
                REQUIRE(at < line.size());
                value += line[at];
            }
            REQUIRE(at < line.size());
            ++at;
        } else {
            while (at < line.size() && line[at] != ' ') value += line[at++];
        }
        REQUIRE((at == line.size() || line[at] == ' '));
        ++at;
        CHECK_FALSE(name.empty());
        CHECK(fields.emplace(name, value).second);
    }
    return fields;
}

// Of an object that is known to be valid, without escapes in its plain fields.
std::string json_field(const std::string& object, const std::string& name) {
    const std::string head = "\"" + name + "\":";
    const std::size_t at = object.find(head);
    if (at == std::string::npos) return "";
    const std::string rest = object.substr(at + head.size());
    return rest[0] == '"' ? rest.substr(1, rest.find('"', 1) - 1) : rest.substr(0, rest.find_first_of(",}"));
}

// What `pattern` finds in a text.
std::set<std::string> matches(const std::string& text, const std::string& pattern) {
    const std::regex regex(pattern);
    std::set<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.insert(at->str());
    return found;
}

// The cells of those rows of docs/run.md that begin so.
std::vector<std::vector<std::string>> rows_of_docs(const std::string& pattern) {
    const std::regex regex("\\| " + pattern + ".*");
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : lines_of(contents(FPT_WEBHOOKS_DOCS "/run.md"))) {
        if (!std::regex_match(line, regex)) continue;
        std::vector<std::string>& cells = rows.emplace_back();
        for (std::size_t begin = 2; begin < line.size();) {
            const std::size_t end = std::min(line.find(" |", begin), line.size());
            cells.push_back(line.substr(begin, end - begin));
            begin = end + 3;
        }
    }
    REQUIRE_FALSE(rows.empty());
    return rows;
}

}  // namespace

// ---- delivering

TEST_CASE("fpt-webhooks run: delivers what another process publishes, and ends with status 0 when it is told to") {
    Site site;
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    const auto program = site.start();
    site.publish(3);
    REQUIRE(server.wait_for_requests(3));
    CHECK(server.last_request().find("X-FPT-Signature: t=") != std::string::npos);
    const Ended ended = terminate(*program);
    CHECK(ended.status == 0);
    CHECK(ended.out == "running\n");
    CHECK(site.count(DeliveryState::delivered) == 3);
}

TEST_CASE("fpt-webhooks run: makes the store that is not there") {
    const TemporaryFolder folder;
    const CertificateAuthority authority;
    const TemporaryFile authority_file(authority.certificate_pem());
    RunningProgram program({"run", "--store", folder.file("new.db"), "--key-env", "STORE_KEY", "--cacert",
                            authority_file.path(), "--json"},
                           {.variables = {{"STORE_KEY", store_key}}});
    REQUIRE(program.wait_for("\n"));
    program.signal(SIGINT);
    const Ended ended = program.wait();
    CHECK(ended.status == 0);
    CHECK(ended.out == "{\"event\":\"running\"}\n");
    CHECK(SqliteStore::open({.path = folder.file("new.db"), .encryption_key = Secret(store_key)}).has_value());
}

TEST_CASE("fpt-webhooks run: tries again as its policy says") {
    Site site;
    const Server server(
        [](Connection& connection) {
            for (const int status : {500, 503, 200}) {
                if (!connection.read_request()) return;
                connection.write(response_of(status));
            }
        },
        site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--retry-delays", "10ms,20ms", "--retry-window", "1m", "--jitter", "0"});
    site.publish(1);
    REQUIRE(server.wait_for_requests(3));
    const Ended ended = terminate(*program);
    CHECK(ended.status == 0);
    REQUIRE(site.count(DeliveryState::delivered) == 1);
    const std::size_t second = ended.err.find(" status=503\n");
    REQUIRE(second != std::string::npos);
    CHECK(ended.err.find(" status=500\n") < second);
}

TEST_CASE("fpt-webhooks run: gives up after the last of its delays") {
    Site site;
    const Server server(answer_always(response_of(500)), site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--retry-delays", "10ms", "--jitter", "0"});
    site.publish(1);
    REQUIRE(program->wait_for_error("event=exhausted"));
    CHECK(terminate(*program).status == 0);
    CHECK(server.requests() == 2);
    CHECK(site.count(DeliveryState::exhausted) == 1);
}

// ---- ending

TEST_CASE("fpt-webhooks run: told to end during a slow attempt, it waits for the answer and records it") {
    Site site;
    Gate gate;
    const Server server(answer_behind(gate), site.tls());
    site.subscribe(server.url());
    const auto program = site.start();
    site.publish(2);
    REQUIRE(server.wait_for_requests(1));
    program->signal(SIGTERM);
    REQUIRE(program->wait_for_error("event=stopping"));
    gate.open();
    CHECK(program->wait().status == 0);
    const std::size_t delivered = site.count(DeliveryState::delivered);
    CHECK(delivered >= 1);
    CHECK(server.requests() == delivered);
    CHECK(site.publisher->metrics().value().pending == 2 - delivered);  // the second may just have been begun
}

TEST_CASE("fpt-webhooks run: an attempt that outlasts its patience is made again after the next start") {
    Site site;
    std::atomic<bool> answers = false;
    const Server server(
        [&](Connection& connection) {
            if (!answers) return never_answer(connection);
            answer_always(response_of(200))(connection);
        },
        site.tls());
    site.subscribe(server.url());
    const auto first = site.start({"--stop-patience", "10ms"});
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    CHECK(terminate(*first).status == 0);
    CHECK(site.publisher->metrics().value().pending == 1);
    answers = true;
    const auto second = site.start();
    REQUIRE(server.wait_for_requests(2));
    CHECK(terminate(*second).status == 0);
    CHECK(site.count(DeliveryState::delivered) == 1);
}

TEST_CASE("fpt-webhooks run: a second signal ends it at once") {
    Site site;
    const Server server(never_answer, site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--stop-patience", "1h", "--timeout", "1h"});
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    program->signal(SIGTERM);
    REQUIRE(program->wait_for_error("event=stopping"));
    CHECK(terminate(*program).status == 128 + SIGTERM);
    CHECK(site.publisher->metrics().value().pending == 1);
}

TEST_CASE("fpt-webhooks run: killed in the middle of an attempt, the next start makes it again") {
    Site site;
    Gate gate;
    const Server server(answer_behind(gate), site.tls());
    site.subscribe(server.url());
    const auto first = site.start();
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    first->signal(SIGKILL);
    CHECK(first->wait().status == 128 + SIGKILL);
    gate.open();
    const auto second = site.start();
    REQUIRE(server.wait_for_requests(2));
    CHECK(terminate(*second).status == 0);
    CHECK(site.count(DeliveryState::delivered) == 1);
}

TEST_CASE("fpt-webhooks run: ends when another dispatcher has taken its store over") {
    Site site;
    const auto program = site.start();
    std::filesystem::remove(site.folder.file("webhooks.db-dispatcher"));  // what docs/store.md says never to do
    REQUIRE(site.store->acquire(system_clock()->now()));
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    site.publish(1);
    const Ended ended = program->wait();
    CHECK(ended.status == 4);
    CHECK(ended.err.find("level=error event=fenced") != std::string::npos);
}

// ---- reloading

TEST_CASE("fpt-webhooks run: SIGHUP reads the config again, and what failed by the old one is delivered by the new") {
    Site site;
    const Server server(answer_always(response_of(200)));
    site.subscribe(server.url());
    const std::string config = site.folder.file("run.toml");
    const std::string common = "retry-delays = [\"100ms\", \"100ms\", \"1d\"]\njitter = 0\n";
    write_file(config, common);
    const auto program = site.start({"--config", config});
    site.publish(1);
    REQUIRE(program->wait_for_error("attempt=3"));  // plain HTTP is refused
    CHECK(server.requests() == 0);
    write_file(config, common + "allow-http = true\nlog-level = \"error\"\n");
    program->signal(SIGHUP);
    REQUIRE(program->wait_for_error("event=reloading"));
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    const Ended ended = terminate(*program);
    CHECK(ended.status == 0);
    CHECK(ended.out == "running\n");
    CHECK(ended.err.find("event=stopping") == std::string::npos);  // the log's level was read as well
    CHECK(site.count(DeliveryState::delivered) == 1);
    CHECK(site.count(DeliveryState::waiting) == 1);  // tomorrow
}

TEST_CASE("fpt-webhooks run: a config that cannot be used changes nothing, and the log says why") {
    Site site;
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    const std::string config = site.folder.file("run.toml");
    write_file(config, "timeout = \"20s\"\n");
    const auto program = site.start({"--config", config});
    std::size_t logged = 0;
    const auto refuses = [&](const std::string& text, const std::string& why) {
        CAPTURE(text);
        text.empty() ? (void)std::filesystem::remove(config) : write_file(config, text);
        program->signal(SIGHUP);
        const auto end = program->wait_for_error("event=reload_refused", logged);
        REQUIRE(end);
        REQUIRE(program->wait_for_error("\n", *end));
        CAPTURE(program->err());
        CHECK(program->err().find(why, logged) != std::string::npos);
        logged = *end;
    };
    refuses("timeout = \"soon\"\n", "run.toml: --timeout: 'soon' is no duration");
    refuses("time-out = \"20s\"\n", "run.toml: time-out: no such option");
    refuses("metrics-port = 0\n", "--metrics-port: cannot change while it runs");
    refuses("jitter = 90\n", "jitter_percent: at most 50");
    refuses("poll-interval = \"0s\"\n", "poll_interval");
    refuses("deny-address = [\"nowhere/99\"]\n", "nowhere/99");
    refuses("", "No such file or directory");
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    CHECK(terminate(*program).status == 0);
    CHECK(site.count(DeliveryState::delivered) == 1);
}

TEST_CASE("fpt-webhooks run: told to reload during a slow attempt, it loses nothing and reloads once more if asked") {
    Site site;
    Gate gate;
    const Server server(answer_behind(gate), site.tls());
    site.subscribe(server.url());
    const auto program = site.start();
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    program->signal(SIGHUP);
    REQUIRE(program->wait_for_error("event=reloading"));
    program->signal(SIGHUP);
    gate.open();
    const auto first = program->wait_for_error("event=reloaded");
    REQUIRE(first);
    REQUIRE(program->wait_for_error("event=reloaded", *first));
    site.publish(1);
    REQUIRE(server.wait_for_requests(2));
    CHECK(terminate(*program).status == 0);
    CHECK(site.count(DeliveryState::delivered) == 2);
}

TEST_CASE("fpt-webhooks run: told to end while it reloads, it ends") {
    Site site;
    Gate gate;
    const Server server(answer_behind(gate), site.tls());
    site.subscribe(server.url());
    const auto program = site.start();
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    program->signal(SIGHUP);
    REQUIRE(program->wait_for_error("event=reloading"));
    program->signal(SIGTERM);
    REQUIRE(program->wait_for_error("event=stopping"));
    gate.open();
    CHECK(program->wait().status == 0);
    CHECK(site.count(DeliveryState::delivered) == 1);
}

// ---- options

TEST_CASE("fpt-webhooks run: a config file that cannot be used is refused in one line") {
    Site site;
    const std::string config = site.folder.file("run.toml");
    const auto refuses = [&](const std::string& text, int status, const std::string& why) {
        CAPTURE(text);
        write_file(config, text);
        const Ended ended = run_program(site.options({"--config", config}));
        CHECK(ended.status == status);
        CHECK(ended.out == "");
        const auto lines = lines_of(ended.err);
        REQUIRE_FALSE(lines.empty());
        CHECK(lines.size() <= 2);  // the second is a hint
        CAPTURE(lines[0]);
        CHECK(lines[0].find(why) != std::string::npos);
    };
    refuses("", 3, "run.toml: empty");
    refuses("colour = true\n", 3, "run.toml: colour: no such option");
    refuses("config = \"other.toml\"\n", 3, "run.toml: config: no such option");
    refuses("help = true\n", 3, "run.toml: help: no such option");
    refuses("[run]\ntimeout = \"5s\"\n", 3, "run.toml: [run]: there are no sections");
    refuses("timeout = \"5s\"\njitter = 0\ntimeout = \"6s\"\n", 3, "run.toml: timeout: given twice");
    refuses("timeout = \"5s\"\ntimeout = \"6s\"\n", 3, "run.toml: timeout: given twice");
    refuses("allow-http = true\nallow-http = false\n", 3, "run.toml: allow-http: given twice");
    refuses("timeout = 5\n", 3, "run.toml: --timeout: '5' is no duration");
    refuses("timeout\n", 3, "run.toml: timeout: not of the form key = value");
    for (const char* line : {"++", "=", "= 5", ";timeout = \"3s\"", "] = 5"}) {
        refuses(std::string(line) + "\n", 3, std::string("run.toml: ") + line[0]);
    }
    refuses("[]\n", 3, "run.toml: []: there are no sections");
    refuses("timeout =\njitter = 5\n", 3, "run.toml: timeout: a value is missing");
    refuses("timeout = []\n", 3, "run.toml: timeout: an empty array");
    refuses("retry-delays = []\n", 3, "run.toml: retry-delays: an empty array");
    refuses("timeout = [\"1s\", \"2s\"]\n", 3, "run.toml: timeout: one value, no array");
    refuses("timeout = \"5s\" jitter = 5\n", 3, "run.toml: timeout: nothing may stand behind the value");
    refuses("timeout = \"-5s\"\n", 3, "run.toml: --timeout: '-5s' is no duration");
    refuses("timeout = \"99999999999999999999d\"\n", 3, "is no duration");
    refuses("in-flight = \"many\"\n", 3, "run.toml: --in-flight: ");
    refuses("in-flight = 0\n", 3, "run.toml: --in-flight: ");
    refuses("jitter = -1\n", 3, "run.toml: ");
    for (const char* value : {"\"perhaps\"", "-1", "2", "1", "yes", "[false, true]", "[]"}) {
        refuses(std::string("allow-http = ") + value + "\n", 3, "run.toml: allow-http: ");
    }
    refuses("log-level = \"loud\"\n", 3, "run.toml: --log-level: loud not in");
    refuses("metrics-port = 65536\n", 3, "run.toml: --metrics-port: ");
    refuses("deny-address = [\"10.0.0.1\"\nin-flight = 5\n", 3,
            "run.toml: deny-address: a comma is missing in an array, or its end");
    refuses("deny-address = [\"10.0.0.1\", ", 3, "run.toml: deny-address: a value is missing");
    refuses("deny-address = [, \"10.0.0.1\"]\n", 3, "run.toml: deny-address: a value is missing");
    refuses("deny-address = \"10.0.0.1\"]\n", 3, "run.toml: deny-address: nothing may stand behind the value");
    refuses("cacert = \"/a\njitter = 5\n", 3, "run.toml: cacert: a text in quotes has no end");
    refuses("cacert = '/a", 3, "run.toml: cacert: a text in quotes has no end");
    refuses("cacert = \"a\\tb\"\n", 3, "run.toml: cacert: \\ can stand in '...' only");
    refuses("proxy = \"#\" # not a comment\n", 3, "--proxy: malformed input");
    refuses("retry-delays = [\"1m\", \"soon\"]\n", 3, "run.toml: --retry-delays: 'soon' is no duration");
    refuses("retry-delays = [\"2d\"]\n", 2, "retry delays[0]");
    refuses("retry-window = \"900d\"\n", 2, "retry window");
    refuses("jitter = 51\n", 2, "retry jitter_percent");
    refuses("proxy = \"ftp://127.0.0.1:1\"\n", 3, "--proxy");
    refuses("connect-timeout = \"40d\"\n", 2, "connect_timeout");
    refuses(std::string("\x1b\0\xff = 1\n", 8), 3, "run.toml: \\x1b\\x00\\xff: no such option");
}

TEST_CASE("fpt-webhooks run: all of its options may stand in the file, and the command line's win") {
    Site site;
    const Server server(answer_always(response_of(200)));
    site.subscribe(server.url());
    const std::string config = site.folder.file("run.toml");
    write_file(config, R"(# everything
store = "/nowhere/webhooks.db"
key-env = "NOT_SET"      # --key-file is given
cacert = ")" + site.authority_file.path() +
                           R"("
allow-address = ["127.0.0.1", "localhost"]
deny-address = [
    "10.0.0.0/8",
    "hooks.example",
]
allow-http = true
in-flight = 5
timeout = "5s"
connect-timeout = "2s"
retry-delays = ["1s", "2s"]
retry-window = "1h"
jitter = 20
disable-after = "2d"
poll-interval = "100ms"
keep-history = "3d"
keep-ids = "4d"
log-level = "error"
stalled-after = "20m"
stop-patience = "5s"
)");
    RunningProgram program(
        {"run", "--config", config, "--store", site.folder.file(), "--key-file", site.key, "--log-level", "info"});
    REQUIRE(program.wait_for("running"));
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    const Ended ended = terminate(program);
    CHECK(ended.status == 0);
    CHECK(ended.err.find("event=stopping patience=5s") != std::string::npos);
    CHECK(site.count(DeliveryState::delivered) == 1);
}

TEST_CASE("fpt-webhooks run: nonsense is one clear line and its documented status") {
    const Site site;
    const std::string other = site.folder.file("other.db");
    const auto ends = [&](const std::vector<std::string>& arguments, int status, const std::string& why) {
        const Ended ended = run_program(arguments);
        CAPTURE(arguments, ended.err);
        CHECK(ended.status == status);
        CHECK(ended.out == "");
        CHECK(ended.err.substr(0, 14) == "fpt-webhooks: ");
        CHECK(lines_of(ended.err).size() <= 2);
        CHECK(ended.err.find(why) != std::string::npos);
    };
    const std::string& key = site.key;
    ends({"run"}, 2, "--store is required");
    ends({"run", "--store", other}, 2, "--key-file,--key-env");
    ends({"run", "--store", other, "--key-file", key, "--key-env", "KEY"}, 2, "--key-file,--key-env");
    ends({"run", "--store", other, "--key-file", key, "--fast"}, 2, "--fast");
    ends({"run", "--store", other, "--key-file", key, "now"}, 2, "now");
    ends({"run", "--store", other, "--key-file", key, "--timeout", "5min"}, 2, "--timeout: '5min'");
    ends({"run", "--store", other, "--key-file", key, "--retry-delays", "1m,,5m"}, 2, "--retry-delays: ''");
    ends({"run", "--store", other, "--key-file", site.folder.file("none")}, 3, "none: No such file or directory");
    ends({"run", "--store", other, "--key-env", "NOT_SET"}, 3, "NOT_SET: not set");
    ends({"run", "--store", other, "--key-file", key, "--config", site.folder.file("none")}, 3,
         "none: No such file or directory");
    ends({"run", "--store", site.folder.file("no/folder.db"), "--key-file", key}, 4, "no/folder.db");
    ends({"run", "--store", key, "--key-file", key}, 4, "key");  // no database
    ends({"run", "--store", other, "--key-file", key, "--cacert", key}, 3, "--cacert: ca_file: holds no cert");
    ends({"run", "--store", other, "--key-file", key, "--cacert", site.folder.file("none")}, 3,
         "none: No such file or directory");
    ends({"run", "--store", other, "--key-file", key, "--config", "-"}, 3, "-: no regular file");
    ends({"run", "--store", other, "--key-file", key, "--allow-address", "here and there"}, 2, "here and there");
}

TEST_CASE("fpt-webhooks run: output that cannot be written ends it, and its log says so") {
    const Site site;
    const Ended ended = run_program(site.options({"--json"}), {.out_file = "/dev/full"});
    CHECK(ended.status == 5);
    const std::vector<std::string> lines = lines_of(ended.err);
    for (const std::string& line : lines) CHECK(JsonObject::parse(line));
    REQUIRE_FALSE(lines.empty());
    CHECK(json_field(lines.back(), "event") == "failed");
    CHECK(json_field(lines.back(), "error") == "standard output: No space left on device");
}

TEST_CASE("fpt-webhooks run: a full disk is an error of the store, before anything is sent") {
    const Site site;
    std::filesystem::create_directory(site.folder.path / "small");
    // A full file system that only this shell sees.
    write_file(site.folder.file("script"),
               "mount -t tmpfs -o size=1m small small || exit 77\n"
               "head -c 2000000 /dev/zero > small/ballast 2> /dev/null\n"
               "exec fpt-webhooks run --store small/w.db --key-file key --cacert " +
                   site.authority_file.path());
    const Ended ended = run_shell("unshare -rm bash script", {.folder = site.folder.path.string()});
    CAPTURE(ended.err);
    if (ended.status == 77 || contains(ended.err, "unshare failed")) {
        WARN("this machine lets us mount no tmpfs: skipped");
        return;
    }
    CHECK(ended.status == 4);
    CHECK(ended.out == "");
    CHECK(ended.err.starts_with("fpt-webhooks: "));
    CHECK(lines_of(ended.err).size() == 1);
    CHECK((contains(ended.err, "disk is full") || contains(ended.err, "No space left")));
}

TEST_CASE("fpt-webhooks run: a second one on the same store is refused, and the first goes on") {
    Site site;
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    const auto first = site.start();
    const Ended second = run_program(site.options());
    CHECK(second.status == 4);
    CHECK(second.out == "");
    CHECK(second.err.find("another dispatcher runs on this database\n") != std::string::npos);
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    CHECK(terminate(*first).status == 0);
}

TEST_CASE("fpt-webhooks run: a port that is taken is refused before anything is sent") {
    Site site;
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    site.publish(1);
    const Ended ended = run_program(site.options({"--metrics-port", std::to_string(server.port())}));
    CHECK(ended.status == 5);
    CHECK(ended.err.find("--metrics-port " + std::to_string(server.port()) + ": Address already in use\n") !=
          std::string::npos);
    CHECK(server.requests() == 0);
}

TEST_CASE("fpt-webhooks run: more attempts in flight than the machine has descriptors for are refused") {
    const Site site;
    const Ended ended = run_shell("ulimit -n 1000; fpt-webhooks run --store " + site.folder.file() + " --key-file " +
                                  site.key + " --cacert " + site.authority_file.path());
    CHECK(ended.status == 5);
    CHECK(ended.err.find("--in-flight 512: needs ") != std::string::npos);
}

// ---- watching

TEST_CASE("fpt-webhooks run: the metrics count what happened, in Prometheus' text format") {
    Site site;
    const Server server(
        [](Connection& connection) {
            for (int i = 0; connection.read_request(); ++i) connection.write(response_of(i == 0 ? 500 : 200));
        },
        site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--metrics-port", "0", "--retry-delays", "1h"});
    site.publish(4);
    const Page page = get_until(*program, "/metrics", [](const Page& got) {
        return got.body.find("\nfpt_webhooks_delivered_total 3\n") != std::string::npos &&
               got.body.find("\nfpt_webhooks_pending_deliveries 1\n") != std::string::npos;
    });
    CHECK(page.status == 200);
    CHECK(page.type == "text/plain; version=0.0.4; charset=utf-8");
    CAPTURE(page.body);
    Samples samples = parse_metrics(page.body);
    CHECK(samples["fpt_webhooks_attempts_total"] == 4);
    CHECK(samples["fpt_webhooks_delivered_total"] == 3);
    CHECK(samples["fpt_webhooks_failed_attempts_total"] == 1);
    CHECK(samples["fpt_webhooks_commits_total"] >= 1);
    CHECK(samples["fpt_webhooks_pending_deliveries"] == 1);
    CHECK(samples["fpt_webhooks_oldest_pending_age_seconds"] > 0);
    CHECK(samples["fpt_webhooks_in_flight_attempts"] == 0);
    CHECK(samples["fpt_webhooks_store_failing"] == 0);

    const std::string histogram = "fpt_webhooks_attempt_duration_seconds";
    double before = 0;
    double bound_before = 0;
    std::istringstream lines(page.body);
    for (std::string line; std::getline(lines, line);) {
        const std::string head = histogram + "_bucket{le=\"";
        if (line.substr(0, head.size()) != head) continue;
        const double bound = std::stod(line.substr(head.size()));  // "+Inf" too
        const double count = std::stod(line.substr(line.rfind(' ')));
        CHECK(bound > bound_before);
        CHECK(count >= before);
        bound_before = bound;
        before = count;
    }
    CHECK(std::isinf(bound_before));
    CHECK(before == 4);
    CHECK(samples[histogram + "_count"] == 4);
    CHECK(samples[histogram + "_sum"] > 0);
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: the health is bad while the store takes no writes, and good again after it") {
    Site site;
    Gate gate;
    const Server server(answer_behind(gate), site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--metrics-port", "0"});
    CHECK(get(*program, "/healthz").body == "ok\n");
    CHECK(get(*program, "/healthz").status == 200);
    CHECK(get(*program, "/").status == 404);
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    {
        const WriteLock lock(site.folder.file());
        gate.open();  // an outcome to write
        REQUIRE(program->wait_for_error("event=store_failed"));
        const Page bad = get(*program, "/healthz");
        CHECK(bad.status == 503);
        CHECK(bad.body == "the store takes no writes, or does not give what is asked\n");
        CHECK(get(*program, "/metrics").body.find("\nfpt_webhooks_store_failing 1\n") != std::string::npos);

        program->signal(SIGHUP);  // would stop what could not start again
        REQUIRE(program->wait_for_error("event=reload_refused"));
    }
    REQUIRE(program->wait_for_error("event=store_recovered"));
    CHECK(get(*program, "/healthz").status == 200);
    CHECK(terminate(*program).status == 0);
    CHECK(site.count(DeliveryState::delivered) == 1);
}

TEST_CASE("fpt-webhooks run: the health is bad when deliveries are due and nothing has moved for too long") {
    Site site;
    site.subscribe("https://127.0.0.1:" + std::to_string(free_port()) + "/");  // holds its lane for a minute
    const auto program = site.start({"--metrics-port", "0", "--stalled-after", "1s"});
    site.publish(2);
    const Page page = get_until(*program, "/healthz", [](const Page& got) { return got.status == 503; });
    CHECK(page.body == "deliveries are due, and nothing has moved for 1s\n");
    CHECK(get(*program, "/metrics").status == 200);
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: what waits for its retry, for a person or for a secret does not make the health bad") {
    Site site;
    const Server server(answer_always(response_of(500)), site.tls());
    site.subscribe(server.url());
    site.subscribe(server.url());
    REQUIRE(site.publisher->create_subscription({.actor = admin, .url = "https://127.0.0.1/", .events = {"*"}}));
    site.publish(1);
    REQUIRE(site.publisher->pause(admin, SubscriptionId(2)));
    const auto program = site.start({"--metrics-port", "0", "--stalled-after", "0s", "--retry-delays", "1d"});
    CHECK(get_until(*program, "/healthz", [](const Page& got) { return got.status == 200; }).body == "ok\n");
    CHECK(terminate(*program).status == 0);
    CHECK(server.requests() == 1);
    CHECK(site.publisher->metrics().value().pending == 3);
}

TEST_CASE("fpt-webhooks run: the health is bad while it ends") {
    Site site;
    Gate gate;
    const Server server(answer_behind(gate), site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--metrics-port", "0"});
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    program->signal(SIGTERM);
    REQUIRE(program->wait_for_error("event=stopping"));
    const Page page = get_until(*program, "/healthz", [](const Page& got) { return got.status == 503; });
    CHECK(page.body == "stopping\n");
    gate.open();
    CHECK(program->wait().status == 0);
}

TEST_CASE("fpt-webhooks run: the metrics begin anew after a reload, on the same port") {
    Site site;
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--metrics-port", "0"});
    site.publish(1);
    const auto shows = [&](const std::string& line) {
        return get_until(*program, "/metrics", [&](const Page& page) {
                   return page.body.find("\n" + line + "\n") != std::string::npos;
               }).status == 200;
    };
    REQUIRE(shows("fpt_webhooks_delivered_total 1"));
    program->signal(SIGHUP);
    REQUIRE(program->wait_for_error("event=reloaded"));
    CHECK(shows("fpt_webhooks_delivered_total 0"));
    site.publish(1);
    CHECK(shows("fpt_webhooks_delivered_total 1"));
    CHECK(terminate(*program).status == 0);
}

// ---- the log

TEST_CASE("fpt-webhooks run: every line of its log is logfmt, or JSON when asked, and nothing secret stands anywhere") {
    Site site;
    // A peer that says what would harm a terminal and a log.
    const Server server(answer_always(response_of(500, "\x1b[2J level=fake event=\"gone\"\n\"")), site.tls());
    site.subscribe(server.url());
    const bool json = GENERATE(false, true);
    std::vector<std::string> options = {"--metrics-port", "0", "--retry-delays", "10ms"};
    if (json) options.emplace_back("--json");
    const auto program = site.start(options);
    site.publish(1);
    REQUIRE(program->wait_for_error("exhausted"));
    program->signal(SIGHUP);
    REQUIRE(program->wait_for_error("reloaded"));
    const std::string pages = get(*program, "/metrics").body + get(*program, "/healthz").body;
    const Ended ended = terminate(*program);
    CHECK(ended.status == 0);

    std::multiset<std::string> events;
    for (const std::string& line : lines_of(ended.err)) {
        CAPTURE(line);
        std::map<std::string, std::string> fields;
        if (json) {
            REQUIRE(JsonObject::parse(line));
            for (const char* name : {"event", "time", "status"}) fields[name] = json_field(line, name);
        } else {
            fields = logfmt_fields(line);
        }
        events.insert(fields["event"]);
        CHECK(parse_timestamp(fields["time"]));
        if (fields["event"] == "attempt_failed") CHECK(fields["status"] == "500");
    }
    CHECK(events == std::multiset<std::string>{"started", "attempt_failed", "attempt_failed", "exhausted", "reloading",
                                               "reloaded", "stopping", "stopped"});
    const std::string everything = ended.out + ended.err + pages;
    CHECK(everything.find(site.secret) == std::string::npos);
    CHECK(everything.find(site.secret.substr(6, 12)) == std::string::npos);
    CHECK(everything.find(store_key.substr(0, 12)) == std::string::npos);
    CHECK(everything.find('\x1b') == std::string::npos);
    CHECK(everything.find("level=fake") == std::string::npos);
}

TEST_CASE("fpt-webhooks run: below the log's level nothing is written") {
    Site site;
    const Server server(answer_always(response_of(500)), site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--retry-delays", "10ms", "--log-level", "warning"});
    site.publish(1);
    REQUIRE(program->wait_for_error("exhausted"));
    const Ended ended = terminate(*program);
    CHECK(ended.status == 0);
    CHECK(lines_of(ended.err).size() == 1);
}

// ---- docs/run.md

TEST_CASE("fpt-webhooks run: the config file of docs/run.md works as it stands there") {
    Site site;
    const std::string page = contents(FPT_WEBHOOKS_DOCS "/run.md");
    const std::string head = "```toml\n";
    const std::size_t begin = page.find(head);
    REQUIRE(begin != std::string::npos);
    const std::size_t end = page.find("```", begin + head.size());
    const std::string config = site.folder.file("run.toml");
    write_file(config, page.substr(begin + head.size(), end - begin - head.size()));
    const Server server(answer_always(response_of(200)), site.tls());
    site.subscribe(server.url());
    const auto program = site.start({"--config", config, "--metrics-port", "0"});
    site.publish(1);
    REQUIRE(server.wait_for_requests(1));
    CHECK(get(*program, "/healthz").status == 200);
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: docs/run.md lists the options of its help, and no others") {
    const auto& pages = help_pages();
    const auto page = std::find_if(pages.begin(), pages.end(), [](const HelpPage& any) { return any.name() == "run"; });
    REQUIRE(page != pages.end());
    std::set<std::string> documented;
    for (const auto& cells : rows_of_docs("`--")) documented.merge(matches(cells[0], "--[a-z][a-z-]*"));
    CHECK(documented == std::set<std::string>(page->options.begin(), page->options.end()));
}

TEST_CASE("fpt-webhooks run: docs/run.md lists every metric with its kind, and no others") {
    const Site site;
    const auto program = site.start({"--metrics-port", "0"});
    std::set<std::string> documented;
    for (const auto& cells : rows_of_docs("`fpt_webhooks_")) documented.insert(cells[0] + " " + cells[1]);
    std::set<std::string> exported;
    for (const std::string& line : lines_of(get(*program, "/metrics").body)) {
        std::istringstream words(line);
        std::string hash, what, name, kind;
        if (words >> hash >> what >> name >> kind && what == "TYPE") exported.insert("`" + name + "` " + kind);
    }
    CHECK(exported == documented);
    CHECK(terminate(*program).status == 0);
}

TEST_CASE("fpt-webhooks run: docs/run.md lists every event of the log, and no others") {
    std::set<std::string> documented;
    for (const auto& cells : rows_of_docs("`[a-z_]+`.* \\| (info|warning|error)")) {
        documented.merge(matches(cells[0], "[a-z_]+"));
    }
    std::set<std::string> logged;
    for (int kind = 0; to_string(static_cast<Notice::Kind>(kind)) != "unknown"; ++kind) {
        logged.emplace(to_string(static_cast<Notice::Kind>(kind)));
    }
    logged.erase("same_url");  // tells who creates or edits a subscription, which this process does not
    for (const char* file : {"run.cpp", "log.cpp", "metrics_server.cpp"}) {
        const std::string code = contents(std::string(FPT_WEBHOOKS_DOCS "/../src/cli/") + file);
        for (const std::string& call : matches(code, "LogLevel::[a-z]+,\\s*\"[a-z_]+\"")) {
            logged.merge(matches(call.substr(call.find('"')), "[a-z_]+"));
        }
    }
    CHECK(logged == documented);
}

TEST_CASE("fpt-webhooks run: the unit file of docs/run.md gives it options that it has, and longer than its patience") {
    std::map<std::string, std::string> settings;
    for (const Block& block : blocks_of("run.md")) {
        if (block.mark != "ini") continue;
        for (const std::string& line : lines_of(block.text)) {
            settings.emplace(line.substr(0, line.find('=')), line.substr(line.find('=') + 1));
        }
    }
    const std::string start = settings["ExecStart"];
    CHECK(start.starts_with("/usr/local/bin/fpt-webhooks run "));
    const auto& pages = help_pages();
    const auto page = std::find_if(pages.begin(), pages.end(), [](const HelpPage& any) { return any.name() == "run"; });
    REQUIRE(page != pages.end());
    const std::set<std::string> used = matches(start, "--[a-z][a-z-]*");
    CHECK(used.size() == 2);
    for (const std::string& option : used) {
        CAPTURE(option);
        CHECK(std::count(page->options.begin(), page->options.end(), option) == 1);
    }
    const std::set<std::string> patience = matches(contents(FPT_WEBHOOKS_DOCS "/run.md"), "stop-patience = \"[0-9]+s");
    REQUIRE(patience.size() == 1);
    CHECK(std::stoi(settings["TimeoutStopSec"]) > std::stoi(patience.begin()->substr(17)));
}
