#include <fpt_webhooks/core/timed_secret.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

std::string refusal(std::string_view text) {
    const auto secrets = fw::parse_secrets(text);
    return secrets ? "accepted" : secrets.error().message();
}

struct SecretsFile {
    explicit SecretsFile(std::string_view text) { std::ofstream(path, std::ios::binary) << text; }
    ~SecretsFile() { std::filesystem::remove(path); }
    std::string path = (std::filesystem::temp_directory_path() / "fpt_webhooks_test_secrets").string();
};

}  // namespace

TEST_CASE("timed secret: a label is up to 31 bytes of printable ASCII") {
    CHECK(fw::SecretLabel().text().empty());
    CHECK(fw::SecretLabel::make("")->text().empty());
    CHECK(fw::SecretLabel::make(std::string(31, '~'))->text() == std::string(31, '~'));
    CHECK(fw::SecretLabel::make("line 3").value() == fw::SecretLabel::make("line 3").value());
    for (const std::string& bad :
         {std::string(32, 'x'), std::string("a\nb"), std::string("\xc3\xa9"), std::string(1, '\0')}) {
        CHECK(fw::SecretLabel::make(bad).error() == fw::Errc::invalid_argument);
    }
}

TEST_CASE("timed secret: a list has one secret a line, its label and times behind it") {
    const auto secrets = fw::parse_secrets(
                             "# rotated in June\r\n"
                             "\n"
                             "whsec_new\tlabel=new\tnot_before=2026-06-10T00:00:00Z\r\n"
                             "my gym secret\tnot_after=2026-06-12T00:00:00.500Z\t\n"
                             "#not a comment is only what begins so: whsec#x\n"
                             "whsec#x")
                             .value();
    REQUIRE(secrets.size() == 3);
    CHECK(secrets[0].secret == fw::Secret("whsec_new"));
    CHECK(secrets[0].label == "new");
    CHECK(secrets[0].not_before == fw::parse_timestamp("2026-06-10T00:00:00Z").value());
    CHECK(secrets[0].not_after == fw::Timestamp::max());
    CHECK(secrets[1].secret == fw::Secret("my gym secret"));
    CHECK(secrets[1].label == "line 4");
    CHECK(secrets[1].not_before == fw::Timestamp::min());
    CHECK(secrets[1].not_after == fw::parse_timestamp("2026-06-12T00:00:00.500Z").value());
    CHECK(secrets[2].secret == fw::Secret("whsec#x"));
    CHECK(secrets[2].label == "line 6");
}

TEST_CASE("timed secret: a mistake in a list is named by its line, and nothing of the line is shown") {
    const std::string in_line_2 = "malformed input: line 2: ";
    const auto with = [](const std::string& line) { return refusal("whsec_good\n" + line + "\nwhsec_good\n"); };
    CHECK(with("whsec_1") == "accepted");
    CHECK(with(" whsec_1") == in_line_2 + "white space at an end of the secret");
    CHECK(with("whsec_1 ") == in_line_2 + "white space at an end of the secret");
    CHECK(with("whsec_1\r\r") == in_line_2 + "white space at an end of the secret");
    CHECK(with("\"whsec_1\"") == in_line_2 + "quotes around the secret");
    CHECK(with("'whsec_1'") == in_line_2 + "quotes around the secret");
    CHECK(with("\twhsec_1") == in_line_2 + "begins with a tab, where a secret is needed");
    CHECK(with("whsec_1\twhsec_2") == in_line_2 + "field 2: neither label=, not_before= nor not_after=");
    CHECK(with("whsec_1\tlabel") == in_line_2 + "field 2: neither label=, not_before= nor not_after=");
    CHECK(with("whsec_1 label=a") == in_line_2 + "a tab is needed before label=");
    CHECK(with("whsec_1  not_before=2026-06-10T00:00:00Z") == in_line_2 + "a tab is needed before not_before=");
    CHECK(with("whsec_1 not_after=2026-06-10T00:00:00Z\tlabel=a") == in_line_2 + "a tab is needed before not_after=");
    CHECK(with("whsec_1<tab>label=a") == in_line_2 + "a tab is needed in the place of \"<tab>\"");
    CHECK(with("mylabel=a") == "accepted");
    CHECK(with("whsec_1\tlabel=a\tlabel=b") == in_line_2 + "field 3: given twice");
    CHECK(with("whsec_1\tnot_before=whsec_2") == in_line_2 + "not_before: not a time like 2026-06-10T00:00:00Z");
    CHECK(with("whsec_1\tnot_after=2026-06-10") == in_line_2 + "not_after: not a time like 2026-06-10T00:00:00Z");
    CHECK(with("whsec_1\tlabel=" + std::string(32, 'w')) ==
          in_line_2 + "label: up to 31 bytes of printable ASCII are allowed");
}

TEST_CASE("timed secret: a list that is empty, too long or marked as Unicode is refused") {
    CHECK(refusal("") == "malformed input: no secret in it");
    CHECK(refusal("# none\n\n") == "malformed input: no secret in it");
    CHECK(refusal("\xef\xbb\xbfwhsec_1\n") == "malformed input: begins with a byte order mark");
    std::string lines;
    for (std::size_t i = 0; i < fw::verifier_secrets_max; ++i) lines += "whsec_good\n";
    CHECK(refusal(lines) == "accepted");
    CHECK_THAT(refusal(lines + "whsec_good"), Catch::Matchers::Contains("line 9: at most 8 secrets are allowed"));
    CHECK(refusal("#" + std::string(fw::secrets_file_bytes_max - 3, 'x') + "\nw") == "accepted");
    CHECK_THAT(refusal("#" + std::string(fw::secrets_file_bytes_max - 2, 'x') + "\nw"),
               Catch::Matchers::Contains("over 64 KiB"));
}

TEST_CASE("timed secret: a list comes from a file, and errors name the file") {
    {
        const SecretsFile file("whsec_new\tlabel=new\n");
        const auto secrets = fw::read_secrets_file(file.path).value();
        REQUIRE(secrets.size() == 1);
        CHECK(secrets[0].secret == fw::Secret("whsec_new"));
        CHECK(secrets[0].label == "new");
    }
    {
        const SecretsFile file("whsec_new\n whsec\n");
        CHECK(fw::read_secrets_file(file.path).error().detail() ==
              file.path + ": line 2: white space at an end of the secret");
    }
    const SecretsFile large(std::string(fw::secrets_file_bytes_max + 1, 'x'));
    CHECK(fw::read_secrets_file(large.path).error() == fw::Errc::limit_exceeded);
    CHECK(fw::read_secrets_file("/nonexistent/secrets").error().detail() == "/nonexistent/secrets: cannot be opened");
    const std::string folder = std::filesystem::temp_directory_path().string();
    CHECK(fw::read_secrets_file(folder).error() == fw::Errc::local_failure);
}
