#include "cli/store_access.hpp"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/input.hpp"

namespace fpt_webhooks::cli {
namespace {

Secret key_of(const StoreAccess& access) {
    if (!access.key_environment.empty()) {
        const char* const text = std::getenv(access.key_environment.c_str());
        if (text != nullptr && *text != '\0') return Secret(text);
        throw Failure(ExitStatus::input,
                      fmt::format("environment variable {}: not set, or empty", access.key_environment),
                      fmt::format("export {}=$(fpt-webhooks keygen --store-key)", access.key_environment));
    }
    std::string text = read_input(access.key_file);
    while (text.size() > store_key_bytes && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    Secret key(text);
    std::fill(text.begin(), text.end(), '\0');
    return key;
}

// The number behind "location:"; nothing for other texts.
template <class Id>
bool read_role(std::string_view text, std::string_view name, Id& id) {
    if (text.substr(0, name.size()) != name) return false;
    text.remove_prefix(name.size());
    typename Id::rep number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 1) return false;
    id = Id(number);
    return true;
}

}  // namespace

void StoreAccess::add_to(CLI::App& app) {
    app.add_option("--store", path, "SQLite file of the store")->type_name("FILE")->required();
    auto* key = app.add_option_group("Store key", "signing secrets are kept under it (keygen --store-key)");
    key->add_option("--key-file", key_file, "File that holds it, 64 hex digits")->type_name("FILE");
    key->add_option("--key-env", key_environment, "Environment variable that holds it")->type_name("NAME");
    key->require_option(1);
}

std::shared_ptr<SqliteStore> StoreAccess::open(bool may_create) const {
    std::error_code ignored;
    if (!may_create && !std::filesystem::exists(path, ignored)) {
        throw Failure(ExitStatus::store, path + ": there is no store",
                      "subscriptions create and run make one; check the name");
    }
    return need(SqliteStore::open({.path = path, .encryption_key = key_of(*this)}), "store");
}

void ActorOption::add_to(CLI::App& app) {
    app.add_option("--as", text, "Acting role: host, organization:ID or location:ID")->type_name("ROLE")->required();
}

Actor ActorOption::actor() const {
    Actor actor{.role = Role::host};
    if (text == "host") return actor;
    if (read_role(text, "organization:", actor.organization)) {
        actor.role = Role::organization_admin;
    } else if (read_role(text, "location:", actor.location)) {
        actor.role = Role::location_admin;
    } else {
        throw Failure(ExitStatus::usage, fmt::format("--as {}: no such role", text),
                      "host, organization:ID or location:ID, as in --as location:1234");
    }
    return actor;
}

}  // namespace fpt_webhooks::cli
