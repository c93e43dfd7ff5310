#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/sender/dispatcher.hpp>

#include "cli/attempts.hpp"
#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/json.hpp"
#include "cli/patience.hpp"
#include "cli/progress.hpp"
#include "cli/stop.hpp"
#include "cli/store_access.hpp"
#include "cli/time_option.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr std::size_t page_rows = 1'000;          // examined in one transaction
constexpr std::size_t list_rows_max = 1'000'000;  // of one list, all in memory
constexpr std::size_t replay_page_rows = 100;
constexpr std::size_t replay_rate_max = 1'000'000;  // far beyond what a store makes

constexpr DeliveryState states[] = {DeliveryState::fresh,     DeliveryState::waiting, DeliveryState::delivered,
                                    DeliveryState::exhausted, DeliveryState::dropped, DeliveryState::skipped};

// ---- what is shown

Colour colour_of(DeliveryState state) {
    switch (state) {
        case DeliveryState::fresh: return Colour::none;
        case DeliveryState::waiting: return Colour::yellow;
        case DeliveryState::delivered: return Colour::green;
        case DeliveryState::exhausted:
        case DeliveryState::dropped:
        case DeliveryState::skipped: return Colour::red;
    }
    return Colour::none;
}

// "exhausted (attempts)"
Cell cell_of(const Delivery& delivery) {
    std::string text(to_string(delivery.state));
    if (delivery.reason != EndReason::none) text += fmt::format(" ({})", to_string(delivery.reason));
    return {std::move(text), colour_of(delivery.state)};
}

const char* origin_of(const Delivery& delivery) {
    if (delivery.test) return "test";
    return delivery.replay ? "replay" : "event";
}

// The members of an object that is begun.
void write_members(JsonText& json, const Delivery& delivery) {
    json.field("id", delivery.id.value());
    json.field("subscription", delivery.subscription.value());
    json.field("event_id", std::string_view(delivery.event_id.to_string()));
    json.field("event_type", std::string_view(delivery.event_type));
    json.field("state", to_string(delivery.state));
    json.field("reason", delivery.reason == EndReason::none ? std::nullopt : std::optional(to_string(delivery.reason)));
    json.field("origin", origin_of(delivery));
    json.field("attempts", delivery.attempts);
    json.field("queued_at", delivery.queued_at);
    json.field("next_attempt", delivery.next_attempt);
    json.field("ended_at", delivery.ended_at);
}

// ---- what is read

// --since, --until, --type, --subscription, --state, --event
struct FilterOptions {
    std::string since = {};
    std::string until = {};
    std::string type = {};
    std::optional<SubscriptionId::rep> subscription = {};
    std::string state = {};
    std::string event = {};

    void add_to(CLI::App& app) {
        app.add_option("--since", since, "Queued at or after: a time, or how long ago")->type_name("TIME");
        app.add_option("--until", until, "Queued before")->type_name("TIME");
        app.add_option("--type", type, "Of this event type")->type_name("TYPE");
        app.add_option("--subscription", subscription, "Of this subscription")->type_name("ID");
        std::vector<std::string> names;
        for (const DeliveryState known : states) names.emplace_back(to_string(known));
        app.add_option("--state", state, "In this state, such as exhausted")
            ->type_name("STATE")
            ->check(CLI::IsMember(names));
        app.add_option("--event", event, "Of this event, 32 hex digits")->type_name("ID");
    }

    [[nodiscard]] bool given() const { return subscription || !(since + until + type + state + event).empty(); }

    [[nodiscard]] DeliveryFilter filter() const {
        DeliveryFilter filter{.event_type = type};
        if (subscription) filter.subscription = SubscriptionId(*subscription);
        if (!event.empty()) filter.event_id = event_id();
        if (!since.empty()) filter.since = time_of("--since", since);
        if (!until.empty()) filter.until = time_of("--until", until);
        for (const DeliveryState candidate : states) {
            if (state == to_string(candidate)) filter.state = candidate;
        }
        return filter;
    }

