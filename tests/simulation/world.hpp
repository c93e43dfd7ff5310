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

// What time it is, three times over.
class Time {
  public:
    explicit Time(std::shared_ptr<fw::testing::ManualClock> clock) : clock_(std::move(clock)) { follow(offset()); }

    // Since this machine runs; the world goes by it.
    [[nodiscard]] Ms tick() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock_->steady_now().time_since_epoch()).count();
    }
    [[nodiscard]] Ms wall() const { return ms(clock_->now()); }
    // On the time line of the process that owns the store, which no jump of the wall clock moves.
    [[nodiscard]] Ms now() const { return tick() + line_; }
    // Of the line of a process that is made now.
    [[nodiscard]] Ms offset() const { return wall() - tick(); }
    void follow(Ms offset) { line_ = offset; }

    void advance(Ms by) { clock_->advance(std::chrono::milliseconds(by)); }
    void set_wall(Ms wall) { clock_->set_wall(fw::Timestamp(std::chrono::milliseconds(wall))); }

  private:
    std::shared_ptr<fw::testing::ManualClock> clock_;
    Ms line_ = 0;
};

// How the endpoints of one subscription behave.
enum class Mood { healthy, flaky, failing, down, hanging, stubborn, ours, count };

// Attempts in flight complete when the simulation says so.
class SimTransport final : public fw::Transport {
  public:
    struct Flight {
        Ms at = 0;  // the tick of its answer
        fw::SubscriptionId subscription = {};
        Answer answer = {};
        Completion done = {};
    };
    // What becomes of an attempt that starts now: its answer and at what tick. Nothing: start() itself fails.
    using Fate = std::function<std::optional<std::pair<Ms, Answer>>(fw::SubscriptionId)>;

    SimTransport(std::size_t process, const Time& time, Oracle& oracle, Fate fate)
        : process_(process), time_(time), oracle_(oracle), fate_(std::move(fate)) {}

    fw::Result<Token> start(fw::TransportRequest request, Completion done) override;
    void cancel(Token) override {}

    [[nodiscard]] std::size_t in_flight() const noexcept { return flights_.size(); }
    [[nodiscard]] std::optional<Ms> next() const;
    // The answer that is due first reaches the dispatcher.
    void complete_one(bool cancelled);
    void lose_all() { flights_.clear(); }  // with the process

  private:
    const std::size_t process_;
    const Time& time_;
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
    virtual StoreFate before(StoreCall call, std::size_t process) = 0;
    virtual void after(StoreCall call, std::size_t process) = 0;
};

// What the planted bugs of a store do; see plants.hpp.
struct StorePlants {
    bool drops_an_outcome = false;
    bool forgets_cuts = false;
    bool forgets_starts = false;
    bool never_fences = false;
    bool keeps_old_windows = false;
};

// One process's way to the store, which fails, loses replies and outlives it; all that is durable is shown to the
// oracle.
class FaultyStore final : public fw::Store {
  public:
    FaultyStore(std::size_t process, std::shared_ptr<fw::MemoryStore> inner, const Time& time, Oracle& oracle,
                StoreGate& gate, StorePlants plants)
        : process_(process), inner_(std::move(inner)), time_(time), oracle_(oracle), gate_(gate), plants_(plants) {}

    // The next edit is this one; the store sees only its consequences.
    void announce(const Edit* edit) noexcept { edit_ = edit; }
    // The operating system closes the dead process's files, or takes it for dead.
    void unlock() noexcept { inner_->release(epoch_); }

    fw::Result<std::uint64_t> acquire(fw::Timestamp now) override;
    void release(std::uint64_t epoch) noexcept override { inner_->release(epoch); }
    fw::Result<fw::StoreBatchResult> commit(const fw::StoreBatch& batch) override;
    fw::Result<std::vector<fw::PendingDelivery>> take_fresh(fw::DeliveryId after, std::size_t max) override;
    fw::Result<fw::WaitingPage> take_waiting(fw::SubscriptionId subscription, fw::Timestamp now,
                                             std::size_t max) override;
    fw::Result<fw::ExpireResult> expire_waiting(std::uint64_t epoch, fw::SubscriptionId subscription,
                                                fw::Timestamp started_before, fw::Timestamp now,
                                                std::size_t max) override;
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
    [[nodiscard]] Ms now() const { return time_.now(); }

    const std::size_t process_;
    std::shared_ptr<fw::MemoryStore> inner_;
    const Time& time_;
    Oracle& oracle_;
    StoreGate& gate_;
    const StorePlants plants_;
    const Edit* edit_ = nullptr;
    std::uint64_t epoch_ = 0;
    fw::Timestamp acquired_at_ = {};
    std::size_t outcomes_ = 0;
    bool loses_reply_ = false;  // the call that is being made
};

}  // namespace simulation
