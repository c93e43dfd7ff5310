// Turns a webhook request into a response: verify, deduplicate, route to handlers (SPEC 3).
//
// It fits into any HTTP server: build an HttpRequest from the raw bytes, send the HttpResponse that comes back.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/event_view.hpp>
#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/verifier.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/handle_report.hpp>

namespace fpt_webhooks::inline v0_1 {

// What a request is answered while another one processes the same event.
enum class BusyAnswer {
    retry_later,  // 503 with Retry-After: the sender asks again, and no event is lost if the other one fails
    accepted,     // 200: the vendor's documented recipe; the event is lost if the other one fails
};

struct ReceiverOptions {
    // A name for this endpoint, 1 to endpoint_name_bytes_max bytes: part of every dedupe key, so it must stay the same
    // across restarts when the store is durable.
    std::string endpoint = {};

    // Whose events come in: decides signature scheme, body format and media type.
    Profile profile = Profile::fpt;

    // 1 to verifier_secrets_max; see VerifierOptions.
    std::vector<TimedSecret> secrets = {};

    // See VerifierOptions; nothing: 300 s. Unused under UFP, whose signatures carry no time: there only deduplication
    // stands against a replay.
    std::optional<std::chrono::seconds> tolerance = std::nullopt;

    // A longer body is answered 413; at least 1.
    std::size_t body_bytes_max = body_bytes_max_default;

    // Nothing: a MemoryDedupe of this receiver's own, with its defaults.
    std::shared_ptr<DedupeStore> dedupe = nullptr;

    // How long a claim protects a running handler; more than zero, up to dedupe_lease_max. A handler that runs longer
    // may be run a second time by a retry. Ten minutes outlast any sender's wait; with the store in memory nothing
    // shorter is needed, since a process that dies takes its leases with it.
    std::chrono::milliseconds lease = std::chrono::minutes(10);

    // How long a duplicate waits for the result of the request that is processing the event; it holds a thread of your
    // server meanwhile. Zero: not at all. The default stays under the 30 s after which FPT gives up on a request.
    std::chrono::milliseconds busy_wait = std::chrono::seconds(25);

    BusyAnswer busy_answer = BusyAnswer::retry_later;

    // The Retry-After of every 503, zero or more. Senders with a schedule of their own take the later of the two.
    std::chrono::seconds retry_after{30};

    // UFP only: the key that two deliveries of one event share, 1 to idempotency_key_bytes_max bytes. An error is
    // answered 400. Nothing: ufp_idempotency_key over the raw body, under which two equal events are one.
    std::function<Result<std::string>(const UfpEvent& event, ByteView body)> idempotency_key = nullptr;

    // For signature times and, if the store is our own, for leases and retention. Nothing: the system's.
    std::shared_ptr<const Clock> clock = nullptr;

    // Called once for each request, just before handle() returns, on its thread; must be safe to call from several at
    // once. What it throws is dropped.
    std::function<void(const HandleReport&)> observer = nullptr;
};

// One endpoint. Register handlers first; from the first handle() on they are frozen, and handle() may be called from
// any number of threads at once.
//
// Which handlers run: the most specific that there are, and only those.
//   1. on<T>() and on("contact.created"): by exact name, typed or not;
//   2. on("contact.*"): by family;
//   3. on_any(): whatever nothing above takes, and every event of an apiVersion that this library does not know.
// So an event has its effect in one place: a handler for one event of a family takes that event away from the family's
// handler. Several on one level all run, in the order of their registration; the first failure stops.
//
// A handler fails by throwing or by returning an error; then the whole event is retried by the sender, handlers that
// succeeded included. Handlers run on handle()'s thread, and on several at once: share nothing in them without a lock.
class FPT_WEBHOOKS_RECEIVER_EXPORT Receiver {
  public:
    // Errors: invalid_argument that names the option.
    [[nodiscard]] static Result<std::unique_ptr<Receiver>> create(ReceiverOptions options);

    ~Receiver();

