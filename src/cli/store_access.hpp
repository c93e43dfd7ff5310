// The options of commands that work on a SQLite store: which one, its key, and who acts.
#pragma once

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <fpt_webhooks/sender/actor.hpp>
#include <fpt_webhooks/sender/dispatcher.hpp>
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

// Throws Failure(store) when none of the store's secrets opens under the key it was opened with. A secret that is kept
// under another key than the others could not be used by who has theirs: a mistaken key is noticed before anything is
// written or sent.
void check_key(Store& store);

// --as host | organization:ID | location:ID. Explicit always: no role is assumed.
struct ActorOption {
    std::string text = {};

    void add_to(CLI::App& app);
    [[nodiscard]] Actor actor() const;
};

// A dispatcher that is never started: it publishes, manages and shows, whether or not another process delivers.
// Without a transport in the options it cannot send tests.
[[nodiscard]] std::unique_ptr<Dispatcher> idle_dispatcher(std::shared_ptr<Store> store, DispatcherOptions options = {});

// "1234" as an id, over zero; false for any other text.
template <class Id>
[[nodiscard]] bool read_id(std::string_view text, Id& id) {
    typename Id::rep number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 1) return false;
    id = Id(number);
    return true;
}

// "location:1234" with the name "location:"; false for any other text.
template <class Id>
[[nodiscard]] bool read_named_id(std::string_view text, std::string_view name, Id& id) {
    return text.substr(0, name.size()) == name && read_id(text.substr(name.size()), id);
}

}  // namespace fpt_webhooks::cli
