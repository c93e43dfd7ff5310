#include <fpt_webhooks/receiver/receiver.hpp>

#include <algorithm>
#include <stdexcept>

#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>

#include "receiver/guarded.hpp"
#include "receiver/receiver_state.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using detail::guarded;

// Of the tries that a sender makes (FPT: 9, UFP: 4), early enough that a dead letter is there before the endpoint is
// disabled for its failures.
constexpr std::uint32_t failures_max_fpt = 3;
constexpr std::uint32_t failures_max_ufp = 2;

// Longest key of the UFP catalogue: 38 bytes. The same limit as for FPT's names.
constexpr std::size_t ufp_key_bytes_max = EventType::length_max;

constexpr std::string_view family_suffix = ".*";

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

Error no_handler() { return {Errc::wrong_type, "no handler takes this event"}; }

// Which of the stores go together.
Result<void> check_stores(const ReceiverOptions& options) {
    const auto invalid = [](const char* text) { return Error(Errc::invalid_argument, text); };
    if (options.inbox) {
        if (options.dedupe) return invalid("dedupe: the inbox is its own deduplication");
        if (options.mode != DedupeMode::lease) return invalid("mode: an inbox has none but the default");
        if (options.dead_letters) return invalid("dead_letters: the inbox has its own");
        if (options.failures_max != 0) return invalid("failures_max: with an inbox, an option of its workers");
        return {};
    }
    const bool store_joins = options.dedupe && options.dedupe->joins_transaction();
    if (options.mode == DedupeMode::in_transaction && !store_joins) {
        return invalid("mode: in_transaction needs a dedupe store that joins the handlers' transaction");
    }
    if (options.mode != DedupeMode::in_transaction && store_joins) {
        return invalid("mode: the dedupe store joins the handlers' transaction, which goes with in_transaction only");
    }
    if (options.failures_max != 0 && !options.dead_letters) return invalid("failures_max: needs dead_letters");
    return {};
}

Result<void> check_options(const ReceiverOptions& options) {
    const auto invalid = [](const char* text) { return Error(Errc::invalid_argument, text); };
    if (options.endpoint.empty() || options.endpoint.size() > endpoint_name_bytes_max) {
        return invalid("endpoint: a name of 1 to 64 bytes is needed");
    }
    if (options.body_bytes_max == 0) return invalid("body_bytes_max: at least 1 is needed");
    if (auto valid = detail::check_lease_limits({options.lease, options.lease_total_max}); !valid) return valid;
    if (options.busy_wait < chr::milliseconds::zero()) return invalid("busy_wait: negative");
    if (options.retry_after < chr::seconds::zero()) return invalid("retry_after: negative");
    if (options.deadline_threads == 0 || options.deadline_threads > deadline_threads_max) {
        return invalid("deadline_threads: 1 to 256 are needed");
    }
    if (options.contact_order_capacity > 0 && options.profile == Profile::ufp) {
        return invalid("contact_order_capacity: UFP's times have no zone, so its events have no order");
    }
    return check_stores(options);
}

[[noreturn]] void misuse(std::string_view name, std::string_view what) {
    throw std::logic_error("fpt_webhooks: handler for \"" + std::string(name) + "\": " + std::string(what));
}

}  // namespace

const Receiver::Route* Receiver::State::route(const EventView& event) const {
    const Route* catch_all = any.binders.empty() ? nullptr : &any;
    const Envelope* envelope = event.envelope();
    if (envelope && envelope->api_version != api_version_known) return catch_all;
    if (const auto found = exact.find(event.type()); found != exact.end()) return &found->second;
    if (envelope) {
        const auto family = by_family.find(envelope->event_type.family());
        return family != by_family.end() ? &family->second : catch_all;
    }
    const UfpEventInfo* known = by_category.empty() ? nullptr : find_ufp_event(event.type());
    if (!known) return catch_all;
    const auto category = by_category.find(known->category);
    return category != by_category.end() ? &category->second : catch_all;
}

Result<Receiver::State::BoundHandlers> Receiver::State::bind(const Route& route, const EventView& event) {
    BoundHandlers handlers;
    handlers.reserve(route.binders.size());
    for (const Binder& binder : route.binders) {
        auto bound = guarded(Errc::handler_failed, [&] { return binder(event); });
        if (!bound) return std::move(bound).error();
        handlers.push_back(*std::move(bound));
    }
    return handlers;
}

// One request on its way. The report's views point into its members.
class Receiver::Handling {
  public:
    Handling(const State& state, const HttpRequest& request) noexcept
        : state_(state), request_(request), entered_(state.options.clock->steady_now()) {
        report_.endpoint = state.options.endpoint;
    }

    const HandleReport& run() {
        Verdict verdict = decide();
        report_.outcome = verdict.outcome;
        report_.status = verdict.status;
        report_.error = std::move(verdict.error);
        return report_;
    }

