#include "cli/example_request.hpp"
#include "cli/program.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

namespace {

// verify --secret-env S of the example's body, with more arguments.
Ended verify(std::vector<std::string> arguments, const std::string& input = example_body,
             const std::string& secret = example_secret) {
    arguments.insert(arguments.begin(), {"verify", "--secret-env", "S"});
    return run_program(arguments, {.input = input, .variables = {{"S", secret}}});
}

}  // namespace

TEST_CASE("fpt-webhooks: verify says yes with the secret's name and the time, and exits with 0") {
    const Ended header = verify({"--at", example_time, "--header", example_header});
    CHECK(header.out == "verified: secret \"S\", signed 2024-05-29 23:00:00.000 +0000\n");
    CHECK(header.err == "");
    CHECK(header.status == 0);
    const Ended utc = verify({"--utc", "--at", example_time, "--signature", example_value});
    CHECK(utc.out == "verified: secret \"S\", signed 2024-05-29T23:00:00.000Z\n");
    const Ended json = verify({"--json", "--at", "2024-05-29T23:05:00Z", "--signature", example_value});
    CHECK(json.out == "{\"verified\":true,\"secret\":\"S\",\"signed_at\":\"2024-05-29T23:00:00.000Z\"}\n");
    CHECK(json.status == 0);
}

TEST_CASE("fpt-webhooks: verify says no with the reason, and exits with 1") {
    const Ended tampered = verify({"--at", example_time, "--header", example_header}, example_body + "\n");
    CHECK(tampered.out == "not verified: signature mismatch\n");
    CHECK(tampered.err == "  for the likely cause: fpt-webhooks explain, with the same options\n");
    CHECK(tampered.status == 1);

    const Ended json = verify({"--json", "--at", "1717023901", "--header", example_header});
    CHECK(json.out == "{\"verified\":false,\"reason\":\"signature timestamp too old: by 301 s\"}\n");
    CHECK(json.err == "");
    CHECK(json.status == 1);

    CHECK(verify({"--at", example_time, "--header", "Content-Type: application/json"}).out ==
          "not verified: signature missing: no such header\n");
    const Ended twice = verify({"--at", example_time, "--header", example_header, "--header", example_header});
    CHECK(twice.out.substr(0, 40) == "not verified: signature header malformed");
}

TEST_CASE("fpt-webhooks: verify checks as of now unless told another time") {
    const Ended ended = verify({"--header", example_header});
    CHECK(ended.status == 1);
    CHECK(ended.out.find("too old") != std::string::npos);
}

TEST_CASE("fpt-webhooks: verify --tolerance moves the limit of the scheme") {
    CHECK(verify({"--at", "1717023900", "--signature", example_value}).status == 0);
    CHECK(verify({"--at", "1717023901", "--signature", example_value}).status == 1);
    CHECK(verify({"--at", "1717023901", "--signature", example_value, "--tolerance", "301"}).status == 0);
    CHECK(verify({"--at", "1717023601", "--signature", example_value, "--tolerance", "0"}).status == 1);
    CHECK(verify({"--at", "1717023600", "--signature", example_value, "--tolerance", "0"}).status == 0);
    for (const char* const seconds : {"-1", "soon", "3155695201", "99999999999999999999"}) {
        CAPTURE(seconds);
        const Ended ended = verify({"--signature", example_value, "--tolerance", seconds});
        CHECK(ended.status == 2);
        CHECK(ended.err.find("--tolerance") != std::string::npos);
    }
    const Ended ufp = verify({"--signature", ufp_value, "--tolerance", "1", "--scheme", "ufp"});
    CHECK(ufp.status == 2);
    CHECK(ufp.err == "fpt-webhooks: --tolerance: the scheme ufp signs no time\n");
}

