// run: the dispatcher as a daemon on a SQLite store. docs/run.md.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <thread>

#include <sys/resource.h>

#include <fmt/core.h>

#include <fpt_webhooks/curl/curl_transport.hpp>
#include <fpt_webhooks/sender/dispatcher.hpp>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/duration.hpp"
#include "cli/json.hpp"
#include "cli/log.hpp"
#include "cli/metrics_server.hpp"
#include "cli/probe.hpp"
#include "cli/run_options.hpp"
#include "cli/stop.hpp"
#include "cli/target.hpp"

namespace fpt_webhooks::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto start_again_after = 200ms;  // as a dispatcher tries a failing store again

// For a scrape that is being answered. A peer that sends a byte now and then holds its thread for as long as it likes,
// and the probe hangs for as long as the store does.
constexpr auto teardown_max = 2s;

// Attempts at endpoints that did not answer last time have slots of their own, besides the others.
std::size_t quarantine_slots(std::size_t in_flight) { return std::max<std::size_t>(1, in_flight / 4); }

// An attempt may hold two descriptors while it dials; idle connections are kept; the store and we need some.
void provide_descriptors(std::size_t in_flight) {
    const std::size_t idle = 2 * CurlTransportOptions().idle_connections_max;
    const rlim_t needed = 2 * (in_flight + quarantine_slots(in_flight)) + idle + 64;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed) return;
    if (limit.rlim_max < needed) {
        throw Failure(ExitStatus::machine,
                      fmt::format("--in-flight {}: needs {} open files, and this process may have {}", in_flight,
                                  needed, limit.rlim_max),
                      "raise it with ulimit -n or the unit's LimitNOFILE=, or lower --in-flight");
    }
    limit.rlim_cur = needed;
    setrlimit(RLIMIT_NOFILE, &limit);
}

std::shared_ptr<Dispatcher> make_dispatcher(const RunOptions& options, std::shared_ptr<Store> store,
                                            NoticeHandler on_notice) {
    DispatcherOptions made{.store = std::move(store), .on_notice = std::move(on_notice), .fpt = options.retry};
    made.policy =
        need(EndpointPolicy::create({.allow = options.allow, .deny = options.deny, .allow_http = options.allow_http}),
             "--allow-address, --deny-address");
    provide_descriptors(options.in_flight);
    made.in_flight_max = options.in_flight;
    made.quarantine_in_flight_max = quarantine_slots(options.in_flight);
    CurlTransportOptions transport{.ca_file = options.ca_file, .proxy = options.proxy};
    transport.in_flight_max = made.in_flight_max;
    made.transport = make_transport(transport);
    transport.in_flight_max = made.quarantine_in_flight_max;
    made.quarantine_transport = make_transport(transport);
    made.timeout = options.timeout;
    made.connect_timeout = options.connect_timeout;
    made.disable_after = options.disable_after;
    made.poll_interval = options.poll_interval;
    made.retention = options.retention;
    return need(Dispatcher::create(std::move(made)), "run");
}

LogLevel level_of(Notice::Kind kind) noexcept {
    switch (kind) {
        case Notice::Kind::store_failed:
        case Notice::Kind::fenced:
        case Notice::Kind::disabling_halted: return LogLevel::error;
        case Notice::Kind::exhausted:
        case Notice::Kind::warning:
        case Notice::Kind::disabled:
        case Notice::Kind::same_url: return LogLevel::warning;
        case Notice::Kind::attempt_failed:
        case Notice::Kind::recovered:
        case Notice::Kind::dropped:
        case Notice::Kind::store_recovered: break;
    }
    return LogLevel::info;
}