  private:
    Verdict decide() {
        const ReceiverOptions& options = state_.options;
        if (request_.method != "POST") return {HandleOutcome::wrong_method, 405};
        if (auto error = refuse_content(options.profile, request_.headers)) {
            return {HandleOutcome::wrong_media_type, 415, std::move(*error)};
        }
        if (request_.body.size() > options.body_bytes_max) {
            return {HandleOutcome::too_large, 413, Error(Errc::limit_exceeded, "body over body_bytes_max")};
        }
        auto verified = state_.verifier.verify(request_);
        if (!verified) return {HandleOutcome::unauthorized, 401, std::move(verified).error()};
        report_.secret_index = verified->secret_index;
        report_.secret_label = verified->secret_label;

        if (auto read = event_.read(options, bytes_of(request_.body)); !read)
            return unreadable(std::move(read).error());
        report_.event_type = event_.view().type();
        report_.idempotency_key = event_.key();
        if (options.inbox) return store_in_inbox();
        const Route* route = state_.route(event_.view());
        if (!route) return unhandled(options);
        return route->deadline > chr::milliseconds::zero() ? handle_elsewhere(*route) : handle_here(*route);
    }

    Verdict handle_here(const Route& route) {
        auto handlers = State::bind(route, event_.view());
        if (!handlers) return unreadable(std::move(handlers).error());
        Run run(state_, event_, bytes_of(request_.body), *std::move(handlers));
        auto verdict = claim(run, state_.options.busy_wait);
        return verdict ? *std::move(verdict) : run.handle();
    }

    // What handlers may still need when this request has been answered is theirs.
    Verdict handle_elsewhere(const Route& route) {
        elsewhere_ = std::make_shared<DetachedRun>(state_, std::move(event_), request_.body, report_, entered_);
        report_ = elsewhere_->report();
        if (auto bound = elsewhere_->bind(route); !bound) return unreadable(std::move(bound).error());
        const auto wait = std::min(state_.options.busy_wait, elsewhere_->time_left(route));
        if (auto verdict = claim(elsewhere_->run(), wait)) return *std::move(verdict);
        elsewhere_->report().failures = report_.failures;
        if (auto submitted = state_.pool.submit(elsewhere_); !submitted) {
            elsewhere_->run().abandon();
            return {HandleOutcome::overrun, 503, std::move(submitted).error()};
        }
        return elsewhere_->wait(route);
    }

    std::optional<Verdict> claim(Run& run, chr::milliseconds wait) {
        auto verdict = run.claim(wait);
        report_.failures = run.claimed().failures;
        report_.completed_ago = run.claimed().completed_ago;
        return verdict;
    }

    static Verdict unhandled(const ReceiverOptions& options) {
        if (options.unknown_events == UnknownEvents::accept) return {HandleOutcome::unhandled, 200};
        return {HandleOutcome::unhandled, 422, no_handler()};
    }

    // Whether a handler takes the event, and can read it, is for the workers to see: they may be another process.
    Verdict store_in_inbox() const {
        const ReceiverOptions& options = state_.options;
        auto added = guarded(Errc::local_failure, [&] {
            return options.inbox->add({options.endpoint, event_.key()}, event_.view().type(), bytes_of(request_.body),
                                      options.clock->now());
        });
        if (!added) return {HandleOutcome::store_unavailable, 503, std::move(added).error()};
        return {*added == InboxVerdict::duplicate ? HandleOutcome::duplicate : HandleOutcome::accepted, 200};
    }

    Verdict unreadable(Error error) {
        Verdict verdict = Verdict::not_read(std::move(error));
        const ReceiverOptions& options = state_.options;
        if (verdict.outcome != HandleOutcome::unreadable || !options.dead_letters) return verdict;
        const ByteView body = bytes_of(request_.body);
        auto added = guarded(Errc::local_failure, [&] {
            return options.dead_letters->add({.key = {options.endpoint, ufp_idempotency_key(body)},
                                              .profile = options.profile,
                                              .event_type = report_.event_type,
                                              .reason = DeadLetterReason::unreadable,
                                              .detail = verdict.error->message(),
                                              .received_at = options.clock->now(),
                                              .body = body});
        });
        if (added) return {HandleOutcome::dead_lettered, 200, std::move(verdict.error)};
        return {HandleOutcome::unreadable, 500, std::move(added).error().in("dead letters")};
    }

    const State& state_;
    const HttpRequest& request_;
    const chr::steady_clock::time_point entered_;
    detail::ReadEvent event_;
    std::shared_ptr<DetachedRun> elsewhere_;  // then the event is there
    HandleReport report_;
};

