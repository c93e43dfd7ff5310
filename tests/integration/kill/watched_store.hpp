// A Store and a Transport that forward every call and name the steps before and after it.
#pragma once

#include <fpt_webhooks/sender/store.hpp>
#include <fpt_webhooks/sender/transport.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "integration/kill/steps.hpp"
#include "support/forwarding_store.hpp"

namespace fpt_webhooks::test {

class WatchedStore final : public ForwardingStore {
  public:
    // `on_secret` is told of a new secret before the edit that brings it.
    using OnSecret = std::function<void(SubscriptionId, const Secret&)>;
    WatchedStore(std::shared_ptr<Store> store, Steps& steps, OnSecret on_secret)
        : ForwardingStore(std::move(store)), steps_(steps), on_secret_(std::move(on_secret)) {}

    [[nodiscard]] std::size_t expirings() const { return expirings_; }
    [[nodiscard]] std::size_t maintainings() const { return maintainings_; }

    Result<std::uint64_t> acquire(Timestamp now) override {
        return between(Step::before_acquire, Step::after_acquire, [&] { return store_->acquire(now); });
    }
    void release(std::uint64_t epoch) noexcept override {
        steps_.pass(Step::before_release);
        store_->release(epoch);
        steps_.pass(Step::after_release);
    }
    Result<StoreBatchResult> commit(const StoreBatch& batch) override {
        const bool changes = !batch.contacts.empty() && batch.epoch == 0;
        const bool closes = !batch.contacts.empty() && batch.epoch != 0;
        if (!batch.events.empty()) steps_.pass(Step::before_commit_events);
        if (!batch.updates.empty()) steps_.pass(Step::before_commit_outcomes);
        if (!batch.starts.empty()) steps_.pass(Step::before_commit_starts);
        if (changes) steps_.pass(Step::before_commit_change);
        if (closes) steps_.pass(Step::before_commit_window);
        auto result = store_->commit(batch);
        if (!batch.events.empty()) steps_.pass(Step::after_commit_events);
        if (!batch.updates.empty()) steps_.pass(Step::after_commit_outcomes);
        if (!batch.starts.empty()) steps_.pass(Step::after_commit_starts);
        if (changes) steps_.pass(Step::after_commit_change);
        if (closes) steps_.pass(Step::after_commit_window);
        return result;
    }
    Result<std::vector<PendingDelivery>> take_fresh(DeliveryId after, std::size_t max) override {
        return between(Step::before_take_fresh, Step::after_take_fresh, [&] { return store_->take_fresh(after, max); });
    }
    Result<WaitingPage> take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max) override {
        return between(Step::before_take_waiting, Step::after_take_waiting,
                       [&] { return store_->take_waiting(subscription, now, max); });
    }
    Result<ExpireResult> expire_waiting(std::uint64_t epoch, SubscriptionId subscription, Timestamp started_before,
                                        Timestamp now, std::size_t max) override {
        auto result = between(Step::before_expire_waiting, Step::after_expire_waiting,
                              [&] { return store_->expire_waiting(epoch, subscription, started_before, now, max); });
        ++expirings_;
        return result;
    }
    Result<std::vector<SubscriptionWake>> wakes() override {
        return between(Step::before_wakes, Step::after_wakes, [&] { return store_->wakes(); });
    }
    Result<StoreChanges> changes(std::uint64_t since) override {
        return between(Step::before_changes, Step::after_changes, [&] { return store_->changes(since); });
    }
    Result<KeptContact> contact(const ContactKey& key) override {
        return between(Step::before_contact, Step::after_contact, [&] { return store_->contact(key); });
    }
    Result<std::vector<KeptContact>> due_contacts(Timestamp now, Timestamp latest, std::size_t max) override {
        return between(Step::before_due_contacts, Step::after_due_contacts,
                       [&] { return store_->due_contacts(now, latest, max); });
    }
    Result<SubscriptionRecord> create_subscription(const Subscription& subscription, Timestamp now) override {
        return between(Step::before_create, Step::after_create,
                       [&] { return store_->create_subscription(subscription, now); });
    }
    Result<SubscriptionRecord> edit_subscription(const SubscriptionEdit& edit) override {
        if (edit.secret) on_secret_(edit.subscription.id(), *edit.secret);
        return between(Step::before_edit, Step::after_edit, [&] { return store_->edit_subscription(edit); });
    }
    Result<SubscriptionRecord> subscription(SubscriptionId id) override {
        return between(Step::before_read_record, Step::after_read_record, [&] { return store_->subscription(id); });
    }
    Result<Secret> secret(SubscriptionId id) override {
        return between(Step::before_read_secret, Step::after_read_secret, [&] { return store_->secret(id); });
    }
    Result<ReplayPage> replay(const ReplayRequest& request) override {
        return between(Step::before_replay, Step::after_replay, [&] { return store_->replay(request); });
    }
    Result<std::size_t> maintain(const Retention& retention, Timestamp now, std::size_t max) override {
        auto result =
            between(Step::before_maintain, Step::after_maintain, [&] { return store_->maintain(retention, now, max); });
        ++maintainings_;
        return result;
    }

  private:
    template <class F>
    std::invoke_result_t<F> between(Step before, Step after, F&& f) {
        steps_.pass(before);
        auto result = f();
        steps_.pass(after);
        return result;
    }

    Steps& steps_;
    const OnSecret on_secret_;
    std::atomic<std::size_t> expirings_ = 0;
    std::atomic<std::size_t> maintainings_ = 0;
};

class WatchedTransport final : public Transport {
  public:
    using OnAnswer = std::function<void(const TransportOutcome&)>;
    WatchedTransport(std::shared_ptr<Transport> transport, Steps& steps, OnAnswer on_answer)
        : transport_(std::move(transport)), steps_(steps), on_answer_(std::move(on_answer)) {}

    Result<Token> start(TransportRequest request, Completion done) override {
        steps_.pass(Step::before_attempt);
        auto token = transport_->start(std::move(request), [this, done = std::move(done)](TransportOutcome outcome) {
            steps_.pass(Step::before_completion);
            on_answer_(outcome);
            done(std::move(outcome));
            steps_.pass(Step::after_completion);
        });
        steps_.pass(Step::attempt_started);
        return token;
    }
    void cancel(Token token) override { transport_->cancel(token); }

  private:
    const std::shared_ptr<Transport> transport_;
    Steps& steps_;
    const OnAnswer on_answer_;
};

}  // namespace fpt_webhooks::test
