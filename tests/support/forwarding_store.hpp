// Stores that pass every call on, for tests that watch some of them.
#pragma once

#include <fpt_webhooks/sender/store.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace fpt_webhooks::test {

class ForwardingStore : public Store {
  public:
    explicit ForwardingStore(std::shared_ptr<Store> store) : store_(std::move(store)) {}

    Result<std::uint64_t> acquire(Timestamp now) override { return store_->acquire(now); }
    void release(std::uint64_t epoch) noexcept override { store_->release(epoch); }
    Result<StoreBatchResult> commit(const StoreBatch& batch) override { return store_->commit(batch); }
    Result<std::vector<PendingDelivery>> take_fresh(DeliveryId after, std::size_t max) override {
        return store_->take_fresh(after, max);
    }
    Result<WaitingPage> take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max) override {
        return store_->take_waiting(subscription, now, max);
    }
    Result<ExpireResult> expire_waiting(std::uint64_t epoch, SubscriptionId subscription, Timestamp started_before,
                                        Timestamp now, std::size_t max) override {
        return store_->expire_waiting(epoch, subscription, started_before, now, max);
    }
    Result<std::vector<SubscriptionWake>> wakes() override { return store_->wakes(); }
    Result<StoreChanges> changes(std::uint64_t since) override { return store_->changes(since); }
    Result<KeptContact> contact(const ContactKey& key) override { return store_->contact(key); }
    Result<std::vector<KeptContact>> due_contacts(Timestamp now, Timestamp latest, std::size_t max) override {
        return store_->due_contacts(now, latest, max);
    }
    Result<SubscriptionRecord> create_subscription(const Subscription& subscription, Timestamp now) override {
        return store_->create_subscription(subscription, now);
    }
    Result<SubscriptionRecord> edit_subscription(const SubscriptionEdit& edit) override {
        return store_->edit_subscription(edit);
    }
    Result<SubscriptionRecord> subscription(SubscriptionId id) override { return store_->subscription(id); }
    Result<std::vector<SubscriptionId>> subscriptions_at(std::string_view url, std::size_t max) override {
        return store_->subscriptions_at(url, max);
    }
    Result<std::vector<SubscriptionRecord>> subscriptions(SubscriptionId after, std::size_t max) override {
        return store_->subscriptions(after, max);
    }
    Result<Secret> secret(SubscriptionId id) override { return store_->secret(id); }
    Result<DeliveryPage> deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max) override {
        return store_->deliveries(filter, after, max);
    }
    Result<std::vector<Attempt>> attempts(DeliveryId delivery) override { return store_->attempts(delivery); }
    Result<std::string> event_body(const EventId& id) override { return store_->event_body(id); }
    Result<ReplayPage> replay(const ReplayRequest& request) override { return store_->replay(request); }
    Result<std::size_t> maintain(const Retention& retention, Timestamp now, std::size_t max) override {
        return store_->maintain(retention, now, max);
    }
    Result<StoreStats> stats() override { return store_->stats(); }

  protected:
    const std::shared_ptr<Store> store_;
};

// Waits until nothing is pending: it looks whenever an outcome has been written.
class SettlingStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;

    // False: not within this time.
    [[nodiscard]] bool settle(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        return written_.wait_for(lock, patience, [&] {
            const auto stats = store_->stats();
            return stats && stats->pending == 0;
        });
    }

    Result<StoreBatchResult> commit(const StoreBatch& batch) override {
        auto result = store_->commit(batch);
        tell();
        return result;
    }
    Result<ExpireResult> expire_waiting(std::uint64_t epoch, SubscriptionId subscription, Timestamp started_before,
                                        Timestamp now, std::size_t max) override {
        auto result = store_->expire_waiting(epoch, subscription, started_before, now, max);
        tell();
        return result;
    }

  private:
    void tell() {
        const std::lock_guard lock(mutex_);  // not between the waiter's look and its wait
        written_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable written_;
};

}  // namespace fpt_webhooks::test
