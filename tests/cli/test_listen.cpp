#include "cli/listening.hpp"

#include <csignal>

#include "cli/endpoint.hpp"
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"

using namespace cli_test;
using namespace fpt_webhooks::test;

namespace {

// What `send` printed of the answers, in their order: "200", "401".
std::vector<std::string> statuses_of(const Ended& sent) {
    std::vector<std::string> statuses;
    for (const std::string& line : lines_of(sent.out)) {
        const auto found = line.find(" from 127.0.0.1");
        if (found != std::string::npos) statuses.push_back(line.substr(2, found - 2));
    }
    return statuses;
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

std::string port_of(const std::string& url) {
    return url.substr(url.rfind(':') + 1, url.rfind('/') - url.rfind(':') - 1);
}

// These bytes over a plain connection to `url`, and the answer. printf's escapes.
std::string exchange_raw(const std::string& url, const std::string& request) {
    return run_shell("exec 3<>/dev/tcp/127.0.0.1/" + port_of(url) + " && printf '" + request + "' >&3 && cat <&3").out;
}

}  // namespace

TEST_CASE("fpt-webhooks listen: shows what comes, fresh or duplicate, and why a signature does not hold") {
    Listening listen;
    CHECK(listen.url.starts_with("https://127.0.0.1:"));
    CHECK(listen.send({"--duplicate"}).status == 0);
    CHECK(statuses_of(listen.send({"--stale"})) == std::vector<std::string>{"401"});
    CHECK(listen.send({"--tamper"}).status == 1);
    CHECK(listen.send({"--secret-env", "OTHER_SECRET"}).status == 1);
    const Ended ended = listen.end();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
    CHECK(lines_of(ended.out).front() == "listening on " + listen.url);
    CHECK(count_of(ended.out, "  200  contact.updated  ") == 2);
    CHECK(count_of(ended.out, "  225 bytes  verified by \"SECRET\", fresh\n") == 1);
    CHECK(count_of(ended.out, "  225 bytes  verified by \"SECRET\", duplicate, ") == 1);
    CHECK(count_of(ended.out, "  401  -  -  225 bytes  not verified\n") == 3);
    CHECK(count_of(ended.out, "\n  too_old (proved): signed 60") == 1);
    CHECK(count_of(ended.out, "\n  wrong_secret_or_body: ") == 2);
    CHECK(count_of(ended.out, "\n    \"data\": {\n      \"contactId\": 9876,\n") == 4);
    CHECK(count_of(ended.out, "\n      \"contactId\": 9871,\n") == 1);
    CHECK(contains(ended.err, "requests: 5 (1 fresh, 1 duplicate, 3 not verified, 0 otherwise refused)\n"));
}

TEST_CASE("fpt-webhooks listen: names the one of several secrets that signed") {
    const TemporaryFile secrets(other_secret + "\tlabel=new\n" + secret + "\tlabel=old\n");
    Listening listen({"--secret-file", secrets.path()});
    CHECK(listen.send().status == 0);
    CHECK(listen.send({"--secret-env", "OTHER_SECRET"}).status == 0);
    const std::string out = listen.end().out;
    CHECK(count_of(out, "verified by \"old\", fresh") == 1);
    CHECK(count_of(out, "verified by \"new\", fresh") == 1);
}

TEST_CASE("fpt-webhooks listen: json is one line for each request") {
    Listening listen({"--json", "--http"});
    CHECK(listen.send().status == 0);
    CHECK(listen.send({"--tamper"}).status == 1);
    CHECK(run_program(
              {"send", listen.url + "/else", "--secret-env", "SECRET", "--allow-http", "--allow-address", "127.0.0.1"},
              with_secrets())
              .status == 1);
    const auto lines = lines_of(listen.end().out);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == R"({"listening":")" + listen.url + R"("})");
    CHECK(lines[1].starts_with(R"({"time":")"));
    CHECK(contains(lines[1],
                   R"("status":200,"outcome":"processed","verified":true,"secret":"SECRET","duplicate":false,)"
                   R"("event_type":"contact.updated","event_id":")"));
    CHECK(contains(lines[1], R"(,"bytes":225,"failures":0,"body":{"eventId":")"));
    CHECK(contains(lines[2], R"("status":401,"outcome":"unauthorized","verified":false,"secret":null,)"));
    CHECK(contains(lines[2], R"("findings":[{"mistake":"wrong_secret_or_body","proved":false,"words":")"));
    CHECK(contains(lines[3], R"("status":404,"method":"POST","path":"/hooks/else"})"));
}

TEST_CASE("fpt-webhooks listen: UFP's events are verified as UFP signs them") {
    Listening listen({"--vendor", "ufp"});
    CHECK(statuses_of(listen.send({"--vendor", "ufp", "--duplicate"})) == std::vector<std::string>{"200", "200"});
    CHECK(listen.send().status == 1);
    const std::string out = listen.end().out;
    CHECK(count_of(out, "  200  newlead_created  ") == 2);
    CHECK(count_of(out, "verified by \"SECRET\", duplicate") == 1);
    CHECK(count_of(out, "not verified\n") == 1);
}

TEST_CASE("fpt-webhooks listen: fail-first fails that many events, which then count as failed before") {
    Listening listen({"--fail-first", "3", "--status", "503"});
    CHECK(statuses_of(listen.send({"--duplicate", "--repeat", "3"})) ==
          std::vector<std::string>{"503", "503", "503", "200", "200", "200"});
    const std::string out = listen.end().out;
    CHECK(count_of(out, "  503  contact.updated  ") == 3);
    CHECK(count_of(out, "fresh, 1 failed before\n") == 2);
    CHECK(count_of(out, ", duplicate, ") == 1);
}

TEST_CASE("fpt-webhooks listen: answers with the status that it is told, to what is verified") {
    Listening broken({"--status", "500"});
    CHECK(statuses_of(broken.send({"--duplicate"})) == std::vector<std::string>{"500", "500"});
    CHECK(statuses_of(broken.send({"--tamper"})) == std::vector<std::string>{"401"});
    Listening other({"--status", "204"});
    CHECK(statuses_of(other.send({"--duplicate"})) == std::vector<std::string>{"204", "204"});
}

TEST_CASE("fpt-webhooks listen: passes what is verified on, to the byte, and answers as the target does") {
    const Server target(answer_always(response_of(418, "teapot")));
    Listening listen({"--forward", target.url("127.0.0.1", "/in")});
    const TemporaryFile body(R"({ "eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated",)"
                             R"("eventTimestamp":"2026-06-10T23:45:00Z","locationId":1,"organizationId":0,)"
                             R"("apiVersion":"v1","data":{"contactId":1,"operation":"update"} })");
    CHECK(statuses_of(listen.send({"--body", body.path(), "--duplicate"})) == std::vector<std::string>{"418", "418"});
    CHECK(target.requests() == 2);
    const std::string request = target.last_request();
    INFO(request);
    CHECK(request.starts_with("POST /in HTTP/1.1\r\n"));
    CHECK(contains(request, "\r\nX-FPT-Signature: t="));
    CHECK(contains(request, "\r\nContent-Type: application/json; charset=utf-8\r\n"));
    CHECK(request.ends_with("\r\n\r\n" + contents(body.path())));

    CHECK(statuses_of(listen.send({"--tamper"})) == std::vector<std::string>{"401"});
    CHECK(target.requests() == 2);
    const std::string out = listen.end().out;
    CHECK(count_of(out, "\n  forwarded: 418\n") == 2);
    CHECK(contains(out, "fresh, 1 failed before\n"));  // the target's refusal is a failure of the event
}

TEST_CASE("fpt-webhooks listen: tells the sender when its target wants to be asked again") {
    const Server target(answer_always(response_of(503, "", "Retry-After: 77\r\nX-Other: no\r\n")));
    const Listening listen({"--forward", target.url()});
    const Ended sent = listen.send();
    CHECK(statuses_of(sent) == std::vector<std::string>{"503"});
    CHECK(contains(sent.out, "\n  Retry-After: 77\n"));
    CHECK_FALSE(contains(sent.out, "X-Other"));
}

TEST_CASE("fpt-webhooks listen: forwards to another listener, duplicates too, and says when it is not there") {
    Listening target({"--http"});
    {
        Listening listen({"--forward", target.url});
        CHECK(statuses_of(listen.send({"--duplicate"})) == std::vector<std::string>{"200", "200"});
        CHECK(count_of(listen.end().out, ", duplicate, ") == 1);
    }
    CHECK(count_of(target.end().out, ", duplicate, ") == 1);
    Listening listen({"--forward", target.url});
    CHECK(statuses_of(listen.send()) == std::vector<std::string>{"502"});
    CHECK(contains(listen.end().out, "\n  forwarded: connection failed"));
}

TEST_CASE("fpt-webhooks listen: records each request as raw HTTP, in the order of arrival") {
    Listening listen({"--record", "requests/today", "--http"});
    CHECK(listen.send({"--contact", "1"}).status == 0);
    CHECK(listen.send({"--contact", "2", "--tamper"}).status == 1);
    const std::string chunked = exchange_raw(
        listen.url,
        "POST /hooks HTTP/1.1\\r\\nHost: here\\r\\nContent-Type: application/json"
        "\\r\\nTransfer-Encoding: chunked\\r\\nX-Note: a%%0d%%0ab\\r\\n\\r\\n3\\r\\n{ }\\r\\n0\\r\\n\\r\\n");
    CHECK(contains(chunked, " 401 "));
    const std::string out = listen.end().out;
    const auto files = files_in(listen.folder.path / "requests/today");
    REQUIRE(files.size() == 3);
    for (const auto& file : files) CHECK(contains(out, "recorded: requests/today/" + file.filename().string()));
    const std::string first = contents(files[0]);
    CHECK(first.starts_with("POST /hooks HTTP/1.1\r\n"));
    CHECK(contains(first, "\r\nX-FPT-Signature: t="));
    CHECK(contains(first, "\r\n\r\n{\"eventId\":"));
    CHECK(first.ends_with(R"("data":{"contactId":1,"operation":"update"}})"));
    CHECK(contents(files[2]) ==
          "POST /hooks HTTP/1.1\r\nContent-Type: application/json\r\nHost: here\r\nContent-Length: 3\r\n"
          "X-Note: a%0d%0ab\r\n\r\n{ }");

    const auto explained = run_program({"explain", files[0].string(), "--secret-env", "SECRET"}, with_secrets());
    CHECK(explained.status == 0);
    CHECK(mode_of(listen.folder.path / "requests/today") == 0700);
    for (const auto& file : files) CHECK(mode_of(file) == 0600);
}

TEST_CASE("fpt-webhooks listen: records to a folder that is there as it is") {
    const TemporaryFolder folder;
    const std::string records = folder.file("records/");
    std::filesystem::create_directory(records);
    std::filesystem::permissions(records, std::filesystem::perms(0750));
    Listening listen({"--record", records, "--http"});
    CHECK(listen.send().status == 0);
    CHECK(mode_of(records) == 0750);
    CHECK(files_in(records).size() == 1);
}

TEST_CASE("fpt-webhooks listen: explain takes what it has recorded, whatever the headers were called") {
    Listening listen({"--record", "requests", "--http"});
    const std::string signed_headers = run_program({"sign", "--secret-env", "SECRET"}, with_secrets("{ }")).out;
    REQUIRE(lines_of(signed_headers).size() == 1);
    (void)exchange_raw(
        listen.url,
        "POST /hooks?\\033 HTTP/1.1\\r\\nHo\\rst: a\\r\\n\\033[2J: b\\r\\n: c\\r\\n\\303\\244 (d): e%%0d%%0af"
        "\\r\\nContent-Type: application/json\\r\\nContent-Length: 3\\r\\n" +
            lines_of(signed_headers).front() + "\\r\\n\\r\\n{ }");
    const auto files = files_in(listen.folder.path / "requests");
    REQUIRE(files.size() == 1);
    const std::string recorded = contents(files.front());
    CAPTURE(recorded);
    CHECK(recorded.starts_with("POST /hooks?%1b HTTP/1.1\r\n"));
    for (const char* const line : {"Ho%0dst: a", "%1b%5b2J: b", "%c3%a4%20%28d%29: e%0d%0af"}) {
        CHECK(contains(recorded, std::string("\r\n") + line + "\r\n"));
    }
    const Ended explained = run_program({"explain", files.front(), "--secret-env", "SECRET"}, with_secrets());
    CAPTURE(explained.err);
    CHECK(explained.status == 0);
}

TEST_CASE("fpt-webhooks listen: a request that cannot be recorded whole is not recorded, refused, and ends it") {
    const TemporaryFolder folder;
    ProgramOptions options = with_secrets();
    options.folder = folder.path.string();
    const Ended ended = run_shell(R"(
        exec 3< <(trap '' XFSZ; ulimit -f 1
                  exec fpt-webhooks listen --http --port 0 --secret-env SECRET --record rec)
        listener=$!
        read -r -u 3 line
        printf 'x%.0s' {1..4000} | fpt-webhooks send "${line#listening on }" --allow-http --allow-address 127.0.0.1 \
            --secret-env SECRET --body -
        wait $listener
        echo "listen: $?")",
                                  options);
    INFO(ended.out << ended.err);
    CHECK(statuses_of(ended) == std::vector<std::string>{"500"});
    CHECK(contains(ended.out, "listen: 5\n"));
    CHECK(contains(ended.err, "fpt-webhooks: rec/"));
    CHECK(contains(ended.err, ".http: File too large\n"));
    CHECK(files_in(folder.path / "rec").empty());
}

TEST_CASE("fpt-webhooks listen: a port in use is one line, and leaves the files of who has it alone") {
    Listening first;
    const std::string authority = contents(first.folder.file("fpt-webhooks-ca.pem"));
    const std::string port = port_of(first.url);
    ProgramOptions options = with_secrets();
    options.folder = first.folder.path.string();
    const Ended second = run_program({"listen", "--secret-env", "SECRET", "--port", port}, options);
    CHECK(second.status == 5);
    CHECK(second.out == "");
    CHECK(second.err.starts_with("fpt-webhooks: 127.0.0.1 port " + port + ": Address already in use\n  "));
    CHECK(lines_of(second.err).size() == 2);
    CHECK(contents(first.folder.file("fpt-webhooks-ca.pem")) == authority);
    CHECK(first.send().status == 0);
}

TEST_CASE("fpt-webhooks listen: ends at SIGTERM and SIGINT, with a summary, after the answers it still owes") {
    for (const int number : {SIGTERM, SIGINT}) {
        Listening listen({"--delay", "3600000"});
        std::vector<std::string> arguments = listen.reached_by("send");
        arguments.insert(arguments.end(), {"--secret-env", "SECRET"});
        RunningProgram waiting(arguments, with_secrets());
        REQUIRE(listen.program.wait_for(", fresh\n"));
        listen.program.signal(number);
        const Ended ended = listen.program.wait();
        CHECK(ended.status == 0);
        CHECK(contains(ended.err, "requests: 1 (1 fresh, "));
        CHECK(waiting.wait().status == 0);
    }
}

TEST_CASE("fpt-webhooks listen: answers only after the delay that it was told") {
    Listening listen({"--delay", "3600000"});
    const Ended ended = listen.send({"--timeout", "1"});
    CHECK(ended.status == 1);
    CHECK(contains(ended.out, "not delivered: no response"));
    CHECK(listen.end().status == 0);
}

TEST_CASE("fpt-webhooks listen: writes whom to trust where it is told to") {
    const Listening listen({"--cacert-out", "whom to trust.pem"});
    const Ended ended = run_program({"send", listen.url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1",
                                     "--cacert", listen.folder.file("whom to trust.pem")},
                                    with_secrets());
    CHECK(ended.status == 0);
    CHECK(files_in(listen.folder.path).size() == 1);
}

TEST_CASE("fpt-webhooks listen: forwards over TLS to whom it is told to trust, and to nobody else") {
    const Endpoint target(response_of(200));
    const Listening listen({"--forward", target.url(), "--cacert", target.ca_file.path()});
    CHECK(statuses_of(listen.send()) == std::vector<std::string>{"200"});
    CHECK(target.server.requests() == 1);
    Listening stranger({"--forward", target.url()});
    CHECK(statuses_of(stranger.send()) == std::vector<std::string>{"502"});
    CHECK(contains(stranger.end().out, "\n  forwarded: certificate rejected"));
    CHECK(target.server.requests() == 1);
}

TEST_CASE("fpt-webhooks listen: listens on an IPv6 address too") {
    if (!std::ifstream("/proc/net/if_inet6").good() || contents("/proc/net/if_inet6").empty()) {
        WARN("this machine has no IPv6: skipped");
        return;
    }
    const Listening listen({"--address", "::1"});
    CHECK(listen.url.starts_with("https://[::1]:"));
    const Ended ended = listen.send({"--allow-address", "::1"});
    CHECK(ended.status == 0);
    CHECK(contains(ended.out, "\n  200 from ::1\n"));
}

TEST_CASE("fpt-webhooks listen: ends by itself after as many requests as it is told") {
    Listening listen({"--count", "3"});
    CHECK(listen.send({"--duplicate"}).status == 0);
    CHECK(listen.send({"--tamper"}).status == 1);
    const Ended ended = listen.program.wait();
    CHECK(ended.status == 0);
    CHECK(contains(ended.err, "requests: 3 ("));
}

TEST_CASE("fpt-webhooks listen: ends when it is to, with peers that never come to an end") {
    for (const std::vector<std::string>& how : {std::vector<std::string>{"--http"}, std::vector<std::string>{}}) {
        Listening listen(how);
        const bool plain = !how.empty();
        // A byte, and another one whenever the connection was silent for a while.
        const auto drip = RunningProgram::from_shell(
            "bash -c \"exec 3<>/dev/tcp/127.0.0.1/" + port_of(listen.url) + "; printf '" +
            (plain ? "POST /hooks HTTP/1.1\\r\\nX: " : "\\026\\003\\001\\002\\000") +
            "' >&3; echo there; while printf x >&3; do read -r -n 1 -t 0.2 -u 3; [ \\$? -gt 128 ] || break; done\"");
        REQUIRE(drip->wait_for("there"));
        CHECK(listen.send().status == 0);
        const Ended ended = listen.end();
        CHECK(ended.status == 0);
        CHECK(contains(ended.err, "requests: 1 (1 fresh, "));
    }
}

TEST_CASE("fpt-webhooks listen: without threads enough for it, it ends with one line") {
    // Each has a gigabyte of addresses for its stack, and all have four.
    const Ended ended = run_shell(
        "ulimit -s 1048576 && ulimit -v 4194304 && fpt-webhooks --version > /dev/null || exit 77\n"
        "fpt-webhooks listen --http --port 0 --secret-env SECRET",
        with_secrets());
    if (ended.status == 77) {
        WARN("the program does not start with so few addresses: skipped");
        return;
    }
    CHECK(ended.status == 5);
    CHECK(ended.err == "fpt-webhooks: threads for 32 requests at once: Resource temporarily unavailable\n");
}

TEST_CASE("fpt-webhooks listen: a kept certificate is trusted after a restart") {
    const TemporaryFolder folder;
    const std::string kept = folder.file("listen.pem");
    const auto send = [](const Listening& listen, const std::string& authorities) {
        return run_program(
            {"send", listen.url, "--secret-env", "SECRET", "--allow-address", "127.0.0.1", "--cacert", authorities},
            with_secrets());
    };
    std::string authorities;
    {
        Listening first({"--certificate", kept});
        authorities = contents(first.folder.file("fpt-webhooks-ca.pem"));
        CHECK(first.program.wait_for_error("for the sender's --cacert: fpt-webhooks-ca.pem\n"));
        CHECK(first.program.wait_for_error(kept + "\n"));
    }
    CHECK(mode_of(kept) == 0600);

    const TemporaryFile trusted(authorities);
    const Listening second({"--certificate", kept});
    CHECK(send(second, trusted.path()).status == 0);
    CHECK_FALSE(std::filesystem::exists(second.folder.file("fpt-webhooks-ca.pem")));
    ProgramOptions there = with_secrets();
    there.folder = folder.path.string();
    const Ended again = run_program(
        {"listen", "--port", "0", "--secret-env", "SECRET", "--certificate", kept, "--cacert-out", "ca.pem"}, there);
    CHECK(again.status == 2);
    CHECK(contains(again.err, "--cacert-out: the certificate was there before"));
    const Listening stranger;
    CHECK(contains(send(stranger, trusted.path()).out, "certificate rejected"));
}

TEST_CASE("fpt-webhooks listen: shows what goes to other paths, or comes by another method, or without a body") {
    Listening listen({"--http", "--path", "/a.b"});
    CHECK(contains(exchange_raw(listen.url, "GET /a.b HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n"), " 405 "));
    CHECK(contains(exchange_raw(listen.url, "POST /axb HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 0\\r\\n\\r\\n"),
                   " 404 "));
    CHECK(contains(exchange_raw(listen.url, "POST /a.b HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n"), " 415 "));
    const std::string out = listen.end().out;
    CHECK(contains(out, "  405  GET /a.b\n"));
    CHECK(contains(out, "  404  POST /axb\n"));
    CHECK(contains(out, "  415  -  -  0 bytes  wrong_media_type\n"));
}

TEST_CASE("fpt-webhooks listen: of a body that it refuses it reads no more than a receiver would take") {
    Listening listen({"--http"});
    // A gigabyte is announced, a megabyte comes.
    const auto send = [&](const std::string& head) {
        return run_shell("exec 3<>/dev/tcp/127.0.0.1/" + port_of(listen.url) + " && printf '" + head +
                         "' >&3 && head -c 1048576 /dev/zero >&3 && cat <&3")
            .out;
    };
    const std::string length = "Content-Length: 1073741824\\r\\n\\r\\n";
    const std::string chunked = "Transfer-Encoding: chunked\\r\\n\\r\\n40000000\\r\\n";
    for (const std::string method : {"POST", "PUT", "PATCH", "DELETE"}) {
        CAPTURE(method);
        CHECK(contains(send(method + " /else HTTP/1.1\\r\\nHost: h\\r\\n" + length), " 404 "));
        if (method == "DELETE") continue;  // such a body httplib never reads
        CHECK(contains(send(method + " /else%%0a HTTP/1.1\\r\\nHost: h\\r\\n" + chunked), " 404 "));
    }
    CHECK(contains(exchange_raw(listen.url, "PRI /hooks HTTP/1.1\\r\\nHost: h\\r\\n" + length), " 405 "));
    CHECK(contains(exchange_raw(listen.url, "POST /else HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n"), " 404 "));
}

TEST_CASE("fpt-webhooks listen: what strangers send reaches no terminal as it is") {
    Listening listen({"--http"});
    const std::string body = "\\033[2J\\007\\377{";
    const std::string head = " HTTP/1.1\\r\\nHost: h\\r\\nContent-Type: application/json\\r\\nX: \\033[1m\\r\\n";
    (void)exchange_raw(listen.url, "POST /hooks" + head + "Content-Length: 7\\r\\n\\r\\n" + body);
    (void)exchange_raw(listen.url, "POST /%%1b%%5b2J" + head + "Content-Length: 0\\r\\n\\r\\n");
    const Ended ended = listen.end();
    INFO(ended.out << ended.err);
    CHECK(ended.out.find_first_of("\x1b\x07\xff") == std::string::npos);
    CHECK(contains(ended.out, "\n  \\x1b[2J\\x07\\xff{\n"));
    CHECK(contains(ended.out, "  404  POST /\\x1b[2J\n"));
}

TEST_CASE("fpt-webhooks listen: explains some of many forgeries, not all") {
    Listening listen({"--json"});
    CHECK(listen.send({"--tamper", "--repeat", "40", "--json"}).status == 1);
    const auto lines = lines_of(listen.end().out);
    const auto explained = std::count_if(lines.begin(), lines.end(),
                                         [](const std::string& line) { return contains(line, "\"findings\""); });
    CHECK(explained > 0);
    CHECK(explained < 40);
    CHECK(std::count_if(lines.begin(), lines.end(),
                        [](const std::string& line) { return contains(line, "\"error\""); }) == 40);
}

TEST_CASE("fpt-webhooks listen: nonsense is named in one line, with a status of its own") {
    const TemporaryFolder folder;
    const CertificateAuthority authority;
    const Identity old = authority.issue({.addresses = {"127.0.0.1"}, .expired = true});
    const Identity other = authority.issue({.addresses = {"127.0.0.1"}});
    const TemporaryFile text("no certificate");
    const TemporaryFile no_key(old.certificate_pem);
    const TemporaryFile expired(old.certificate_pem + old.key_pem);
    const TemporaryFile foreign(other.certificate_pem + authority.issue({}).key_pem);
    const std::vector<Nonsense> cases = {
        {{}, 2, "--secret-env"},
        {{"--secret-env", "NOT_SET"}, 3, "NOT_SET: not set, or empty"},
        {{"--secret-env", "SHORT"}, 3, "environment variable SHORT: "},
        {{"--secret-env", "SECRET", "--frob"}, 2, "--frob"},
        {{"--secret-env", "SECRET", "--port", "65536"}, 2, "--port"},
        {{"--secret-env", "SECRET", "--address", "localhost"}, 2, "--address localhost: not an IP address"},
        {{"--secret-env", "SECRET", "--address", "192.0.2.1"}, 5, "192.0.2.1 port 8443: "},
        {{"--secret-env", "SECRET", "--path", "hooks"}, 2, "--path hooks: not a path"},
        {{"--secret-env", "SECRET", "--status", "99"}, 2, "--status"},
        {{"--secret-env", "SECRET", "--fail-first", "1", "--status", "200"}, 2, "that is no failure"},
        {{"--secret-env", "SECRET", "--fail-first", "-1"}, 2, "--fail-first"},
        {{"--secret-env", "SECRET", "--delay", "soon"}, 2, "--delay"},
        {{"--secret-env", "SECRET", "--forward", "nowhere"}, 2, "nowhere: malformed input"},
        {{"--secret-env", "SECRET", "--forward", "http://10.0.0.1/"}, 6, "refused by the endpoint policy"},
        {{"--secret-env", "SECRET", "--forward", "http://127.0.0.1/", "--cacert", "/no/such"}, 3, "/no/such: No such"},
        {{"--secret-env", "SECRET", "--forward", "http://127.0.0.1/", "--status", "500"}, 2, "excludes"},
        {{"--secret-env", "SECRET", "--http", "--cacert-out", "x"}, 2, "excludes"},
        {{"--secret-env", "SECRET", "--port", "0", "--cacert-out", "/no/such/ca.pem"}, 5, "/no/such/ca.pem: No such"},
        {{"--secret-env", "SECRET", "--port", "0", "--cacert-out", "/dev/full"}, 5, "/dev/full: No space left"},
        {{"--secret-env", "SECRET", "--certificate", text.path()}, 3, "holds no certificate"},
        {{"--secret-env", "SECRET", "--certificate", no_key.path()}, 3, "expired"},
        {{"--secret-env", "SECRET", "--certificate", expired.path()}, 3, "expired"},
        {{"--secret-env", "SECRET", "--certificate", foreign.path()}, 3, "holds a key of another certificate"},
        {{"--secret-env", "SECRET", "--record", text.path()}, 5, text.path() + ": "}};
    ProgramOptions options = with_secrets();
    options.folder = folder.path.string();
    check_refused("listen", cases, options);
    CHECK(files_in(folder.path).empty());
}

TEST_CASE("fpt-webhooks listen: ends when its output cannot be written") {
    const TemporaryFolder folder;
    ProgramOptions options = with_secrets();
    options.folder = folder.path.string();
    options.out_file = "/dev/full";
    const Ended ended = run_program({"listen", "--secret-env", "SECRET", "--port", "0", "--http"}, options);
    CHECK(ended.status == 5);
    CHECK(ended.err == "fpt-webhooks: standard output: No space left on device\n");
}
