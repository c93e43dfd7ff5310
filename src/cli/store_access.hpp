// The options of commands that work on a SQLite store: which one, its key, and who acts.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/sender/actor.hpp>
#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

namespace fpt_webhooks::cli {

// --store FILE, and --key-file FILE or --key-env NAME for the key under which it keeps signing secrets.
struct StoreAccess {
    std::string path = {};
    std::string key_file = {};
    std::string key_environment = {};

    void add_to(CLI::App& app);

    // Without `may_create` a store that is not there is a failure: a mistyped name must not become an empty store.
    [[nodiscard]] std::shared_ptr<SqliteStore> open(bool may_create = false) const;
};

// --as host | organization:ID | location:ID. Explicit always: no role is assumed.
struct ActorOption {
    std::string text = {};

    void add_to(CLI::App& app);
    [[nodiscard]] Actor actor() const;
};

}  // namespace fpt_webhooks::cli
