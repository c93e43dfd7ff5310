#include "receiver_sqlite/receiver_file.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "sqlite/file.hpp"
#include "sqlite/transaction.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

constexpr const char* writer_settings =
    "PRAGMA synchronous = FULL;"
    "PRAGMA cache_size = -16384;"        // 16 MB
    "PRAGMA wal_autocheckpoint = 4000;"  // pages, 16 MB
    "PRAGMA journal_size_limit = 67108864";
constexpr const char* reader_settings = "PRAGMA query_only = ON; PRAGMA cache_size = -4096";

// How many writes share a transaction at most: beyond it the fsync is a small part of each one's cost.
constexpr std::size_t group_max = 256;

}  // namespace

ReceiverFile::WriteSession::WriteSession(const ReceiverFile& file)
    : database(file.path_, SQLITE_OPEN_READWRITE, file.busy_timeout_) {
    database.execute(writer_settings);
}

ReceiverFile::ReadSession::ReadSession(const ReceiverFile& file)
    : database(file.path_, SQLITE_OPEN_READWRITE, file.busy_timeout_) {
    database.execute(reader_settings);
}

Result<std::shared_ptr<ReceiverFile>> ReceiverFile::open(const std::string& path,
                                                         std::chrono::milliseconds busy_timeout) {
    if (auto checked = check_file_options(path, busy_timeout); !checked) return checked.error();
    std::string name = one_name(path);
    try {
        prepare_file(name, busy_timeout, receiver_schema());
    } catch (const StoreFailure& failure) {
        return failure.error();
    }
    return std::make_shared<ReceiverFile>(std::move(name), busy_timeout);
}

ReceiverFile::ReceiverFile(std::string path, std::chrono::milliseconds busy_timeout)
    : path_(std::move(path)), busy_timeout_(busy_timeout) {
    group_.reserve(group_max);
}

std::optional<Error> ReceiverFile::run(Write& write) {
    std::unique_lock lock(mutex_);
    try {
        queue_.push_back(&write);
    } catch (const std::bad_alloc&) {
        return Error(Errc::local_failure, "out of memory");
    }
    write.turn.wait(lock, [&] { return write.done || queue_.front() == &write; });
    if (write.done) return std::move(write.failure);

    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), group_max));
    group_.assign(queue_.begin(), end);
    lock.unlock();
    std::optional<Error> failure = commit_group();
    lock.lock();
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(group_.size()));
    for (Write* other : group_) {
        if (other == &write) continue;
        try {
            other->failure = failure;
        } catch (const std::bad_alloc&) {
            other->failure = Error(Errc::local_failure);
        }
        other->done = true;
        other->turn.notify_one();  // under the lock: it goes away as soon as it sees that it is done
    }
    if (!queue_.empty()) queue_.front()->turn.notify_one();
    return failure;
}

std::optional<Error> ReceiverFile::commit_group() {
    return guarded(writer_, [&](WriteSession& session) {
        Transaction transaction(session);
        session.tables.counters.begin();
        for (Write* write : group_) write->work(session.tables);
        session.tables.counters.finish();
        transaction.commit();
    });
}

}  // namespace fpt_webhooks::inline v0_1::detail
