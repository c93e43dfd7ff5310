#include "cli/example_request.hpp"
#include "cli/program.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

namespace {

// What follows `name: ` in a line of `headers`.
std::string value_of(const std::string& name, const std::string& headers) {
    const auto at = headers.find(name + ": ");
    REQUIRE(at != std::string::npos);
    const auto begin = at + name.size() + 2;
    return headers.substr(begin, headers.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("fpt-webhooks: keygen prints a new secret and nothing else") {
    const Ended first = run_program({"keygen"});
    CHECK(first.status == 0);
    CHECK(first.err == "");
    CHECK(first.out.size() == 50);  // "whsec_", 43 characters and the line's end
    CHECK(first.out.substr(0, 6) == "whsec_");
    CHECK(run_program({"keygen"}).out != first.out);
    CHECK(run_program({"keygen", "--json"}).out.substr(0, 17) == R"({"secret":"whsec_)");
}

TEST_CASE("fpt-webhooks: keygen --store-key prints a new key of 64 hex digits") {
    const Ended first = run_program({"keygen", "--store-key"});
    CHECK(first.status == 0);
    CHECK(first.err == "");
    REQUIRE(first.out.size() == 65);
    CHECK(first.out.find_first_not_of("0123456789abcdef") == 64);
    CHECK(first.out.back() == '\n');
    CHECK(run_program({"keygen", "--store-key"}).out != first.out);
    const std::string json = run_program({"keygen", "--store-key", "--json"}).out;
    CHECK(json.substr(0, 14) == R"({"store_key":")");
    CHECK(json.size() == 14 + 64 + 3);
}

TEST_CASE("fpt-webhooks: output that cannot be written is an error") {
    const Ended ended = run_program({"keygen"}, {.out_file = "/dev/full"});
    CHECK(ended.status == 5);
    CHECK(ended.err == "fpt-webhooks: standard output: No space left on device\n");
}

TEST_CASE("fpt-webhooks: sign makes each scheme's headers as the documents show them") {
    const Ended fpt = run_program({"sign", "--secret-env", "S", "--timestamp", example_time},
                                  {.input = example_body, .variables = {{"S", example_secret}}});
    CHECK(fpt.out == example_header + "\n");
    CHECK(fpt.err == "");
    CHECK(fpt.status == 0);

    const Ended ufp = run_program({"sign", "--secret-env", "S", "--scheme", "ufp"},
                                  {.input = example_body, .variables = {{"S", ufp_secret}}});
    CHECK(ufp.out == "X-UFP-Signature: " + ufp_value + "\n");

    const Ended standard = run_program({"sign", "--secret-env", "S", "--scheme", "standard_webhooks", "--timestamp",
                                        "2021-02-25T15:02:10Z", "--id", standard_id},
                                       {.input = standard_body, .variables = {{"S", standard_secret}}});
    CHECK(standard.out == "webhook-id: " + standard_id + "\nwebhook-timestamp: " + standard_time +
                              "\nwebhook-signature: " + standard_value + "\n");
}

TEST_CASE("fpt-webhooks: sign --json prints the headers as one object") {
    const Ended ended = run_program({"--json", "sign", "--secret-env", "S", "--timestamp", example_time},
                                    {.input = example_body, .variables = {{"S", example_secret}}});
    CHECK(ended.out == R"({"headers":{"X-FPT-Signature":")" + example_value + "\"}}\n");
}

TEST_CASE("fpt-webhooks: sign takes the body from a file to the byte") {
    const TemporaryFolder folder;
    std::ofstream(folder.file("body.json"), std::ios::binary) << example_body;
    std::ofstream(folder.file("edited.json"), std::ios::binary) << example_body << "\n";
    const auto sign = [&](const char* file) {
        return run_program({"sign", "--secret-env", "S", "--timestamp", example_time, "--body", file},
                           {.variables = {{"S", example_secret}}, .folder = folder.path.string()});
    };
    CHECK(sign("body.json").out == example_header + "\n");
    CHECK(sign("edited.json").status == 0);
    CHECK(sign("edited.json").out != example_header + "\n");
}

TEST_CASE("fpt-webhooks: sign uses the first secret of a file") {
    const TemporaryFolder folder;
    std::ofstream(folder.file("secrets")) << "# two of them\n"
                                          << example_secret << "\tlabel=new\nwhsec_another_secret_of_32_characters_\n";
    const Ended ended = run_program({"sign", "--secret-file", folder.file("secrets"), "--timestamp", example_time},
                                    {.input = example_body});
    CHECK(ended.out == example_header + "\n");
}

TEST_CASE("fpt-webhooks: sign without a time signs now, and without an id makes a new one") {
    const std::vector<std::string> arguments = {"--secret-env", "S", "--scheme", "standard_webhooks"};
    const auto sign = [&] {
        std::vector<std::string> command = arguments;
        command.insert(command.begin(), "sign");
        return run_program(command, {.input = standard_body, .variables = {{"S", standard_secret}}}).out;
    };
    const std::string headers = sign();
    const std::string id = value_of("webhook-id", headers);
    CHECK(id.substr(0, 4) == "msg_");
    CHECK(value_of("webhook-id", sign()) != id);

    std::vector<std::string> command = {"verify",
                                        "--header",
                                        "webhook-id: " + id,
                                        "--header",
                                        "webhook-timestamp: " + value_of("webhook-timestamp", headers),
                                        "--header",
                                        "webhook-signature: " + value_of("webhook-signature", headers)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    CHECK(run_program(command, {.input = standard_body, .variables = {{"S", standard_secret}}}).status == 0);
}

TEST_CASE("fpt-webhooks: sign refuses options that the scheme has no use for") {
    const auto sign = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"sign", "--secret-env", "S"});
        const Ended ended = run_program(arguments, {.input = example_body, .variables = {{"S", example_secret}}});
        CHECK(ended.out == "");
        CHECK(ended.status == 2);
        return ended.err;
    };
    CHECK(sign({"--scheme", "ufp", "--timestamp", "1"}) == "fpt-webhooks: --timestamp: the scheme ufp signs no time\n");
    CHECK(sign({"--id", "msg_1"}) == "fpt-webhooks: --id: the scheme fpt signs no id\n");
}

