#include <fpt_webhooks/receiver_sqlite/sqlite_dedupe.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

#include "receiver/dedupe_rules.hpp"
#include "receiver_sqlite/receiver_file.hpp"
#include "receiver_sqlite/waiting_room.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using detail::Moment;
using detail::Tables;
using SteadyTime = chr::steady_clock::time_point;

}  // namespace

class SqliteDedupe::Impl {
  public:
    Impl(SqliteDedupeOptions options, std::shared_ptr<detail::ReceiverFile> file)
        : options_(std::move(options)), file_(std::move(file)), waiting_clock_(system_clock()) {}

    [[nodiscard]] bool forked() const noexcept { return file_->forked(); }

    Result<Claim> claim(const DedupeKey& key, chr::milliseconds lease, chr::milliseconds wait) {
        auto claim = try_claim(key, lease);
        if (wait <= chr::milliseconds::zero() || !is_busy(claim)) return claim;
        const SteadyTime deadline = waiting_clock_->steady_now() + std::min(wait, detail::wait_max);
        const Visit visit(*this);
        auto look_again = detail::look_again_min;
        for (;;) {
            const std::uint64_t moment = room_.moment();
            auto seen = look(key);
            if (!seen) return seen.error();
            const SteadyTime now = waiting_clock_->steady_now();
            if (!seen->busy) {
                claim = try_claim(key, lease);
                if (!is_busy(claim)) return claim;
                if (now >= deadline) break;
                continue;  // another one was faster
            }
            if (now >= deadline) break;
            room_.wait(seen->entry, moment, std::min({deadline, now + seen->left, now + look_again}));
            look_again = std::min(2 * look_again, detail::look_again_max);
        }
        return Claim{};
    }

    Result<void> complete(ClaimToken token) {
        return finish(token, [&](Tables& tables) { return tables.claims.complete(token, now()); });
    }
    Result<void> release(ClaimToken token, ReleaseAs how) {
        return finish(token, [&](Tables& tables) { return tables.claims.release(token, how, now()); });
    }
    Result<void> renew(ClaimToken token, chr::milliseconds lease) {
        return file_->write([&](Tables& tables) { return tables.claims.renew(token, lease, now()); });
    }

    SqliteDedupeStats stats() const {
        const std::lock_guard lock(counting_);
        return stats_;
    }

  private:
    // A thread in the waiting part of claim(), for the statistics.
    class Visit {
      public:
        explicit Visit(Impl& impl) : impl_(impl) { count(1); }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;
        ~Visit() { count(static_cast<std::size_t>(-1)); }

      private:
        void count(std::size_t change) {
            const std::lock_guard lock(impl_.counting_);
            impl_.stats_.waiting += change;
        }
        Impl& impl_;
    };

    // What a wait looks at.
    struct Seen {
        bool busy = false;
        std::uint64_t entry = 0;
        chr::nanoseconds left{};  // of the lease
    };

    [[nodiscard]] Moment now() const noexcept { return Moment::of(*options_.clock); }

    static bool is_busy(const Result<Claim>& claim) { return claim && claim->state == ClaimState::busy; }

    // Duplicates, by far the most frequent when there is load, are told by reading alone: no lock of the file, no
    // fsync.
    Result<Claim> try_claim(const DedupeKey& key, chr::milliseconds lease) {
        auto known = file_->read([&](Tables& tables) -> std::optional<Claim> {
            const auto row = tables.claims.find(key);
            return row ? row->verdict(now(), options_.retention) : std::nullopt;
        });
        if (!known) return known.error();
        if (*known) return **known;
        std::optional<chr::milliseconds> forgotten;
        auto claim = file_->write([&](Tables& tables) {
            forgotten.reset();
            return tables.claims.claim(key, lease, now(), {options_.retention, options_.keys_max}, forgotten);
        });
        if (claim && forgotten) {
            const std::lock_guard lock(counting_);
            ++stats_.forgotten_early;
            stats_.forgotten_age_min = std::min(stats_.forgotten_age_min.value_or(*forgotten), *forgotten);
        }
        return claim;
    }

    Result<Seen> look(const DedupeKey& key) {
        return file_->read([&](Tables& tables) {
            const auto row = tables.claims.find(key);
            const Moment at = now();
            if (!row || row->state != detail::ClaimRowState::leased || row->lease.left(at) == 0) return Seen{};
            return Seen{true, static_cast<std::uint64_t>(row->id), chr::nanoseconds(row->lease.left(at))};
        });
    }

    template <class F>
    Result<void> finish(ClaimToken token, F&& f) {
        auto finished = file_->write(std::forward<F>(f));
        if (finished) room_.wake(token.entry);
        return finished;
    }

    const SqliteDedupeOptions options_;
    const std::shared_ptr<detail::ReceiverFile> file_;
    const std::shared_ptr<const Clock> waiting_clock_;  // threads sleep in real time, whatever clock ends the leases
    detail::WaitingRoom room_;                          // subjects: rows
    mutable std::mutex counting_;
    SqliteDedupeStats stats_;
};

Result<std::shared_ptr<SqliteDedupe>> SqliteDedupe::open(SqliteDedupeOptions options) {
    if (auto valid = detail::check_retention(options.retention); !valid) return valid.error();
    if (options.keys_max == 0) return Error(Errc::invalid_argument, "keys_max: at least 1 is needed");
    if (!options.clock) options.clock = system_clock();
    auto file = detail::ReceiverFile::open(options.path, options.busy_timeout);
    if (!file) return file.error();
    return std::make_shared<SqliteDedupe>(std::make_unique<Impl>(std::move(options), *std::move(file)));
}

SqliteDedupe::SqliteDedupe(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
SqliteDedupe::~SqliteDedupe() { detail::let_go(impl_); }

Result<Claim> SqliteDedupe::claim(const DedupeKey& key, chr::milliseconds lease, chr::milliseconds wait) {
    if (auto valid = detail::check_key(key); !valid) return valid.error();
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    return impl_->claim(key, lease, wait);
}

Result<void> SqliteDedupe::complete(ClaimToken token) { return impl_->complete(token); }
Result<void> SqliteDedupe::release(ClaimToken token, ReleaseAs how) { return impl_->release(token, how); }
Result<void> SqliteDedupe::renew(ClaimToken token, chr::milliseconds lease) {
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    return impl_->renew(token, lease);
}
SqliteDedupeStats SqliteDedupe::stats() const { return impl_->stats(); }

}  // namespace fpt_webhooks::inline v0_1
