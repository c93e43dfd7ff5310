#include <fpt_webhooks/receiver/handle_report.hpp>

#include <set>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("handle report: every outcome has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < fw::handle_outcome_count; ++i) names.insert(name_of(static_cast<fw::HandleOutcome>(i)));
    CHECK(names.size() == fw::handle_outcome_count);
    CHECK(names.count("unknown") == 0);
    CHECK(name_of(static_cast<fw::HandleOutcome>(fw::handle_outcome_count)) == "unknown");
    CHECK(name_of(fw::HandleOutcome::unauthorized) == "unauthorized");
}

TEST_CASE("handle report: stats give each outcome's count and their sum") {
    fw::ReceiverStats::Counts counts{};
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = i + 1;
    const fw::ReceiverStats stats(counts);
    for (std::size_t i = 0; i < counts.size(); ++i) CHECK(stats.count(static_cast<fw::HandleOutcome>(i)) == i + 1);
    CHECK(stats.count(static_cast<fw::HandleOutcome>(counts.size())) == 0);
    CHECK(stats.total() == counts.size() * (counts.size() + 1) / 2);
    CHECK(fw::ReceiverStats().total() == 0);
}