  private:
    [[nodiscard]] EventId event_id() const {
        const auto id = EventId::parse(event);
        if (!id) throw Failure(ExitStatus::usage, fmt::format("--event {}: 32 hex digits are needed", event));
        return *id;
    }
    static Timestamp time_of(const char* option, const std::string& text) {
        const auto time = read_time(text, system_clock()->now());
        if (!time) throw Failure(ExitStatus::usage, fmt::format("{} {}: {}", option, text, time.error().detail()));
        return *time;
    }
};

// One delivery, by its number.
struct OneOptions {
    StoreAccess store = {};
    DeliveryId::rep id = 0;

    void add_to(CLI::App& app) {
        app.add_option("ID", id, "The delivery's number")->required();
        store.add_to(app);
    }
    [[nodiscard]] std::string place() const { return fmt::format("delivery {}", id); }
    [[nodiscard]] Delivery find(Dispatcher& dispatcher) const {
        const auto page = need(dispatcher.deliveries({.delivery = DeliveryId(id)}), place());
        if (!page.deliveries.empty()) return page.deliveries.front();
        throw Failure(ExitStatus::refused, place() + ": not found", "history is kept for a time after the end");
    }
};

// ---- list

struct ListOptions {
    StoreAccess store = {};
    FilterOptions filter = {};
    std::size_t limit = 100;
    DeliveryId::rep after = 0;
};

std::vector<Cell> row_of(const Console& console, const Delivery& delivery) {
    const auto when = delivery.next_attempt ? delivery.next_attempt : delivery.ended_at;
    return {std::to_string(delivery.id.value()),
            console.time(delivery.queued_at),
            std::to_string(delivery.subscription.value()),
            printable(delivery.event_type),
            cell_of(delivery),
            std::to_string(delivery.attempts),
            console.time(when),
            delivery.event_id.to_string()};
}

ExitStatus list(const ListOptions& options, Console& console) {
    const DeliveryFilter filter = options.filter.filter();
    const auto dispatcher = idle_dispatcher(options.store.open());
    Progress progress(console);
    Table table{.heading = {"id", "queued", "subscription", "type", "state", "attempts", "next or end", "event"}};
    std::size_t found = 0;
    std::optional<DeliveryId> after = DeliveryId(options.after);
    while (after && found < options.limit) {
        const auto page = need(dispatcher->deliveries(filter, *after, page_rows), "deliveries");
        after = page.next;
        for (const Delivery& delivery : page.deliveries) {
            if (found == options.limit) break;
            ++found;
            if (found == options.limit && delivery.id != page.deliveries.back().id) after = delivery.id;
            if (console.json) {
                JsonText json;
                json.begin_object();
                write_members(json, delivery);
                console.print(json.end_object().text());
            } else {
                table.rows.push_back(row_of(console, delivery));
            }
        }
        if (after && progress.due()) progress.show(fmt::format("{} found up to delivery {}", found, after->value()));
    }
    if (!console.json) console.print(table);
    if (after) console.note(fmt::format("There may be more: --after {}", after->value()));
    return ExitStatus::ok;
}

void add_list(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<ListOptions>();
    CLI::App* const app = parent.add_subcommand("list", "Deliveries in the order they were queued");
    options->filter.add_to(*app);
    app->add_option("--limit", options->limit, "So many at most [100]")
        ->type_name("COUNT")
        ->check(CLI::Range(std::size_t{1}, list_rows_max));
    app->add_option("--after", options->after, "Go on after this delivery")->type_name("ID");
    options->store.add_to(*app);
    app->footer(
        "TIME: 45s, 30m, 2h or 3d ago, 2026-06-10T23:45:00Z, or with +02:00 for Z.\n"
        "STATE: fresh, waiting, delivered, exhausted, dropped, skipped.");
    commands.push_back({app, [options, &console] { return list(*options, console); }});
}

