#include <fpt_webhooks/receiver_sqlite/sqlite_inbox.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

#include "receiver/dedupe_rules.hpp"
#include "receiver_sqlite/receiver_file.hpp"
#include "receiver_sqlite/sqlite_dead_letters.hpp"
#include "receiver_sqlite/waiting_room.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using detail::Moment;
using detail::Tables;
using SteadyTime = chr::steady_clock::time_point;

std::uint64_t subject_of(std::string_view endpoint) noexcept { return std::hash<std::string_view>()(endpoint); }

}  // namespace

class SqliteInbox::Impl {
  public:
    Impl(SqliteInboxOptions options, std::shared_ptr<detail::ReceiverFile> file)
        : options_(std::move(options)),
          file_(std::move(file)),
          waiting_clock_(system_clock()),
          letters_(std::make_unique<SqliteDeadLetters::Impl>(file_, options_.letters_max)) {}

    [[nodiscard]] bool forked() const noexcept { return file_->forked(); }
    [[nodiscard]] DeadLetterStore& letters() noexcept { return letters_; }

    Result<void> wake_after_restart() {
        return write(
            [&](Tables& tables) -> Result<void> { return tables.inbox.wake_after_restart(now()), Result<void>(); });
    }

    Result<InboxVerdict> add(const DedupeKey& key, std::string_view event_type, ByteView body, Timestamp received_at) {
        auto verdict = file_->write([&](Tables& tables) {
            return tables.inbox.add(key, event_type, body, received_at, now(), options_.retention,
                                    options_.waiting_max);
        });
        if (verdict && *verdict == InboxVerdict::accepted) room_.wake_one(subject_of(key.endpoint));
        return verdict;
    }

    Result<std::vector<InboxItem>> take(std::string_view endpoint, chr::milliseconds lease, std::size_t max,
                                        chr::milliseconds wait) {
        const std::uint64_t interrupts = interrupts_;
        const SteadyTime deadline =
            waiting_clock_->steady_now() + std::clamp(wait, chr::milliseconds::zero(), detail::wait_max);
        auto look_again = detail::look_again_min;
        for (;;) {
            const std::uint64_t moment = room_.moment();
            const Moment at = now();
            const auto outlook = file_->read([&](Tables& tables) { return tables.inbox.outlook(endpoint, at); });
            if (!outlook) return outlook.error();
            if (outlook->ready) {
                auto items = file_->write([&](Tables& tables) -> Result<std::vector<InboxItem>> {
                    return tables.inbox.take(endpoint, lease, max, now());
                });
                if (!items || !items->empty()) return items;
            }
            const SteadyTime time = waiting_clock_->steady_now();
            if (time >= deadline || interrupts_ != interrupts) return std::vector<InboxItem>();
            SteadyTime until = std::min(deadline, time + look_again);
            if (outlook->next_end) {
                until =
                    std::min(until, time + chr::nanoseconds(std::max<std::int64_t>(*outlook->next_end - at.steady, 0)));
            }
            room_.wait(subject_of(endpoint), moment, until);
            look_again = std::min(2 * look_again, detail::look_again_max);
        }
    }

    void interrupt() noexcept {
        ++interrupts_;
        room_.wake_all();
    }

    Result<void> complete(ClaimToken token) {
        return write([&](Tables& tables) { return tables.inbox.complete(token, now()); });
    }
    Result<void> release(ClaimToken token, ReleaseAs how, chr::milliseconds retry_after) {
        auto released = write([&](Tables& tables) { return tables.inbox.release(token, how, retry_after, now()); });
        if (released) room_.wake_all();  // whose endpoint it is stands in the file
        return released;
    }
    Result<void> renew(ClaimToken token, chr::milliseconds lease) {
        return write([&](Tables& tables) { return tables.inbox.renew(token, lease, now()); });
    }
    Result<void> bury(ClaimToken token, const NewDeadLetter& letter) {
        return write([&](Tables& tables) { return tables.inbox.bury(token, letter, now(), options_.letters_max); });
    }

    Result<std::size_t> waiting() {
        return file_->read([&](Tables& tables) {
            tables.counters.begin();
            return static_cast<std::size_t>(tables.counters.now.inbox_waiting);
        });
    }

  private:
    [[nodiscard]] Moment now() const noexcept { return Moment::of(*options_.clock); }

    template <class F>
    Result<void> write(F&& f) {
        return file_->write(std::forward<F>(f));
    }

    const SqliteInboxOptions options_;
    const std::shared_ptr<detail::ReceiverFile> file_;
    const std::shared_ptr<const Clock> waiting_clock_;  // threads sleep in real time, whatever clock ends the leases
    SqliteDeadLetters letters_;
    detail::WaitingRoom room_;  // subjects: endpoints
    std::atomic<std::uint64_t> interrupts_ = 0;
};

Result<std::shared_ptr<SqliteInbox>> SqliteInbox::open(SqliteInboxOptions options) {
    if (auto valid = detail::check_retention(options.retention); !valid) return valid.error();
    if (options.waiting_max == 0) return Error(Errc::invalid_argument, "waiting_max: at least 1 is needed");
    if (options.letters_max == 0) return Error(Errc::invalid_argument, "letters_max: at least 1 is needed");
    if (!options.clock) options.clock = system_clock();
    auto file = detail::ReceiverFile::open(options.path, options.busy_timeout);
    if (!file) return file.error();
    auto impl = std::make_unique<Impl>(std::move(options), *std::move(file));
    if (auto woken = impl->wake_after_restart(); !woken) return woken.error();
    return std::make_shared<SqliteInbox>(std::move(impl));
}

SqliteInbox::SqliteInbox(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
SqliteInbox::~SqliteInbox() { detail::let_go(impl_); }

Result<InboxVerdict> SqliteInbox::add(const DedupeKey& key, std::string_view event_type, ByteView body,
                                      Timestamp received_at) {
    if (auto valid = detail::check_key(key); !valid) return valid.error();
    if (auto valid = detail::check_event_type(event_type); !valid) return valid.error();
    return impl_->add(key, event_type, body, received_at);
}

Result<std::vector<InboxItem>> SqliteInbox::take(std::string_view endpoint, chr::milliseconds lease, std::size_t max,
                                                 chr::milliseconds wait) {
    if (auto valid = detail::check_endpoint_name(endpoint); !valid) return valid.error();
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    if (max == 0) return Error(Errc::invalid_argument, "max: at least 1 is needed");
    return impl_->take(endpoint, lease, std::min(max, inbox_take_max), wait);
}

void SqliteInbox::interrupt() noexcept { impl_->interrupt(); }

Result<void> SqliteInbox::complete(ClaimToken token) { return impl_->complete(token); }

Result<void> SqliteInbox::release(ClaimToken token, ReleaseAs how, chr::milliseconds retry_after) {
    if (retry_after < chr::milliseconds::zero() || retry_after > dedupe_lease_max) {
        return Error(Errc::invalid_argument, "retry_after: zero to 24 h");
    }
    return impl_->release(token, how, retry_after);
}

Result<void> SqliteInbox::renew(ClaimToken token, chr::milliseconds lease) {
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    return impl_->renew(token, lease);
}

Result<void> SqliteInbox::bury(ClaimToken token, const NewDeadLetter& letter) {
    if (auto valid = detail::check_letter(letter); !valid) return valid;
    return impl_->bury(token, letter);
}

DeadLetterStore& SqliteInbox::dead_letters() noexcept { return impl_->letters(); }

Result<std::size_t> SqliteInbox::waiting() { return impl_->waiting(); }

}  // namespace fpt_webhooks::inline v0_1
