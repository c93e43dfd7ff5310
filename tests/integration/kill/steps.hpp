// The durable steps of a sender, each with a name: the places where a process can die or the power can fail.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fpt_webhooks::test {

enum class Step : std::size_t {
    opening,
    opened,
    before_acquire,
    after_acquire,
    before_wakes,
    after_wakes,
    before_commit_events,
    after_commit_events,
    before_commit_outcomes,
    after_commit_outcomes,
    before_commit_starts,
    after_commit_starts,
    before_reply,
    after_reply,
    before_take_fresh,
    after_take_fresh,
    before_take_waiting,
    after_take_waiting,
    before_expire_waiting,
    after_expire_waiting,
    before_read_record,
    after_read_record,
    before_read_secret,
    after_read_secret,
    before_changes,
    after_changes,
    before_due_contacts,
    after_due_contacts,
    before_create,
    after_create,
    before_edit,
    after_edit,
    before_replay,
    after_replay,
    before_maintain,
    after_maintain,
    before_release,
    after_release,
    before_attempt,
    attempt_started,
    before_completion,
    after_completion,
    before_log_restart,
    before_log_write,
    after_log_write,
    before_log_sync,
    after_log_sync,
    before_database_write,
    after_database_write,
    before_database_sync,
    after_database_sync,
    before_log_removal,
    after_log_removal,
    before_contact,
    after_contact,
    before_commit_change,
    after_commit_change,
    before_commit_window,
    after_commit_window,
    count
};

inline constexpr std::size_t step_count = static_cast<std::size_t>(Step::count);

inline constexpr std::array<const char*, step_count> step_names = {
    "store: before it is opened",
    "store: opened",
    "store: before acquire",
    "store: after acquire",
    "store: before the wakes are read",
    "store: after the wakes are read",
    "store: before a commit with events",
    "store: after a commit with events, before its reply",
    "store: before a commit with outcomes",
    "store: after a commit with outcomes",
    "store: before a commit with starts",
    "store: after a commit with starts",
    "producer: publish returned, nothing acknowledged yet",
    "producer: acknowledged",
    "store: before take_fresh",
    "store: after take_fresh",
    "store: before take_waiting",
    "store: after take_waiting",
    "store: before expire_waiting",
    "store: after expire_waiting",
    "store: before a record is read",
    "store: after a record is read",
    "store: before a secret is read",
    "store: after a secret is read",
    "store: before changes",
    "store: after changes",
    "store: before due windows are read",
    "store: after due windows are read",
    "store: before a subscription is created",
    "store: after a subscription is created",
    "store: before an edit",
    "store: after an edit, before its reply",
    "store: before a replay",
    "store: after a replay, before its reply",
    "store: before maintain",
    "store: after maintain",
    "store: before release",
    "store: after release",
    "transport: before an attempt starts",
    "transport: the attempt has started",
    "transport: the answer came, before its completion",
    "transport: after its completion",
    "disk: before the log begins anew",
    "disk: before the log is written",
    "disk: after the log is written",
    "disk: before the log is synced",
    "disk: after the log is synced",
    "disk: before the database is written",
    "disk: after the database is written",
    "disk: before the database is synced",
    "disk: after the database is synced",
    "disk: before the log is removed",
    "disk: after the log is removed",
    "store: before a contact is read",
    "store: after a contact is read",
    "store: before a commit with a contact's change",
    "store: after a commit with a contact's change",
    "store: before a commit that closes windows",
    "store: after a commit that closes windows",
};

constexpr const char* name_of(Step step) noexcept { return step_names[static_cast<std::size_t>(step)]; }

// In memory that parent and child share, so that it outlives the child.
template <std::size_t Count>
struct BasicStepCounters {
    std::array<std::atomic<std::uint64_t>, Count> passed{};
    std::array<std::atomic<std::uint64_t>, Count> died{};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// Counts who passes, and kills this process where it is told to: as the hit-th passes `fatal`.
template <class Name, std::size_t Count>
class BasicSteps {
  public:
    BasicSteps(BasicStepCounters<Count>& counters, std::optional<Name> fatal, std::uint64_t hit)
        : counters_(counters), fatal_(fatal), hit_(hit) {}

    void pass(Name step) noexcept {
        const auto index = static_cast<std::size_t>(step);
        ++counters_.passed[index];
        if (step != fatal_ || ++here_ != hit_) return;
        ++counters_.died[index];
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }

  private:
    BasicStepCounters<Count>& counters_;
    const std::optional<Name> fatal_;
    const std::uint64_t hit_;
    std::atomic<std::uint64_t> here_ = 0;
};

using StepCounters = BasicStepCounters<step_count>;
using Steps = BasicSteps<Step, step_count>;

}  // namespace fpt_webhooks::test