// ---- show

struct ShowOptions {
    OneOptions one = {};
    bool body = false;
};

void print_details(Console& console, const Delivery& delivery) {
    Fields fields = {{"delivery", std::to_string(delivery.id.value())},
                     {"subscription", std::to_string(delivery.subscription.value())},
                     {"event", delivery.event_id.to_string()},
                     {"type", printable(delivery.event_type)},
                     {"state", cell_of(delivery)},
                     {"made by", origin_of(delivery)},
                     {"queued", console.time(delivery.queued_at)}};
    if (delivery.next_attempt) fields.push_back({"next attempt", console.time(delivery.next_attempt)});
    if (delivery.ended_at) fields.push_back({"ended", console.time(delivery.ended_at)});
    console.print(fields);
}

ExitStatus show(const ShowOptions& options, Console& console) {
    const auto store = options.one.store.open();
    const auto dispatcher = idle_dispatcher(store);
    const Delivery delivery = options.one.find(*dispatcher);
    const auto attempts = need(dispatcher->attempts(delivery.id), options.one.place());
    std::optional<std::string> body;
    if (options.body) body = need(store->event_body(delivery.event_id), options.one.place());
    if (console.json) {
        JsonText json;
        json.begin_object();
        write_members(json, delivery);
        json.key("history").begin_array();
        for (const Attempt& attempt : attempts) write_json(json, attempt);
        json.end_array();
        if (body) json.field("body", std::string_view(*body));
        console.print(json.end_object().text());
        return ExitStatus::ok;
    }
    print_details(console, delivery);
    if (!attempts.empty()) {
        console.print("");
        print_attempts(console, attempts);
    }
    if (body) console.print("\nThe event, before personal data is left out:\n{}", printable(*body, true));
    return ExitStatus::ok;
}

void add_show(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<ShowOptions>();
    CLI::App* const app = parent.add_subcommand("show", "One delivery and its attempts");
    app->add_flag("--body", options->body, "The event's body too");
    options->one.add_to(*app);
    commands.push_back({app, [options, &console] { return show(*options, console); }});
}

// ---- retry

struct RetryOptions {
    OneOptions one = {};
    bool include_delivered = false;
};

// Why a delivery is not replayed, as far as one can see. Throws Failure(refused) if there is a reason.
void check_retry(const RetryOptions& options, const Delivery& delivery) {
    const auto refuse = [&](const std::string& why, const char* hint = "") {
        throw Failure(ExitStatus::refused, fmt::format("{}: {}", options.one.place(), why), hint);
    };
    if (!has_ended(delivery.state)) {
        refuse(fmt::format("it has not ended, it is {}", to_string(delivery.state)),
               "it is tried by itself when it is due");
    }
    if (delivery.test) refuse("it was a test", "subscriptions test makes another one");
    if (delivery.state == DeliveryState::delivered && !options.include_delivered) {
        refuse("it was delivered", "--include-delivered sends it all the same");
    }
}

// The replay's own delivery of the same event to the same subscription.
std::optional<DeliveryId> newest_after(Dispatcher& dispatcher, const Delivery& old, DeliveryId after) {
    std::optional<DeliveryId> newest;
    std::optional<DeliveryId> from = after;
    while (from) {
        const auto page =
            need(dispatcher.deliveries({.subscription = old.subscription, .event_id = old.event_id}, *from, page_rows),
                 "deliveries");
        if (!page.deliveries.empty()) newest = page.deliveries.back().id;
        from = page.next;
    }
    return newest;
}