Result<std::unique_ptr<Receiver>> Receiver::create(ReceiverOptions options) {
    if (auto valid = check_options(options); !valid) return valid.error();
    if (!options.clock) options.clock = system_clock();
    auto verifier = Verifier::create({.scheme = options.profile == Profile::fpt ? Scheme::fpt : Scheme::ufp,
                                      .secrets = std::move(options.secrets),
                                      .key_ring = std::move(options.key_ring),
                                      .tolerance = options.tolerance,
                                      .clock = options.clock});
    if (!verifier) return std::move(verifier).error();
    options.secrets.clear();
    options.key_ring.reset();
    if (options.inbox) {
        options.dead_letters = std::shared_ptr<DeadLetterStore>(options.inbox, &options.inbox->dead_letters());
    } else if (!options.dedupe) {
        auto store = MemoryDedupe::create({.clock = options.clock});
        if (!store) return std::move(store).error();
        options.dedupe = *std::move(store);
    }
    if (options.failures_max == 0) {
        options.failures_max = options.profile == Profile::fpt ? failures_max_fpt : failures_max_ufp;
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

Processed Receiver::process(ByteView body, std::uint32_t failures) const {
    if (!state_->frozen.load(std::memory_order_relaxed)) state_->frozen = true;
    const auto not_read = [](Error error) {
        Verdict verdict = Verdict::not_read(std::move(error));
        return Processed{verdict.outcome, std::move(verdict.error)};
    };
    detail::ReadEvent event;
    if (auto read = event.read(state_->options, body); !read) return not_read(std::move(read).error());
    const Route* route = state_->route(event.view());
    if (!route && state_->options.unknown_events == UnknownEvents::accept) return {HandleOutcome::unhandled};
    if (!route) return {HandleOutcome::unhandled, no_handler()};
    auto handlers = State::bind(*route, event.view());
    if (!handlers) return not_read(std::move(handlers).error());
    if (state_->options.mode == DedupeMode::in_transaction) {
        return Run::call_in_transaction(*state_, event, *handlers, failures);
    }
    auto handled = Run::call(*state_, event.view(), *handlers, failures);
    if (!handled) return {HandleOutcome::handler_failed, Verdict::handler_failed(std::move(handled).error()).error};
    return {HandleOutcome::processed};
}

const std::string& Receiver::endpoint() const noexcept { return state_->options.endpoint; }
Profile Receiver::profile() const noexcept { return state_->options.profile; }
DedupeMode Receiver::mode() const noexcept { return state_->options.mode; }

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

void Receiver::add_typed(std::string_view name, Binder binder, const HandlerOptions& options) {
    if (state_->options.profile != Profile::fpt) misuse(name, "typed handlers are for the profile fpt");
    add_named(name, std::move(binder), options);
}

void Receiver::add_named(std::string_view name, Binder binder, const HandlerOptions& options) {
    if (state_->options.profile == Profile::ufp) {
        const bool visible =
            std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != '*'; });
        if (name.empty() || name.size() > ufp_key_bytes_max || !visible) {
            misuse(name, "a UFP key is 1 to 128 visible ASCII characters without '*' (for every event: on_any)");
        }
        add_to(state_->exact[std::string(canonical_ufp_key(name))], name, std::move(binder), options);
        return;
    }
    if (name == "*") misuse(name, "for every event: on_any");
    if (name.ends_with(family_suffix)) {
        const std::string_view family = name.substr(0, name.size() - family_suffix.size());
        const auto event = EventType::parse(std::string(family) + ".x");
        if (!event || event->family() != family) misuse(name, "a family is one part of a name, e.g. \"contact.*\"");
        add_to(state_->by_family[std::string(family)], name, std::move(binder), options);
        return;
    }
    if (const auto event = EventType::parse(name); !event) misuse(name, event.error().message());
    add_to(state_->exact[std::string(name)], name, std::move(binder), options);
}

void Receiver::add_category(std::string_view name, Binder binder, const HandlerOptions& options) {
    if (state_->options.profile != Profile::ufp) {
        misuse(name, "categories are for the profile ufp; FPT has families, e.g. \"contact.*\"");
    }
    const auto events = ufp_events();
    const auto known = std::find_if(events.begin(), events.end(),
                                    [name](const auto& event) { return equals_ignoring_case(event.category, name); });
    if (known == events.end()) misuse(name, "no category of the UFP catalogue (ufp_catalogue.hpp), e.g. \"Sales\"");
    add_to(state_->by_category[std::string(known->category)], name, std::move(binder), options);
}

void Receiver::add_any(Binder binder, const HandlerOptions& options) {
    add_to(state_->any, "*", std::move(binder), options);
}

void Receiver::add_to(Route& route, std::string_view name, Binder binder, const HandlerOptions& options) {
    constexpr auto none = chr::milliseconds::zero();
    if (options.deadline < none || options.deadline > handler_deadline_max) {
        misuse(name, "deadline: zero to 1 h");
    }
    if (options.deadline > none && state_->options.mode != DedupeMode::lease) {
        misuse(name, "a deadline goes with DedupeMode::lease only");
    }
    route.binders.push_back(std::move(binder));
    if (options.deadline == none || (route.deadline > none && route.deadline <= options.deadline)) return;
    route.deadline = options.deadline;
    route.on_overrun = options.on_overrun;
}

}  // namespace fpt_webhooks::inline v0_1
