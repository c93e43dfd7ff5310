#include <fpt_webhooks/receiver/receiver.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <map>
#include <stdexcept>

#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;

// Longest key of the UFP catalogue: 38 bytes. The same limit as for FPT's names.
constexpr std::size_t ufp_key_bytes_max = EventType::length_max;

constexpr std::string_view family_suffix = ".*";

// The one place where code that is not ours runs: handlers, observers, stores, idempotency functions.
template <class Call>
auto guarded(Errc on_exception, Call&& call) -> std::invoke_result_t<Call&> {
    try {
        return call();
    } catch (const std::exception& exception) {
        return Error(on_exception, std::string("exception: ") + exception.what());
    } catch (...) {
        return Error(on_exception, "exception that is no std::exception");
    }
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view white = " \t";
    const auto first = text.find_first_not_of(white);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white) - first + 1);
}

// Strict: a second line of either header is refused, whatever stands in it, since two readers may take one each.
std::optional<Error> refuse_content(Profile profile, const Headers& headers) {
    const auto encoding = headers.find("Content-Encoding");
    if (encoding && (headers.count("Content-Encoding") != 1 || !equals_ignoring_case(trimmed(*encoding), "identity"))) {
        return Error(Errc::invalid_argument, "Content-Encoding: only identity is accepted");
    }
    const auto lines = headers.count("Content-Type");
    if (lines > 1) return Error(Errc::invalid_argument, "Content-Type: more than one");
    if (profile == Profile::ufp) return std::nullopt;
    if (lines == 0) return Error(Errc::invalid_argument, "Content-Type: missing");
    const std::string_view type = *headers.find("Content-Type");
    if (!equals_ignoring_case(trimmed(type.substr(0, type.find(';'))), "application/json")) {
        return Error(Errc::invalid_argument, "Content-Type: not application/json");
    }
    return std::nullopt;
}

Result<void> check_options(const ReceiverOptions& options) {
    const auto invalid = [](const char* text) { return Error(Errc::invalid_argument, text); };
    if (options.endpoint.empty() || options.endpoint.size() > endpoint_name_bytes_max) {
        return invalid("endpoint: a name of 1 to 64 bytes is needed");
    }
    if (options.body_bytes_max == 0) return invalid("body_bytes_max: at least 1 is needed");
    if (options.lease <= chr::milliseconds::zero() || options.lease > dedupe_lease_max) {
        return invalid("lease: more than zero and at most 24 h");
    }
    if (options.busy_wait < chr::milliseconds::zero()) return invalid("busy_wait: negative");
    if (options.retry_after < chr::seconds::zero()) return invalid("retry_after: negative");
    return {};
}

[[noreturn]] void misuse(std::string_view name, std::string_view what) {
    throw std::logic_error("fpt_webhooks: handler for \"" + std::string(name) + "\": " + std::string(what));
}

}  // namespace

class Receiver::State {
  public:
    using Binders = std::vector<Binder>;
    using Routes = std::map<std::string, Binders, std::less<>>;

    State(ReceiverOptions options_, Verifier verifier_)
        : options(std::move(options_)), verifier(std::move(verifier_)) {}

    const ReceiverOptions options;  // clock and dedupe set; secrets moved into the verifier
    const Verifier verifier;
    Routes exact;
    Routes by_family;
    Binders any;
    std::atomic<bool> frozen{false};
    std::array<std::atomic<std::uint64_t>, handle_outcome_count> counts{};
};

// One request on its way. The report's views point into its members.
class Receiver::Handling {
  public:
    Handling(const State& state, const HttpRequest& request) noexcept : state_(state), request_(request) {
        report_.endpoint = state.options.endpoint;
    }

    const HandleReport& run() {
        const Verdict verdict = decide();
        report_.outcome = verdict.outcome;
        report_.status = verdict.status;
        return report_;
    }

  private:
    struct Verdict {
        HandleOutcome outcome;
        int status;
    };
    using BoundHandlers = std::vector<BoundHandler>;

    Verdict decide() {
        const ReceiverOptions& options = state_.options;
        if (request_.method != "POST") return {HandleOutcome::wrong_method, 405};
        if (auto error = refuse_content(options.profile, request_.headers)) {
            return failed({HandleOutcome::wrong_media_type, 415}, std::move(*error));
        }
        if (request_.body.size() > options.body_bytes_max) {
            return failed({HandleOutcome::too_large, 413}, Error(Errc::limit_exceeded, "body over body_bytes_max"));
        }
        auto verified = state_.verifier.verify(request_);
        if (!verified) return failed({HandleOutcome::unauthorized, 401}, std::move(verified).error());
        report_.secret_index = verified->secret_index;

        if (auto read = read_event(); !read) return unreadable(std::move(read).error());
        const State::Binders* binders = route();
        if (!binders) return {HandleOutcome::unhandled, 200};
        auto handlers = bind(*binders);
        if (!handlers) return unreadable(std::move(handlers).error());
        return claim_and_handle(*handlers);
    }