ExitStatus retry(const RetryOptions& options, Console& console) {
    const auto store = options.one.store.open();
    const auto dispatcher = idle_dispatcher(store);
    const Delivery old = options.one.find(*dispatcher);
    check_retry(options, old);
    const auto page = need(store->replay({.filter = {.delivery = old.id},
                                          .include_delivered = options.include_delivered,
                                          .at = system_clock()->now()}),
                           options.one.place());
    if (page.count == 0) {
        throw Failure(ExitStatus::refused, options.one.place() + ": its subscription is deleted, or its event is gone",
                      "events are kept as long as their deliveries");
    }
    const auto made = newest_after(*dispatcher, old, page.up_to);
    if (console.json) {
        JsonText json;
        json.begin_object().field("replayed", old.id.value());
        json.field("id", made ? std::optional(made->value()) : std::nullopt);
        console.print(json.end_object().text());
    } else {
        console.print("delivery {}: again as {}", old.id.value(), made ? std::to_string(made->value()) : "another one");
    }
    return ExitStatus::ok;
}

void add_retry(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<RetryOptions>();
    CLI::App* const app = parent.add_subcommand("retry", "One delivery that has ended, once more");
    app->add_flag("--include-delivered", options->include_delivered, "Also if it was delivered");
    options->one.add_to(*app);
    app->footer("A new delivery of the same event, with the same id, to the present URL.");
    commands.push_back({app, [options, &console] { return retry(*options, console); }});
}

// ---- replay

struct ReplayingOptions {
    StoreAccess store = {};
    FilterOptions filter = {};
    DeliveryId::rep after = 0;
    bool include_delivered = false;
    bool dry_run = false;
    std::size_t rate = 1'000;
    PatienceOption patience = {};
};

// Page by page, so that it shows how far it is, keeps to its rate and can be interrupted.
class Replaying {
  public:
    Replaying(const ReplayingOptions& options, Console& console)
        : options_(options),
          console_(console),
          patience_(options.patience, stop_, console),
          filter_(options.filter.filter()),
          store_(options.store.open()) {}

    ExitStatus run();

  private:
    std::size_t walk(bool dry_run, std::size_t total);
    [[nodiscard]] ReplayPage next_page(ReplayRequest& request, std::size_t made);
    [[nodiscard]] std::chrono::milliseconds until_next(std::size_t made) const;
    [[nodiscard]] Failure stopped(ExitStatus status, const std::string& why, const ReplayRequest& request,
                                  std::size_t made) const;
    [[nodiscard]] Failure in_doubt(const Error& error, const ReplayRequest& request, std::size_t made) const;
    [[nodiscard]] std::string rest_after(const ReplayRequest& request) const;
    static std::string text_of(Timestamp time) { return format_timestamp(time).value_or("(no date)"); }

    const ReplayingOptions& options_;
    Console& console_;
    Stop stop_;
    Patience patience_;
    DeliveryFilter filter_;
    std::shared_ptr<Store> store_;
    const Timestamp began_ = system_clock()->now();
    const std::chrono::steady_clock::time_point steady_began_ = system_clock()->steady_now();
};

ExitStatus Replaying::run() {
    const bool counts = options_.dry_run || console_.errors_on_terminal();
    const std::size_t total = counts ? walk(true, 0) : 0;
    const std::size_t count = options_.dry_run ? total : walk(false, total);
    if (console_.json) {
        JsonText json;
        json.begin_object().field("count", count).field("dry_run", options_.dry_run);
        console_.print(json.end_object().text());
    } else {
        console_.print("deliveries {}: {}", options_.dry_run ? "that would be made" : "made", count);
    }
    return ExitStatus::ok;
}

