// Runs examples/produce as its user would: a database, a URL, a CA file, a key.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"

using namespace fpt_webhooks::test;

namespace {

struct Run {
    int status = -1;
    std::string output;
};

Run produce(const std::string& arguments, const std::string& key = std::string(64, 'a')) {
    std::string command = "STORE_KEY=";
    command.append(key).append(" " FPT_WEBHOOKS_EXAMPLE_PRODUCE " ").append(arguments).append(" 2>&1");
    Run run;
    FILE* const pipe = popen(command.c_str(), "r");
    std::array<char, 512> chunk{};
    while (std::fgets(chunk.data(), chunk.size(), pipe) != nullptr) run.output += chunk.data();
    const int status = pclose(pipe);
    if (WIFEXITED(status)) run.status = WEXITSTATUS(status);
    return run;
}

// A database that is gone with the test.
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "fpt_webhooks_XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string database() const { return path_ + "/webhooks.db"; }

  private:
    std::string path_;
};

}  // namespace

TEST_CASE("example produce: delivers over TLS what it published, again after a restart") {
    const Folder folder;
    const CertificateAuthority authority;
    const TemporaryFile ca_file(authority.certificate_pem());
    const Server server(answer_always(response_of(200)),
                        {.identity = authority.issue({.dns_names = {}, .addresses = {"127.0.0.1"}})});
    const std::string arguments = std::string(folder.database())
                                      .append(" ")
                                      .append(server.url())
                                      .append(" ")
                                      .append(ca_file.path())
                                      .append(" 127.0.0.1");
    const Run first = produce(arguments);
    CAPTURE(first.output);
    REQUIRE(first.status == 0);
    CHECK(first.output.find("secret, shown once: whsec_") == 0);
    CHECK(server.last_request().find("contact.status_changed") != std::string::npos);
    const Run second = produce(arguments);
    CHECK(second.status == 0);
    CHECK(second.output == "delivered\n");  // the subscription and its secret were kept
}

TEST_CASE("example produce: says what is wrong with its store") {
    const Folder folder;
    CHECK(produce(folder.database() + " https://partner.example/hooks", "tooshort").status == 2);
    CHECK(produce("/no/such/folder/webhooks.db https://partner.example/hooks").status == 2);
    CHECK(produce("").status == 2);
}