TEST_CASE("fpt-webhooks: verify knows every scheme") {
    const Ended ufp = verify({"--scheme", "ufp", "--header", "x-ufp-signature:" + ufp_value}, example_body, ufp_secret);
    CHECK(ufp.out == "verified: secret \"S\"\n");
    CHECK(verify({"--scheme", "ufp", "--signature", ufp_value, "--json"}, example_body, ufp_secret).out ==
          "{\"verified\":true,\"secret\":\"S\",\"signed_at\":null}\n");
    const Ended standard =
        verify({"--scheme", "standard_webhooks", "--at", standard_time, "--header", "webhook-id: " + standard_id,
                "--header", "webhook-timestamp: " + standard_time, "--signature", standard_value},
               standard_body, standard_secret);
    CHECK(standard.out == "verified: secret \"S\", signed 2021-02-25 15:02:10.000 +0000\n");
}

TEST_CASE("fpt-webhooks: verify takes a header as curl saved it, with its line end") {
    CHECK(verify({"--at", example_time, "--header", "x-fpt-signature:   " + example_value + "\t\r\n"}).status == 0);
}

TEST_CASE("fpt-webhooks: verify takes what sign printed as one argument") {
    const Ended headers = run_program({"sign", "--secret-env", "S", "--scheme", "standard_webhooks"},
                                      {.input = standard_body, .variables = {{"S", standard_secret}}});
    CHECK(verify({"--scheme", "standard_webhooks", "--header", headers.out}, standard_body, standard_secret).status ==
          0);
}

TEST_CASE("fpt-webhooks: verify tries every secret of a file and names the one that signed") {
    const TemporaryFolder folder;
    const auto verify_with = [&](const std::string& secrets, const std::string& at = example_time) {
        std::ofstream(folder.file("secrets"), std::ios::trunc) << secrets;
        return run_program({"verify", "--secret-file", folder.file("secrets"), "--at", at, "--tolerance", "1000",
                            "--header", example_header},
                           {.input = example_body});
    };
    const std::string other = "whsec_another_secret_of_32_characters_\tlabel=new\n";
    CHECK(verify_with(other + example_secret + "\tlabel=old\n").out ==
          "verified: secret \"old\", signed 2024-05-29 23:00:00.000 +0000\n");
    CHECK(verify_with(other + "\n" + example_secret + "\n").out ==
          "verified: secret \"line 3\", signed 2024-05-29 23:00:00.000 +0000\n");
    CHECK(verify_with(other).out == "not verified: signature mismatch\n");

    const std::string expiring = other + example_secret + "\tlabel=old\tnot_after=2024-05-29T23:01:00Z\n";
    CHECK(verify_with(expiring, "2024-05-29T23:01:00Z").status == 0);
    CHECK(verify_with(expiring, "2024-05-29T23:01:01Z").status == 1);

    const Ended backwards =
        verify_with(example_secret + "\tnot_before=2024-05-30T00:00:00Z\tnot_after=2024-05-29T00:00:00Z\n");
    CHECK(backwards.status == 3);
    CHECK(backwards.err.find("line 1") != std::string::npos);
}

TEST_CASE("fpt-webhooks: verify asks for a signature and for headers that are some") {
    const Ended none = verify({});
    CHECK(none.status == 2);
    CHECK(none.err ==
          "fpt-webhooks: no signature to verify\n  --header 'Name: value', once for each, or --signature VALUE\n");
    CHECK(verify({"--signature", ""}).err == none.err);
    CHECK(verify({"--header", ""}).err == none.err);
    const Ended colon = verify({"--header", "X-FPT-Signature " + example_value});
    CHECK(colon.status == 2);
    CHECK(colon.err ==
          "fpt-webhooks: --header: no colon between a header's name and its value\n  --header 'Name: value'\n");
    const Ended name = verify({"--header", "X FPT: 1"});
    CHECK(name.status == 2);
    CHECK(name.err ==
          "fpt-webhooks: --header: header name holds a character that is not a token character\n"
          "  --header 'Name: value'\n");
    CHECK(verify({"--header", ": 1"}).err.substr(0, 48) == "fpt-webhooks: --header: header name is empty\n  -");
}

TEST_CASE("fpt-webhooks: a variable with a long name is no obstacle to its secret") {
    const std::string name(40, 'S');
    const Ended ended =
        run_program({"verify", "--secret-env", name, "--at", example_time, "--signature", example_value},
                    {.input = example_body, .variables = {{name, example_secret}}});
    CHECK(ended.status == 0);
}
