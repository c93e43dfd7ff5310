#include <algorithm>

#include "cli/page.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace cli_test;

TEST_CASE("docs/schemes.md: its commands print what the page shows") {
    const TemporaryFolder folder;
    const auto examples = run_page("schemes.md", folder.path.string());
    for (const Example& example : examples) {
        INFO("docs/schemes.md:" << example.line << "\n" << example.commands);
        CHECK(example.printed == example.shown);
    }
    const auto uses = [&](const char* word) {
        return std::any_of(examples.begin(), examples.end(),
                           [&](const Example& example) { return example.commands.find(word) != std::string::npos; });
    };
    for (const char* const word : {"openssl dgst", "curl", "fpt-webhooks sign", "fpt-webhooks verify",
                                   "fpt-webhooks explain", "fpt-webhooks listen", "fpt-webhooks send"}) {
        CAPTURE(word);
        CHECK(uses(word));
    }
}
