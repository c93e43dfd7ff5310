#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include <atomic>
#include <mutex>
#include <new>
#include <utility>

#include "core/fork.hpp"
#include "sender/store_rules.hpp"
#include "sender_sqlite/dispatcher_lock.hpp"
#include "sender_sqlite/reader.hpp"
#include "sender_sqlite/schema.hpp"
#include "sender_sqlite/secret_box.hpp"
#include "sender_sqlite/writer.hpp"
#include "sqlite/database.hpp"
#include "sqlite/file.hpp"
#include "sqlite/transaction.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

using detail::Database;
using detail::StoreFailure;

// What one connection costs and does. Reads never wait for the writer under WAL, nor it for them.
constexpr const char* writer_settings =
    "PRAGMA synchronous = FULL;"
    "PRAGMA cache_size = -16384;"        // 16 MB
    "PRAGMA wal_autocheckpoint = 4000;"  // pages, 16 MB: fewer rounds of writing the same pages into the database
    "PRAGMA journal_size_limit = 67108864";
constexpr const char* reader_settings = "PRAGMA query_only = ON; PRAGMA cache_size = -4096";

struct WriteSession {
    WriteSession(const std::string& path, std::chrono::milliseconds busy_timeout, StoreLimits limits)
        : database(path, SQLITE_OPEN_READWRITE, busy_timeout), writer(database, limits) {
        database.execute(writer_settings);
    }

    Database database;
    detail::Writer writer;
    detail::Statement begin{database, "BEGIN IMMEDIATE"};
    detail::Statement commit{database, "COMMIT"};
};

struct ReadSession {
    ReadSession(const std::string& path, std::chrono::milliseconds busy_timeout)
        : database(path, SQLITE_OPEN_READWRITE, busy_timeout), reader(database) {
        database.execute(reader_settings);
    }

    Database database;
    detail::Reader reader;
    detail::Statement begin{database, "BEGIN"};
    detail::Statement commit{database, "COMMIT"};
};

// A connection with its lock. It is made when it is first used, and again after a failure of the disk.
template <class Session>
struct Slot {
    std::mutex mutex;
    std::unique_ptr<Session> session;
};

template <class T>
struct IsResult : std::false_type {};
template <class T>
struct IsResult<Result<T>> : std::true_type {};

}  // namespace

class SqliteStore::Impl {
  public:
    Impl(SqliteStoreOptions options, detail::SecretBox box) : options_(std::move(options)), box_(std::move(box)) {}

    [[nodiscard]] bool forked() const noexcept { return generation_ != detail::fork_generation(); }

    // f(Writer&) in a transaction of its own, which is rolled back when it returns an error.
    template <class F>
    auto write(F&& f) -> std::invoke_result_t<F, detail::Writer&> {
        if (forked()) return Error(Errc::forked);
        const std::lock_guard lock(writing_.mutex);
        return guarded(writing_, [&]() -> std::invoke_result_t<F, detail::Writer&> {
            if (!writing_.session) {
                writing_.session =
                    std::make_unique<WriteSession>(options_.path, options_.busy_timeout, options_.limits);
            }
            WriteSession& session = *writing_.session;
            detail::Transaction transaction(session);
            session.writer.begin();
            auto result = f(session.writer);
            if (!result) return result;
            session.writer.finish();
            transaction.commit();
            return result;
        });
    }

    // f(Reader&) on one snapshot.
    template <class F>
    auto read(Slot<ReadSession>& slot, F&& f) {
        using Value = std::invoke_result_t<F, detail::Reader&>;
        using Answer = std::conditional_t<IsResult<Value>::value, Value, Result<Value>>;
        const auto on_snapshot = [&]() -> Answer {
            if (!slot.session) slot.session = std::make_unique<ReadSession>(options_.path, options_.busy_timeout);
            detail::Transaction transaction(*slot.session);
            Answer answer = f(slot.session->reader);
            transaction.commit();
            return answer;
        };
        if (forked()) return Answer(Error(Errc::forked));
        const std::lock_guard lock(slot.mutex);
        return guarded(slot, on_snapshot);
    }
    template <class F>
    auto read_for_dispatcher(F&& f) {
        return read(taking_, std::forward<F>(f));
    }
    template <class F>
    auto read_for_people(F&& f) {
        return read(showing_, std::forward<F>(f));
    }

    Result<std::uint64_t> acquire(Timestamp now) {
        if (forked()) return Error(Errc::forked);
        const std::lock_guard lock(dispatching_);
        if (auto locked = lock_.acquire(options_.path + "-dispatcher"); !locked) return locked.error();
        auto epoch = write([&](detail::Writer& writer) -> Result<std::uint64_t> { return writer.take_over(now); });
        if (!epoch) {
            lock_.release();
            return epoch;
        }
        {
            const std::lock_guard reading(taking_.mutex);
            kept_at_.clear();  // another dispatcher may have been here
        }
        epoch_ = *epoch;
        return epoch;
    }

