// The main job, for real, on this machine: events are signed, delivered over TLS, verified, deduplicated and handled by
// two HTTPS endpoints; what must be refused is refused. Prints a table; exit status 0 only if every line is as
// expected.
//
// Usage: fpt_webhooks_demo <folder with ca.pem, server.pem and server.key>. scripts/demo makes such a folder.
// Needs fpt_webhooks::fpt_webhooks, and cpp-httplib for the endpoints' HTTP server.
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <httplib.h>
#include <fpt_webhooks/fpt_webhooks.hpp>

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

const fw::Secret location_secret("whsec_location_demo_secret_of_32_chars_or_more");
const fw::Secret organization_secret("whsec_organization_demo_secret_of_32_chars");
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

// A Receiver that counts what its handlers got and remembers what became of the last request.
class Station {
  public:
    Station(std::string name, fw::Profile profile, const fw::Secret& secret, bool fails = false) {
        receiver_ = fw::Receiver::create({.endpoint = std::move(name),
                                          .profile = profile,
                                          .secrets = {secret},
                                          .observer = [this](const fw::HandleReport& report) { remember(report); }})
                        .value();
        receiver_->on_any([fails](const fw::EventView&) -> fw::Result<void> {
            if (fails) return fw::Error(fw::Errc::handler_failed, "the CRM is down");
            return {};
        });
    }

    fw::HttpResponse handle(const fw::HttpRequest& request) const { return receiver_->handle(request); }

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

    std::unique_ptr<fw::Receiver> receiver_;
    mutable std::mutex mutex_;
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

class Demo {
  public:
    explicit Demo(const std::string& folder)
        : crm_(folder),
          head_office_(folder),
          transport_(fw::CurlTransport::create({.ca_file = folder + "/ca.pem"}).value()),
          policy_(fw::EndpointPolicy::create({.allow = {"localhost", "127.0.0.1", "::1"}}).value()) {
        crm_.serve("/hooks", location_station_);
        head_office_.serve("/hooks", organization_station_);
        head_office_.serve("/ufp", ufp_station_);
        head_office_.serve("/failing", failing_station_);
    }

    int run() {
        if (!crm_.start() || !head_office_.start()) return fmt::print(stderr, "no local port to listen on\n"), 1;
        fmt::print("   {:<31}{:<24}{:<8}{}\n", "event", "to", "answer", "what the receiver saw");
        const auto location = subscribe(1, crm_.url("/hooks"), fw::Scope::location(fw::LocationId(1234)), "contact.*");
        const auto organization =
            subscribe(2, head_office_.url("/hooks"), fw::Scope::organization(fw::OrganizationId(5678)), "*");
        const auto gym = subscribe(3, head_office_.url("/ufp"), fw::Scope::tenant(fw::CompanyId(1), fw::TenantId(2)),
                                   "newlead_created");
        for (const auto body : {created, updated, sub_group_changed}) {
            publish(body, location, "CRM (location)", location_secret, location_station_, true);
            publish(body, organization, "head office (org.)", organization_secret, organization_station_, true);
        }
        const auto elsewhere = event_of_another_location();
        publish(elsewhere, location, "CRM (location)", location_secret, location_station_, false);
        publish(elsewhere, organization, "head office (org.)", organization_secret, organization_station_, true);
        publish_ufp(gym);
        refuse_what_must_be_refused(location.url().to_string());
        schedule_a_retry();
        refuse_a_private_address();
        fmt::print("{}\n", as_expected_ ? "every line is as expected" : "NOT AS EXPECTED: see the lines marked !!");
        return as_expected_ ? 0 : 1;
    }

  private:
    fw::Subscription subscribe(int id, const std::string& url, fw::Scope scope, const std::string& events) {
        return fw::Subscription::create({.id = fw::SubscriptionId(id), .url = url, .scope = scope, .events = {events}},
                                        *policy_)
            .value();
    }

    void line(std::string_view event, std::string_view to, std::string_view answer, std::string_view seen, bool ok) {
        as_expected_ = as_expected_ && ok;
        fmt::print("{} {:<31}{:<24}{:<8}{}\n", ok ? "ok" : "!!", event, to, answer, seen);
    }

    fw::TransportOutcome deliver(fw::Profile profile, const std::string& url, std::string_view body,
                                 const fw::Secret& secret) {
        const auto& scheme = profile == fw::Profile::fpt ? fw::Scheme::fpt : fw::Scheme::ufp;
        const auto signer = fw::Signer::create(scheme, secret).value();
        return fw::deliver_once(*transport_, signer, *clock_,
                                {.profile = profile, .url = url, .body = std::string(body), .policy = policy_});
    }

    // "200", or why there was no answer.
    static std::string answer_of(const fw::TransportOutcome& outcome) {
        return outcome.response ? std::to_string(outcome.response->status) : outcome.response.error().message();
    }

