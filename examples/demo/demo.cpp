// The main job, for real, on this machine: a dispatcher with a SQLite store publishes events, which are signed,
// delivered over TLS, verified, deduplicated and handled by two HTTPS endpoints; endpoints fail and recover, secrets
// rotate, and what must be refused is refused. Prints a table; exit status 0 only if every line is as expected.
//
// Usage: fpt_webhooks_demo <folder with ca.pem, server.pem and server.key>. scripts/demo makes such a folder.
// Needs fpt_webhooks::fpt_webhooks, and cpp-httplib for the endpoints' HTTP server.
#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <httplib.h>
#include <fpt_webhooks/fpt_webhooks.hpp>

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

constexpr fw::Actor host{.role = fw::Role::host};
const fw::Secret ufp_secret("any text the gym chose");

// The documented sample events (FPT: envelope page and quickstart; UFP: webhooks page).
constexpr std::string_view created =
    R"({"eventId":"0197d2c0a1b27c3d8e4f5a6b7c8d9e0f","eventType":"contact.created",)"
    R"("eventTimestamp":"2026-06-10T23:44:00.000Z","locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
    R"("data":{"contactId":9876,"operation":"create"}})";
constexpr std::string_view updated =
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated",)"
    R"("eventTimestamp":"2026-06-10T23:45:00Z","locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
    R"("data":{"contactId":9876,"operation":"update"}})";
constexpr std::string_view sub_group_changed =
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0f","eventType":"contact.sub_group_changed",)"
    R"("eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
    R"("data":{"contactId":9876,"previousSubGroupId":3,"newSubGroupId":7}})";
constexpr std::string_view new_lead =
    R"({"webhook_event_type":"new_lead_created","created_at":"11/06/2025 17:22","company_id":1,"tenant_id":2,)"
    R"("payload":{"tenant_name":"DEMO TENANT - T1","client_name":"Campaign","gender":"Male","source":"Referral",)"
    R"("channel":"WalkIn","client_status":"Prospect","external_id":"","is_child":"False","parent_id":0}})";

// A partner's endpoint: a Receiver that can be told to be down, and to use another secret.
class Station {
  public:
    Station(std::string name, fw::Profile profile) : name_(std::move(name)), profile_(profile) {}

    void listen_with(const fw::Secret& secret) {
        auto receiver = fw::Receiver::create({.endpoint = name_,
                                              .profile = profile_,
                                              .secrets = {secret},
                                              .dedupe = dedupe_,
                                              .observer = [this](const fw::HandleReport& report) { remember(report); }})
                            .value();
        receiver->on_any([this](const fw::EventView&) -> fw::Result<void> {
            if (down_) return fw::Error(fw::Errc::handler_failed, "the CRM is down");
            return {};
        });
        const std::lock_guard lock(mutex_);
        receiver_ = std::move(receiver);
    }
    void set_down(bool down) { down_ = down; }

    fw::HttpResponse handle(const fw::HttpRequest& request) const {
        std::unique_lock lock(mutex_);
        const auto receiver = receiver_;
        lock.unlock();
        return receiver->handle(request);
    }

    // What the receiver made of the last request, in words.
    std::string seen() const {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

  private:
    void remember(const fw::HandleReport& report) {
        const std::lock_guard lock(mutex_);
        seen_ = fmt::format("{}{}", fw::name_of(report.outcome), report.error ? ": " + report.error->message() : "");
    }

    const std::string name_;
    const fw::Profile profile_;
    const std::shared_ptr<fw::DedupeStore> dedupe_ = fw::MemoryDedupe::create({}).value();
    std::atomic<bool> down_ = false;
    mutable std::mutex mutex_;
    std::shared_ptr<const fw::Receiver> receiver_;
    std::string seen_ = "nothing arrived";
};

// An HTTPS server on a free local port; each path is a Station.
class HttpsEndpoint {
  public:
    explicit HttpsEndpoint(const std::string& folder)
        : server_((folder + "/server.pem").c_str(), (folder + "/server.key").c_str()) {
        port_ = server_.bind_to_any_port("127.0.0.1");
    }
    ~HttpsEndpoint() {
        server_.stop();
        if (thread_.joinable()) thread_.join();
    }

    void serve(const std::string& path, const Station& station) {
        server_.Post(path, [&station](const httplib::Request& in, httplib::Response& out) {
            fw::HttpRequest request{.method = in.method, .url = in.target, .body = in.body};
            for (const auto& [name, value] : in.headers) request.headers.add(name, value);
            const fw::HttpResponse response = station.handle(request);
            out.status = response.status;
            for (const auto& field : response.headers) out.set_header(field.name, field.value);
            out.body = response.body;
        });
    }
    bool start() {
        if (port_ <= 0) return false;
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        return true;
    }
    std::string url(const std::string& path) const { return fmt::format("https://localhost:{}{}", port_, path); }