// How many were made, or would be. `total`: how many there are to make; 0: not known.
std::size_t Replaying::walk(bool dry_run, std::size_t total) {
    const std::size_t per_page = options_.rate == 0 ? replay_page_rows : std::min(options_.rate, replay_page_rows);
    ReplayRequest request{.filter = filter_,
                          .include_delivered = options_.include_delivered,
                          .dry_run = dry_run,
                          .after = DeliveryId(options_.after),
                          .max = dry_run ? page_rows : per_page};
    std::size_t made = 0;
    Progress progress(console_);
    for (;;) {
        const ReplayPage page = next_page(request, made);
        made += page.count;
        if (progress.due()) {
            progress.show(total > 0 ? progress_bar(made, total) : fmt::format("counting: {}", made));
        }
        if (!page.next) return made;
        request.after = *page.next;
        request.up_to = page.up_to;
        if (stop_.wait_for(dry_run ? std::chrono::milliseconds(0) : until_next(made))) {
            throw stopped(ExitStatus::interrupted, "interrupted", request, made);
        }
    }
}

ReplayPage Replaying::next_page(ReplayRequest& request, std::size_t made) {
    for (;;) {
        request.at = system_clock()->now();
        auto page = store_->replay(request);
        if (page) {
            patience_.succeeded();
            return *std::move(page);
        }
        // A page whose reply was lost may have been made: made again, each of it would be sent twice.
        if (page.error() == Condition::in_doubt) throw in_doubt(page.error(), request, made);
        if (patience_.again(page.error())) continue;
        if (stop_.wait_for(std::chrono::milliseconds(0)))
            throw stopped(ExitStatus::interrupted, "interrupted", request, made);
        throw stopped(status_of(page.error()), page.error().message(), request, made);
    }
}

// How long to wait before the next page, so that the rate is kept to.
std::chrono::milliseconds Replaying::until_next(std::size_t made) const {
    if (options_.rate == 0) return std::chrono::milliseconds(0);
    const auto due = steady_began_ + std::chrono::milliseconds(made * 1'000 / options_.rate);
    return std::chrono::ceil<std::chrono::milliseconds>(due - system_clock()->steady_now());
}

Failure Replaying::stopped(ExitStatus status, const std::string& why, const ReplayRequest& request,
                           std::size_t made) const {
    if (request.dry_run) return {status, why};
    return {status, fmt::format("{}; deliveries made: {}", why, made), "to go on, add " + rest_after(request)};
}

Failure Replaying::in_doubt(const Error& error, const ReplayRequest& request, std::size_t made) const {
    return {status_of(error),
            fmt::format("{}; deliveries made: {}, perhaps the next page's too", error.message(), made),
            fmt::format("first look at deliveries list --since {}: only if it shows no more than {}, add {}",
                        text_of(began_), made, rest_after(request))};
}

// The options that leave this run's work out: what it has made must not be replayed by the one that goes on.
std::string Replaying::rest_after(const ReplayRequest& request) const {
    const Timestamp until = std::min(filter_.until.value_or(began_), began_);
    return fmt::format("--after {} --until {}", request.after.value(), text_of(until));
}

void add_replay(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<ReplayingOptions>();
    CLI::App* const app = parent.add_subcommand("replay", "Deliveries that have ended, once more");
    options->filter.add_to(*app);
    app->add_option("--after", options->after, "Go on after this delivery")->type_name("ID");
    app->add_flag("--include-delivered", options->include_delivered, "Also what was delivered");
    app->add_flag("--dry-run", options->dry_run, "Only say how many");
    app->add_option("--rate", options->rate, "Deliveries per second, 0: no cap [1000]")
        ->type_name("COUNT")
        ->check(CLI::Range(std::size_t{0}, replay_rate_max));
    options->patience.add_to(*app);
    options->store.add_to(*app);
    commands.push_back({app, [options, &console] {
                            if (!options->filter.given()) {
                                throw Failure(ExitStatus::usage, "no filter: it would replay the whole history",
                                              "say which, as with --since 2h");
                            }
                            return Replaying(*options, console).run();
                        }});
}

}  // namespace

void add_delivery_commands(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("deliveries", "What was sent, or is to be");
    app->require_subcommand(1);
    add_list(*app, console, commands);
    add_show(*app, console, commands);
    add_retry(*app, console, commands);
    add_replay(*app, console, commands);
}

}  // namespace fpt_webhooks::cli
