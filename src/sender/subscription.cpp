#include <fpt_webhooks/sender/subscription.hpp>

#include <utility>

namespace fpt_webhooks::inline v0_1 {

Result<Subscription> Subscription::create(SubscriptionOptions options, const EndpointPolicy& policy) {
    if (options.scope == Scope::organization(OrganizationId(0))) {
        return Error(Errc::invalid_argument, "scope: organization 0 means no organization");
    }
    auto events = EventChoice::create(options.scope.profile(), options.events);
    if (!events) return std::move(events).error();
    auto url = policy.check_url(options.url);
    if (!url) return url.error().in("url");
    return Subscription(options.id, *std::move(url), *std::move(events), options.scope, options.status);
}

Subscription::Subscription(SubscriptionId id, Url url, EventChoice events, Scope scope,
                           SubscriptionStatus status) noexcept
    : id_(id), url_(std::move(url)), events_(std::move(events)), scope_(scope), status_(status) {}

}  // namespace fpt_webhooks::inline v0_1
