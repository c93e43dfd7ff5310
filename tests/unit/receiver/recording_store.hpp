// A MemoryDedupe that writes down what it is asked for, and fails where it is told to.
#pragma once

#include <fpt_webhooks/receiver/dead_letter_store.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace receiver_test {

namespace fw = fpt_webhooks;

// The order in which things happened; from any thread.
class Journal {
  public:
    void add(std::string what) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(what));
    }
    std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

class RecordingStore final : public fw::DedupeStore {
  public:
    RecordingStore(std::shared_ptr<const fw::Clock> clock, Journal& journal_)
        : journal(journal_), store_(fw::MemoryDedupe::create({.clock = std::move(clock)}).value()) {}

    fw::Result<fw::Claim> claim(const fw::DedupeKey& key, std::chrono::milliseconds lease,
                                std::chrono::milliseconds wait) override {
        journal.add("claim");
        if (on_claim) on_claim(wait);
        return store_->claim(key, lease, wait);
    }
    fw::Result<void> complete(fw::ClaimToken token) override {
        journal.add("complete");
        if (complete_fails) return fw::Error(fw::Errc::local_failure, "disk");
        return store_->complete(token);
    }
    fw::Result<void> release(fw::ClaimToken token, fw::ReleaseAs how) override {
        journal.add(how == fw::ReleaseAs::failed ? "release failed" : "release abandoned");
        return store_->release(token, how);
    }
    fw::Result<void> renew(fw::ClaimToken token, std::chrono::milliseconds lease) override {
        auto renewed = store_->renew(token, lease);
        ++renewals;
        return renewed;
    }
    bool joins_transaction() const noexcept override { return joins; }

    Journal& journal;
    std::atomic<int> renewals{0};
    bool joins = false;
    bool complete_fails = false;
    std::function<void(std::chrono::milliseconds wait)> on_claim;

  private:
    std::shared_ptr<fw::MemoryDedupe> store_;
};

class RecordingDeadLetters final : public fw::DeadLetterStore {
  public:
    explicit RecordingDeadLetters(Journal& journal) : journal_(journal) {}

    fw::Result<void> add(const fw::NewDeadLetter& letter) override {
        const std::lock_guard lock(mutex_);
        journal_.add("dead letter");
        if (fails) return fw::Error(fw::Errc::store_full, "ten letters");
        const auto found = std::find_if(letters_.begin(), letters_.end(),
                                        [&](const auto& known) { return known.idempotency_key == letter.key.id; });
        const auto id = found == letters_.end() ? letters_.size() + 1 : static_cast<std::size_t>(found->id.value());
        if (found == letters_.end()) letters_.emplace_back();
        letters_.at(id - 1) = {.id = fw::DeadLetterId(static_cast<std::int64_t>(id)),
                               .endpoint = std::string(letter.key.endpoint),
                               .idempotency_key = std::string(letter.key.id),
                               .profile = letter.profile,
                               .event_type = std::string(letter.event_type),
                               .reason = letter.reason,
                               .detail = std::string(letter.detail),
                               .failures = letter.failures,
                               .received_at = letter.received_at,
                               .body = std::string(fw::text_of(letter.body))};
        return {};
    }
    fw::Result<fw::DeadLetterPage> page(std::string_view, fw::DeadLetterId, std::size_t) override {
        return fw::DeadLetterPage{.letters = letters()};
    }
    fw::Result<void> remove(fw::DeadLetterId) override { return fw::Error(fw::Errc::not_found); }

    std::vector<fw::DeadLetter> letters() const {
        const std::lock_guard lock(mutex_);
        return letters_;
    }

    std::atomic<bool> fails{false};

  private:
    mutable std::mutex mutex_;
    Journal& journal_;
    std::vector<fw::DeadLetter> letters_;
};

}  // namespace receiver_test
