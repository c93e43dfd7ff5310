#include <fpt_webhooks/core/error.hpp>

#include <cstring>
#include <stdexcept>

#include <fpt_webhooks/core/result.hpp>

namespace fpt_webhooks::inline v0_1 {
namespace {

// Two copies of this library in one process have two category objects; the name tells that they are of one kind. The
// number at its end is this category's own and changes if the meaning of a code ever does.
constexpr const char* error_category_name = "fpt_webhooks.6b1d0c1e5f0a4c27";
constexpr const char* condition_category_name = "fpt_webhooks.condition.6b1d0c1e5f0a4c27";

bool is_named(const std::error_category& category, const char* name) noexcept {
    return std::strcmp(category.name(), name) == 0;
}

const char* describe(Errc code) noexcept {
    switch (code) {
        case Errc::invalid_argument: return "invalid argument";
        case Errc::malformed: return "malformed input";
        case Errc::out_of_range: return "number out of range";
        case Errc::limit_exceeded: return "limit exceeded";
        case Errc::wrong_type: return "another event type";
        case Errc::signature_missing: return "signature missing";
        case Errc::signature_malformed: return "signature header malformed";
        case Errc::signature_mismatch: return "signature mismatch";
        case Errc::timestamp_too_old: return "signature timestamp too old";
        case Errc::timestamp_in_future: return "signature timestamp in the future";
        case Errc::no_active_secret: return "no secret is valid now";
        case Errc::handler_failed: return "handler failed";
        case Errc::lease_lost: return "lease lost";
        case Errc::store_full: return "store full";
        case Errc::refused_by_policy: return "refused by the endpoint policy";
        case Errc::resolve_failed: return "name not resolved";
        case Errc::connect_failed: return "connection failed";
        case Errc::tls_failed: return "TLS handshake failed";
        case Errc::certificate_rejected: return "certificate rejected";
        case Errc::timed_out: return "timed out before the request was sent";
        case Errc::no_response: return "no response to the request";
        case Errc::bad_response: return "unusable response";
        case Errc::cancelled: return "cancelled";
        case Errc::overloaded: return "overloaded";
        case Errc::forked: return "called in a forked child";
        case Errc::crypto_failed: return "cryptographic library failed";
        case Errc::local_failure: return "failure on this machine";
        case Errc::not_found: return "not found";
        case Errc::conflict: return "conflict";
        case Errc::forbidden: return "forbidden";
        case Errc::wrong_state: return "wrong state";
        case Errc::stopped: return "stopped";
        case Errc::store_busy: return "store busy";
        case Errc::store_failed: return "store failed";
        case Errc::store_corrupt: return "store corrupt";
        case Errc::store_version: return "store of a newer version";
        case Errc::fenced: return "taken over by another dispatcher";
        case Errc::commit_unknown: return "unknown whether it was written";
    }
    return "unknown error";
}

Condition condition_of(Errc code) noexcept {
    switch (code) {
        case Errc::store_full:
        case Errc::handler_failed:
        case Errc::resolve_failed:
        case Errc::connect_failed:
        case Errc::tls_failed:
        case Errc::timed_out:
        case Errc::overloaded:
        case Errc::crypto_failed:
        case Errc::local_failure:
        case Errc::store_busy:
        case Errc::store_failed: return Condition::transient;
        case Errc::no_response:
        case Errc::bad_response:
        case Errc::cancelled:
        case Errc::commit_unknown: return Condition::in_doubt;
        case Errc::invalid_argument:
        case Errc::malformed:
        case Errc::out_of_range:
        case Errc::limit_exceeded:
        case Errc::wrong_type:
        case Errc::signature_missing:
        case Errc::signature_malformed:
        case Errc::signature_mismatch:
        case Errc::timestamp_too_old:
        case Errc::timestamp_in_future:
        case Errc::no_active_secret:
        case Errc::lease_lost:
        case Errc::refused_by_policy:
        case Errc::certificate_rejected:
        case Errc::forked:
        case Errc::not_found:
        case Errc::conflict:
        case Errc::forbidden:
        case Errc::wrong_state:
        case Errc::stopped:
        case Errc::store_corrupt:
        case Errc::store_version:
        case Errc::fenced: return Condition::permanent;
    }
    return Condition::permanent;
}

class ErrorCategory final : public std::error_category {
  public:
    const char* name() const noexcept override { return error_category_name; }
    std::string message(int value) const override { return describe(static_cast<Errc>(value)); }
    std::error_condition default_error_condition(int value) const noexcept override {
        return make_error_condition(condition_of(static_cast<Errc>(value)));
    }
    bool equivalent(int value, const std::error_condition& condition) const noexcept override {
        if (is_named(condition.category(), error_category_name)) return condition.value() == value;
        return is_named(condition.category(), condition_category_name) &&
               condition.value() == static_cast<int>(condition_of(static_cast<Errc>(value)));
    }
    bool equivalent(const std::error_code& code, int value) const noexcept override {
        return is_named(code.category(), error_category_name) && code.value() == value;
    }
};

class ConditionCategory final : public std::error_category {
  public:
    const char* name() const noexcept override { return condition_category_name; }
    std::string message(int value) const override {
        switch (static_cast<Condition>(value)) {
            case Condition::permanent: return "permanent";
            case Condition::transient: return "transient";
            case Condition::in_doubt: return "in doubt";
        }
        return "unknown condition";
    }
    bool equivalent(const std::error_code& code, int value) const noexcept override {
        return is_named(code.category(), error_category_name) &&
               static_cast<int>(condition_of(static_cast<Errc>(code.value()))) == value;
    }
};

}  // namespace

const std::error_category& error_category() noexcept {
    static const ErrorCategory category;
    return category;
}

const std::error_category& condition_category() noexcept {
    static const ConditionCategory category;
    return category;
}

Condition Error::condition() const noexcept { return condition_of(static_cast<Errc>(code_.value())); }

std::string Error::message() const {
    std::string text = describe(static_cast<Errc>(code_.value()));
    if (offset_) text += " at byte " + std::to_string(*offset_);
    if (!detail_.empty()) text += ": " + detail_;
    return text;
}

Error Error::in(std::string_view place) const {
    Error error = *this;
    error.detail_.insert(0, detail_.empty() ? "" : ": ").insert(0, place);
    return error;
}

BadResultAccess::BadResultAccess(Error error) : error_(std::move(error)), what_(error_.message()) {}
BadResultAccess::~BadResultAccess() = default;
const char* BadResultAccess::what() const noexcept { return what_.c_str(); }

namespace detail {
void throw_bad_result_access(const Error& error) { throw BadResultAccess(error); }
void throw_no_error() { throw std::logic_error("fpt_webhooks: Result::error() called on a value"); }
}  // namespace detail

}  // namespace fpt_webhooks::inline v0_1
