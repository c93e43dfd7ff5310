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
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s <url> <file with the secret> [<JUnit file to write>]\n", argv[0]);
        return 2;
    }
    const auto secrets = fw::read_secrets_file(argv[2]);  // of several the first one signs
    if (!secrets) {
        std::fprintf(stderr, "%s\n", secrets.error().detail().c_str());
        return 2;
    }
    try {
        const auto report = check_receiver(argv[1], secrets->front().secret);
        const auto* accepted = report.find("accepted");
        if (accepted && accepted->verdict == fw::testing::Verdict::failed) {
            std::fprintf(stderr, "%s takes no signed event, so the other verdicts say little: %s\n", argv[1],
                         accepted->reason.c_str());
        }
        if (argc > 3) std::ofstream(argv[3]) << fw::testing::to_junit_xml(report, "receiver");
        return report.count(fw::testing::Verdict::failed) == 0 ? 0 : 1;
    } catch (const fw::BadResultAccess& refused) {  // an option that cannot work
        std::fprintf(stderr, "%s\n", refused.what());
        return 2;
    }
}
