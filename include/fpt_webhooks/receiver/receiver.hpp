// Turns a webhook request into a response: verify, deduplicate, route to handlers (docs/receiver.md).
//
// It fits into any HTTP server: build an HttpRequest from the raw bytes, send the HttpResponse that comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fpt_webhooks/core/event_view.hpp>
#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/receiver/handle_report.hpp>
#include <fpt_webhooks/receiver/handlers.hpp>
#include <fpt_webhooks/receiver/receiver_options.hpp>

namespace fpt_webhooks::inline v0_1 {

// One endpoint. Register handlers first; from the first handle() on they are frozen, and handle() may be called from
// any number of threads at once.
//
// Which handlers run: the most specific that there are, and only those.
//   1. on<T>() and on("contact.created"): by exact name, typed or not;
//   2. on("contact.*"): by family; UFP: on_category("Sales");
//   3. on_any(): whatever nothing above takes, and every event of an apiVersion that this library does not know.
// So an event has its effect in one place: a handler for one event of a family takes that event away from the family's
// handler. Several on one level all run, in the order of their registration; the first failure stops.
//
// A handler fails by throwing or by returning an error; then the whole event is retried by the sender, handlers that
// succeeded included. Handlers run on several threads at once: share nothing in them without a lock.
//
// They run on handle()'s own thread, where a slow one holds its request as it would in any server, and costs no thread
// beside it. With HandlerOptions::deadline they run on a bounded set of threads, so that handle() can answer in time;
// the destructor waits for those that run on.
//
// Any handler may take a `const EventContext&` as its last parameter.
//
// Under DedupeMode::lease the first event that is handled starts one thread, which renews the leases of running
// handlers. A host that forks its workers creates or first uses its receivers in them. The destructor ends the thread;
// no handle() may be running then.
class FPT_WEBHOOKS_RECEIVER_EXPORT Receiver {
  public:
    // Errors: invalid_argument that names the option.
    [[nodiscard]] static Result<std::unique_ptr<Receiver>> create(ReceiverOptions options);

    ~Receiver();

    // FPT: a handler for the event T::event_type: `handler(const Envelope&, const T&)`, void or Result<void>.
    // `data` is read into T before the event is claimed; where that fails, the event is unreadable (400, or a dead
    // letter), no handler runs and no failure is counted.
    //
    // Registering after the first handle(), under a name that no event can have, under the other vendor's profile, or
    // an empty std::function is a programming mistake: std::logic_error that says which.
    template <TypedEvent T, class Handler>
    void on(Handler handler, HandlerOptions options = {}) {
        static_assert(std::is_invocable_v<Handler&, const Envelope&, const T&> ||
                          std::is_invocable_v<Handler&, const Envelope&, const T&, const EventContext&>,
                      "a handler for T is called as handler(const Envelope&, const T&)");
        check_handler(T::event_type, is_callable(handler));
        add_typed(
            T::event_type,
            [shared = std::make_shared<Handler>(std::move(handler))](const EventView& event) -> Result<BoundHandler> {
                const Envelope& envelope = *event.envelope();
                auto typed = envelope.data_as<T>();
                if (!typed) return std::move(typed).error();
                return BoundHandler(
                    [&envelope, typed = *std::move(typed), handler = shared.get()](const EventContext& context) {
                        return run(*handler, context, envelope, typed);
                    });
            },
            options);
    }

    // A handler by name: `handler(const EventView&)`, void or Result<void>. FPT: an exact event name
    // ("contact.created", catalogued or not) or a family ("contact.*"). UFP: an event key; aliases are one event.
    // Mistakes: as above.
    template <class Handler>
    void on(std::string_view name, Handler handler, HandlerOptions options = {}) {
        check_handler(name, is_callable(handler));
        add_named(name, bind_view(std::move(handler)), options);
    }

