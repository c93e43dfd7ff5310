#include "cli/listening.hpp"

#include <cctype>
#include <mutex>

#include "cli/endpoint.hpp"
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"

using namespace cli_test;
using namespace fpt_webhooks::test;

namespace {

// An endpoint, and the arguments that reach it.
struct Target : Endpoint {
    using Endpoint::Endpoint;

    [[nodiscard]] Ended send(const std::vector<std::string>& more = {}, const std::string& input = {}) const {
        std::vector<std::string> arguments = {"send",     url(),          "--secret-env",    "SECRET",
                                              "--cacert", ca_file.path(), "--allow-address", "127.0.0.1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_program(arguments, with_secrets(input));
    }
    [[nodiscard]] std::string last_body() const {
        const std::string request = server.last_request();
        return request.substr(request.find("\r\n\r\n") + 4);
    }
};

}  // namespace

TEST_CASE("fpt-webhooks send: delivers a signed sample, and shows the answer's head and how long each step took") {
    const Target endpoint(response_of(202, "queued", "X-Queue: 7\r\n"));
    const Ended ended = endpoint.send({"--contact", "77", "--location", "5", "--organization", "0"});
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
    CHECK(ended.err == "");
    CHECK(contains(ended.out, "contact.updated  "));
    CHECK(contains(ended.out, "\n  202 from 127.0.0.1\n"));
    CHECK(contains(ended.out, "\n  X-Queue: 7\n"));
    CHECK(contains(ended.out, "\n\n  queued\n"));
    CHECK(contains(ended.out, "\n  DNS -, connect "));
    for (const char* const step : {", TLS ", ", first byte ", ", total "}) {
        const auto found = ended.out.find(step);
        REQUIRE(found != std::string::npos);
        CHECK(ended.out[found + std::string_view(step).size()] != '-');
    }
    const std::string request = endpoint.server.last_request();
    CHECK(contains(request, "\r\nX-FPT-Signature: t="));
    CHECK(contains(request, "\r\nContent-Type: application/json; charset=utf-8\r\n"));
    CHECK(contains(request, R"("locationId":5,"organizationId":0,"apiVersion":"v1","data":{"contactId":77,)"));
}

TEST_CASE("fpt-webhooks send: what an answer holds reaches no terminal as it is") {
    const Target endpoint(response_of(200, "a\x1b[2Jb\x07\r\nc\xff", "X-Title: \x1b]0;owned\x07\r\n"));
    const Ended shown = endpoint.send();
    INFO(shown.out << shown.err);
    CHECK(shown.out.find_first_of("\x1b\x07\r\xff") == std::string::npos);
    CHECK(contains(shown.out, "\n  X-Title: "));
    CHECK(contains(shown.out, "\n  a\\x1b[2Jb\\x07\\x0d\n  c\\xff\n"));

    const Ended json = endpoint.send({"--json"});
    CHECK(json.out.find_first_of("\x1b\x07\r\xff") == std::string::npos);
    CHECK(contains(json.out, R"("body":"a\\x1b[2Jb\\x07\\x0d\nc\\xff"})"));
}

TEST_CASE("fpt-webhooks send: json is one line with status, timings in microseconds and headers") {
    const Target endpoint(response_of(500, "broken"));
    const Ended ended = endpoint.send({"--json", "--type", "contact.created"});
    CHECK(ended.status == 1);
    REQUIRE(lines_of(ended.out).size() == 1);
    CHECK(ended.out.starts_with(R"({"event_type":"contact.created","event_id":")"));
    CHECK(contains(ended.out, R"("delivered":false,"address":"127.0.0.1","timings_us":{"resolved":0,"connected":)"));
    CHECK(contains(ended.out, R"("status":500,"headers":[{"name":"Content-Length","value":"6"}],"body":"broken"})"));
}

TEST_CASE("fpt-webhooks send: repeat sends different events, duplicate each one twice") {
    std::mutex mutex;
    std::vector<std::string> bodies;
    const Target endpoint([&](Connection& connection) {
        while (const auto request = connection.read_request()) {
            const std::lock_guard lock(mutex);
            bodies.push_back(request->substr(request->find("\r\n\r\n")));
            connection.write(response_of(bodies.size() == 4 ? 503 : 200));
        }
    });
    const Ended ended = endpoint.send({"--repeat", "3", "--duplicate"});
    CHECK(ended.status == 1);
    CHECK(contains(ended.err, "6 sent, 5 delivered\n"));
    const std::lock_guard lock(mutex);
    REQUIRE(bodies.size() == 6);
    for (const std::size_t i : {0U, 2U, 4U}) CHECK(bodies[i] == bodies[i + 1]);
    CHECK(bodies[0] != bodies[2]);
    CHECK(bodies[2] != bodies[4]);
    CHECK(contains(ended.out, "connect -, TLS -, "));  // the connection was used again
}

TEST_CASE("fpt-webhooks send: a body of one's own goes out to the byte") {
    const Target endpoint(response_of(200));
    const std::string body = "{ \"no\" : \"event\" }\r\n\xff";
    const Ended piped = endpoint.send({"--body", "-"}, body);
    CHECK(piped.status == 0);
    CHECK(piped.out.starts_with("-  -  21 bytes\n"));
    CHECK(endpoint.last_body() == body);

    const TemporaryFile file(body);
    CHECK(endpoint.send({"--body", file.path(), "--tamper"}).status == 0);
    CHECK(endpoint.last_body().size() == body.size());
    CHECK(endpoint.last_body() != body);
}

TEST_CASE("fpt-webhooks send: a UFP sample is signed as UFP does, and each is another event") {
    const Target endpoint(response_of(200));
    REQUIRE(endpoint.send({"--vendor", "ufp", "--location", "2"}).status == 0);
    const std::string first = endpoint.last_body();
    CHECK(first.starts_with(R"({"webhook_event_type":"new_lead_created","created_at":")"));
    CHECK(contains(first, R"("company_id":5678,"tenant_id":2,"payload":{)"));
    CHECK(contains(endpoint.server.last_request(), "\r\nX-UFP-Signature: "));
    REQUIRE(endpoint.send({"--vendor", "ufp", "--location", "2"}).status == 0);
    CHECK(endpoint.last_body() != first);
}

TEST_CASE("fpt-webhooks send: shows how long it took to look a name up") {
    const Target endpoint(response_of(200));
    std::vector<std::string> arguments = {"send",     endpoint.server.url("localhost"), "--secret-env", "SECRET",
                                          "--cacert", endpoint.ca_file.path()};
    for (const char* const allowed : {"localhost", "127.0.0.1", "::1"}) {
        arguments.insert(arguments.end(), {"--allow-address", allowed});
    }
    const Ended ended = run_program(arguments, with_secrets());
    CAPTURE(ended.out, ended.err);
    CHECK(ended.status == 0);
    CHECK(contains(ended.out, "\n  200 from 127.0.0.1\n"));
    const auto dns = ended.out.find("\n  DNS ");
    REQUIRE(dns != std::string::npos);
    CHECK(std::isdigit(static_cast<unsigned char>(ended.out[dns + 7])) != 0);
}

TEST_CASE("fpt-webhooks send: has a sample of every event of the catalogues, and of no family") {
    const Target endpoint(response_of(200));
    std::size_t families = 0;
    const auto rows = lines_of(run_program({"events", "--json"}).out);
    CHECK(rows.size() > 50);
    for (const std::string& row : rows) {
        const std::string event = field_of(row, "event");
        const std::string vendor = field_of(row, "vendor");
        const Ended ended = endpoint.send({"--vendor", vendor, "--type", event});
        CAPTURE(row, ended.out, ended.err);
        const bool is_family = event.ends_with(".*");
        CHECK(ended.status == (is_family ? 2 : 0));
        if (is_family) {
            ++families;
            CHECK(contains(ended.err, "--type " + event + ": a family, no event\n"));
        } else {
            CHECK(contains(endpoint.last_body(),
                           (vendor == "fpt" ? R"("eventType":")" : R"("webhook_event_type":")") + event + "\""));
        }
    }
    CHECK(families == 4);
}

TEST_CASE("fpt-webhooks send: says what to do about a target that cannot be reached") {
    const Target endpoint(response_of(401));
    CHECK(contains(endpoint.send().err, "does not accept the signature"));
    const Target moved(response_of(302, "", "Location: https://elsewhere.example/\r\n"));
    CHECK(contains(moved.send().err, "redirects are not followed"));

    const auto send = [](const std::string& url, const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments = {"send", url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_program(arguments, with_secrets());
    };
    const ClosedPort closed;
    const Ended refused = send(closed.url("https"));
    CHECK(refused.status == 1);
    CHECK(contains(refused.out, "not delivered: connection failed"));
    CHECK(contains(refused.err, "does something listen there?"));

    const Ended untrusted = send(endpoint.server.url());
    CHECK(untrusted.status == 1);
    CHECK(contains(untrusted.out, "not delivered: certificate rejected"));
    CHECK(contains(untrusted.err, "--cacert"));

    const Server plain(answer_always(response_of(200)));
    const Server no_tls([](Connection& connection) { connection.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
    CHECK(contains(send("https" + no_tls.url().substr(4)).err, "does it speak TLS?"));
    CHECK(send(plain.url()).status == 6);
    CHECK(send(plain.url(), {"--allow-http"}).status == 0);

    const Server silent([](Connection& connection) { connection.wait_for_close(); });
    const Ended late = send(silent.url(), {"--allow-http", "--timeout", "1s"});
    CHECK(late.status == 1);
    CHECK(contains(late.out, "not delivered: no response"));
}

TEST_CASE("fpt-webhooks send: a private address is refused by the policy, before anything is sent") {
    const Server server(answer_always(response_of(200)), {.identity = self_signed({.addresses = {"127.0.0.1"}})});
    const Ended ended = run_program({"send", server.url(), "--secret-env", "SECRET"}, with_secrets());
    CHECK(ended.status == 6);
    CHECK(ended.out == "");
    REQUIRE(lines_of(ended.err).size() == 2);
    CHECK(contains(ended.err, ": refused by the endpoint policy: 127.0.0.1 is in 127.0.0.0/8"));
    CHECK(contains(ended.err, "--allow-address"));
    CHECK(server.connections() == 0);
}

TEST_CASE("fpt-webhooks send: nonsense is named in one line, with a status of its own") {
    const TemporaryFile text("no certificate");
    const TemporaryFile nothing("");
    const std::string url = "https://hooks.example/";
    const std::vector<Nonsense> cases = {
        {{"--secret-env", "SECRET"}, 2, "URL is required"},
        {{url}, 2, "--secret-env"},
        {{url, "--secret-env", "SECRET", "--frob"}, 2, "--frob"},
        {{url, "--secret-env", "NOT_SET"}, 3, "NOT_SET: not set, or empty"},
        {{url, "--secret-env", "SHORT"}, 3, "environment variable SHORT: "},
        {{url, "--secret-file", "/no/such/file"}, 3, "/no/such/file: "},
        {{"hooks.example", "--secret-env", "SECRET"}, 2, "hooks.example: malformed input"},
        {{"http://hooks.example/", "--secret-env", "SECRET"}, 6, "refused by the endpoint policy"},
        {{url, "--secret-env", "SECRET", "--allow-address", "127.0.0"}, 2, "--allow-address: "},
        {{url, "--secret-env", "SECRET", "--cacert", "/no/such/file"}, 3, "/no/such/file: No such file"},
        {{url, "--secret-env", "SECRET", "--cacert", nothing.path()}, 3, ": empty"},
        {{url, "--secret-env", "SECRET", "--cacert", text.path()}, 3, "holds no certificate"},
        {{url, "--secret-env", "SECRET", "--type", "contact.update"}, 2, "--type contact.update: "},
        {{url, "--secret-env", "SECRET", "--type", "task.*"}, 2, "--type task.*: "},
        {{url, "--secret-env", "SECRET", "--vendor", "acme"}, 2, "--vendor"},
        {{url, "--secret-env", "SECRET", "--vendor", "ufp", "--type", "x"}, 2, "--type x: "},
        {{url, "--secret-env", "SECRET", "--vendor", "ufp", "--stale"}, 2, "--stale: "},
        {{url, "--secret-env", "SECRET", "--body", "/no/such/file"}, 3, "/no/such/file: No such file"},
        {{url, "--secret-env", "SECRET", "--body", "-"}, 3, "standard input: empty"},
        {{url, "--secret-env", "SECRET", "--body", "-", "--repeat", "2"}, 2, "excludes"},
        {{url, "--secret-env", "SECRET", "--repeat", "0"}, 2, "--repeat"},
        {{url, "--secret-env", "SECRET", "--timeout", "soon"}, 2, "--timeout"},
        {{url, "--secret-env", "SECRET", "--timeout", "500ms"}, 2, "--timeout: 500ms: no whole 1s"},
        {{url, "--secret-env", "SECRET", "--timeout", "2h"}, 2, "--timeout: Value 7200 not in range 1 to 3600"},
        {{url, "--secret-env", "SECRET", "--contact", "9999999999"}, 2, "--contact"}};
    check_refused("send", cases);
}

TEST_CASE("fpt-webhooks send: an answer that cannot be printed is an error") {
    const Target endpoint(response_of(200));
    const std::vector<std::string> arguments = {"send",     endpoint.server.url(),   "--secret-env",    "SECRET",
                                                "--cacert", endpoint.ca_file.path(), "--allow-address", "127.0.0.1"};
    ProgramOptions options = with_secrets();
    options.out_file = "/dev/full";
    const Ended ended = run_program(arguments, options);
    CHECK(ended.status == 5);
    CHECK(ended.err == "fpt-webhooks: standard output: No space left on device\n");
}
