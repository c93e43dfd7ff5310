#include "world.hpp"

#include <algorithm>

#include "plants.hpp"

namespace simulation {
namespace {

fw::TransportOutcome outcome_of(const Answer& answer) {
    if (answer.error) return {.response = fw::Error(*answer.error, "simulated")};
    fw::HttpResponse response{.status = answer.status, .headers = {}, .body = "simulated"};
    if (answer.retry_after) response.headers.add("Retry-After", std::to_string(*answer.retry_after / second));
    if (answer.disable) response.headers.add("webhook-delivery", "disable");
    if (answer.abort) response.headers.add("webhook-delivery", "abort-message");
    return {.response = std::move(response)};
}

}  // namespace

// ---- the network ----

fw::Result<fw::Transport::Token> SimTransport::start(fw::TransportRequest request, Completion done) {
    const Ms now = time_.now();
    const auto subscription = oracle_.started(now, process_, time_.wall(), request);
    if (planted == 12) static_cast<void>(oracle_.started(now, process_, time_.wall(), request));
    if (!subscription) return fw::Error(fw::Errc::local_failure, "a rule is broken");
    const auto fate = fate_(*subscription);
    if (!fate) {
        oracle_.answered(now, process_, *subscription, {.error = fw::Errc::overloaded});
        return fw::Error(fw::Errc::overloaded, "simulated");
    }
    flights_.push_back(
        {.at = fate->first, .subscription = *subscription, .answer = fate->second, .done = std::move(done)});
    return ++last_;
}

std::optional<Ms> SimTransport::next() const {
    std::optional<Ms> next;
    for (const Flight& flight : flights_) next = std::min(next.value_or(flight.at), flight.at);
    return next;
}

void SimTransport::complete_one(bool cancelled) {
    const auto first = std::min_element(flights_.begin(), flights_.end(),
                                        [](const Flight& a, const Flight& b) { return a.at < b.at; });
    Flight flight = std::move(*first);
    flights_.erase(first);
    if (cancelled) return flight.done({.response = fw::Error(fw::Errc::cancelled)});
    oracle_.answered(time_.now(), process_, flight.subscription, flight.answer);
    flight.done(outcome_of(flight.answer));
}

// ---- the store ----

template <class Call>
auto FaultyStore::call(StoreCall what, Call inner) -> decltype(inner()) {
    const StoreFate fate = gate_.before(what, process_);
    if (fate == StoreFate::fails) {
        oracle_.store_failed(now());
        return fw::Error(fw::Errc::store_failed, "simulated");
    }
    loses_reply_ = fate == StoreFate::loses_reply;
    auto result = inner();
    gate_.after(what, process_);
    if (fate == StoreFate::loses_reply) {
        oracle_.store_failed(now());
        return fw::Error(fw::Errc::commit_unknown, "simulated");
    }
    return result;
}

fw::Result<std::uint64_t> FaultyStore::acquire(fw::Timestamp now) {
    return call(StoreCall::acquire, [&] {
        auto epoch = inner_->acquire(now);
        if (epoch) {
            epoch_ = *epoch;
            acquired_at_ = now;
            oracle_.acquired(ms(now), process_);
        }
        return epoch;
    });
}

fw::Result<fw::StoreBatchResult> FaultyStore::commit(const fw::StoreBatch& batch) {
    auto committed = call(StoreCall::commit, [&] {
        fw::StoreBatch written = batch;
        if (plants_.forgets_starts) written.starts.clear();
        if (plants_.drops_an_outcome && !written.updates.empty() && ++outcomes_ % 16 == 0) written.updates.pop_back();
        auto result = inner_->commit(written);
        for (int newer = 0; newer < 3 && !result && plants_.never_fences; ++newer) {
            ++written.epoch;
            result = inner_->commit(written);
        }
        if (result && batch.epoch == 0 && !batch.contacts.empty()) {
            oracle_.observed(now(), process_, time_.tick(), batch, *result);
        } else if (result) {
            oracle_.committed(now(), process_, batch, *result);
        }
        return result;
    });
    if (!committed && committed.error() == fw::Errc::fenced) oracle_.fenced(now(), process_);
    return committed;
}

fw::Result<std::vector<fw::PendingDelivery>> FaultyStore::take_fresh(fw::DeliveryId after, std::size_t max) {
    return call(StoreCall::read, [&] { return inner_->take_fresh(after, max); });
}

fw::Result<fw::WaitingPage> FaultyStore::take_waiting(fw::SubscriptionId subscription, fw::Timestamp now,
                                                      std::size_t max) {
    return call(StoreCall::read, [&] { return inner_->take_waiting(subscription, now, max); });
}

fw::Result<fw::ExpireResult> FaultyStore::expire_waiting(std::uint64_t epoch, fw::SubscriptionId subscription,
                                                         fw::Timestamp started_before, fw::Timestamp at,
                                                         std::size_t max) {
    auto expired = call(StoreCall::expire, [&] {
        auto result = inner_->expire_waiting(epoch, subscription, started_before, at, max);
        if (result) oracle_.expired(now(), process_, subscription, result->ended, loses_reply_);
        return result;
    });
    if (!expired && expired.error() == fw::Errc::fenced) oracle_.fenced(now(), process_);
    return expired;
}

fw::Result<std::vector<fw::SubscriptionWake>> FaultyStore::wakes() {
    return call(StoreCall::read, [&] { return inner_->wakes(); });
}

fw::Result<fw::StoreChanges> FaultyStore::changes(std::uint64_t since) {
    std::uint64_t edits = 0;
    auto changes = call(StoreCall::read, [&] {
        edits = oracle_.durable_edits();
        return inner_->changes(since);
    });
    if (changes) oracle_.changes_read(process_, edits);
    return changes;
}

fw::Result<fw::KeptContact> FaultyStore::contact(const fw::ContactKey& key) {
    return call(StoreCall::read, [&] { return inner_->contact(key); });
}

fw::Result<std::vector<fw::KeptContact>> FaultyStore::due_contacts(fw::Timestamp at, fw::Timestamp latest,
                                                                   std::size_t max) {
    auto due = call(StoreCall::read, [&] { return inner_->due_contacts(at, latest, max); });
    if (due && plants_.keeps_old_windows) {
        std::erase_if(*due, [&](const fw::KeptContact& kept) { return *kept.due < acquired_at_; });
    }
    return due;
}

fw::Result<fw::SubscriptionRecord> FaultyStore::create_subscription(const fw::Subscription& subscription,
                                                                    fw::Timestamp at) {
    return call(StoreCall::create, [&] {
        auto record = inner_->create_subscription(subscription, at);
        if (record) oracle_.created(now(), *record);
        return record;
    });
}

fw::Result<fw::SubscriptionRecord> FaultyStore::edit_subscription(const fw::SubscriptionEdit& edit) {
    return call(StoreCall::edit, [&] {
        fw::SubscriptionEdit written = edit;
        if (plants_.forgets_cuts) written.cut.reset();
        auto record = inner_->edit_subscription(written);
        if (record) {
            oracle_.edit_durable(now(), process_, edit.subscription.id(), *edit_,
                                 edit.secret ? &*edit.secret : nullptr);
        }
        return record;
    });
}

fw::Result<fw::SubscriptionRecord> FaultyStore::subscription(fw::SubscriptionId id) {
    return call(StoreCall::read, [&] { return inner_->subscription(id); });
}

fw::Result<std::vector<fw::SubscriptionId>> FaultyStore::subscriptions_at(std::string_view url, std::size_t max) {
    return call(StoreCall::read, [&] { return inner_->subscriptions_at(url, max); });
}

fw::Result<std::vector<fw::SubscriptionRecord>> FaultyStore::subscriptions(fw::SubscriptionId after, std::size_t max) {
    return call(StoreCall::read, [&] { return inner_->subscriptions(after, max); });
}

fw::Result<fw::Secret> FaultyStore::secret(fw::SubscriptionId id) {
    return call(StoreCall::read, [&] { return inner_->secret(id); });
}

fw::Result<fw::DeliveryPage> FaultyStore::deliveries(const fw::DeliveryFilter& filter, fw::DeliveryId after,
                                                     std::size_t max) {
    return call(StoreCall::read, [&] { return inner_->deliveries(filter, after, max); });
}

fw::Result<std::vector<fw::Attempt>> FaultyStore::attempts(fw::DeliveryId delivery) {
    return call(StoreCall::read, [&] { return inner_->attempts(delivery); });
}

fw::Result<std::string> FaultyStore::event_body(const fw::EventId& id) {
    return call(StoreCall::read, [&] { return inner_->event_body(id); });
}

fw::Result<fw::ReplayPage> FaultyStore::replay(const fw::ReplayRequest& request) {
    return call(StoreCall::replay, [&] {
        auto page = inner_->replay(request);
        if (page) oracle_.replayed(now(), request, page->count);
        return page;
    });
}

fw::Result<std::size_t> FaultyStore::maintain(const fw::Retention& retention, fw::Timestamp now, std::size_t max) {
    return call(StoreCall::maintain, [&] { return inner_->maintain(retention, now, max); });
}

fw::Result<fw::StoreStats> FaultyStore::stats() {
    return call(StoreCall::read, [&] { return inner_->stats(); });
}

}  // namespace simulation
