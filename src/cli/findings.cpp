#include "cli/findings.hpp"

namespace fpt_webhooks::cli {

void write_findings(JsonText& json, const Explanation& explanation) {
    json.key("findings").begin_array();
    for (const Finding& finding : explanation.findings) {
        json.begin_object().field("mistake", name_of(finding.mistake)).field("proved", finding.proved);
        json.field("words", finding.words).end_object();
    }
    json.end_array();
}

}  // namespace fpt_webhooks::cli
