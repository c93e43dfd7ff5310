// send: signs an event and delivers it, once, under the real policy.
#include <algorithm>
#include <memory>
#include <optional>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/sender/deliver_once.hpp>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/duration.hpp"
#include "cli/http_status.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/sample.hpp"
#include "cli/target.hpp"

namespace fpt_webhooks::cli {
namespace {

// Older than any receiver's tolerance.
constexpr std::chrono::minutes stale_by(10);

struct SendOptions {
    std::string url = {};
    SecretSource secrets = {};
    VendorOption vendor = {};
    std::string event_type = {};
    PlaceOptions place = {};
    std::string body_file = {};
    TargetAccess access = {};
    bool http = false;
    int timeout_seconds = 30;
    int repeat = 1;
    bool duplicate = false;
    bool stale = false;
    bool tamper = false;

    void add_to(CLI::App& app) {
        app.add_option("URL", url, "Endpoint to deliver to, https://")->required();
        secrets.add_to(app);
        vendor.add_to(app);
        auto* const type = app.add_option("--type", event_type, "Event to make (contact.updated, new_lead_created)");
        type->type_name("NAME");
        place.add_to(app);
        auto* const body = app.add_option("--body", body_file, "File to send instead, as it is; -: standard input");
        body->type_name("FILE")->excludes(type);
        app.add_option("--repeat", repeat, "Send N different events, one after the other")
            ->type_name("N")
            ->check(CLI::Range(1, 1'000'000))
            ->excludes(body);
        app.add_flag("--duplicate", duplicate, "Send each event twice");
        app.add_flag("--stale", stale, "Sign as of ten minutes ago");
        app.add_flag("--tamper", tamper, "Change the body after it was signed");
        access.add_to(app);
        app.add_flag("--allow-http", http, "Allow http:// to addresses of --allow-address");
        app.add_option("--timeout", timeout_seconds, "For the whole delivery (30)")
            ->type_name("SECONDS")
            ->transform(count_of(std::chrono::seconds(1)))
            ->check(CLI::Range(1, 3600));
    }
};

// The time of `inner`, ten minutes late.
class LateClock final : public Clock {
  public:
    explicit LateClock(std::shared_ptr<const Clock> inner) : inner_(std::move(inner)) {}
    [[nodiscard]] Timestamp now() const noexcept override { return inner_->now() - stale_by; }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override {
        return inner_->steady_now();
    }

  private:
    std::shared_ptr<const Clock> inner_;
};

// Changes one byte of what was signed: the last digit, so that JSON stays JSON, or else the last byte.
class TamperingTransport final : public Transport {
  public:
    explicit TamperingTransport(std::shared_ptr<Transport> inner) : inner_(std::move(inner)) {}
    [[nodiscard]] Result<Token> start(TransportRequest request, Completion done) override {
        std::string& body = request.http.body;
        const auto digit = body.find_last_of("0123456789");
        char& changed = digit == std::string::npos ? body.back() : body[digit];
        changed = changed == '1' ? '2' : '1';
        return inner_->start(std::move(request), std::move(done));
    }
    void cancel(Token token) override { inner_->cancel(token); }

