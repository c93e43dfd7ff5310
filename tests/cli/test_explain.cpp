#include "cli/example_request.hpp"
#include "cli/program.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

namespace {

// explain --secret-env S as of the example's time, with more arguments.
Ended explain(std::vector<std::string> arguments, const std::string& input = {},
              const std::string& secret = example_secret) {
    arguments.insert(arguments.begin(), {"explain", "--secret-env", "S", "--at", example_time});
    return run_program(arguments, {.input = input, .variables = {{"S", secret}}});
}

std::string capture(const std::string& line_end, const std::string& body, const std::string& header = example_header) {
    return "POST /hooks?a=b HTTP/1.1" + line_end + "Host: partner.example" + line_end + header + line_end + line_end +
           body;
}

constexpr const char* line_end_added =
    "body_line_end (proved): the signature holds for the body without the line end behind it: somebody added it\n";

}  // namespace

TEST_CASE("fpt-webhooks: explain reads a request as it came over the wire, with either line end") {
    for (const char* const line_end : {"\r\n", "\n"}) {
        CAPTURE(line_end);
        const Ended good = explain({}, capture(line_end, example_body));
        CHECK(good.out == "the signature holds\n");
        CHECK(good.err == "");
        CHECK(good.status == 0);
        const Ended bad = explain({}, capture(line_end, example_body + "\r\n"));
        CHECK(bad.out == line_end_added);
        CHECK(bad.status == 1);
    }
}

TEST_CASE("fpt-webhooks: explain takes the request from a file") {
    const TemporaryFolder folder;
    std::ofstream(folder.file("1.http"), std::ios::binary) << capture("\r\n", example_body);
    CHECK(explain({folder.file("1.http")}).out == "the signature holds\n");
    CHECK(explain({"-"}, capture("\r\n", example_body)).out == "the signature holds\n");
}

TEST_CASE("fpt-webhooks: explain leaves every byte of a body as it is") {
    std::string body = "\n\r\n";
    for (int byte = 0; byte < 256; ++byte) body += static_cast<char>(byte);
    const Ended signed_body = run_program({"sign", "--secret-env", "S", "--timestamp", example_time},
                                          {.input = body, .variables = {{"S", example_secret}}});
    const std::string header = signed_body.out.substr(0, signed_body.out.size() - 1);
    CHECK(explain({}, capture("\n", body, header)).status == 0);
    CHECK(explain({"--header", header}, body).status == 0);
}

TEST_CASE("fpt-webhooks: explain takes a body with its headers beside it") {
    const TemporaryFolder folder;
    std::ofstream(folder.file("body"), std::ios::binary) << example_body << "\n";
    CHECK(explain({"--header", example_header}, example_body).out == "the signature holds\n");
    CHECK(explain({"--signature", example_value, "--body", folder.file("body")}).out == line_end_added);
    CHECK(explain({"--body", folder.file("body")}).out == "header_missing: there is no header X-FPT-Signature\n");
    const Ended both = explain({folder.file("body"), "--header", example_header});
    CHECK(both.status == 2);
    CHECK(both.err.find("CAPTURE excludes --header") != std::string::npos);
}

TEST_CASE("fpt-webhooks: explain --json prints the findings as one object") {
    CHECK(explain({"--json"}, capture("\n", example_body)).out == "{\"verified\":true,\"findings\":[]}\n");
    const Ended ended = explain({"--json"}, capture("\n", example_body + "\n"));
    CHECK(ended.out == R"({"verified":false,"findings":[{"mistake":"body_line_end","proved":true,"words":)"
                       R"("the signature holds for the body without the line end behind it: somebody added it"}]})"
                       "\n");
    CHECK(ended.status == 1);
}

TEST_CASE("fpt-webhooks: explain tells an old capture from a late request") {
    const Ended now = run_program({"explain", "--secret-env", "S"},
                                  {.input = capture("\n", example_body), .variables = {{"S", example_secret}}});
    CHECK(now.status == 1);
    CHECK(now.out.substr(0, 25) == "too_old (proved): signed ");
    CHECK(now.err == "  for an old capture: --at TIME, the moment at which the request arrived\n");
    const Ended late = explain({"--at", "1717024000"}, capture("\n", example_body));
    CHECK(late.status == 2);  // --at twice
}

TEST_CASE("fpt-webhooks: explain names mistakes with the secret, and never shows one") {
    const Ended prefix = explain({}, capture("\n", example_body), example_secret.substr(6));
    CHECK(prefix.out.substr(0, 24) == "secret_prefix (proved): ");
    CHECK(prefix.status == 1);
    const Ended short_secret = explain({}, capture("\n", example_body), "hush-hush");
    CHECK(short_secret.status == 1);
    CHECK(short_secret.out.find("verifier_unusable: ") != std::string::npos);
    CHECK(short_secret.out.find("the secret has 9 bytes, at least 32 are needed") != std::string::npos);
    CHECK((short_secret.out + short_secret.err).find("hush") == std::string::npos);
}

TEST_CASE("fpt-webhooks: explain warns of chunks that a capture may have in its body") {
    const std::string header = example_header + "\nTransfer-Encoding: chunked";
    const Ended ended = explain({}, capture("\n", "e1\r\n" + example_body + "\r\n0\r\n\r\n", header));
    CHECK(ended.status == 1);
    CHECK(ended.err == "  Transfer-Encoding: signed is the body without its chunks' sizes, a capture may have them\n");
    CHECK(explain({}, capture("\n", example_body, header)).err == "");
}

TEST_CASE("fpt-webhooks: explain says on which line a capture is none") {
    struct Case {
        std::string capture;
        std::string error;
    };
    const std::string long_head(70'000, 'a');
    const std::vector<Case> cases = {
        {"{}", "line 1: no request line like \"POST /hooks HTTP/1.1\""},
        {example_body, "line 1: no request line like \"POST /hooks HTTP/1.1\""},
        {"HTTP/1.1 200 OK\r\n\r\n", "line 1: no request line like \"POST /hooks HTTP/1.1\""},
        {"POST HTTP/1.1\r\n\r\n", "line 1: no request line like \"POST /hooks HTTP/1.1\""},
        {"\n", "line 1: no request line like \"POST /hooks HTTP/1.1\""},
        {"POST / HTTP/1.1", "line 2: the head does not end"},
        {"POST / HTTP/1.1\r\nA: b\r\n", "line 3: the head does not end"},
        {"POST / HTTP/1.1\r\nA: b\r\nnonsense\x1b[2J\r\n\r\n",
         "line 3: no colon between a header's name and its value"},
        {"POST / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n",
         "line 3: header name holds a character that is not a token character"},
        {"POST / HTTP/1.1\r\n: d\r\n\r\n", "line 2: header name is empty"},
        {"POST / HTTP/1.1\r\nA: " + long_head + "\r\n\r\n", "line 2: the head is longer than 65536 bytes"},
        {long_head, "line 1: the head is longer than 65536 bytes"},
    };
    for (const auto& [text, error] : cases) {
        CAPTURE(error);
        const Ended ended = explain({}, text);
        CHECK(ended.status == 3);
        CHECK(ended.out == "");
        const std::string line = ended.err.substr(0, ended.err.find('\n'));
        CHECK(line == "fpt-webhooks: standard input: " + error);
        CHECK(ended.err.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("fpt-webhooks: explain answers for a body that is too long to try mistakes on") {
    const Ended ended = explain({}, capture("\n", std::string(1 << 20, 'x')));
    CHECK(ended.status == 1);
    CHECK(ended.out.find("too long to try mistakes on it: 1048576 bytes") != std::string::npos);
}
