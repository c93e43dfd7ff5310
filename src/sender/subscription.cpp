#include <fpt_webhooks/sender/subscription.hpp>

#include <utility>

namespace fpt_webhooks::inline v0_1 {

Result<Subscription> Subscription::create(SubscriptionOptions options, const EndpointPolicy& policy) {
    auto url = policy.check_url(options.url);
    return make(std::move(options), std::move(url));
}

Result<Subscription> Subscription::restore(SubscriptionOptions options) {
    auto url = Url::parse(options.url);
    return make(std::move(options), std::move(url));
}

Result<Subscription> Subscription::make(SubscriptionOptions options, Result<Url> url) {
    if (options.scope == Scope::organization(OrganizationId(0))) {
        return Error(Errc::invalid_argument, "scope: organization 0 means no organization");
    }
    auto events = EventChoice::create(options.scope.profile(), options.events);
    if (!events) return std::move(events).error();
    if (!url) return url.error().in("url");
    return Subscription(options, *std::move(url), *std::move(events));
}

Subscription::Subscription(const SubscriptionOptions& options, Url url, EventChoice events) noexcept
    : id_(options.id),
      url_(std::move(url)),
      events_(std::move(events)),
      scope_(options.scope),
      status_(options.status),
      pii_(options.pii),
      fifo_per_contact_(options.fifo_per_contact) {}

SubscriptionOptions Subscription::options() const {
    return {.id = id_,
            .url = url_.to_string(),
            .scope = scope_,
            .events = events_.patterns(),
            .status = status_,
            .pii = pii_,
            .fifo_per_contact = fifo_per_contact_};
}

}  // namespace fpt_webhooks::inline v0_1