  private:
    httplib::SSLServer server_;
    int port_ = -1;
    std::thread thread_;
};

// One retry and disable policy for people who watch: seconds where a host would have hours.
fw::RetryPolicy short_policy() {
    fw::RetryPolicy policy = fw::RetryPolicy::fpt();
    policy.delays = {100ms, 200ms, 300ms, 400ms, 500ms, 500ms, 500ms, 500ms};
    policy.window = 30s;
    return policy;
}

class Demo {
  public:
    explicit Demo(const std::string& folder)
        : crm_(folder),
          head_office_(folder),
          policy_(fw::EndpointPolicy::create({.allow = {"localhost", "127.0.0.1", "::1"}}).value()),
          transport_(fw::CurlTransport::create({.ca_file = folder + "/ca.pem"}).value()),
          dispatcher_(make_dispatcher(folder)) {
        crm_.serve("/hooks", location_station_);
        head_office_.serve("/hooks", organization_station_);
        head_office_.serve("/ufp", ufp_station_);
    }

    int run() {
        if (!crm_.start() || !head_office_.start()) return fmt::print(stderr, "no local port to listen on\n"), 1;
        subscribe();
        dispatcher_->start().value();
        fmt::print("   {:<34}{:<22}{}\n", "what", "to", "what came of it");
        deliver_the_samples();
        refuse_what_must_be_refused();
        recover_from_an_outage();
        rotate_the_secret();
        pause_and_resume();
        disable_and_enable();
        show_the_history();
        dispatcher_->stop();
        fmt::print("{}\n", as_expected_ ? "every line is as expected" : "NOT AS EXPECTED: see the lines marked !!");
        return as_expected_ ? 0 : 1;
    }

  private:
    std::unique_ptr<fw::Dispatcher> make_dispatcher(const std::string& folder) {
        fw::DispatcherOptions options;
        options.store = fw::SqliteStore::open({.path = folder + "/webhooks.db",
                                               .encryption_key = fw::Secret(std::string(fw::store_key_bytes, 'k'))})
                            .value();
        options.transport = transport_;
        options.policy = policy_;
        options.fpt = short_policy();
        options.disable_after = 2s;
        return fw::Dispatcher::create(std::move(options)).value();
    }

    fw::SubscriptionId subscribe(const std::string& url, fw::Scope scope, const std::string& events) {
        return dispatcher_->create_subscription({.actor = host, .url = url, .scope = scope, .events = {events}})
            .value()
            .subscription.id();
    }

    void subscribe() {
        location_ = subscribe(crm_.url("/hooks"), fw::Scope::location(fw::LocationId(1234)), "contact.*");
        organization_ = subscribe(head_office_.url("/hooks"), fw::Scope::organization(fw::OrganizationId(5678)), "*");
        const auto gym = subscribe(head_office_.url("/ufp"), fw::Scope::tenant(fw::CompanyId(1), fw::TenantId(2)),
                                   "newlead_created");
        location_secret_ = dispatcher_->generate_secret(host, location_).value();  // each is revealed once
        location_station_.listen_with(location_secret_);
        organization_station_.listen_with(dispatcher_->generate_secret(host, organization_).value());
        dispatcher_->set_secret(host, gym, ufp_secret).value();
        ufp_station_.listen_with(ufp_secret);
    }

    void line(std::string_view what, std::string_view to, std::string_view came, bool ok) {
        as_expected_ = as_expected_ && ok;
        fmt::print("{} {:<34}{:<22}{}\n", ok ? "ok" : "!!", what, to, came);
    }

    // Waits until every delivery of the event has ended, and returns them.
    std::vector<fw::Delivery> settled(const fw::EventId& id) {
        for (const auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;) {
            auto deliveries = dispatcher_->deliveries({.event_id = id}).value().deliveries;
            const bool ended = std::all_of(deliveries.begin(), deliveries.end(),
                                           [](const fw::Delivery& delivery) { return fw::has_ended(delivery.state); });
            if (ended && !deliveries.empty()) return deliveries;
            std::this_thread::sleep_for(5ms);
        }
        return {};
    }

