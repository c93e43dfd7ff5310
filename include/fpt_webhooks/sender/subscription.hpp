// A subscription: who wants which events, and where they go (FPT: subscriptions page).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/core/ids.hpp>
#include <fpt_webhooks/core/pii.hpp>
#include <fpt_webhooks/core/profile.hpp>
#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/core/ufp_event.hpp>
#include <fpt_webhooks/sender/endpoint_policy.hpp>
#include <fpt_webhooks/sender/event_choice.hpp>
#include <fpt_webhooks/sender/scope.hpp>
#include <fpt_webhooks/sender/url.hpp>

namespace fpt_webhooks::inline v0_1 {

enum class SubscriptionStatus {
    active,    // new events are queued, pending ones attempted
    paused,    // by hand: new events are skipped, pending ones wait while their windows run on
    disabled,  // by failure, by hand or by the peer: new events are skipped, pending ones dropped
};

[[nodiscard]] constexpr std::string_view name_of(SubscriptionStatus status) noexcept {
    switch (status) {
        case SubscriptionStatus::active: return "active";
        case SubscriptionStatus::paused: return "paused";
        case SubscriptionStatus::disabled: return "disabled";
    }
    return "unknown";
}

struct SubscriptionOptions {
    SubscriptionId id = {};
    std::string url = {};                  // https, public; the policy judges it
    Scope scope;                           // it also decides the profile
    std::vector<std::string> events = {};  // see EventChoice
    SubscriptionStatus status = SubscriptionStatus::active;
    PiiCategories pii = {};  // what it may see; ignored for UFP, which is sent whole

    // An event about a contact waits until every earlier one about the same contact has come to its end, retries
    // included: up to their window each. Otherwise what waits for a retry holds nothing back, and contact.deleted may
    // arrive before a contact.updated that failed. Events without a contactId, and UFP's, which document none, are
    // free.
    bool fifo_per_contact = false;
};

// A regular value in which scope, event choice and profile always agree.
class FPT_WEBHOOKS_SENDER_EXPORT Subscription {
  public:
    // Errors: invalid_argument that names the option (organization 0, an unusable event pattern); malformed,
    // limit_exceeded and refused_by_policy from EndpointPolicy::check_url, with the place "url".
    [[nodiscard]] static Result<Subscription> create(SubscriptionOptions options, const EndpointPolicy& policy);

    // The same for what a store kept: the policy judged its URL when it was created, and judges every attempt.
    // Errors: invalid_argument, malformed, limit_exceeded.
    [[nodiscard]] static Result<Subscription> restore(SubscriptionOptions options);

    // What create() takes.
    [[nodiscard]] SubscriptionOptions options() const;

    [[nodiscard]] SubscriptionId id() const noexcept { return id_; }
    [[nodiscard]] Profile profile() const noexcept { return scope_.profile(); }
    [[nodiscard]] const Url& url() const noexcept { return url_; }
    [[nodiscard]] const EventChoice& events() const noexcept { return events_; }
    [[nodiscard]] const Scope& scope() const noexcept { return scope_; }
    [[nodiscard]] SubscriptionStatus status() const noexcept { return status_; }
    [[nodiscard]] PiiCategories pii() const noexcept { return pii_; }
    [[nodiscard]] bool fifo_per_contact() const noexcept { return fifo_per_contact_; }

    // Which changes are allowed when is the dispatcher's affair.
    void set_status(SubscriptionStatus status) noexcept { status_ = status; }

    // Do event choice, scope and profile fit? What follows from the status is for the dispatcher to say.
    [[nodiscard]] bool matches(const Envelope& event) const noexcept {
        return scope_.matches(event) && events_.matches(event);
    }
    [[nodiscard]] bool matches(const UfpEvent& event) const noexcept {
        return scope_.matches(event) && events_.matches(event);
    }

    friend bool operator==(const Subscription&, const Subscription&) = default;

  private:
    static Result<Subscription> make(SubscriptionOptions options, Result<Url> url);
    Subscription(const SubscriptionOptions& options, Url url, EventChoice events) noexcept;

    SubscriptionId id_;
    Url url_;
    EventChoice events_;
    Scope scope_;
    SubscriptionStatus status_;
    PiiCategories pii_;
    bool fifo_per_contact_;
};

}  // namespace fpt_webhooks::inline v0_1
