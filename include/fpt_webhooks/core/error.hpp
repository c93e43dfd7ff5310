// What went wrong, in one type for the whole library: a code, the place in the input, and a text that is safe to log.
//
// Callers branch on the remedy (`Condition`), not on the cause (`Errc`); the cause is for logs, tests and metrics.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fpt_webhooks/core/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// What the caller can do about an error. `error == Condition::transient` holds also for an error that came from
// another copy of this library in the same process (a shared object that links it statically).
enum class Condition {
    permanent = 1,  // the same call will fail again until somebody changes something
    transient,      // the same call may succeed later: wait and repeat
    in_doubt,       // the request went out and no answer came: it may have taken effect; repeat with the same id
};

// The closed set of causes. Numbers are stable and never reused.
enum class Errc {
    invalid_argument = 1,  // an option or argument is unusable; the detail names it
    malformed = 2,         // input does not follow its grammar; offset() says where
    out_of_range = 3,      // a number does not fit its type; the detail names the field
    limit_exceeded = 4,    // input is larger than a limit; the detail names the limit
    wrong_type = 5,        // data of another event type than the one asked for

    signature_missing = 20,    // no signature header, or a part of it is absent
    signature_malformed = 21,  // the signature header does not follow the scheme's grammar
    signature_mismatch = 22,   // no signature in the header was made with an active secret over these bytes
    timestamp_too_old = 23,    // signed longer ago than the tolerance
    timestamp_in_future = 24,  // signed further ahead than the tolerance
    no_active_secret = 25,     // the verifier holds no secret that is valid now

    handler_failed = 40,  // the user's handler threw or returned an error
    lease_lost = 41,      // the claim's lease ended and another worker took it
    store_full = 42,      // no room: everything in the store is in use

    refused_by_policy = 60,     // the endpoint policy forbids this URL or address; nothing was sent
    resolve_failed = 61,        // the host's name could not be resolved
    connect_failed = 62,        // the peer refused the connection or could not be reached
    tls_failed = 63,            // the TLS handshake failed
    certificate_rejected = 64,  // the peer's certificate is not trusted for this host
    timed_out = 65,             // the time limit ended before the request was sent
    no_response = 66,           // the request was sent; the connection or the time limit ended before an answer
    bad_response = 67,          // the answer is not HTTP, or exceeds a limit before its status is known
    cancelled = 68,             // the owner cancelled the attempt
    overloaded = 69,            // a bounded queue or slot table is full
    forked = 70,                // called in a child process after fork; use the parent's object there only

    not_found = 80,    // there is no such subscription, delivery, event or store
    conflict = 81,     // the id is taken by another event, or the record was changed meanwhile: read it again
    forbidden = 82,    // the acting role may not do this
    wrong_state = 83,  // not in this status: resume what is disabled, generate a secret where one exists
    stopped = 84,      // the dispatcher is stopping or has stopped

    crypto_failed = 90,  // OpenSSL reported a failure (no entropy, out of memory)
    local_failure = 91,  // this machine's fault, not the peer's: no descriptors, unreadable CA file, out of memory

    store_busy = 100,     // the store is locked by another process, or has its one dispatcher already
    store_failed = 101,   // the disk or the file failed; nothing of the call was written
    store_corrupt = 102,  // the file is no database, or a damaged one; it is left as it is
    store_version = 103,  // the store was made by a newer release
    fenced = 104,         // another dispatcher has taken over; nothing was written
    commit_unknown = 105  // the commit's reply was lost: it may have been written; repeat it
};

FPT_WEBHOOKS_CORE_EXPORT const std::error_category& error_category() noexcept;
FPT_WEBHOOKS_CORE_EXPORT const std::error_category& condition_category() noexcept;

// Both enums are conditions, so that `code == Errc::x` is decided by equivalent(), which knows its own kind by name
// and not by address; see docs/decisions/0002-error-categories.md.
inline std::error_condition make_error_condition(Errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}
inline std::error_condition make_error_condition(Condition condition) noexcept {
    return {static_cast<int>(condition), condition_category()};
}
inline std::error_code make_error_code(Errc code) noexcept { return {static_cast<int>(code), error_category()}; }

// An error value: cheap to return, never thrown by this library for bad input. Nothing in it is secret or a peer's
// bytes. Movable and copyable; const access may be shared between threads.
class FPT_WEBHOOKS_CORE_EXPORT Error {
  public:
    // `detail`: our words on what and where, e.g. "locationId: 4294967296 does not fit 32 bits".
    // `offset`: position of the fault in the input, in bytes from its start, if there is one.
    Error(Errc code, std::string detail = {}, std::optional<std::size_t> offset = std::nullopt) noexcept
        : code_(make_error_code(code)), detail_(std::move(detail)), offset_(offset) {}

    [[nodiscard]] const std::error_code& code() const noexcept { return code_; }
    [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
    [[nodiscard]] std::optional<std::size_t> offset() const noexcept { return offset_; }

    // The remedy; every Errc has exactly one.
    [[nodiscard]] Condition condition() const noexcept;

    // "malformed input at byte 17: lone surrogate". Safe to log.
    [[nodiscard]] std::string message() const;

    // The same error with a place in front of its detail: "data: contactId: ...".
    [[nodiscard]] Error in(std::string_view place) const;

    friend bool operator==(const Error& error, Errc code) noexcept { return error.code_ == make_error_condition(code); }
    friend bool operator==(const Error& error, Condition condition) noexcept {
        return error.code_ == make_error_condition(condition);
    }

  private:
    std::error_code code_;
    std::string detail_;
    std::optional<std::size_t> offset_;
};

}  // namespace fpt_webhooks::inline v0_1

template <>
struct std::is_error_condition_enum<fpt_webhooks::Errc> : std::true_type {};
template <>
struct std::is_error_condition_enum<fpt_webhooks::Condition> : std::true_type {};
