// A transaction on a connection of ours.
#pragma once

#include <string>

#include "sqlite/database.hpp"
#include "sqlite/file.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// Runs `statement`, a COMMIT. Throws StoreFailure; commit_unknown when the system cannot say what became of it.
inline void commit(const Database& database, Statement& statement) {
    try {
        statement.run();
    } catch (const StoreFailure& failure) {
        if (!leaves_doubt(sqlite3_extended_errcode(database.handle()))) throw;
        throw StoreFailure(Error(Errc::commit_unknown, failure.error().detail()));
    }
}

// Open from its making to commit(), or to its end. A session has a Database `database` and the Statements `begin` and
// `commit`. Everything throws StoreFailure.
template <class Session>
class Transaction {
  public:
    explicit Transaction(Session& session) : session_(session) { session_.begin.run(); }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() { session_.database.roll_back(); }

    void commit() { detail::commit(session_.database, session_.commit); }

  private:
    Session& session_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
