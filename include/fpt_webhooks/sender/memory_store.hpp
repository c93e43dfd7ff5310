// A Store in memory: for tests, and for hosts that may lose what is pending when they end.
#pragma once

#include <memory>

#include <fpt_webhooks/sender/store.hpp>

namespace fpt_webhooks::inline v0_1 {

struct StoreLimits {
    std::size_t pending_max = deliveries_pending_max_default;                 // all together; more: `full`
    std::size_t subscription_pending_max = subscription_pending_max_default;  // more: skipped(backlog)
};

// One process, one dispatcher at a time. May be shared between threads.
class FPT_WEBHOOKS_SENDER_EXPORT MemoryStore final : public Store {
  public:
    explicit MemoryStore(StoreLimits limits = {});
    ~MemoryStore() override;

    // An independent store that holds what this one holds now and has no dispatcher: what a crash at this moment would
    // leave behind if this were on a disk.
    [[nodiscard]] std::shared_ptr<MemoryStore> copy() const;

    Result<std::uint64_t> acquire(Timestamp now) override;
    void release(std::uint64_t epoch) noexcept override;
    Result<StoreBatchResult> commit(const StoreBatch& batch) override;
    Result<std::vector<PendingDelivery>> take_fresh(DeliveryId after, std::size_t max) override;
    Result<WaitingPage> take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max) override;
    Result<ExpireResult> expire_waiting(std::uint64_t epoch, SubscriptionId subscription, Timestamp started_before,
                                        Timestamp now, std::size_t max) override;
    Result<std::vector<SubscriptionWake>> wakes() override;
    Result<StoreChanges> changes(std::uint64_t since) override;
    Result<KeptContact> contact(const ContactKey& key) override;
    Result<std::vector<KeptContact>> due_contacts(Timestamp now, Timestamp latest, std::size_t max) override;
    Result<SubscriptionRecord> create_subscription(const Subscription& subscription, Timestamp now) override;
    Result<SubscriptionRecord> edit_subscription(const SubscriptionEdit& edit) override;
    Result<SubscriptionRecord> subscription(SubscriptionId id) override;
    Result<std::vector<SubscriptionId>> subscriptions_at(std::string_view url, std::size_t max) override;
    Result<std::vector<SubscriptionRecord>> subscriptions(SubscriptionId after, std::size_t max) override;
    Result<Secret> secret(SubscriptionId id) override;
    Result<DeliveryPage> deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max) override;
    Result<std::vector<Attempt>> attempts(DeliveryId delivery) override;
    Result<std::string> event_body(const EventId& id) override;
    Result<ReplayPage> replay(const ReplayRequest& request) override;
    Result<std::size_t> maintain(const Retention& retention, Timestamp now, std::size_t max) override;
    Result<StoreStats> stats() override;

  private:
    struct State;
    explicit MemoryStore(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace fpt_webhooks::inline v0_1
