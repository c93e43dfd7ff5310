#include "cli/command.hpp"

namespace fpt_webhooks::cli {

ExitStatus status_of(const Error& error) noexcept {
    switch (static_cast<Errc>(error.code().value())) {
        case Errc::invalid_argument: return ExitStatus::usage;
        case Errc::malformed:
        case Errc::out_of_range:
        case Errc::limit_exceeded:
        case Errc::wrong_type: return ExitStatus::input;
        case Errc::store_full:
        case Errc::store_busy:
        case Errc::store_failed:
        case Errc::store_corrupt:
        case Errc::store_version:
        case Errc::fenced:
        case Errc::commit_unknown: return ExitStatus::store;
        case Errc::refused_by_policy:
        case Errc::not_found:
        case Errc::conflict:
        case Errc::forbidden:
        case Errc::wrong_state: return ExitStatus::refused;
        case Errc::crypto_failed:
        case Errc::local_failure:
        case Errc::overloaded: return ExitStatus::machine;
        default: return ExitStatus::no;
    }
}

Failure failure_of(const Error& error, std::string_view place) {
    std::string what(place);
    if (!what.empty()) what += ": ";
    what += error.message();
    const char* hint = "";
    if (error == Errc::store_version) hint = "use the release that made it, or a newer one";
    if (error == Errc::store_busy) hint = "another process holds it: wait, or stop that one";
    if (error == Errc::refused_by_policy)
        hint = "a target of your own network needs --allow-address, plain HTTP one more: see --help";
    return {status_of(error), what, hint};
}

}  // namespace fpt_webhooks::cli
