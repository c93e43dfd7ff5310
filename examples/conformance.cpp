// Tests a webhook receiver at an http:// URL against FPT's contract. Needs the component fpt_webhooks::testing.
//
// Usage: fpt_webhooks_example_conformance <url> <file with the secret> [<JUnit file to write>]

// [conformance]
#include <cstdio>
#include <fstream>
#include <string>

#include <fpt_webhooks/testing.hpp>

namespace fw = fpt_webhooks;

// Without probes: what depends on effects stays "not checked". See ConformanceOptions for what you can add.
fw::testing::ConformanceReport check_receiver(const std::string& url, const fw::Secret& secret) {
    auto report = fw::testing::run_conformance({.url = url, .secret = secret}).value();
    for (const auto& result : report.results) {
        std::printf("%-24s %-11s %s\n", result.name.c_str(), std::string(name_of(result.verdict)).c_str(),
                    result.reason.c_str());
    }
    return report;
}
// [conformance]

int main(int argc, char* argv[]) {
    std::string secret;
    if (argc < 3 || !std::getline(std::ifstream(argv[2]), secret)) {
        std::fprintf(stderr, "usage: %s <url> <file with the secret> [<JUnit file to write>]\n", argv[0]);
        return 2;
    }
    try {
        const auto report = check_receiver(argv[1], fw::Secret(secret));
        if (argc > 3) std::ofstream(argv[3]) << fw::testing::to_junit_xml(report, "receiver");
        return report.count(fw::testing::Verdict::failed) == 0 ? 0 : 1;
    } catch (const fw::BadResultAccess& refused) {  // an option that cannot work
        std::fprintf(stderr, "%s\n", refused.what());
        return 2;
    }
}
