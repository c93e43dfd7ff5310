// FPT inside a partner's unit test: delivers events to the partner's own handler, with faults, without a network.
//
//   testing::InProcessSender fpt = testing::InProcessSender::create(
//       {.secret = secret, .handler = [&](const HttpRequest& request) { return crm.webhook(request); }}).value();
//   const auto delivery = fpt.deliver(ContactStatusChanged{...}, testing::Fault::duplicate);
//   CHECK(delivery.complaint == "");
//   CHECK(crm.moves == 1);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/http.hpp>
#include <fpt_webhooks/core/make_envelope.hpp>
#include <fpt_webhooks/core/random.hpp>
#include <fpt_webhooks/core/secret.hpp>
#include <fpt_webhooks/testing/export.hpp>
#include <fpt_webhooks/testing/fault.hpp>

namespace fpt_webhooks::inline v0_1::testing {

struct InProcessSenderOptions {
    // What the receiver under test has. Needed, 32 characters or more.
    Secret secret{std::string_view{}};

    // The receiver under test. Needed; called from several threads at once under Fault::concurrent_duplicates. What it
    // throws counts as a 500, which is what a server makes of it.
    std::function<HttpResponse(const HttpRequest&)> handler = nullptr;

    // Fault::retry_after_500: makes the handler's own work fail (true) and succeed again (false). Nothing: the handler
    // must fail by itself the first time.
    std::function<void(bool failing)> failure_hook = nullptr;

    // Fault::old_secret and Fault::future_secret. Nothing: made up.
    std::optional<Secret> old_secret = std::nullopt;
    std::optional<Secret> future_secret = std::nullopt;

    // Where typed events happen.
    EventOrigin origin = {.location = LocationId(1234), .organization = OrganizationId(5678)};

    // The receiver's, if it has one of its own. Nothing: the system's.
    std::shared_ptr<const Clock> clock = nullptr;
    std::shared_ptr<RandomSource> random = nullptr;
};

struct ExpectedEffect {
    EventId event_id = {};
    std::uint64_t times = 0;
    friend bool operator==(const ExpectedEffect&, const ExpectedEffect&) = default;
};

struct FaultyDelivery {
    // Nothing to complain about: "". Else what was answered and what should have been, in words. It is about answers
    // alone; whether the event had its effect once is yours to check.
    std::string complaint = {};

    std::vector<HttpResponse> answers = {};    // in the order in which the requests were sent
    std::vector<ExpectedEffect> effects = {};  // what your handler should have done in all
};

// In process a fault is what a server would hand to the handler: for `slow_body` a signature of 29 s ago, for
// `cut_connection` half a body, as from a server that does not wait for Content-Length. What happens on the wire before
// that is the server's part: run_conformance tests it over HTTP.
//
// Belongs to one thread at a time.
class FPT_WEBHOOKS_TESTING_EXPORT InProcessSender {
  public:
    // Errors: invalid_argument that names the option.
    [[nodiscard]] static Result<InProcessSender> create(InProcessSenderOptions options);

    InProcessSender(InProcessSender&&) noexcept;
    InProcessSender& operator=(InProcessSender&&) noexcept;
    ~InProcessSender();

    // Returns when the handler has answered everything. Under Fault::reordered `event` comes first; the older one has
    // the same data and a fresh id.
    [[nodiscard]] FaultyDelivery deliver(const Envelope& event, Fault fault = Fault::none);

    // A new event of this type.
    template <TypedEvent T>
    [[nodiscard]] FaultyDelivery deliver(const T& event, Fault fault = Fault::none) {
        return deliver_new(T::event_type, event.to_data(), fault);
    }

  private:
    class State;
    explicit InProcessSender(std::unique_ptr<State> state) noexcept;
    [[nodiscard]] FaultyDelivery deliver_new(std::string_view event_type, JsonObject data, Fault fault);

    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1::testing
