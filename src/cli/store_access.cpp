#include "cli/store_access.hpp"

#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/input.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr std::size_t page_rows = 100;

Secret key_of(const StoreAccess& access) {
    if (!access.key_environment.empty()) {
        const char* const text = std::getenv(access.key_environment.c_str());
        if (text != nullptr && *text != '\0') return Secret(text);
        throw Failure(ExitStatus::input,
                      fmt::format("environment variable {}: not set, or empty", access.key_environment),
                      fmt::format("export {}=$(fpt-webhooks keygen --store-key)", access.key_environment));
    }
    const Secret text = read_secret_file(access.key_file);
    std::string_view key = text.reveal();
    while (key.size() > store_key_bytes && (key.back() == '\n' || key.back() == '\r')) key.remove_suffix(1);
    return Secret(key);
}

// For commands that send nothing: no certificates are read for them.
class NoTransport final : public Transport {
  public:
    Result<Token> start(TransportRequest, Completion) override {
        return Error(Errc::local_failure, "this command sends nothing");
    }
    void cancel(Token) override {}
};

}  // namespace

void StoreAccess::add_to(CLI::App& app) {
    app.add_option("--store", path, "SQLite file of the store")->type_name("FILE")->required();
    auto* key = app.add_option_group("Store key", "secrets are kept under it (keygen --store-key)");
    key->add_option("--key-file", key_file, "File that holds it, 64 hex digits")->type_name("FILE");
    key->add_option("--key-env", key_environment, "Environment variable that holds it")->type_name("NAME");
    key->require_option(1);
}

std::shared_ptr<SqliteStore> StoreAccess::open(bool may_create) const {
    auto store = SqliteStore::open({.path = path, .encryption_key = key_of(*this), .may_create = may_create});
    if (!store && store.error() == Errc::not_found) {
        throw Failure(ExitStatus::store, path + ": there is no store",
                      "subscriptions create and run make one; check the name");
    }
    if (!store && store.error() == Errc::invalid_argument && store.error().detail().starts_with("encryption_key")) {
        throw Failure(ExitStatus::input,
                      (key_file.empty() ? key_environment : key_file) + ": no store key: 64 hex digits are needed");
    }
    return need(std::move(store), "store");
}

void check_key(Store& store) {
    bool another = false;
    SubscriptionId after;
    for (;;) {
        const auto page = need(store.subscriptions(after, page_rows), "store");
        for (const SubscriptionRecord& record : page) {
            if (record.secret_number == 0) continue;
            const auto secret = store.secret(record.subscription.id());
            if (secret) return;
            if (secret.error() != Errc::crypto_failed) continue;
            another = true;
        }
        if (page.size() < page_rows) break;
        after = page.back().subscription.id();
    }
    if (!another) return;
    throw Failure(ExitStatus::store, "the store's secrets are kept under another key than this one",
                  "check --key-file or --key-env; if that key is lost for good, see rotate --lost-key");
}

void ActorOption::add_to(CLI::App& app) {
    app.add_option("--as", text, "Acting role: host, organization:ID, location:ID")->type_name("ROLE")->required();
}

Actor ActorOption::actor() const {
    Actor actor{.role = Role::host};
    if (text == "host") return actor;
    if (read_named_id(text, "organization:", actor.organization)) {
        actor.role = Role::organization_admin;
    } else if (read_named_id(text, "location:", actor.location)) {
        actor.role = Role::location_admin;
    } else {
        throw Failure(ExitStatus::usage, fmt::format("--as {}: no such role", text),
                      "host, organization:ID or location:ID, as in --as location:1234");
    }
    return actor;
}

std::unique_ptr<Dispatcher> idle_dispatcher(std::shared_ptr<Store> store, DispatcherOptions options) {
    options.store = std::move(store);
    if (!options.transport) options.transport = std::make_shared<NoTransport>();
    return need(Dispatcher::create(std::move(options)), "dispatcher");
}

}  // namespace fpt_webhooks::cli
