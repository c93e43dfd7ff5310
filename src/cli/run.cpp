// run: the dispatcher as a daemon on a SQLite store. docs/run.md.
#include <algorithm>
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
#include "cli/occurrences.hpp"
#include "cli/probe.hpp"
#include "cli/run_options.hpp"
#include "cli/target.hpp"

namespace fpt_webhooks::cli {
namespace {

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

class Daemon {
  public:
    Daemon(const CLI::App& command_line, Console& console)
        : command_line_(command_line),
          console_(console),
          options_(RunOptions::read(command_line)),
          log_(options_.least_level(), console.json),
          store_(options_.store.open(true)),
          probe_(store_) {}

    ExitStatus run();

  private:
    std::shared_ptr<Dispatcher> make(const RunOptions& options);
    void start(std::shared_ptr<Dispatcher> dispatcher);
    void announce();
    void terminate(int signal);
    void reload();
    void begin_stop(std::chrono::milliseconds patience);
    bool stopped();  // false: that was the end

    const CLI::App& command_line_;
    Console& console_;
    Occurrences occurrences_;  // before anything that starts a thread
    RunOptions options_;
    Log log_;
    std::shared_ptr<SqliteStore> store_;
    Probe probe_;
    std::optional<MetricsServer> server_;
    std::shared_ptr<Dispatcher> dispatcher_;

    std::optional<RunOptions> next_;  // of the dispatcher that follows the one that is being stopped
    std::shared_ptr<Dispatcher> next_dispatcher_;
    bool reload_again_ = false;  // asked for while that went on
    bool ending_ = false;
    ExitStatus status_ = ExitStatus::ok;
    std::jthread stopping_;
};

std::shared_ptr<Dispatcher> Daemon::make(const RunOptions& options) {
    return make_dispatcher(options, store_, [this](const Notice& notice) {
        log_.write(level_of(notice.kind), to_string(notice.kind), fields_of(notice));
        if (notice.kind == Notice::Kind::fenced) occurrences_.post(Occurrence::Kind::fenced);
    });
}

void Daemon::start(std::shared_ptr<Dispatcher> dispatcher) {
    need(dispatcher->start(), options_.store.path);
    dispatcher_ = std::move(dispatcher);
    probe_.watch(dispatcher_, options_.stalled_after);
}

void Daemon::announce() {
    const std::string url = server_ ? server_->metrics_url() : "";
    log_.write(LogLevel::info, "started",
               {{"version", std::string(FPT_WEBHOOKS_VERSION)}, {"store", options_.store.path}});
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
    if (options_.metrics_port) server_.emplace(*options_.metrics_port, probe_);
    start(std::move(first));
    if (server_) server_->start();
    announce();
    for (;;) {
        const Occurrence occurrence = occurrences_.wait();
        switch (occurrence.kind) {
            case Occurrence::Kind::terminate: terminate(occurrence.signal); break;
            case Occurrence::Kind::reload: reload(); break;
            case Occurrence::Kind::fenced:  // the notice is in the log
                status_ = ExitStatus::store;
                if (!std::exchange(ending_, true) && !next_) begin_stop(std::chrono::milliseconds(0));
                break;
            case Occurrence::Kind::stopped:
                if (!stopped()) return status_;
                break;
        }
    }
}

void Daemon::terminate(int signal) {
    if (std::exchange(ending_, true)) {
        log_.write(LogLevel::warning, "ended_at_once");
        end_by(signal);
    }
    log_.write(LogLevel::info, "stopping", {{"patience", duration_text(options_.stop_patience)}});
    probe_.ending();
    if (!next_) begin_stop(options_.stop_patience);
}

void Daemon::begin_stop(std::chrono::milliseconds patience) {
    stopping_ = std::jthread([this, patience, dispatcher = dispatcher_] {
        dispatcher->stop(patience);
        occurrences_.post(Occurrence::Kind::stopped);
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
        const auto metrics = need(dispatcher_->metrics(), "store");
        if (metrics.store_failing) throw Failure(ExitStatus::store, "the store does not take writes");
        next_ = std::move(next);
    } catch (const Failure& failure) {
        next_dispatcher_.reset();
        log_.write(LogLevel::error, "reload_refused",
                   {{"error", std::string(failure.what())}, {"hint", failure.hint()}});
        return;
    }
    log_.write(LogLevel::info, "reloading", {{"patience", duration_text(options_.stop_patience)}});
    begin_stop(options_.stop_patience);
}

bool Daemon::stopped() {
    stopping_.join();
    if (ending_) {
        log_.write(LogLevel::info, "stopped");
        return false;
    }
    options_ = *std::exchange(next_, std::nullopt);
    log_.set_least(options_.least_level());
    start(std::exchange(next_dispatcher_, nullptr));
    log_.write(LogLevel::info, "reloaded");
    if (std::exchange(reload_again_, false)) reload();
    return true;
}

}  // namespace

void add_run_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("run", "Delivers a store's events until told to end");
    const auto options = std::make_shared<RunOptions>();
    options->add_to_command_line(*app);
    commands.push_back({app, [app, options, &console] { return Daemon(*app, console).run(); }});
}

}  // namespace fpt_webhooks::cli
