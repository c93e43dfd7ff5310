#include <fpt_webhooks/receiver_sqlite/sqlite_transaction_dedupe.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "core/fork.hpp"
#include "receiver/dedupe_rules.hpp"
#include "receiver_sqlite/receiver_file.hpp"
#include "receiver_sqlite/waiting_room.hpp"
#include "sqlite/file.hpp"
#include "sqlite/transaction.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

namespace chr = std::chrono;
using detail::Moment;
using detail::StoreFailure;
using SteadyTime = chr::steady_clock::time_point;

// How long an act that ends a claim may wait for the file or the connection: nobody gave it a time of its own.
constexpr chr::milliseconds ending_wait{5'000};

// Between two tries to begin while another process writes to the file.
constexpr chr::milliseconds begin_again_min{1};
constexpr chr::milliseconds begin_again_max{20};

}  // namespace

class SqliteTransactionDedupe::Impl {
  public:
    explicit Impl(SqliteTransactionDedupeOptions options)
        : options_(std::move(options)),
          waiting_clock_(system_clock()),
          session_(static_cast<sqlite3*>(options_.database)) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        if (current_) session_.database.roll_back();
    }

    [[nodiscard]] bool forked() const noexcept { return generation_ != detail::fork_generation(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

    // Throws.
    void prepare() {
        if (session_.database.in_transaction()) {
            throw StoreFailure(Error(Errc::invalid_argument, "database: a transaction is open"));
        }
        detail::check_durable(session_.database);
        detail::migrate(session_.database, detail::receiver_schema());
        open_reader();
    }

    Result<Claim> claim(const DedupeKey& key, chr::milliseconds lease, chr::milliseconds wait) {
        if (auto done = look_up_done(key)) return *done;
        const SteadyTime deadline = after(std::clamp(wait, chr::milliseconds::zero(), detail::wait_max));
        if (!occupy(deadline)) {
            if (is_current(key)) return Claim{};
            return Error(Errc::store_busy, "database: the connection is taken by another event");
        }
        auto claim = guarded([&]() -> Result<Claim> {
            if (session_.database.in_transaction()) {
                return Error(Errc::wrong_state, "database: a transaction is open that is not ours");
            }
            if (!begin(deadline)) return Error(Errc::store_busy, "database: another connection is writing to the file");
            return claim_in_transaction(key, lease);
        });
        if (!claim || claim->state != ClaimState::fresh) vacate();
        return claim;
    }

    Result<void> complete(ClaimToken token) {
        if (!take_current(token)) return ask_whether_completed(token);
        auto completed = guarded([&]() -> Result<void> {
            if (!release_savepoint()) {
                return Error(Errc::wrong_state, "the handler has ended the transaction of its event");
            }
            auto marked = session_.tables.claims.complete(token, now());
            if (marked) detail::commit(session_.database, session_.commit);
            return marked;
        });
        vacate();
        return completed;
    }

    Result<void> release(ClaimToken token, ReleaseAs how) {
        const auto key = take_current(token);
        if (!key) return Error(Errc::lease_lost);
        session_.database.roll_back();
        auto released = how == ReleaseAs::abandoned ? Result<void>() : guarded([&]() -> Result<void> {
            if (!begin(after(ending_wait))) return Error(Errc::store_busy, "the failure could not be counted");
            session_.tables.counters.begin();
            session_.tables.claims.count_failure({key->endpoint, key->id}, now(), limits());
            session_.tables.counters.finish();
            detail::commit(session_.database, session_.commit);
            return {};
        });
        vacate();
        return released;
    }

    Result<void> renew(ClaimToken token) {
        const std::lock_guard lock(mutex_);
        if (current_ && current_->token == token) return {};
        return Error(Errc::lease_lost);
    }

  private:
    struct Session {
        explicit Session(sqlite3* handle) : database(handle) {}

        detail::Database database;
        detail::Tables tables{database};
        detail::Statement begin{database, "BEGIN IMMEDIATE"};
        detail::Statement commit{database, "COMMIT"};
        // Lies under what the handler writes, and is gone when the handler ends the transaction.
        detail::Statement savepoint{database, "SAVEPOINT fpt_webhooks_event"};
        detail::Statement release_savepoint{database, "RELEASE fpt_webhooks_event"};
    };
    // A connection of our own, which sees what is committed while the host's serves an event.
    struct Reader {
        explicit Reader(const std::string& path) : database(path, SQLITE_OPEN_READONLY, chr::milliseconds::zero()) {}

        detail::Database database;
        detail::Tables tables{database};
        std::mutex mutex;
    };
    struct Key {
        std::string endpoint;
        std::string id;
    };
    struct Current {
        ClaimToken token;
        Key key;
    };

    [[nodiscard]] Moment now() const noexcept { return Moment::of(*options_.clock); }
    [[nodiscard]] SteadyTime after(chr::milliseconds time) const { return waiting_clock_->steady_now() + time; }
    [[nodiscard]] detail::ClaimLimits limits() const noexcept { return {options_.retention, options_.keys_max}; }

    // Nothing without one: claims then wait for the host's connection, also those of done keys. Throws.
    void open_reader() {
        sqlite3* const host = session_.database.handle();
        const char* const path = sqlite3_db_filename(host, "main");
        sqlite3_vfs* vfs = nullptr;
        sqlite3_file_control(host, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
        // A reader would be in the way of a host that locks others out.
        if (session_.database.ask("PRAGMA main.locking_mode") == "exclusive") return;
        // Under another file system of the host's the same name may mean another file.
        if (path == nullptr || *path == '\0' || vfs != sqlite3_vfs_find(nullptr)) return;
        try {
            reader_ = std::make_unique<Reader>(path);
        } catch (const StoreFailure&) {  // the file has another name by now, or none
        }
    }

    // Nothing: it is not done, or the reader cannot tell (the host may encrypt its file).
    std::optional<Claim> look_up_done(const DedupeKey& key) {
        if (!reader_) return std::nullopt;
        const std::lock_guard lock(reader_->mutex);
        auto found = guarded([&]() -> Result<std::optional<Claim>> {
            const auto row = reader_->tables.claims.find(key);
            if (!row || row->state != detail::ClaimRowState::done) return std::optional<Claim>();
            return row->verdict(now(), options_.retention);
        });
        return found ? *found : std::nullopt;
    }

    // The connection serves one event at a time.
    bool occupy(SteadyTime deadline) {
        std::unique_lock lock(mutex_);
        ++waiting_;
        const bool got = vacated_.wait_until(lock, deadline, [&] { return !occupied_; });
        --waiting_;
        if (got) occupied_ = true;
        return got;
    }
    [[nodiscard]] bool is_current(const DedupeKey& key) {
        const std::lock_guard lock(mutex_);
        return current_ && current_->key.endpoint == key.endpoint && current_->key.id == key.id;
    }
    // What we began and is still open here has failed. (What the host has begun is its own.)
    void vacate() {
        if (std::exchange(began_, false)) session_.database.roll_back();
        const std::lock_guard lock(mutex_);
        occupied_ = false;
        vacated_.notify_one();
    }

    // Whose claim it is ends it; the connection stays occupied.
    std::optional<Key> take_current(ClaimToken token) {
        const std::lock_guard lock(mutex_);
        if (!current_ || current_->token != token) return std::nullopt;
        return std::exchange(current_, std::nullopt)->key;
    }

    // False: another process holds the file until then. Throws.
    bool begin(SteadyTime deadline) {
        for (auto pause = begin_again_min;; pause = std::min(2 * pause, begin_again_max)) {
            try {
                session_.begin.run();
                return began_ = true;
            } catch (const StoreFailure& failure) {
                if (failure.error() != Errc::store_busy) throw;
            }
            const SteadyTime time = waiting_clock_->steady_now();
            if (time >= deadline) return false;
            ++waiting_;
            std::this_thread::sleep_for(std::min<SteadyTime::duration>(pause, deadline - time));
            --waiting_;
        }
    }

    Result<Claim> claim_in_transaction(const DedupeKey& key, chr::milliseconds lease) {
        Current next{{}, {std::string(key.endpoint), std::string(key.id)}};
        session_.tables.counters.begin();
        // A claim that was rolled back took its fence back with it.
        auto& last_fence = session_.tables.counters.now.last_fence;
        last_fence = std::max(last_fence, last_fence_);
        std::optional<chr::milliseconds> forgotten;
        auto claim = session_.tables.claims.claim(key, lease, now(), limits(), forgotten);
        if (!claim || claim->state != ClaimState::fresh) return claim;
        last_fence_ = last_fence;
        session_.tables.counters.finish();
        session_.savepoint.run();
        next.token = claim->token;
        const std::lock_guard lock(mutex_);
        current_ = std::move(next);
        return claim;
    }

    // False: it is gone, and with it the transaction that it was made in. Throws.
    bool release_savepoint() {
        if (!session_.database.in_transaction()) return false;
        try {
            session_.release_savepoint.run();
            return true;
        } catch (const StoreFailure&) {
            if (sqlite3_errcode(session_.database.handle()) != SQLITE_ERROR) throw;
            return false;  // no such savepoint
        }
    }

    // Of a commit whose reply was lost, or that is repeated.
    Result<void> ask_whether_completed(ClaimToken token) {
        if (token.fence == 0) return Error(Errc::lease_lost);
        if (!occupy(after(ending_wait))) return Error(Errc::store_busy, "another event is being processed");
        auto answer = guarded([&]() -> Result<void> {
            if (session_.tables.claims.is_completed(token)) return {};
            return Error(Errc::lease_lost);
        });
        vacate();
        return answer;
    }

    template <class F>
    static std::invoke_result_t<F> guarded(F&& f) {
        try {
            return f();
        } catch (const StoreFailure& failure) {
            return failure.error();
        } catch (const std::bad_alloc&) {
            return Error(Errc::local_failure, "out of memory");
        }
    }

    const SqliteTransactionDedupeOptions options_;
    const std::shared_ptr<const Clock> waiting_clock_;
    const std::uint64_t generation_ = detail::fork_generation();

    std::mutex mutex_;
    std::condition_variable vacated_;
    bool occupied_ = false;
    std::optional<Current> current_;  // from a fresh claim to its end
    std::atomic<std::size_t> waiting_ = 0;

    std::unique_ptr<Reader> reader_;

    // Of the thread that occupies the connection.
    Session session_;
    bool began_ = false;
    std::int64_t last_fence_ = 0;
};

Result<std::shared_ptr<SqliteTransactionDedupe>> SqliteTransactionDedupe::create(
    SqliteTransactionDedupeOptions options) {
    if (options.database == nullptr) return Error(Errc::invalid_argument, "database: null");
    if (auto valid = detail::check_retention(options.retention); !valid) return valid.error();
    if (options.keys_max == 0) return Error(Errc::invalid_argument, "keys_max: at least 1 is needed");
    if (!options.clock) options.clock = system_clock();
    if (detail::fork_generation() == 0) return Error(Errc::local_failure, "no memory for the fork handler");
    auto impl = std::make_unique<Impl>(std::move(options));
    try {
        impl->prepare();
    } catch (const StoreFailure& failure) {
        return failure.error();
    }
    return std::make_shared<SqliteTransactionDedupe>(std::move(impl));
}

SqliteTransactionDedupe::SqliteTransactionDedupe(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
SqliteTransactionDedupe::~SqliteTransactionDedupe() { detail::let_go(impl_); }

Result<Claim> SqliteTransactionDedupe::claim(const DedupeKey& key, chr::milliseconds lease, chr::milliseconds wait) {
    if (impl_->forked()) return Error(Errc::forked);
    if (auto valid = detail::check_key(key); !valid) return valid.error();
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    return impl_->claim(key, lease, wait);
}

Result<void> SqliteTransactionDedupe::complete(ClaimToken token) {
    if (impl_->forked()) return Error(Errc::forked);
    return impl_->complete(token);
}

Result<void> SqliteTransactionDedupe::release(ClaimToken token, ReleaseAs how) {
    if (impl_->forked()) return Error(Errc::forked);
    return impl_->release(token, how);
}

Result<void> SqliteTransactionDedupe::renew(ClaimToken token, chr::milliseconds lease) {
    if (impl_->forked()) return Error(Errc::forked);
    if (auto valid = detail::check_lease(lease); !valid) return valid.error();
    return impl_->renew(token);
}

std::size_t SqliteTransactionDedupe::waiting() const noexcept { return impl_->waiting(); }

}  // namespace fpt_webhooks::inline v0_1
