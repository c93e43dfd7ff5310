// Stores that forward every call and name the steps before and after it.
#pragma once

#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/inbox_store.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include "integration/receiver/receiver_steps.hpp"

namespace fpt_webhooks::test {

template <class F>
std::invoke_result_t<F> between(ReceiverSteps& steps, ReceiverStep before, ReceiverStep after, F&& f) {
    steps.pass(before);
    auto result = f();
    steps.pass(after);
    return result;
}

class WatchedDedupe final : public DedupeStore {
  public:
    WatchedDedupe(std::shared_ptr<DedupeStore> store, ReceiverSteps& steps) : store_(std::move(store)), steps_(steps) {}

    Result<Claim> claim(const DedupeKey& key, std::chrono::milliseconds lease,
                        std::chrono::milliseconds wait) override {
        steps_.pass(ReceiverStep::before_claim);
        auto claim = store_->claim(key, lease, wait);
        if (claim && claim->state == ClaimState::fresh) steps_.pass(ReceiverStep::after_claim);
        return claim;
    }
    Result<void> complete(ClaimToken token) override {
        return between(steps_, ReceiverStep::before_complete, ReceiverStep::after_complete,
                       [&] { return store_->complete(token); });
    }
    Result<void> release(ClaimToken token, ReleaseAs how) override {
        return between(steps_, ReceiverStep::before_release, ReceiverStep::after_release,
                       [&] { return store_->release(token, how); });
    }
    Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) override {
        return store_->renew(token, lease);
    }
    bool joins_transaction() const noexcept override { return store_->joins_transaction(); }

  private:
    const std::shared_ptr<DedupeStore> store_;
    ReceiverSteps& steps_;
};

class WatchedInbox final : public InboxStore {
  public:
    WatchedInbox(std::shared_ptr<InboxStore> store, ReceiverSteps& steps) : store_(std::move(store)), steps_(steps) {}

    Result<InboxVerdict> add(const DedupeKey& key, std::string_view event_type, ByteView body,
                             Timestamp received_at) override {
        return between(steps_, ReceiverStep::before_add, ReceiverStep::after_add,
                       [&] { return store_->add(key, event_type, body, received_at); });
    }
    Result<std::vector<InboxItem>> take(std::string_view endpoint, std::chrono::milliseconds lease, std::size_t max,
                                        std::chrono::milliseconds wait) override {
        steps_.pass(ReceiverStep::before_take);
        auto items = store_->take(endpoint, lease, max, wait);
        if (items && !items->empty()) steps_.pass(ReceiverStep::after_take);
        return items;
    }
    void interrupt() noexcept override { store_->interrupt(); }
    Result<void> complete(ClaimToken token) override {
        return between(steps_, ReceiverStep::before_complete, ReceiverStep::after_complete,
                       [&] { return store_->complete(token); });
    }
    Result<void> release(ClaimToken token, ReleaseAs how, std::chrono::milliseconds retry_after) override {
        return between(steps_, ReceiverStep::before_release, ReceiverStep::after_release,
                       [&] { return store_->release(token, how, retry_after); });
    }
    Result<void> renew(ClaimToken token, std::chrono::milliseconds lease) override {
        return store_->renew(token, lease);
    }
    Result<void> bury(ClaimToken token, const NewDeadLetter& letter) override { return store_->bury(token, letter); }
    DeadLetterStore& dead_letters() noexcept override { return store_->dead_letters(); }

  private:
    const std::shared_ptr<InboxStore> store_;
    ReceiverSteps& steps_;
};

}  // namespace fpt_webhooks::test
