// Signed requests, and a receiver on a clock moved by hand whose reports are kept.
#pragma once

#include <fpt_webhooks/receiver/receiver.hpp>

#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <fpt_webhooks/core/signer.hpp>

#include "contract/manual_clock.hpp"

namespace receiver_test {

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

inline constexpr std::string_view secret_text = "whsec_fpt_test_secret_32_chars_min!!";
inline constexpr std::string_view other_secret_text = "whsec_another_secret_of_32_chars_or_more";

struct FptEvent {
    std::string id = "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e";
    std::string type = "contact.status_changed";
    std::string data = R"({"contactId":9876,"previousStatusId":1,"newStatusId":3})";
    std::string api_version = "v1";

    std::string body() const {
        return R"({"eventId":")" + id + R"(","eventType":")" + type +
               R"(","eventTimestamp":"2026-06-10T23:45:00.123Z","locationId":1234,"organizationId":5678,"apiVersion":")" +
               api_version + R"(","data":)" + data + "}";
    }
};

inline std::string ufp_body(const std::string& key, const std::string& payload = R"({"name":"Jo"})") {
    return R"({"webhook_event_type":")" + key +
           R"(","created_at":"11/06/2025 17:22","company_id":7,"tenant_id":42,"payload":)" + payload + "}";
}

// What registering does wrong, as the exception says it.
template <class Register>
std::string mistake(Register&& register_handler) {
    try {
        register_handler();
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return "none";
}

// What a report said, kept beyond the observer's call.
struct Seen {
    explicit Seen(const fw::HandleReport& report)
        : outcome(report.outcome),
          status(report.status),
          error(report.error),
          endpoint(report.endpoint),
          event_type(report.event_type),
          idempotency_key(report.idempotency_key),
          secret_index(report.secret_index),
          secret_label(report.secret_label.text()),
          failures(report.failures),
          late(report.late),
          completed_ago(report.completed_ago) {}

    fw::HandleOutcome outcome;
    int status;
    std::optional<fw::Error> error;
    std::string endpoint;
    std::string event_type;
    std::string idempotency_key;
    std::optional<std::size_t> secret_index;
    std::string secret_label;
    std::uint32_t failures;
    bool late;
    std::optional<std::chrono::milliseconds> completed_ago;
};

struct Fixture {
    // Fills in what a test leaves out: endpoint, secret, clock and observer.
    explicit Fixture(fw::ReceiverOptions options = {},
                     std::shared_ptr<ManualClock> its_clock = std::make_shared<ManualClock>())
        : clock(std::move(its_clock)) {
        profile = options.profile;
        if (options.endpoint.empty()) options.endpoint = "crm";
        if (options.secrets.empty() && !options.key_ring) options.secrets.emplace_back(fw::Secret(secret_text));
        options.clock = clock;
        options.observer = [this](const fw::HandleReport& report) {
            const std::lock_guard lock(mutex);
            reports.emplace_back(report);
        };
        receiver = fw::Receiver::create(std::move(options)).value();
    }

    fw::HttpRequest sign(std::string body, std::string_view secret = secret_text) const {
        return sign_at(std::move(body), clock->now(), secret);
    }
    fw::HttpRequest sign_at(std::string body, fw::Timestamp time, std::string_view secret = secret_text) const {
        const auto& scheme = profile == fw::Profile::fpt ? fw::Scheme::fpt : fw::Scheme::ufp;
        fw::HttpRequest request;
        request.headers = fw::Signer::create(scheme, fw::Secret(secret)).value().sign(fw::bytes_of(body), time).value();
        if (profile == fw::Profile::fpt) request.headers.add("Content-Type", "application/json; charset=utf-8");
        request.body = std::move(body);
        return request;
    }

    fw::HttpResponse handle(const fw::HttpRequest& request) const { return receiver->handle(request); }
    int send(const FptEvent& event) const { return handle(sign(event.body())).status; }
    const Seen& last() const { return reports.back(); }

    fw::Profile profile = fw::Profile::fpt;
    std::shared_ptr<ManualClock> clock;
    std::mutex mutex;
    std::vector<Seen> reports;
    std::unique_ptr<fw::Receiver> receiver;
};

}  // namespace receiver_test