    void release(std::uint64_t epoch) noexcept {
        if (forked()) return;
        const std::lock_guard lock(dispatching_);
        if (epoch == 0 || epoch != epoch_) return;
        epoch_ = 0;
        lock_.release();
    }

    // Of the file, as it says itself, and of the lock beside it.
    [[nodiscard]] bool is_owner(detail::Writer& writer, std::uint64_t epoch) const {
        return epoch == writer.epoch() && epoch == epoch_;
    }

    [[nodiscard]] const detail::SecretBox& box() const noexcept { return box_; }
    [[nodiscard]] RandomSource& random() const noexcept { return *options_.random; }
    [[nodiscard]] detail::KeptAt& kept_at() noexcept { return kept_at_; }  // inside read_for_dispatcher only

  private:
    // Runs f; what SQLite throws becomes the result, and a connection that met more than a busy file is made anew
    // by the next call.
    template <class S, class F>
    static std::invoke_result_t<F> guarded(Slot<S>& slot, F&& f) {
        try {
            return f();
        } catch (const StoreFailure& failure) {
            if (failure.error() != Errc::store_busy) slot.session.reset();
            return failure.error();
        } catch (const std::bad_alloc&) {
            slot.session.reset();
            return Error(Errc::local_failure, "out of memory");
        }
    }

    const SqliteStoreOptions options_;
    const detail::SecretBox box_;
    const std::uint64_t generation_ = detail::fork_generation();

    std::mutex dispatching_;  // never taken under another lock
    detail::DispatcherLock lock_;
    std::atomic<std::uint64_t> epoch_{0};  // while this store runs the dispatcher; 0: it does not

    Slot<WriteSession> writing_;
    Slot<ReadSession> taking_;   // what a dispatcher reads is not held up by what people read
    Slot<ReadSession> showing_;  // history
    detail::KeptAt kept_at_;     // under taking_'s lock
};

Result<std::shared_ptr<SqliteStore>> SqliteStore::open(SqliteStoreOptions options) {
    if (auto checked = detail::check_file_options(options.path, options.busy_timeout); !checked) return checked.error();
    auto box = detail::SecretBox::create(options.encryption_key);
    if (!box) return std::move(box).error();
    options.encryption_key = Secret("");
    if (!options.random) options.random = system_random();
    options.path = detail::one_name(options.path);
    try {
        detail::prepare_file(options.path, options.busy_timeout, detail::schema_of(detail::migrations()),
                             options.may_create);
    } catch (const StoreFailure& failure) {
        return failure.error();
    }
    return std::make_shared<SqliteStore>(std::make_unique<Impl>(std::move(options), *std::move(box)));
}

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

SqliteStore::~SqliteStore() {
    // In a forked child the connections are the parent's: closing them would end its locks. They stay, on purpose.
    if (impl_ && impl_->forked()) (void)impl_.release();
}

// ---- the dispatcher's side

Result<std::uint64_t> SqliteStore::acquire(Timestamp now) { return impl_->acquire(now); }
void SqliteStore::release(std::uint64_t epoch) noexcept { impl_->release(epoch); }

Result<StoreBatchResult> SqliteStore::commit(const StoreBatch& batch) {
    if (auto checked = detail::check_batch(batch); !checked) return checked.error();
    return impl_->write([&](detail::Writer& writer) -> Result<StoreBatchResult> {
        if (batch.epoch != 0 && !impl_->is_owner(writer, batch.epoch)) return detail::fenced_error(batch.epoch);
        StoreBatchResult result;
        for (const DeliveryUpdate& update : batch.updates) writer.apply(update, result.dropped);
        for (const StreakUpdate& update : batch.streaks) writer.apply(update, result.disabled);
        for (const AttemptStart& start : batch.starts) writer.apply(start);
        for (const TestDelivery& test : batch.tests) writer.apply(test, batch.at);
        result.events.reserve(batch.events.size());
        for (const NewEvent& event : batch.events) result.events.push_back(writer.append(event, batch.at));
        for (const ContactWrite& write : batch.contacts) result.contacts.push_back(writer.apply(write, batch.at));
        return result;
    });
}

Result<std::vector<PendingDelivery>> SqliteStore::take_fresh(DeliveryId after, std::size_t max) {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) { return reader.take_fresh(after, max); });
}

Result<WaitingPage> SqliteStore::take_waiting(SubscriptionId subscription, Timestamp now, std::size_t max) {
    return impl_->read_for_dispatcher(
        [&](detail::Reader& reader) { return reader.take_waiting(subscription, now, max, impl_->kept_at()); });
}

Result<ExpireResult> SqliteStore::expire_waiting(std::uint64_t epoch, SubscriptionId subscription,
                                                 Timestamp started_before, Timestamp now, std::size_t max) {
    return impl_->write([&](detail::Writer& writer) -> Result<ExpireResult> {
        if (!impl_->is_owner(writer, epoch)) return detail::fenced_error(epoch);
        return writer.expire(subscription, started_before, now, max);
    });
}

Result<std::vector<SubscriptionWake>> SqliteStore::wakes() {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) { return reader.wakes(impl_->kept_at()); });
}