    Result<void> read_event() {
        const ByteView body = bytes_of(request_.body);
        if (state_.options.profile == Profile::fpt) {
            auto envelope = decode_envelope(body, state_.options.body_bytes_max);
            if (!envelope) return std::move(envelope).error();
            key_ = envelope->event_id.to_string();
            view_.emplace(envelope_.emplace(*std::move(envelope)), key_);
        } else {
            auto event = decode_ufp_event(body, state_.options.body_bytes_max);
            if (!event) return std::move(event).error();
            auto key = ufp_key(*event, body);
            if (!key) return std::move(key).error();
            key_ = *std::move(key);
            view_.emplace(ufp_.emplace(*std::move(event)), key_);
        }
        report_.event_type = view_->type();
        report_.idempotency_key = key_;
        return {};
    }

    Result<std::string> ufp_key(const UfpEvent& event, ByteView body) const {
        const auto& function = state_.options.idempotency_key;
        if (!function) {
            return guarded(Errc::crypto_failed, [&]() -> Result<std::string> { return ufp_idempotency_key(body); });
        }
        auto key = guarded(Errc::handler_failed, [&] { return function(event, body); });
        if (key && (key->empty() || key->size() > idempotency_key_bytes_max)) {
            return Error(Errc::invalid_argument, "idempotency_key: a key of 1 to 256 bytes is needed");
        }
        return key;
    }

    // The handlers of the most specific level that has any; null when nobody takes the event.
    const State::Binders* route() const {
        const State::Binders* any = state_.any.empty() ? nullptr : &state_.any;
        if (envelope_ && envelope_->api_version != api_version_known) return any;
        if (const auto exact = state_.exact.find(view_->type()); exact != state_.exact.end()) return &exact->second;
        if (!envelope_) return any;
        const auto family = state_.by_family.find(envelope_->event_type.family());
        return family != state_.by_family.end() ? &family->second : any;
    }

    // All typed data is read before the claim: what one handler cannot read must not fail after another has run.
    Result<BoundHandlers> bind(const State::Binders& binders) const {
        BoundHandlers handlers;
        handlers.reserve(binders.size());
        for (const Binder& binder : binders) {
            auto bound = guarded(Errc::handler_failed, [&] { return binder(*view_); });
            if (!bound) return std::move(bound).error();
            handlers.push_back(*std::move(bound));
        }
        return handlers;
    }

    Verdict claim_and_handle(const BoundHandlers& handlers) {
        const ReceiverOptions& options = state_.options;
        DedupeStore& store = *options.dedupe;
        auto claim = guarded(Errc::local_failure, [&] {
            return store.claim({options.endpoint, key_}, options.lease, options.busy_wait);
        });
        if (!claim) return failed({HandleOutcome::store_unavailable, 503}, std::move(claim).error());
        report_.failures = claim->failures;
        report_.completed_ago = claim->completed_ago;
        if (claim->state == ClaimState::done) return {HandleOutcome::duplicate, 200};
        if (claim->state == ClaimState::busy) {
            return {HandleOutcome::busy, options.busy_answer == BusyAnswer::accepted ? 200 : 503};
        }

        for (const BoundHandler& handler : handlers) {
            auto handled = guarded(Errc::handler_failed, handler);
            if (handled) continue;
            // Should this fail as well, the lease's end gives the event back.
            static_cast<void>(
                guarded(Errc::local_failure, [&] { return store.release(claim->token, ReleaseAs::failed); }));
            return handler_failed(std::move(handled).error());
        }
        // If the mark fails, the lease is kept: it holds off the retry as long as it can.
        auto completed = guarded(Errc::local_failure, [&] { return store.complete(claim->token); });
        if (!completed) return failed({HandleOutcome::store_unavailable, 500}, std::move(completed).error());
        return {HandleOutcome::processed, 200};
    }

    Verdict failed(Verdict verdict, Error error) {
        report_.error = std::move(error);
        return verdict;
    }

    Verdict handler_failed(Error error) {
        if (!(error == Errc::handler_failed)) error = Error(Errc::handler_failed, error.message());
        return failed({HandleOutcome::handler_failed, 500}, std::move(error));
    }