// Everything but what a peer said: its bytes are in the store's history.
Log::Fields fields_of(const Notice& notice) {
    Log::Fields fields;
    const auto add = [&](std::string_view name, Log::Value value) { fields.emplace_back(name, std::move(value)); };
    if (notice.subscription != SubscriptionId()) add("subscription", notice.subscription.value());
    if (notice.delivery) add("delivery", notice.delivery->value());
    if (notice.event_id) add("event_id", notice.event_id->to_string());
    if (notice.reason != EndReason::none) add("reason", std::string(to_string(notice.reason)));
    if (notice.percent != 0) add("percent", notice.percent);
    if (notice.attempt) {
        const Attempt& attempt = *notice.attempt;
        add("attempt", attempt.number);
        add("duration_ms", attempt.duration.count());
        if (attempt.status != 0) add("status", attempt.status);
        if (attempt.error) add("error", make_error_code(*attempt.error).message());
        if (!attempt.detail.empty()) add("error_detail", attempt.detail);
    }
    if (!notice.detail.empty()) add("detail", notice.detail);
    return fields;
}

// What a new start alone can change: the process goes on with its store and its port.
void check_reload(const RunOptions& now, const RunOptions& next) {
    const auto refuse = [](const char* option) {
        throw Failure(ExitStatus::usage, fmt::format("{}: cannot change while it runs", option), "stop and start it");
    };
    if (now.store.path != next.store.path) refuse("--store");
    if (now.store.key_file != next.store.key_file) refuse("--key-file");
    if (now.store.key_environment != next.store.key_environment) refuse("--key-env");
    if (now.metrics_port != next.metrics_port) refuse("--metrics-port");
}

Log::Fields fields_of(const std::exception& error) {
    Log::Fields fields = {{"error", std::string(error.what())}};
    const auto* const failure = dynamic_cast<const Failure*>(&error);
    if (failure != nullptr && !failure->hint().empty()) fields.emplace_back("hint", failure->hint());
    return fields;
}

ExitStatus status_of(const std::exception& error) noexcept {
    const auto* const failure = dynamic_cast<const Failure*>(&error);
    return failure != nullptr ? failure->status() : ExitStatus::machine;
}

class Daemon {
  public:
    Daemon(const CLI::App& command_line, Console& console)
        : command_line_(command_line),
          console_(console),
          options_(RunOptions::read(command_line)),
          log_(options_.least_level(), console.json),
          store_(options_.store.open(true)),
          probe_(store_) {
        check_key(*store_);  // else no attempt could be signed
    }

    ExitStatus run();

  private:
    std::shared_ptr<Dispatcher> make(const RunOptions& options);
    void announce();
    void attend();
    Occurrence next_occurrence();
    void end();
    void reload();
    void begin_stop(std::chrono::milliseconds patience);
    void start_next();

    const CLI::App& command_line_;
    Console& console_;
    RunOptions options_;
    Log log_;
    std::shared_ptr<SqliteStore> store_;
    Stop stop_{Stop::Hangup::reloads};  // after what may read a terminal, before who tells it something
    Probe probe_;
    std::optional<MetricsServer> server_;
    std::shared_ptr<Dispatcher> dispatcher_;

    std::optional<RunOptions> next_;  // of the dispatcher that follows the one that is being stopped
    std::shared_ptr<Dispatcher> next_dispatcher_;
    bool waits_for_store_ = false;  // the next one could not start yet
    bool reload_again_ = false;     // asked for while that went on
    bool ending_ = false;
    ExitStatus status_ = ExitStatus::ok;
    std::jthread stopping_;  // while it can be joined, a dispatcher is being stopped
};

std::shared_ptr<Dispatcher> Daemon::make(const RunOptions& options) {
    return make_dispatcher(options, store_, [this](const Notice& notice) {
        log_.write(level_of(notice.kind), to_string(notice.kind), fields_of(notice));
        if (notice.kind == Notice::Kind::fenced) stop_.post(Occurrence::fenced);
    });
}

void Daemon::announce() {
    const std::string url = server_ ? server_->metrics_url() : "";
    if (console_.json) {
        JsonText json;
        json.begin_object().field("event", "running");
        if (server_) json.field("metrics", std::string_view(url));
        console_.print(json.end_object().text());
    } else {
        console_.print(server_ ? "running, metrics on " + url : "running");
    }
}

