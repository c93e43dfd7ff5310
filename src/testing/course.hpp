// The course of one scenario: what is sent, what must be answered, what must have happened. Shared by the in-process
// sender and the conformance runner.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/testing/exchange.hpp>
#include <fpt_webhooks/testing/in_process_sender.hpp>

namespace fpt_webhooks::inline v0_1::testing {

// Twice the tolerance: refused also by a receiver whose clock is minutes off.
inline constexpr std::chrono::seconds beyond_tolerance = std::chrono::minutes(10);

// Enough to meet in any window between a look-up and an insert, few enough for a small server.
inline constexpr std::size_t concurrent_duplicates = 8;

// All that a sender has. Outlives its courses.
struct SendingSide {
    Signer current;
    Signer old;
    Signer future;
    std::string url = {};
    Exchange exchange = nullptr;
    std::shared_ptr<const Clock> clock;
    std::shared_ptr<RandomSource> random;
    std::function<void(bool failing)> failure_hook = nullptr;

    // `old_secret`, `future_secret`: nothing: made up. Errors: invalid_argument that names the secret, crypto_failed.
    [[nodiscard]] static Result<SendingSide> create(const Secret& secret, const std::optional<Secret>& old_secret,
                                                    const std::optional<Secret>& future_secret,
                                                    std::shared_ptr<const Clock> clock,
                                                    std::shared_ptr<RandomSource> random);
};

enum class Expected {
    accepted,      // 2xx
    refused,       // 401
    not_accepted,  // any answer but 2xx
    answered,      // any
    rejected,      // 4xx
    anything,      // any answer, or none
};

// "" or what is wrong with the answer. `what` names the request: "the duplicate".
[[nodiscard]] std::string complaint_about(const Result<HttpResponse>& answer, Expected expected, std::string_view what);

[[nodiscard]] bool is_accepted(const HttpResponse& answer) noexcept;

// How a request differs from an honest one.
struct Manner {
    const Signer* signer = nullptr;                     // nothing: the current one
    std::chrono::seconds signed_ago{0};                 // negative: in the future
    std::function<void(HttpRequest&)> alter = nullptr;  // after signing
};

void replace_header(HttpRequest& request, std::string_view name, std::string value);

// Every step after the first complaint does nothing, so that a scenario reads as a list.
class Course {
  public:
    explicit Course(const SendingSide& side) noexcept : side_(side) {}

    [[nodiscard]] bool good() const noexcept { return result_.complaint.empty(); }
    void complain(std::string text);
    void expect_effects(const Envelope& event, std::uint64_t times);
    [[nodiscard]] FaultyDelivery& result() noexcept { return result_; }
    [[nodiscard]] const SendingSide& side() const noexcept { return side_; }

    // Signs and sends; keeps the answer.
    void send(const Envelope& event, Expected expected, std::string_view what, const Manner& manner = {});
    void send_body(const std::string& body, Expected expected, std::string_view what, const Manner& manner = {});
    void send_together(const Envelope& event, std::size_t times);
    // Judges and keeps the answer to a request that was sent by other means.
    void take(Result<HttpResponse> answer, Expected expected, std::string_view what);

    // A signed request that is not sent; nothing, and a complaint, if it cannot be made.
    [[nodiscard]] std::optional<HttpRequest> request(const std::string& body, const Manner& manner = {});
    [[nodiscard]] std::optional<std::string> encode(const Envelope& event);

    // The answer alone: nothing is judged or kept. What the exchange throws is handler_failed.
    [[nodiscard]] Result<HttpResponse> exchange(const HttpRequest& request) const;

  private:
    const SendingSide& side_;
    FaultyDelivery result_;
};

// An event meets a failure of the receiver's own work, and is sent again. `lasts_if_stored`: an acceptance is no
// mistake but a promise to process the event later, as an inbox gives; the failure lasts so long after it, for the work
// from a queue to meet it; the event is not sent again, and only effects show whether the promise is kept.
void fail_first(Course& course, const Envelope& event, std::optional<std::chrono::milliseconds> lasts_if_stored);

// Plays the fault as the receiver's own code meets it.
void run_fault(Course& course, const Envelope& event, Fault fault);

}  // namespace fpt_webhooks::inline v0_1::testing
