// The receivers under test: each has one flaw and is sound beside it; two have none.
#pragma once

#include <array>
#include <string_view>

namespace conformance_test {

enum class Flaw {
    none,
    no_verify,                // believes every request
    accepts_unsigned,         // believes a request without a signature header
    compares_prefix,          // compares the first eight digits, or as many as there are
    verifies_reserialised,    // signs what it makes of the parsed JSON
    stops_at_nul,             // signs and reads a C string
    ignores_time,             // looks at no timestamp
    accepts_future,           // checks the age alone, and a negative one is small
    keeps_old_secret,         // accepts the secret before the rotation as well
    claims_before_verifying,  // remembers the ids of refused events
    tells_cause,              // says why it refused
    first_v1_only,            // tries one signature
    case_sensitive_headers,   // finds X-FPT-Signature in that spelling only
    exact_content_type,       // takes one spelling of Content-Type
    refuses_unknown,          // 400 for what the catalogue does not have
    refuses_late,             // judges freshness by eventTimestamp
    refuses_older,            // 409 for an event older than the one before
    none_with_inbox,          // no flaw: stores the event, answers, then processes it, and again until that works
    does_nothing,             // verifies and says 200
    no_dedupe,                // processes every delivery
    checks_then_acts,         // looks the id up, processes, remembers: with nothing in between to hold a second one off
    marks_before_work,        // remembers the id, then processes: the documented recipe
    marks_after_work,         // remembers the id in another transaction than the effect's
    acks_before_work,         // answers, then processes
    queues_without_dedupe,    // answers, then processes every delivery, and again until it works
    chokes_on_malformed,      // 500 for a timestamp that is no number
    dies_on_garbage,          // no answer to signed nonsense
    takes_cut_bodies,         // see ServerFlaws
    reads_body_once,          // likewise
};

struct FlawName {
    Flaw flaw;
    std::string_view name;
};

inline constexpr std::array flaw_names{
    FlawName{Flaw::none, "none"},
    FlawName{Flaw::no_verify, "no_verify"},
    FlawName{Flaw::accepts_unsigned, "accepts_unsigned"},
    FlawName{Flaw::compares_prefix, "compares_prefix"},
    FlawName{Flaw::verifies_reserialised, "verifies_reserialised"},
    FlawName{Flaw::stops_at_nul, "stops_at_nul"},
    FlawName{Flaw::ignores_time, "ignores_time"},
    FlawName{Flaw::accepts_future, "accepts_future"},
    FlawName{Flaw::keeps_old_secret, "keeps_old_secret"},
    FlawName{Flaw::claims_before_verifying, "claims_before_verifying"},
    FlawName{Flaw::tells_cause, "tells_cause"},
    FlawName{Flaw::first_v1_only, "first_v1_only"},
    FlawName{Flaw::case_sensitive_headers, "case_sensitive_headers"},
    FlawName{Flaw::exact_content_type, "exact_content_type"},
    FlawName{Flaw::refuses_unknown, "refuses_unknown"},
    FlawName{Flaw::refuses_late, "refuses_late"},
    FlawName{Flaw::refuses_older, "refuses_older"},
    FlawName{Flaw::none_with_inbox, "none_with_inbox"},
    FlawName{Flaw::does_nothing, "does_nothing"},
    FlawName{Flaw::no_dedupe, "no_dedupe"},
    FlawName{Flaw::checks_then_acts, "checks_then_acts"},
    FlawName{Flaw::marks_before_work, "marks_before_work"},
    FlawName{Flaw::marks_after_work, "marks_after_work"},
    FlawName{Flaw::acks_before_work, "acks_before_work"},
    FlawName{Flaw::queues_without_dedupe, "queues_without_dedupe"},
    FlawName{Flaw::chokes_on_malformed, "chokes_on_malformed"},
    FlawName{Flaw::dies_on_garbage, "dies_on_garbage"},
    FlawName{Flaw::takes_cut_bodies, "takes_cut_bodies"},
    FlawName{Flaw::reads_body_once, "reads_body_once"},
};

// The name of our own Receiver among them.
inline constexpr std::string_view our_receiver = "ours";

inline constexpr std::string_view current_secret = "whsec_fpt_test_secret_32_chars_min!!";
inline constexpr std::string_view old_secret = "whsec_the_secret_before_the_rotation_";

}  // namespace conformance_test