ExitStatus Daemon::run() {
    auto first = make(options_);
    // Before the dispatcher sends anything: a port that is taken must not cost attempts.
    if (options_.metrics_port) server_.emplace(*options_.metrics_port, probe_, log_);
    need(first->start(), options_.store.path);
    dispatcher_ = std::move(first);
    probe_.watch(dispatcher_, options_.stalled_after);
    if (server_) server_->start();
    log_.write(LogLevel::info, "started",
               {{"version", std::string(FPT_WEBHOOKS_VERSION)}, {"store", options_.store.path}});
    try {  // standard error is the log's from here on
        announce();
        attend();
    } catch (const std::exception& error) {
        log_.write(LogLevel::error, "failed", fields_of(error));
        status_ = status_of(error);
    }
    std::thread([status = status_] {
        std::this_thread::sleep_for(teardown_max);
        std::_Exit(static_cast<int>(status));
    }).detach();
    return status_;
}

void Daemon::attend() {
    for (;;) {
        switch (next_occurrence()) {
            case Occurrence::end: end(); break;
            case Occurrence::reload: reload(); break;
            case Occurrence::fenced:  // the notice is in the log
                status_ = ExitStatus::store;
                ending_ = true;
                probe_.hold("stopping");
                if (!stopping_.joinable()) begin_stop(0ms);
                break;
            case Occurrence::stopped:
                stopping_.join();
                if (!ending_) {
                    start_next();
                    break;
                }
                log_.write(LogLevel::info, "stopped");
                return;
        }
    }
}

Occurrence Daemon::next_occurrence() {
    while (waits_for_store_ && !ending_ && !stop_.wait_for(start_again_after)) start_next();
    return stop_.take();
}

void Daemon::end() {
    if (std::exchange(ending_, true)) return;
    log_.write(LogLevel::info, "stopping", {{"patience", duration_text(options_.stop_patience)}});
    probe_.hold("stopping");
    if (!stopping_.joinable()) begin_stop(options_.stop_patience);
}

void Daemon::begin_stop(std::chrono::milliseconds patience) {
    stopping_ = std::jthread([this, patience, dispatcher = dispatcher_] {
        dispatcher->stop(patience);
        stop_.post(Occurrence::stopped);
    });
}

void Daemon::reload() {
    if (ending_) return;
    if (next_) {
        reload_again_ = true;
        return;
    }
    try {
        RunOptions next = RunOptions::read(command_line_);
        check_reload(options_, next);
        next_dispatcher_ = make(next);
        // A failing store could neither record what is in flight nor be taken again.
        const Probe::Answer answer = probe_.ask();
        if (!answer.metrics || answer.metrics->store_failing) throw Failure(ExitStatus::store, answer.trouble);
        log_.write(LogLevel::info, "reloading", {{"patience", duration_text(options_.stop_patience)}});
        begin_stop(options_.stop_patience);
        next_ = std::move(next);
    } catch (const std::exception& error) {
        next_dispatcher_.reset();
        log_.write(LogLevel::error, "reload_refused", fields_of(error));
    }
}

// What another process does to the store for a while must not end this one.
void Daemon::start_next() {
    if (const auto started = next_dispatcher_->start(); !started) {
        const Error& error = started.error();
        if (error == Condition::permanent) throw failure_of(error, options_.store.path);
        if (!std::exchange(waits_for_store_, true)) {
            log_.write(LogLevel::error, "store_failed", {{"detail", error.message()}});
        }
        probe_.hold(error.message());
        return;
    }
    waits_for_store_ = false;
    options_ = *std::exchange(next_, std::nullopt);
    log_.set_least(options_.least_level());
    dispatcher_ = std::exchange(next_dispatcher_, nullptr);
    probe_.watch(dispatcher_, options_.stalled_after);
    log_.write(LogLevel::info, "reloaded");
    if (std::exchange(reload_again_, false)) reload();
}

}  // namespace

void add_run_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("run", "Delivers a store's events until told to end");
    const auto options = std::make_shared<RunOptions>();
    options->add_to_command_line(*app);
    commands.push_back({app, [app, options, &console] { return Daemon(*app, console).run(); }});
}

}  // namespace fpt_webhooks::cli
