// An inbox in memory, on a clock moved by hand, that fails where it is told to.
#pragma once

#include <fpt_webhooks/receiver/inbox_store.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "contract/manual_clock.hpp"
#include "recording_store.hpp"

namespace receiver_test {

using namespace std::chrono_literals;

class MemoryInbox final : public fw::InboxStore {
  public:
    struct Entry {
        enum State { waiting, leased, done, buried } state = waiting;
        std::string endpoint;
        fw::InboxItem item;                               // its token is that of the last lease
        std::chrono::steady_clock::time_point time = {};  // waiting: due; leased: the lease's end
    };

    explicit MemoryInbox(std::shared_ptr<ManualClock> clock) : clock_(std::move(clock)) {}

    fw::Result<fw::InboxVerdict> add(const fw::DedupeKey& key, std::string_view event_type, fw::ByteView body,
                                     fw::Timestamp received_at) override {
        const std::lock_guard lock(mutex_);
        if (fails) return failure();
        for (const Entry& entry : entries_) {
            if (entry.endpoint == key.endpoint && entry.item.idempotency_key == key.id) {
                return fw::InboxVerdict::duplicate;
            }
        }
        entries_.push_back({.endpoint = std::string(key.endpoint),
                            .item = {.token = {.entry = entries_.size()},
                                     .idempotency_key = std::string(key.id),
                                     .event_type = std::string(event_type),
                                     .body = std::string(fw::text_of(body)),
                                     .received_at = received_at}});
        changed_.notify_all();
        return fw::InboxVerdict::accepted;
    }

    fw::Result<std::vector<fw::InboxItem>> take(std::string_view endpoint, std::chrono::milliseconds lease,
                                                std::size_t max, std::chrono::milliseconds wait) override {
        std::unique_lock lock(mutex_);
        const int interrupts_before = interrupts;
        std::vector<fw::InboxItem> taken;
        // In slices, since nobody tells of a clock that was moved.
        for (auto waited = 0ms; waited < wait && interrupts == interrupts_before; waited += 1ms) {
            ++takes;
            if (fails) return failure();
            for (Entry& entry : entries_) {
                const bool claimable = entry.state == Entry::waiting || entry.state == Entry::leased;
                if (!claimable || entry.endpoint != endpoint || entry.time > clock_->steady_now()) continue;
                entry.state = Entry::leased;
                entry.time = clock_->steady_now() + lease;
                ++entry.item.token.fence;
                taken.push_back(entry.item);
                if (taken.size() == max) return taken;
            }
            if (!taken.empty()) return taken;
            changed_.wait_for(lock, 1ms);
        }
        return taken;
    }

    void interrupt() noexcept override {
        const std::lock_guard lock(mutex_);
        ++interrupts;
        changed_.notify_all();
    }

    fw::Result<void> complete(fw::ClaimToken token) override {
        return end(token, [](Entry& entry) { entry.state = Entry::done; });
    }
    fw::Result<void> release(fw::ClaimToken token, fw::ReleaseAs how, std::chrono::milliseconds retry_after) override {
        return end(token, [&](Entry& entry) {
            entry.state = Entry::waiting;
            entry.time = clock_->steady_now() + retry_after;
            if (how == fw::ReleaseAs::failed) ++entry.item.failures;
        });
    }
    fw::Result<void> renew(fw::ClaimToken token, std::chrono::milliseconds lease) override {
        auto renewed = end(token, [&](Entry& entry) { entry.time = clock_->steady_now() + lease; });
        ++renewals;
        return renewed;
    }
    fw::Result<void> bury(fw::ClaimToken token, const fw::NewDeadLetter& letter) override {
        return end(token, [&](Entry& entry) -> fw::Result<void> {
            if (auto added = letters_.add(letter); !added) return added;
            entry.state = Entry::buried;
            return {};
        });
    }
    RecordingDeadLetters& dead_letters() noexcept override { return letters_; }

    std::deque<Entry> entries() const {
        const std::lock_guard lock(mutex_);
        return entries_;
    }
    std::size_t count(Entry::State state) const {
        const auto all = entries();
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const Entry& entry) { return entry.state == state; }));
    }

    std::atomic<bool> fails{false};
    std::atomic<bool> in_doubt{false};  // how it fails
    std::atomic<int> failed_calls{0};
    std::atomic<int> takes{0};
    std::atomic<int> renewals{0};
    std::atomic<int> interrupts{0};

  private:
    fw::Error failure() {
        ++failed_calls;
        return fw::Error(in_doubt ? fw::Errc::commit_unknown : fw::Errc::local_failure, "disk");
    }

    template <class Change>
    fw::Result<void> end(fw::ClaimToken token, Change change) {
        const std::lock_guard lock(mutex_);
        if (fails) return failure();
        Entry& entry = entries_.at(token.entry);
        if (entry.state != Entry::leased || !(entry.item.token == token)) return fw::Error(fw::Errc::lease_lost);
        if constexpr (std::is_void_v<std::invoke_result_t<Change&, Entry&>>) {
            change(entry);
            return {};
        } else {
            return change(entry);
        }
    }

    const std::shared_ptr<ManualClock> clock_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Entry> entries_;
    Journal journal_;
    RecordingDeadLetters letters_{journal_};
};

}  // namespace receiver_test
