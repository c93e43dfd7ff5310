// Receivers x scenarios: each scenario fails just the receivers with its flaw and passes all others.
#include <fpt_webhooks/testing/conformance.hpp>

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "conformance/flaw.hpp"
#include "conformance/receiver_under_test.hpp"
#include "support/catch.hpp"

namespace testing = fpt_webhooks::testing;
using conformance_test::Flaw;
using Names = std::set<std::string>;

namespace {

struct Row {
    Names failed = {};
    Names not_checked = {};
    std::chrono::milliseconds settle_time{20};
};

// What is named in neither set must pass: no cell is empty.
const std::map<Flaw, Row> table{
    {Flaw::none, {}},
    {Flaw::no_verify,
     {.failed = {"unsigned", "tampered", "partial_signature", "appended_bytes", "raw_bytes", "stale", "from_the_future",
                 "old_secret", "future_secret"},
      .not_checked = {"same_refusal"}}},
    {Flaw::accepts_unsigned, {.failed = {"unsigned"}}},
    {Flaw::compares_prefix, {.failed = {"partial_signature"}}},
    {Flaw::verifies_reserialised, {.failed = {"raw_bytes"}}},
    {Flaw::stops_at_nul, {.failed = {"appended_bytes"}}},
    {Flaw::ignores_time, {.failed = {"stale", "from_the_future"}}},
    {Flaw::accepts_future, {.failed = {"from_the_future"}}},
    {Flaw::keeps_old_secret, {.failed = {"old_secret"}}},
    {Flaw::claims_before_verifying, {.failed = {"future_secret"}}},
    {Flaw::tells_cause, {.failed = {"same_refusal"}}},
    {Flaw::first_v1_only, {.failed = {"several_signatures"}}},
    {Flaw::case_sensitive_headers, {.failed = {"header_names"}}},
    {Flaw::exact_content_type, {.failed = {"content_type"}}},
    {Flaw::refuses_unknown, {.failed = {"unknown_event"}}},
    {Flaw::refuses_late, {.failed = {"late"}}},
    {Flaw::refuses_older, {.failed = {"late", "reordered"}}},  // a late event is an older one too
    {Flaw::none_with_inbox, {}},
    {Flaw::does_nothing,
     {.failed = {"accepted", "future_secret", "raw_bytes", "late", "reordered", "duplicate", "concurrent_duplicates",
                 "malformed_requests", "unreadable_event", "slow_body", "cut_connection", "retry_after_500"},
      .not_checked = {"acknowledges_after_work", "crash_before_effect",
                      "crash_after_effect"}}},  // it gets to no moment
    {Flaw::no_dedupe, {.failed = {"duplicate", "concurrent_duplicates", "crash_after_effect"}}},
    {Flaw::checks_then_acts, {.failed = {"concurrent_duplicates"}}},
    {Flaw::marks_before_work,
     {.failed = {"retry_after_500", "crash_before_effect"},
      .not_checked = {"acknowledges_after_work"}}},  // no answer, and no effect by a redelivery
    {Flaw::marks_after_work, {.failed = {"crash_after_effect"}}},
    {Flaw::acks_before_work,
     {.failed = {"retry_after_500", "acknowledges_after_work"}, .settle_time = std::chrono::milliseconds(300)}},
    {Flaw::queues_without_dedupe,
     {.failed = {"duplicate", "concurrent_duplicates", "acknowledges_after_work", "crash_after_effect"},
      .settle_time = std::chrono::milliseconds(300)}},  // its queue takes a while
    {Flaw::chokes_on_malformed, {.failed = {"malformed_requests"}}},
    {Flaw::dies_on_garbage, {.failed = {"unreadable_event"}}},
    {Flaw::takes_cut_bodies, {.failed = {"cut_connection"}}},
    {Flaw::reads_body_once, {.failed = {"slow_body"}}},
};

testing::Verdict expected(const Row& row, const std::string& scenario) {
    if (row.failed.count(scenario) != 0) return testing::Verdict::failed;
    return row.not_checked.count(scenario) != 0 ? testing::Verdict::not_checked : testing::Verdict::passed;
}

void check_row(std::string_view name, const Row& row) {
    conformance_test::ReceiverUnderTest receiver(name);
    auto options = receiver.options();
    options.promises_exactly_once = true;
    options.settle_time = row.settle_time;
    const auto report = testing::run_conformance(options).value();
    REQUIRE(report.results.size() == testing::conformance_scenarios().size());
    for (const auto& result : report.results) {
        INFO(name << " x " << result.name << ": " << result.reason);
        CHECK(testing::name_of(result.verdict) == testing::name_of(expected(row, result.name)));
    }
}

}  // namespace

TEST_CASE("conformance: the table has a row for each receiver, and a receiver that fails for each scenario") {
    Names failed;
    for (const auto& [flaw, row] : table) failed.insert(row.failed.begin(), row.failed.end());
    Names all;
    for (const auto& scenario : testing::conformance_scenarios()) all.emplace(scenario.name);
    CHECK(failed == all);
    CHECK(table.size() == conformance_test::flaw_names.size());
}

// Two tests, so that they can run side by side.
TEST_CASE("conformance: a flaw in verifying or reading fails just the scenarios that are about it") {
    for (const auto& [flaw, name] : conformance_test::flaw_names) {
        if (flaw >= Flaw::none_with_inbox) continue;
        DYNAMIC_SECTION(name) { check_row(name, table.at(flaw)); }
    }
}

TEST_CASE("conformance: a flaw in processing fails just the scenarios that are about it") {
    for (const auto& [flaw, name] : conformance_test::flaw_names) {
        if (flaw < Flaw::none_with_inbox) continue;
        DYNAMIC_SECTION(name) { check_row(name, table.at(flaw)); }
    }
}
