// A file with the receiver's tables: writes that share their transactions, and reads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <fpt_webhooks/core/result.hpp>

#include "core/fork.hpp"
#include "receiver_sqlite/tables.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// May be shared between threads.
class ReceiverFile {
  public:
    // Errors: those of SqliteDedupe::open.
    [[nodiscard]] static Result<std::shared_ptr<ReceiverFile>> open(const std::string& path,
                                                                    std::chrono::milliseconds busy_timeout);
    ReceiverFile(std::string path, std::chrono::milliseconds busy_timeout);
    ReceiverFile(const ReceiverFile&) = delete;
    ReceiverFile& operator=(const ReceiverFile&) = delete;

    [[nodiscard]] bool forked() const noexcept { return generation_ != fork_generation(); }

    // f(Tables&) → Result, in a transaction that it shares with the writes of other threads: durable when it returns.
    // When f returns an error, it must have written nothing that matters. Who comes first writes for all that have come
    // until it begins; who comes meanwhile waits and goes next.
    template <class F>
    auto write(F&& f) -> std::invoke_result_t<F&, Tables&> {
        using Answer = std::invoke_result_t<F&, Tables&>;
        if (forked()) return Answer(Error(Errc::forked));
        std::optional<Answer> answer;
        Write write([&](Tables& tables) { answer.emplace(f(tables)); });
        if (auto failure = run(write)) return Answer(*std::move(failure));
        return *std::move(answer);
    }

    // f(Tables&) on what is committed; f must use one statement, or not mind that others write between two.
    template <class F>
    auto read(F&& f) -> Result<std::invoke_result_t<F&, Tables&>> {
        if (forked()) return Error(Errc::forked);
        const std::lock_guard lock(reading_);
        std::optional<std::invoke_result_t<F&, Tables&>> answer;
        if (auto failure = guarded(reader_, [&](ReadSession& session) { answer.emplace(f(session.tables)); })) {
            return *std::move(failure);
        }
        return *std::move(answer);
    }

  private:
    struct WriteSession {
        explicit WriteSession(const ReceiverFile& file);
        Database database;
        Tables tables{database};
        Statement begin{database, "BEGIN IMMEDIATE"};
        Statement commit{database, "COMMIT"};
    };
    struct ReadSession {
        explicit ReadSession(const ReceiverFile& file);
        Database database;
        Tables tables{database};
    };
    // Lives on the stack of the thread that waits for it.
    struct Write {
        explicit Write(std::function<void(Tables&)> f) : work(std::move(f)) {}
        std::function<void(Tables&)> work;
        std::condition_variable turn;
        bool done = false;
        std::optional<Error> failure;
    };

    [[nodiscard]] std::optional<Error> run(Write& write);
    [[nodiscard]] std::optional<Error> commit_group();

    // Runs f; a connection that met more than a busy file is made anew by the next call.
    template <class Session, class F>
    std::optional<Error> guarded(std::unique_ptr<Session>& session, F&& f) {
        try {
            if (!session) session = std::make_unique<Session>(*this);
            f(*session);
            return std::nullopt;
        } catch (const StoreFailure& failure) {
            if (failure.error() != Errc::store_busy) session.reset();
            return failure.error();
        } catch (const std::bad_alloc&) {
            session.reset();
            return Error(Errc::local_failure, "out of memory");
        }
    }

    const std::string path_;
    const std::chrono::milliseconds busy_timeout_;
    const std::uint64_t generation_ = fork_generation();

    std::mutex mutex_;
    std::deque<Write*> queue_;  // the front one is writing, for itself and for those of its group

    // Of the thread whose write is in front.
    std::vector<Write*> group_;
    std::unique_ptr<WriteSession> writer_;

    std::mutex reading_;
    std::unique_ptr<ReadSession> reader_;
};

// In a forked child the connections are the parent's: closing them would end its locks. They stay, on purpose.
template <class Impl>
void let_go(std::unique_ptr<Impl>& impl) noexcept {
    if (impl && impl->forked()) (void)impl.release();
}

}  // namespace fpt_webhooks::inline v0_1::detail