TEST_CASE("fpt-webhooks: a time is seconds or UTC, and anything else is said to be none") {
    const auto sign = [&](const std::string& time) {
        return run_program({"sign", "--secret-env", "S", "--timestamp", time},
                           {.input = example_body, .variables = {{"S", example_secret}}});
    };
    CHECK(sign("2024-05-29T23:00:00.999Z").out == example_header + "\n");
    CHECK(sign("0").out.substr(0, 23) == "X-FPT-Signature: t=0,v1");
    CHECK(sign("253402300799").status == 0);
    for (const char* const time :
         {"", "now", "-1", "+1", "1717023600.5", "2024-05-29", "2024-05-29T23:00:00+02:00", "0x10"}) {
        CAPTURE(time);
        const Ended ended = sign(time);
        CHECK(ended.status == 2);
        CHECK(ended.err == std::string("fpt-webhooks: --timestamp ") + time +
                               ": not a time\n  seconds since 1970, or UTC like 2026-06-10T23:45:00Z\n");
    }
    for (const char* const time : {"253402300800", "1717023600000", "99999999999999999999999999"}) {
        CAPTURE(time);
        const Ended ended = sign(time);
        CHECK(ended.status == 2);
        CHECK(ended.err.find("beyond the year 9999\n  seconds since 1970, not milliseconds\n") != std::string::npos);
    }
    CHECK(sign("1969-12-31T23:59:59Z").status == 2);
}

TEST_CASE("fpt-webhooks: sign says on a terminal that it waits for a body") {
    // `script` gives the program a terminal as standard input; ^D ends it.
    const Ended ended = run_shell(
        "(printf '{}\\n'; printf '\\004') | script -qec \"fpt-webhooks sign --secret-env S --timestamp 0\" /dev/null",
        {.variables = {{"S", example_secret}}});
    CHECK(ended.out.find("reading standard input, up to Ctrl-D") != std::string::npos);
    CHECK(ended.out.find("X-FPT-Signature: t=0,v1=") != std::string::npos);
}