Result<StoreChanges> SqliteStore::changes(std::uint64_t since) {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) { return reader.changes(since); });
}

// ---- contacts

Result<KeptContact> SqliteStore::contact(const ContactKey& key) {
    return impl_->read_for_people([&](detail::Reader& reader) { return reader.contact(key); });
}

Result<std::vector<KeptContact>> SqliteStore::due_contacts(Timestamp now, Timestamp latest, std::size_t max) {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) { return reader.due_contacts(now, latest, max); });
}

// ---- subscriptions

Result<SubscriptionRecord> SqliteStore::create_subscription(const Subscription& subscription, Timestamp now) {
    return impl_->write([&](detail::Writer& writer) { return writer.create(subscription, now); });
}

Result<SubscriptionRecord> SqliteStore::edit_subscription(const SubscriptionEdit& edit) {
    return impl_->write([&](detail::Writer& writer) -> Result<SubscriptionRecord> {
        return writer.edit(edit, [&](const Secret& secret, std::uint32_t number) {
            return impl_->box().seal(secret, edit.subscription.id(), number, impl_->random());
        });
    });
}

Result<SubscriptionRecord> SqliteStore::subscription(SubscriptionId id) {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) -> Result<SubscriptionRecord> {
        auto record = reader.records().find(id);
        if (!record) return Error(Errc::not_found, std::string("subscription ").append(std::to_string(id.value())));
        return *std::move(record);
    });
}

Result<std::vector<SubscriptionId>> SqliteStore::subscriptions_at(std::string_view url, std::size_t max) {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) { return reader.subscriptions_at(url, max); });
}

Result<std::vector<SubscriptionRecord>> SqliteStore::subscriptions(SubscriptionId after, std::size_t max) {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) { return reader.records().list(after, max); });
}

Result<Secret> SqliteStore::secret(SubscriptionId id) {
    return impl_->read_for_dispatcher([&](detail::Reader& reader) { return reader.secret(id, impl_->box()); });
}

// ---- history

Result<DeliveryPage> SqliteStore::deliveries(const DeliveryFilter& filter, DeliveryId after, std::size_t max) {
    return impl_->read_for_people([&](detail::Reader& reader) { return reader.deliveries(filter, after, max); });
}

Result<std::vector<Attempt>> SqliteStore::attempts(DeliveryId delivery) {
    return impl_->read_for_people([&](detail::Reader& reader) { return reader.attempts(delivery); });
}

Result<std::string> SqliteStore::event_body(const EventId& id) {
    return impl_->read_for_people([&](detail::Reader& reader) { return reader.event_body(id); });
}

Result<ReplayPage> SqliteStore::replay(const ReplayRequest& request) {
    return impl_->write([&](detail::Writer& writer) { return writer.replay(request); });
}

Result<std::size_t> SqliteStore::maintain(const Retention& retention, Timestamp now, std::size_t max) {
    return impl_->write(
        [&](detail::Writer& writer) -> Result<std::size_t> { return writer.maintain(retention, now, max); });
}

Result<StoreStats> SqliteStore::stats() {
    return impl_->read_for_people([&](detail::Reader& reader) { return reader.stats(); });
}

// ---- the outbox

namespace {

void check_host(Database& database) {
    const auto refuse = [](const char* why) { throw StoreFailure(Error(Errc::invalid_argument, why)); };
    if (!database.in_transaction()) refuse("database: no transaction is open");
    detail::check_durable(database);
    const std::int64_t version = detail::schema_version(database, detail::schema_of(detail::migrations()));
    if (version == 0) refuse("database: it has no tables of ours; SqliteStore::open makes them");
    if (version != static_cast<std::int64_t>(detail::migrations().size())) {
        std::string why = "its tables have version ";
        throw StoreFailure(Error(Errc::store_version, why.append(std::to_string(version))));
    }
}

}  // namespace

Result<std::vector<AppendVerdict>> publish_in_transaction(void* database, const std::vector<NewEvent>& events,
                                                          Timestamp now, const StoreLimits& limits) {
    if (database == nullptr) return Error(Errc::invalid_argument, "database: null");
    try {
        Database host(static_cast<sqlite3*>(database));
        check_host(host);
        host.execute("SAVEPOINT fpt_webhooks_publish");
        try {
            detail::Writer writer(host, limits);
            writer.begin();
            std::vector<AppendVerdict> verdicts;
            verdicts.reserve(events.size());
            for (const NewEvent& event : events) verdicts.push_back(writer.append(event, now));
            writer.finish();
            host.execute("RELEASE fpt_webhooks_publish");
            return verdicts;
        } catch (...) {  // the caller's own changes stay
            sqlite3_exec(host.handle(), "ROLLBACK TO fpt_webhooks_publish; RELEASE fpt_webhooks_publish", nullptr,
                         nullptr, nullptr);
            throw;
        }
    } catch (const StoreFailure& failure) {
        return failure.error();
    } catch (const std::bad_alloc&) {
        return Error(Errc::local_failure, "out of memory");
    }
}

}  // namespace fpt_webhooks::inline v0_1