    // User code takes part in reading; where it threw, the event may be as good as any.
    Verdict unreadable(Error error) {
        if (error == Errc::handler_failed) return handler_failed(std::move(error));
        return failed({HandleOutcome::unreadable, 400}, std::move(error));
    }

    const State& state_;
    const HttpRequest& request_;
    std::optional<Envelope> envelope_;
    std::optional<UfpEvent> ufp_;
    std::string key_;
    std::optional<EventView> view_;
    HandleReport report_;
};

Result<std::unique_ptr<Receiver>> Receiver::create(ReceiverOptions options) {
    if (auto valid = check_options(options); !valid) return valid.error();
    if (!options.clock) options.clock = system_clock();
    auto verifier = Verifier::create({.scheme = options.profile == Profile::fpt ? Scheme::fpt : Scheme::ufp,
                                      .secrets = std::move(options.secrets),
                                      .tolerance = options.tolerance,
                                      .clock = options.clock});
    if (!verifier) return std::move(verifier).error();
    options.secrets.clear();
    if (!options.dedupe) {
        auto store = MemoryDedupe::create({.clock = options.clock});
        if (!store) return std::move(store).error();
        options.dedupe = *std::move(store);
    }
    return std::unique_ptr<Receiver>(new Receiver(std::make_unique<State>(std::move(options), *std::move(verifier))));
}

Receiver::Receiver(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Receiver::~Receiver() = default;

HttpResponse Receiver::handle(const HttpRequest& request) const {
    if (!state_->frozen.load(std::memory_order_relaxed)) state_->frozen = true;
    const ReceiverOptions& options = state_->options;

    Handling handling(*state_, request);
    const HandleReport& report = handling.run();
    state_->counts[static_cast<std::size_t>(report.outcome)].fetch_add(1, std::memory_order_relaxed);
    if (options.observer) {
        static_cast<void>(guarded(Errc::handler_failed, [&]() -> Result<void> {
            options.observer(report);
            return {};
        }));
    }

    // The body is the outcome's name: for the sender's delivery log. It is the same for all that is unauthorized.
    HttpResponse response{.status = report.status, .body = std::string(name_of(report.outcome))};
    if (report.status == 405) response.headers.add("Allow", "POST");
    if (report.status == 415) {
        response.headers.add("Accept-Encoding", "identity");
        if (options.profile == Profile::fpt) response.headers.add("Accept", "application/json");
    }
    if (report.status == 503) response.headers.add("Retry-After", std::to_string(options.retry_after.count()));
    return response;
}

ReceiverStats Receiver::stats() const noexcept {
    ReceiverStats::Counts counts{};
    std::transform(state_->counts.begin(), state_->counts.end(), counts.begin(),
                   [](const auto& count) { return count.load(std::memory_order_relaxed); });
    return ReceiverStats(counts);
}

void Receiver::check_handler(std::string_view name, bool callable) const {
    if (state_->frozen.load(std::memory_order_relaxed)) misuse(name, "registered after the first handle()");
    if (!callable) misuse(name, "the function is empty");
}

void Receiver::add_typed(std::string_view name, Binder binder) {
    if (state_->options.profile != Profile::fpt) misuse(name, "typed handlers are for the profile fpt");
    add_named(name, std::move(binder));
}

void Receiver::add_named(std::string_view name, Binder binder) {
    if (state_->options.profile == Profile::ufp) {
        const bool visible =
            std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != '*'; });
        if (name.empty() || name.size() > ufp_key_bytes_max || !visible) {
            misuse(name, "a UFP key is 1 to 128 visible ASCII characters without '*' (for every event: on_any)");
        }
        state_->exact[std::string(canonical_ufp_key(name))].push_back(std::move(binder));
        return;
    }
    if (name == "*") misuse(name, "for every event: on_any");
    if (name.ends_with(family_suffix)) {
        const std::string_view family = name.substr(0, name.size() - family_suffix.size());
        const auto event = EventType::parse(std::string(family) + ".x");
        if (!event || event->family() != family) misuse(name, "a family is one part of a name, e.g. \"contact.*\"");
        state_->by_family[std::string(family)].push_back(std::move(binder));
        return;
    }
    if (const auto event = EventType::parse(name); !event) misuse(name, event.error().message());
    state_->exact[std::string(name)].push_back(std::move(binder));
}

void Receiver::add_any(Binder binder) { state_->any.push_back(std::move(binder)); }

}  // namespace fpt_webhooks::inline v0_1