    // FPT: a handler for the event T::event_type: `handler(const Envelope&, const T&)`, void or Result<void>.
    // `data` is read into T before the event is claimed; where that fails, the answer is 400, no handler runs and no
    // failure is counted.
    //
    // Registering after the first handle(), under a name that no event can have, under the other vendor's profile, or
    // an empty std::function is a programming mistake: std::logic_error that says which.
    template <TypedEvent T, class Handler>
    void on(Handler handler) {
        static_assert(std::is_invocable_v<Handler&, const Envelope&, const T&>,
                      "a handler for T is called as handler(const Envelope&, const T&)");
        check_handler(T::event_type, is_callable(handler));
        add_typed(
            T::event_type,
            [shared = std::make_shared<Handler>(std::move(handler))](const EventView& event) -> Result<BoundHandler> {
                const Envelope& envelope = *event.envelope();
                auto typed = envelope.data_as<T>();
                if (!typed) return std::move(typed).error();
                return BoundHandler([&envelope, typed = *std::move(typed), handler = shared.get()] {
                    return run(*handler, envelope, typed);
                });
            });
    }

    // A handler by name: `handler(const EventView&)`, void or Result<void>. FPT: an exact event name
    // ("contact.created", catalogued or not) or a family ("contact.*"). UFP: an event key; aliases are one event.
    // Mistakes: as above.
    template <class Handler>
    void on(std::string_view name, Handler handler) {
        check_handler(name, is_callable(handler));
        add_named(name, bind_view(std::move(handler)));
    }

    // The catch-all: `handler(const EventView&)`, void or Result<void>. It sees only what no other handler takes.
    // Without one such events are answered 200 and counted as `unhandled`; they are not claimed. Mistakes: as above.
    template <class Handler>
    void on_any(Handler handler) {
        check_handler("*", is_callable(handler));
        add_any(bind_view(std::move(handler)));
    }

    // Answers one request. `request.body` must be the raw bytes: a server that decompresses, decodes or re-serialises
    // bodies before this breaks every signature.
    //
    // In this order: method (405), media type (415: FPT takes application/json with any parameters, UFP anything or
    // nothing; any Content-Encoding but identity is refused), size (413), signature (401, the same response whatever
    // the cause), reading (400), claim (200 when processed before; 503 while another request processes it, or when the
    // store has no room), handlers (200, or 500 for a retry). Until the signature holds, nothing of the body is read
    // and nothing is allocated.
    //
    // Handlers, observer, idempotency_key and the store are called without a lock held, and nothing that they throw
    // passes through. Throws std::bad_alloc only.
    [[nodiscard]] HttpResponse handle(const HttpRequest& request) const;

    // May be called at any time, from any thread.
    [[nodiscard]] ReceiverStats stats() const noexcept;

  private:
    using BoundHandler = std::function<Result<void>()>;
    using Binder = std::function<Result<BoundHandler>(const EventView&)>;
    class State;
    class Handling;

    explicit Receiver(std::unique_ptr<State> state) noexcept;

    // Compiled functions: they throw, and these templates must also serve code built with -fno-exceptions.
    void check_handler(std::string_view name, bool callable) const;
    void add_typed(std::string_view name, Binder binder);
    void add_named(std::string_view name, Binder binder);
    void add_any(Binder binder);

    template <class Handler>
    static bool is_callable(const Handler& handler) noexcept {
        // A captureless lambda compares with nullptr too, through a conversion; it is never null.
        if constexpr (!std::is_empty_v<Handler> && requires { handler == nullptr; }) {
            return !(handler == nullptr);
        } else {
            return true;
        }
    }

    template <class Handler>
    static Binder bind_view(Handler handler) {
        static_assert(std::is_invocable_v<Handler&, const EventView&>,
                      "a handler by name is called as handler(const EventView&)");
        return
            [shared = std::make_shared<Handler>(std::move(handler))](const EventView& event) -> Result<BoundHandler> {
                return BoundHandler([&event, handler = shared.get()] { return run(*handler, event); });
            };
    }

    template <class Handler, class... Event>
    static Result<void> run(Handler& handler, const Event&... event) {
        using Returned = std::invoke_result_t<Handler&, const Event&...>;
        static_assert(std::is_void_v<Returned> || std::is_same_v<Returned, Result<void>>,
                      "a handler returns void or Result<void>");
        if constexpr (std::is_void_v<Returned>) {
            std::invoke(handler, event...);
            return {};
        } else {
            return std::invoke(handler, event...);
        }
    }

    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