    // UFP: a handler for a category of the catalogue, as it is spelled there but for case: "Sales",
    // "Billing & Payment". Events that the catalogue does not know are in none. Mistakes: as above.
    template <class Handler>
    void on_category(std::string_view category, Handler handler, HandlerOptions options = {}) {
        check_handler(category, is_callable(handler));
        add_category(category, bind_view(std::move(handler)), options);
    }

    // The catch-all: `handler(const EventView&)`, void or Result<void>. It sees only what no other handler takes.
    // Without one such events are `unhandled`: answered 200, or as ReceiverOptions::unknown_events says (with an inbox
    // 200 in any case), and not claimed. Mistakes: as above.
    template <class Handler>
    void on_any(Handler handler, HandlerOptions options = {}) {
        check_handler("*", is_callable(handler));
        add_any(bind_view(std::move(handler)), options);
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

    // Reads the body of an event that was verified before and runs its handlers, on this thread and without a claim:
    // for inbox workers, and for dead letters that are tried again. Deadlines do not count here. Who calls it keeps two
    // from running at once, and sees to retries: it runs them as often as it is called, so a crash before the caller
    // has put down the result repeats the effect. Not counted in stats(), not seen by the observer. Handlers as in
    // handle(), which may be called at the same time.
    //
    // Under DedupeMode::in_transaction the handlers run in a transaction of the store's, which waits for the connection
    // as handle() does (`busy_wait`) and is rolled back when they fail. What has succeeded is marked, beside the marks
    // of handle(): another call with this event is a `duplicate` and runs nothing, for as long as the mark is kept.
    [[nodiscard]] Processed process(ByteView body, std::uint32_t failures = 0) const;

    [[nodiscard]] const std::string& endpoint() const noexcept;
    [[nodiscard]] Profile profile() const noexcept;
    [[nodiscard]] DedupeMode mode() const noexcept;

    // May be called at any time, from any thread.
    [[nodiscard]] ReceiverStats stats() const noexcept;

  private:
    using BoundHandler = std::function<Result<void>(const EventContext&)>;
    using Binder = std::function<Result<BoundHandler>(const EventView&)>;
    class State;
    class Run;
    class DetachedRun;
    class Handling;
    struct Route;
    struct Verdict;

    explicit Receiver(std::unique_ptr<State> state) noexcept;

    // Compiled functions: they throw, and these templates must also serve code built with -fno-exceptions.
    void check_handler(std::string_view name, bool callable) const;
    void add_typed(std::string_view name, Binder binder, const HandlerOptions& options);
    void add_named(std::string_view name, Binder binder, const HandlerOptions& options);
    void add_category(std::string_view name, Binder binder, const HandlerOptions& options);
    void add_any(Binder binder, const HandlerOptions& options);
    void add_to(Route& route, std::string_view name, Binder binder, const HandlerOptions& options);

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
        static_assert(std::is_invocable_v<Handler&, const EventView&> ||
                          std::is_invocable_v<Handler&, const EventView&, const EventContext&>,
                      "a handler by name is called as handler(const EventView&)");
        return
            [shared = std::make_shared<Handler>(std::move(handler))](const EventView& event) -> Result<BoundHandler> {
                return BoundHandler([&event, handler = shared.get()](const EventContext& context) {
                    return run(*handler, context, event);
                });
            };
    }

    template <class Handler, class... Event>
    static Result<void> run(Handler& handler, const EventContext& context, const Event&... event) {
        if constexpr (std::is_invocable_v<Handler&, const Event&..., const EventContext&>) {
            return call(handler, event..., context);
        } else {
            return call(handler, event...);
        }
    }

    template <class Handler, class... Argument>
    static Result<void> call(Handler& handler, const Argument&... argument) {
        using Returned = std::invoke_result_t<Handler&, const Argument&...>;
        static_assert(std::is_void_v<Returned> || std::is_same_v<Returned, Result<void>>,
                      "a handler returns void or Result<void>");
        if constexpr (std::is_void_v<Returned>) {
            std::invoke(handler, argument...);
            return {};
        } else {
            return std::invoke(handler, argument...);
        }
    }

    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
