// The world around the dispatcher: a network and a store that do what the seed says.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fpt_webhooks/sender/memory_store.hpp>
#include <fpt_webhooks/sender/transport.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>

#include "oracle.hpp"

namespace simulation {

// The process ends here: everything that is not in the store is gone.
struct Crash {};

// How the endpoints of one subscription behave.
enum class Mood { healthy, flaky, failing, down, hanging, stubborn, ours, count };

// Attempts in flight complete when the simulation says so.
class SimTransport final : public fw::Transport {
  public:
    struct Flight {
        Ms at = 0;  // of its answer
        fw::SubscriptionId subscription = {};
        Answer answer = {};
        Completion done = {};
    };
    // What becomes of an attempt that starts now: its answer and when. Nothing: start() itself fails.
    using Fate = std::function<std::optional<std::pair<Ms, Answer>>(fw::SubscriptionId)>;

    SimTransport(const fw::Clock& clock, Oracle& oracle, Fate fate)
        : clock_(clock), oracle_(oracle), fate_(std::move(fate)) {}

    fw::Result<Token> start(fw::TransportRequest request, Completion done) override;
    void cancel(Token) override {}

    [[nodiscard]] std::size_t in_flight() const noexcept { return flights_.size(); }
    [[nodiscard]] std::optional<Ms> next() const;
    // The answer that is due first reaches the dispatcher. `early`: whether or not it is due.
    void complete_one(bool cancelled);
    void lose_all() { flights_.clear(); }  // with the process

  private:
    const fw::Clock& clock_;
    Oracle& oracle_;
    Fate fate_;
    std::vector<Flight> flights_;
    Token last_ = 0;
};

enum class StoreCall { acquire, commit, read, edit, create, replay, expire, maintain };
enum class StoreFate { works, fails, loses_reply };

// Decides what becomes of each call, and may let others act, or end the process, before and after it.
class StoreGate {
  public:
    virtual ~StoreGate() = default;
    virtual StoreFate before(StoreCall call) = 0;
    virtual void after(StoreCall call) = 0;
};

// What the planted bugs of a store do; see plants.hpp.
struct StorePlants {
    bool drops_an_outcome = false;
    bool forgets_cuts = false;
    bool forgets_starts = false;
};

// A store that fails, loses replies and outlives its process; all that is durable is shown to the oracle.
class FaultyStore final : public fw::Store {
  public:
    FaultyStore(std::shared_ptr<fw::MemoryStore> inner, const fw::Clock& clock, Oracle& oracle, StoreGate& gate,
                StorePlants plants)
        : inner_(std::move(inner)), clock_(clock), oracle_(oracle), gate_(gate), plants_(plants) {}

    // The next edit is this one; the store sees only its consequences.
    void announce(const Edit* edit) noexcept { edit_ = edit; }
    // The operating system closes the dead process's files.
    void unlock() noexcept { inner_->release(epoch_); }

    fw::Result<std::uint64_t> acquire(fw::Timestamp now) override;
    void release(std::uint64_t epoch) noexcept override { inner_->release(epoch); }
    fw::Result<fw::StoreBatchResult> commit(const fw::StoreBatch& batch) override;
    fw::Result<std::vector<fw::PendingDelivery>> take_fresh(fw::DeliveryId after, std::size_t max) override;
    fw::Result<fw::WaitingPage> take_waiting(fw::SubscriptionId subscription, fw::Timestamp now,
                                             std::size_t max) override;
    fw::Result<fw::ExpireResult> expire_waiting(fw::SubscriptionId subscription, fw::Timestamp started_before,
                                                fw::Timestamp now, std::size_t max) override;
    fw::Result<std::vector<fw::SubscriptionWake>> wakes() override;
    fw::Result<fw::StoreChanges> changes(std::uint64_t since) override;
    fw::Result<fw::KeptContact> contact(const fw::ContactKey& key) override;
    fw::Result<std::vector<fw::KeptContact>> due_contacts(fw::Timestamp at, fw::Timestamp latest,
                                                          std::size_t max) override;
    fw::Result<fw::SubscriptionRecord> create_subscription(const fw::Subscription& subscription,
                                                           fw::Timestamp now) override;
    fw::Result<fw::SubscriptionRecord> edit_subscription(const fw::SubscriptionEdit& edit) override;
    fw::Result<fw::SubscriptionRecord> subscription(fw::SubscriptionId id) override;
    fw::Result<std::vector<fw::SubscriptionId>> subscriptions_at(std::string_view url, std::size_t max) override;
    fw::Result<std::vector<fw::SubscriptionRecord>> subscriptions(fw::SubscriptionId after, std::size_t max) override;
    fw::Result<fw::Secret> secret(fw::SubscriptionId id) override;
    fw::Result<fw::DeliveryPage> deliveries(const fw::DeliveryFilter& filter, fw::DeliveryId after,
                                            std::size_t max) override;
    fw::Result<std::vector<fw::Attempt>> attempts(fw::DeliveryId delivery) override;
    fw::Result<std::string> event_body(const fw::EventId& id) override;
    fw::Result<fw::ReplayPage> replay(const fw::ReplayRequest& request) override;
    fw::Result<std::size_t> maintain(const fw::Retention& retention, fw::Timestamp now, std::size_t max) override;
    fw::Result<fw::StoreStats> stats() override;

  private:
    template <class Call>
    auto call(StoreCall what, Call inner) -> decltype(inner());
    [[nodiscard]] Ms now() const { return ms(clock_.now()); }

    std::shared_ptr<fw::MemoryStore> inner_;
    const fw::Clock& clock_;
    Oracle& oracle_;
    StoreGate& gate_;
    const StorePlants plants_;
    const Edit* edit_ = nullptr;
    std::uint64_t epoch_ = 0;
    std::size_t outcomes_ = 0;
    bool loses_reply_ = false;  // the call that is being made
};

}  // namespace simulation