    // "delivered in 2 attempts", "skipped (paused)".
    static std::string in_words(const fw::Delivery& delivery) {
        std::string text(fw::to_string(delivery.state));
        if (delivery.reason != fw::EndReason::none) text += fmt::format(" ({})", fw::to_string(delivery.reason));
        if (delivery.attempts > 1) text += fmt::format(", {} attempts", delivery.attempts);
        return text;
    }

    std::string_view name_of(fw::SubscriptionId id) const {
        return id == location_ ? "CRM (location)" : id == organization_ ? "head office (org.)" : "gym (UFP tenant)";
    }

    void publish(const fw::Envelope& event, std::size_t wanted_by) {
        dispatcher_->publish(event).value();
        const auto deliveries = settled(event.event_id);
        for (const fw::Delivery& delivery : deliveries) {
            line(event.event_type.text(), name_of(delivery.subscription), in_words(delivery),
                 delivery.state == fw::DeliveryState::delivered && deliveries.size() == wanted_by);
        }
        if (deliveries.size() != wanted_by) line(event.event_type.text(), "-", "not delivered to all", false);
    }

    fw::Envelope new_event(std::int32_t location = 1234) const {
        return dispatcher_
            ->make_event(fw::ContactStatusChanged{.contact_id = fw::ContactId(55),
                                                  .previous_status = fw::ContactStatus::leads,
                                                  .new_status = fw::ContactStatus::members},
                         {.location = fw::LocationId(location), .organization = fw::OrganizationId(0)})
            .value();
    }

    void deliver_the_samples() {
        for (const auto body : {created, updated, sub_group_changed}) {
            publish(fw::decode_envelope(fw::bytes_of(body)).value(), 2);
        }
        auto elsewhere = new_event(4321);
        elsewhere.organization_id = fw::OrganizationId(5678);
        publish(elsewhere, 1);  // another location of the organization

        const auto lead = fw::decode_ufp_event(fw::bytes_of(new_lead)).value();
        const auto id = fw::EventId::generate(*clock_, *fw::system_random()).value();
        dispatcher_->publish(lead, id).value();
        const auto deliveries = settled(id);
        const bool delivered = deliveries.size() == 1 && deliveries[0].state == fw::DeliveryState::delivered;
        line(lead.event_key + " (UFP)", "gym (UFP tenant)", ufp_station_.seen(), delivered);

        const auto again = dispatcher_->publish(fw::decode_envelope(fw::bytes_of(updated)).value()).value();
        line("contact.updated, published again", "-", "duplicate: nothing is queued",
             again == fw::AppendVerdict::duplicate);
        const auto event = fw::decode_envelope(fw::bytes_of(updated)).value();
        dispatcher_
            ->replay({.filter = {.subscription = location_, .event_id = event.event_id}, .include_delivered = true})
            .value();
        settled(event.event_id);
        line("contact.updated, replayed", "CRM (location)", "the receiver says: " + location_station_.seen(),
             location_station_.seen() == "duplicate");
    }

    void refuse_what_must_be_refused() {
        std::string tampered(updated);
        tampered.replace(tampered.find("9876"), 4, "9877");
        send_signed(clock_->now(), updated, tampered, "contact.updated, tampered", "signature mismatch");
        send_signed(clock_->now() - 301s, created, created, "contact.created, stale", "timestamp too old");
        const auto refused = dispatcher_->create_subscription({.actor = host,
                                                               .url = "https://169.254.169.254/hooks",
                                                               .scope = fw::Scope::location(fw::LocationId(1)),
                                                               .events = {"*"}});
        line("a subscription", "169.254.169.254", refused ? "accepted" : refused.error().message(),
             !refused && refused.error() == fw::Errc::refused_by_policy);
    }

    // Signs one body with one time and sends another body: what an attacker can do.
    void send_signed(fw::Timestamp time, std::string_view signed_body, std::string_view sent_body,
                     std::string_view what, std::string_view reason) {
        const auto signer = fw::Signer::create(fw::Scheme::fpt, location_secret_).value();
        fw::HttpRequest request{.url = crm_.url("/hooks"), .body = std::string(sent_body)};
        request.headers = signer.sign(fw::bytes_of(signed_body), time).value();
        request.headers.add("Content-Type", std::string(fw::content_type_of(fw::Profile::fpt)));
        std::promise<fw::TransportOutcome> done;
        transport_
            ->start({.http = std::move(request), .policy = policy_},
                    [&](fw::TransportOutcome outcome) { done.set_value(std::move(outcome)); })
            .value();
        const auto outcome = done.get_future().get();
        const auto seen = location_station_.seen();
        const int status = outcome.response ? outcome.response->status : 0;
        line(what, "CRM (location)", fmt::format("{}: {}", status, seen),
             status == 401 && seen.find(reason) != std::string::npos);
    }