    void publish(std::string_view body, const fw::Subscription& subscription, std::string_view to,
                 const fw::Secret& secret, const Station& station, bool wanted) {
        const auto event = fw::decode_envelope(fw::bytes_of(body)).value();
        if (!subscription.matches(event)) return line(event.event_type.text(), to, "-", "not in its scope", !wanted);
        const auto outcome = deliver(fw::Profile::fpt, subscription.url().to_string(), body, secret);
        const bool ok = wanted && answer_of(outcome) == "200" && station.seen() == "processed";
        line(event.event_type.text(), to, answer_of(outcome), "verified, " + station.seen(), ok);
    }

    void publish_ufp(const fw::Subscription& subscription) {
        const auto event = fw::decode_ufp_event(fw::bytes_of(new_lead)).value();
        const bool matches = subscription.matches(event);
        const auto outcome = deliver(fw::Profile::ufp, subscription.url().to_string(), new_lead, ufp_secret);
        line(event.event_key + " (UFP)", "gym (tenant)", answer_of(outcome), "verified, " + ufp_station_.seen(),
             matches && answer_of(outcome) == "200" && ufp_station_.seen() == "processed");
    }

    std::string event_of_another_location() {
        const auto random = fw::system_random();
        const auto event = fw::make_envelope(
            fw::ContactStatusChanged{.contact_id = fw::ContactId(55),
                                     .previous_status = fw::ContactStatus::leads,
                                     .new_status = fw::ContactStatus::members},
            {.location = fw::LocationId(4321), .organization = fw::OrganizationId(5678)}, *clock_, *random);
        return fw::encode_envelope(event.value()).value();
    }

    void refuse_what_must_be_refused(const std::string& url) {
        const auto again = deliver(fw::Profile::fpt, url, updated, location_secret);
        line("contact.updated, sent again", "CRM (location)", answer_of(again), location_station_.seen(),
             answer_of(again) == "200" && location_station_.seen() == "duplicate");

        std::string tampered(updated);
        tampered.replace(tampered.find("9876"), 4, "9877");
        send_signed(url, clock_->now(), updated, tampered, "contact.updated, tampered", "signature mismatch");
        send_signed(url, clock_->now() - 301s, created, created, "contact.created, stale", "timestamp too old");
    }

    // Signs one body with one time and sends another body: what an attacker can do.
    void send_signed(const std::string& url, fw::Timestamp time, std::string_view signed_body,
                     std::string_view sent_body, std::string_view what, std::string_view reason) {
        const auto signer = fw::Signer::create(fw::Scheme::fpt, location_secret).value();
        fw::HttpRequest request{.url = url, .body = std::string(sent_body)};
        request.headers = signer.sign(fw::bytes_of(signed_body), time).value();
        request.headers.add("Content-Type", std::string(fw::content_type_of(fw::Profile::fpt)));
        std::promise<fw::TransportOutcome> done;
        transport_
            ->start({.http = std::move(request), .policy = policy_},
                    [&](fw::TransportOutcome outcome) { done.set_value(std::move(outcome)); })
            .value();
        const auto outcome = done.get_future().get();
        const auto seen = location_station_.seen();
        line(what, "CRM (location)", answer_of(outcome), seen,
             answer_of(outcome) == "401" && seen.find(reason) != std::string::npos);
    }

    void schedule_a_retry() {
        const auto started = clock_->now();
        const auto outcome = deliver(fw::Profile::fpt, head_office_.url("/failing"), created, organization_secret);
        const auto now = clock_->now();
        const auto random = fw::random_u64(*fw::system_random()).value();
        const auto decision = fw::decide(fw::RetryPolicy::fpt(), {.attempts = 1, .first_attempt_started = started},
                                         fw::outcome_of(outcome, now), now, random);
        const auto wait = std::chrono::duration_cast<std::chrono::seconds>(decision.retry_at - now);
        line("contact.created", "a failing endpoint", answer_of(outcome),
             fmt::format("{}; the policy retries in {} s", failing_station_.seen(), wait.count()),
             answer_of(outcome) == "500" && decision.action == fw::RetryAction::retry && wait >= 54s && wait <= 66s);
    }

    void refuse_a_private_address() {
        const auto outcome = deliver(fw::Profile::fpt, "https://169.254.169.254/hooks", created, location_secret);
        line("contact.created", "169.254.169.254", "-", answer_of(outcome),
             !outcome.response && outcome.response.error() == fw::Errc::refused_by_policy);
    }

    Station location_station_{"crm", fw::Profile::fpt, location_secret};
    Station organization_station_{"head-office", fw::Profile::fpt, organization_secret};
    Station ufp_station_{"gym", fw::Profile::ufp, ufp_secret};
    Station failing_station_{"failing", fw::Profile::fpt, organization_secret, true};
    HttpsEndpoint crm_;
    HttpsEndpoint head_office_;
    std::shared_ptr<const fw::Clock> clock_ = fw::system_clock();
    std::shared_ptr<fw::CurlTransport> transport_;
    std::shared_ptr<const fw::EndpointPolicy> policy_;
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