  private:
    std::shared_ptr<Transport> inner_;
};

bool is_delivered(const TransportOutcome& outcome) { return outcome.response && is_success(outcome.response->status); }

// How long each step took; "-" for one that was not taken, as on a connection that is used again.
std::string timings_text(const TransportTimings& timings) {
    using std::chrono::microseconds;
    const auto step = [](microseconds from, microseconds to) {
        if (to.count() == 0) return std::string("-");
        return fmt::format("{:.1f}", std::chrono::duration<double, std::milli>(std::max(from, to) - from).count());
    };
    const microseconds dialled = std::max({timings.resolved, timings.connected, timings.secured});
    return fmt::format("DNS {}, connect {}, TLS {}, first byte {}, total {} ms", step({}, timings.resolved),
                       step(timings.resolved, timings.connected), step(timings.connected, timings.secured),
                       step(dialled, timings.first_byte), step({}, timings.total));
}

std::string json_of(const Sample& event, const TransportOutcome& outcome) {
    JsonText json;
    json.begin_object().field("event_type", event.event_type).field("event_id", event.event_id);
    json.field("bytes", event.body.size()).field("delivered", is_delivered(outcome));
    if (outcome.remote) json.field("address", outcome.remote->to_string());
    json.key("timings_us").begin_object().field("resolved", outcome.timings.resolved.count());
    json.field("connected", outcome.timings.connected.count()).field("secured", outcome.timings.secured.count());
    json.field("first_byte", outcome.timings.first_byte.count()).field("total", outcome.timings.total.count());
    json.end_object();
    if (!outcome.response)
        return std::string(json.field("error", outcome.response.error().message()).end_object().text());
    json.field("status", outcome.response->status).key("headers").begin_array();
    for (const auto& [name, value] : outcome.response->headers) {
        json.begin_object().field("name", printable(name)).field("value", printable(value)).end_object();
    }
    json.end_array().field("body", printable(outcome.response->body, true));
    return std::string(json.end_object().text());
}

std::string text_of(const Sample& event, const TransportOutcome& outcome, const Console& console) {
    const Colour colour = is_delivered(outcome) ? Colour::green : Colour::red;
    std::string text = fmt::format("{}  {}  {} bytes\n  {}\n", console.paint(Colour::bold, printable(event.event_type)),
                                   event.event_id, event.body.size(), timings_text(outcome.timings));
    if (!outcome.response) {
        const std::string verdict = console.paint(colour, "not delivered");
        return text + fmt::format("  {}: {}", verdict, outcome.response.error().message());
    }
    text += fmt::format("  {} from {}", console.paint(colour, std::to_string(outcome.response->status)),
                        outcome.remote ? outcome.remote->to_string() : "?");
    for (const auto& [name, value] : outcome.response->headers) {
        text += fmt::format("\n  {}: {}", printable(name), printable(value));
    }
    if (!outcome.response->body.empty())
        text += fmt::format("\n\n{}", indented(printable(outcome.response->body, true)));
    return text;
}

// What somebody could do about it; "": nothing that we know of.
std::string hint_for(const TransportOutcome& outcome) {
    if (!outcome.response) {
        const Error& error = outcome.response.error();
        if (error == Errc::connect_failed) return "does something listen there? fpt-webhooks listen would";
        if (error == Errc::tls_failed)
            return "does it speak TLS? Plain HTTP needs http://, --allow-http and --allow-address";
        if (error == Errc::certificate_rejected) return "--cacert names whom to trust; listen writes that file";
        return {};
    }
    if (outcome.response->status == 401)
        return "the receiver does not accept the signature: listen says why, and explain";
    if (outcome.response->status / 100 == 3) return "redirects are not followed: name the URL they lead to";
    return {};
}

Sample given_event(Profile profile, std::string body) {
    if (profile == Profile::ufp) {
        const auto event = decode_ufp_event(bytes_of(body));
        return {event ? event->event_key : "-", ufp_idempotency_key(bytes_of(body)), std::move(body)};
    }
    const auto event = decode_envelope(bytes_of(body));
    if (!event) return {"-", "-", std::move(body)};
    return {event->event_type.text(), event->event_id.to_string(), std::move(body)};
}

// One delivery after the other, and what became of each.
class Sending {
  public:
    Sending(const SendOptions& options, Console& console)
        : options_(options), console_(console), policy_(options.access.policy_for(options.url, options.http)) {
        const TimedSecret secret = options.secrets.all().front();
        auto signer = Signer::create(options.vendor.scheme(), secret.secret);
        if (!signer) throw options.secrets.unusable(secret, signer.error());
        signer_.emplace(*std::move(signer));
        transport_ = options.access.transport();
        if (options.tamper) transport_ = std::make_shared<TamperingTransport>(transport_);
        if (options.stale) clock_ = std::make_shared<LateClock>(clock_);
    }

    void deliver(const Sample& event) {
        const auto outcome = deliver_once(*transport_, *signer_, *clock_,
                                          {.profile = options_.vendor.profile(),
                                           .url = options_.url,
                                           .body = event.body,
                                           .policy = policy_,
                                           .timeout = std::chrono::seconds(options_.timeout_seconds)});
        const bool attempted = outcome.response || status_of(outcome.response.error()) == ExitStatus::no;
        if (!attempted) throw failure_of(outcome.response.error(), options_.url);
        console_.print(std::string_view(console_.json ? json_of(event, outcome) : text_of(event, outcome, console_)));
        ++sent_;
        if (is_delivered(outcome)) ++delivered_;
        const std::string hint = hint_for(outcome);
        if (!hint.empty() && hint != last_hint_) console_.note("  " + hint);
        last_hint_ = hint;
    }

    ExitStatus end() const {
        if (sent_ > 1) console_.note(fmt::format("{} sent, {} delivered", sent_, delivered_));
        return delivered_ == sent_ ? ExitStatus::ok : ExitStatus::no;
    }

  private:
    const SendOptions& options_;
    Console& console_;
    std::shared_ptr<const EndpointPolicy> policy_;
    std::optional<Signer> signer_;
    std::shared_ptr<Transport> transport_;
    std::shared_ptr<const Clock> clock_ = system_clock();
    int sent_ = 0;
    int delivered_ = 0;
    std::string last_hint_;
};

ExitStatus send(const SendOptions& options, Console& console) {
    const Profile profile = options.vendor.profile();
    if (options.stale && profile == Profile::ufp) {
        throw Failure(ExitStatus::usage, "--stale: UFP signatures carry no time");
    }
    Sending sending(options, console);
    const auto send_event = [&](const Sample& event) {
        sending.deliver(event);
        if (options.duplicate) sending.deliver(event);
    };
    if (!options.body_file.empty()) {
        send_event(given_event(profile, read_input(options.body_file)));
    } else {
        for (int i = 0; i < options.repeat; ++i) send_event(make_sample(profile, options.event_type, options.place));
    }
    return sending.end();
}

}  // namespace

void add_send_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("send", "Signs an event and delivers it, once");
    const auto options = std::make_shared<SendOptions>();
    options->add_to(*app);
    commands.push_back({app, [&console, options] { return send(*options, console); }});
}

}  // namespace fpt_webhooks::cli