    void recover_from_an_outage() {
        location_station_.set_down(true);
        const auto event = new_event();
        dispatcher_->publish(event).value();
        wait_for_attempts(event.event_id, 2);
        location_station_.set_down(false);
        const auto deliveries = settled(event.event_id);
        const bool ok = deliveries.size() == 1 && deliveries[0].state == fw::DeliveryState::delivered;
        line("an endpoint down at first", "CRM (location)", ok ? in_words(deliveries[0]) : "lost", ok);
    }

    void rotate_the_secret() {
        const fw::Secret old_secret = location_secret_;
        location_secret_ = dispatcher_->rotate_secret(host, location_).value();
        const auto event = new_event();
        dispatcher_->publish(event).value();
        wait_for_attempts(event.event_id, 1);
        const auto refused = location_station_.seen();  // it still has the old secret
        location_station_.listen_with(location_secret_);
        const auto deliveries = settled(event.event_id);
        const bool ok = deliveries.size() == 1 && deliveries[0].state == fw::DeliveryState::delivered &&
                        refused.find("signature mismatch") != std::string::npos;
        line("the secret rotated", "CRM (location)",
             ok ? "old one refused, new one " + in_words(deliveries[0]) : refused, ok);
    }

    void pause_and_resume() {
        dispatcher_->pause(host, location_).value();
        const auto event = new_event();
        dispatcher_->publish(event).value();
        const auto skipped = settled(event.event_id);
        line("paused", "CRM (location)", skipped.empty() ? "nothing" : in_words(skipped[0]),
             skipped.size() == 1 && skipped[0].reason == fw::EndReason::paused);
        dispatcher_->resume(host, location_).value();
        publish(new_event(), 1);
    }

    void disable_and_enable() {
        location_station_.set_down(true);
        const auto event = new_event();
        dispatcher_->publish(event).value();
        const auto deliveries = settled(event.event_id);
        const auto record = dispatcher_->subscription(host, location_).value();
        line("failing for 2 s (a day, usually)", "CRM (location)",
             fmt::format("the subscription is {}; the event {}", fw::name_of(record.subscription.status()),
                         deliveries.empty() ? "?" : in_words(deliveries[0])),
             record.subscription.status() == fw::SubscriptionStatus::disabled && deliveries.size() == 1 &&
                 deliveries[0].state == fw::DeliveryState::dropped);
        location_station_.set_down(false);
        dispatcher_->enable(host, location_).value();
        publish(new_event(), 1);
    }

    void wait_for_attempts(const fw::EventId& id, unsigned count) {
        for (const auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;) {
            const auto deliveries = dispatcher_->deliveries({.event_id = id}).value().deliveries;
            if (!deliveries.empty() && deliveries[0].attempts >= count) return;
            std::this_thread::sleep_for(5ms);
        }
    }

    void show_the_history() {
        std::map<std::string, int> counts;
        std::size_t attempts = 0;
        for (const fw::Delivery& delivery : dispatcher_->deliveries({}).value().deliveries) {
            ++counts[std::string(fw::to_string(delivery.state))];
            attempts += dispatcher_->attempts(delivery.id).value().size();
        }
        std::string text = fmt::format("{} attempts; ", attempts);
        for (const auto& [state, count] : counts) text += fmt::format("{} {} ", count, state);
        line("the history", "-", text, counts["delivered"] >= 12 && counts["skipped"] == 1 && counts["dropped"] == 1);
    }

    Station location_station_{"crm", fw::Profile::fpt};
    Station organization_station_{"head-office", fw::Profile::fpt};
    Station ufp_station_{"gym", fw::Profile::ufp};
    HttpsEndpoint crm_;
    HttpsEndpoint head_office_;
    std::shared_ptr<const fw::Clock> clock_ = fw::system_clock();
    std::shared_ptr<const fw::EndpointPolicy> policy_;
    std::shared_ptr<fw::CurlTransport> transport_;
    std::unique_ptr<fw::Dispatcher> dispatcher_;
    fw::SubscriptionId location_;
    fw::SubscriptionId organization_;
    fw::Secret location_secret_{""};
    bool as_expected_ = true;
};

}  // namespace

int main(int argc, char* argv[]) {
    if (argc != 2) {
        fmt::print(stderr, "usage: {} <folder with ca.pem, server.pem and server.key>\n", argv[0]);
        return 2;
    }
    try {
        return Demo(argv[1]).run();
    } catch (const std::exception& error) {
        fmt::print(stderr, "demo: {}\n", error.what());
        return 1;
    }
}
