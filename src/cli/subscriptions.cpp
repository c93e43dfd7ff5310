#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <fpt_webhooks/core/fpt_catalogue.hpp>
#include <fpt_webhooks/core/signer.hpp>
#include <fpt_webhooks/core/ufp_catalogue.hpp>
#include <fpt_webhooks/sender/dispatcher.hpp>

#include "cli/attempts.hpp"
#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/http_status.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/pii_names.hpp"
#include "cli/store_access.hpp"
#include "cli/target.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr std::size_t page_rows = 100;

// ---- what is shown

std::string joined(const std::vector<std::string>& texts) { return fmt::format("{}", fmt::join(texts, ",")); }

// As --scope takes it.
std::string text_of(const Scope& scope) {
    switch (scope.kind()) {
        case Scope::Kind::location: return fmt::format("location:{}", scope.id());
        case Scope::Kind::organization: return fmt::format("organization:{}", scope.id());
        case Scope::Kind::company: return fmt::format("company:{}", scope.id());
        case Scope::Kind::tenant: return fmt::format("tenant:{}/{}", scope.id(), scope.tenant_id().value());
    }
    return scope.to_string();
}

void print_json(Console& console, const SubscriptionRecord& record) {
    JsonText json;
    const Subscription& subscription = record.subscription;
    const auto write_list = [&json](std::string_view name, const std::vector<std::string>& texts) {
        json.key(name).begin_array();
        for (const std::string& text : texts) json.value(std::string_view(text));
        json.end_array();
    };
    json.begin_object();
    json.field("id", subscription.id().value());
    json.field("profile", name_of(subscription.profile()));
    json.field("status", name_of(subscription.status()));
    json.field("url", std::string_view(subscription.url().to_string()));
    json.field("scope", std::string_view(text_of(subscription.scope())));
    write_list("events", subscription.events().patterns());
    write_list("pii", names_of(subscription.pii()));
    json.field("fifo_per_contact", subscription.fifo_per_contact());
    json.field("secret_number", record.secret_number);
    json.field("failing_since", record.streak ? std::optional(record.streak->started) : std::nullopt);
    json.field("created_at", record.created_at);
    json.field("changed_at", record.changed_at);
    json.end_object();
    console.print(json.text());
}

Colour colour_of(SubscriptionStatus status) {
    switch (status) {
        case SubscriptionStatus::active: return Colour::green;
        case SubscriptionStatus::paused: return Colour::yellow;
        case SubscriptionStatus::disabled: return Colour::red;
    }
    return Colour::none;
}

Cell cell_of(SubscriptionStatus status) { return {std::string(name_of(status)), colour_of(status)}; }

void print_details(Console& console, const SubscriptionRecord& record) {
    const Subscription& subscription = record.subscription;
    const auto pii = names_of(subscription.pii());
    std::string seen = pii.empty() ? "none" : joined(pii);
    if (subscription.profile() == Profile::ufp) seen = "all (UFP is sent whole)";
    Fields fields = {{"subscription", std::to_string(subscription.id().value())},
                     {"status", cell_of(subscription.status())},
                     {"profile", std::string(name_of(subscription.profile()))},
                     {"scope", text_of(subscription.scope())},
                     {"url", printable(subscription.url().to_string())},
                     {"events", joined(subscription.events().patterns())},
                     {"pii", std::move(seen)},
                     {"order", subscription.fifo_per_contact() ? "first in, first out for each contact" : "any"},
                     {"secret", record.secret_number == 0 ? Cell("none yet", Colour::yellow)
                                                          : Cell(fmt::format("number {}", record.secret_number))},
                     {"created", console.time(record.created_at)},
                     {"changed", console.time(record.changed_at)}};
    if (record.streak) fields.push_back({"failing since", Cell(console.time(record.streak->started), Colour::red)});
    console.print(fields);
}

void print_record(Console& console, const SubscriptionRecord& record) {
    console.json ? print_json(console, record) : print_details(console, record);
}

// ---- what is read

Scope read_scope(const std::string& text) {
    LocationId location;
    OrganizationId organization;
    CompanyId company;
    TenantId tenant;
    if (read_named_id(text, "location:", location)) return Scope::location(location);
    if (read_named_id(text, "organization:", organization)) return Scope::organization(organization);
    if (read_named_id(text, "company:", company)) return Scope::company(company);
    const auto slash = text.find('/');
    if (slash != std::string::npos && read_named_id(text.substr(0, slash), "tenant:", company) &&
        read_id(text.substr(slash + 1), tenant)) {
        return Scope::tenant(company, tenant);
    }
    throw Failure(ExitStatus::usage, fmt::format("--scope {}: no such scope", text),
                  "location:ID, organization:ID, company:ID or tenant:COMPANY/ID");
}

PiiCategories read_pii(const std::vector<std::string>& names) {
    if (names == std::vector<std::string>{"all"}) return PiiCategories::all();
    PiiCategories categories = PiiCategories::none();
    if (names == std::vector<std::string>{"none"}) return categories;
    for (const std::string& name : names) categories = categories.with(need(parse_pii_category(name), "--pii " + name));
    return categories;
}

// What create and edit have in common.
struct Choice {
    std::string url = {};
    std::vector<std::string> events = {};
    std::vector<std::string> pii = {};
    AllowedTargets targets = {};
    bool allow_http = false;

    void add_to(CLI::App& app, bool is_new) {
        app.add_option("--url", url, "Where they go, https")->type_name("URL")->required(is_new);
        app.add_option("--events", events, "Types, families 'contact.*', or all '*'")
            ->type_name("LIST")
            ->required(is_new)
            ->delimiter(',')
            ->expected(1)
            ->allow_extra_args(false)
            ->take_all();
        app.add_option("--pii", pii, "Personal data it sees: categories, all or none")
            ->type_name("LIST")
            ->delimiter(',')
            ->expected(1)
            ->allow_extra_args(false)
            ->take_all();
        targets.add_to(app);
        app.add_flag("--allow-http", allow_http, "Plain HTTP to allowed addresses");
    }
};

// What is wrong with a subscription stands on the command line.
template <class T>
T need_usable(Result<T> result, std::string_view place) {
    const bool is_form = !result && (result.error() == Errc::malformed || result.error() == Errc::limit_exceeded);
    if (is_form) throw Failure(ExitStatus::usage, fmt::format("{}: {}", place, result.error().message()));
    return need(std::move(result), place);
}

// ---- the commands

// What each of them has: the store, the acting role, and but for create and list, an id.
struct Access {
    StoreAccess store = {};
    ActorOption as = {};
    SubscriptionId::rep id = 0;

    void add_to(CLI::App& app, bool with_id) {
        if (with_id) app.add_option("ID", id, "The subscription's number")->required();
        store.add_to(app);
        as.add_to(app);
    }
    [[nodiscard]] SubscriptionId subscription() const { return SubscriptionId(id); }
    [[nodiscard]] std::string place() const { return fmt::format("subscription {}", id); }
};

// A secret that the user chose, if it can sign UFP's requests.
Secret read_chosen(const SecretSource& source) {
    const TimedSecret chosen = source.all().front();
    const auto signer = Signer::create(Scheme::ufp, chosen.secret);
    if (!signer) throw source.unusable(chosen, signer.error());
    return chosen.secret;
}

// A secret that is shown this once, and gone if it cannot be.
void print_secret(Console& console, SubscriptionId::rep id, const Secret& secret) {
    try {
        if (console.json) {
            console.print(
                JsonText().begin_object().field("id", id).field("secret", secret.reveal()).end_object().text());
        } else {
            console.print(secret.reveal());
        }
    } catch (const Failure& failure) {
        throw Failure(failure.status(), failure.what(),
                      fmt::format("the secret is in force and nobody saw it: rotate subscription {} again", id));
    }
    console.note("Shown this once: give it to the receiver.");
}

// Two subscriptions with one URL.
void say_notice(Console& console, const Notice& notice) {
    if (notice.kind == Notice::Kind::same_url) console.note("note: " + notice.detail + ": both get common events");
}

DispatcherOptions editing_options(const Choice& choice, Console& console) {
    return {.policy = choice.targets.policy(choice.allow_http),
            .on_notice = [&console](const Notice& notice) { say_notice(console, notice); }};
}

// ---- create, list, show, edit

struct CreateOptions {
    Access access = {};
    Choice choice = {};
    std::string scope = {};
    bool fifo = false;
    SecretSource secret = {};  // for UFP
};

bool is_catalogued(std::string_view pattern, Profile profile) {
    if (pattern == "*") return true;
    if (profile == Profile::ufp) return find_ufp_event(pattern) != nullptr;
    if (find_fpt_event(pattern) != nullptr) return true;
    const auto events = fpt_events();
    return std::any_of(events.begin(), events.end(), [pattern](const FptEventInfo& event) {
        const auto family = event.name.substr(0, event.name.find('.') + 1);  // all of "task.*", and those to come
        return pattern == std::string(family) + "*" || (event.name.ends_with('*') && pattern.starts_with(family));
    });
}

// The catalogue grows, so others are allowed; a typing error looks the same.
void note_unknown_events(const Subscription& subscription, const Console& console) {
    for (const std::string& pattern : subscription.events().patterns()) {
        if (is_catalogued(pattern, subscription.profile())) continue;
        console.note(fmt::format("note: no event of today's catalogue is {}", printable(pattern)));
    }
}

ExitStatus create(const CreateOptions& options, Console& console) {
    const Actor actor = options.access.as.actor();
    const Scope scope = options.scope.empty() ? need(actor.default_scope(), "--scope") : read_scope(options.scope);
    NewSubscription wanted{.actor = actor,
                           .url = options.choice.url,
                           .scope = scope,
                           .events = options.choice.events,
                           .fifo_per_contact = options.fifo};
    if (!options.choice.pii.empty()) wanted.pii = read_pii(options.choice.pii);
    const bool is_ufp = scope.profile() == Profile::ufp;
    std::optional<Secret> secret;
    if (!options.secret.environment.empty() || !options.secret.file.empty()) {
        if (!is_ufp) throw Failure(ExitStatus::usage, "FPT secrets are generated, not chosen", "see generate-key");
        secret = read_chosen(options.secret);
    }
    auto dispatcher_options = editing_options(options.choice, console);
    // What cannot be created must not leave a new store behind.
    need(actor.may_manage(scope), "subscription");
    (void)need_usable(
        Subscription::create({.url = wanted.url, .scope = scope, .events = wanted.events}, *dispatcher_options.policy),
        "subscription");
    const auto store = options.access.store.open(true);
    if (secret) check_key(*store);
    const auto dispatcher = idle_dispatcher(store, std::move(dispatcher_options));
    SubscriptionRecord record = need_usable(dispatcher->create_subscription(wanted), "subscription");
    const SubscriptionId id = record.subscription.id();
    if (secret) {
        need(dispatcher->set_secret(actor, id, *secret),
             fmt::format("subscription {}, now without secret", id.value()));
        record = need(dispatcher->subscription(actor, id), "subscription");
    }
    try {
        if (console.json) {
            print_json(console, record);
        } else {
            console.print("subscription {}: {}, {}", id.value(), text_of(scope),
                          joined(record.subscription.events().patterns()));
        }
    } catch (const Failure& failure) {  // done again it would make a second one
        throw Failure(failure.status(), failure.what(),
                      fmt::format("subscription {} is there all the same", id.value()));
    }
    note_unknown_events(record.subscription, console);
    if (!secret) {
        console.note(fmt::format("It sends as soon as it has a secret: fpt-webhooks subscriptions {} {}",
                                 is_ufp ? "set-secret" : "generate-key", id.value()));
    }
    return ExitStatus::ok;
}

void add_create(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<CreateOptions>();
    CLI::App* const app = parent.add_subcommand("create", "A new one, active at once");
    options->choice.add_to(*app, true);
    app->add_option("--scope", options->scope, "Whose events; default: the role's own")->type_name("SCOPE");
    app->add_flag("--fifo", options->fifo, "A contact's events in order, one after another");
    options->secret.add_to(*app, false);
    options->access.add_to(*app, false);
    app->footer(
        "SCOPE: location:ID, organization:ID, company:ID or tenant:COMPANY/ID.\n"
        "A secret of your own is for UFP; FPT's comes from generate-key.");
    commands.push_back({app, [options, &console] { return create(*options, console); }});
}

ExitStatus list(const Access& access, Console& console) {
    const Actor actor = access.as.actor();
    const auto dispatcher = idle_dispatcher(access.store.open());
    Table table{.heading = {"id", "status", "scope", "secret", "events", "url"}};
    std::optional<SubscriptionId> after = SubscriptionId{};
    while (after) {
        const auto page = need(dispatcher->subscriptions(actor, *after, page_rows), "subscriptions");
        for (const SubscriptionRecord& record : page.subscriptions) {
            const Subscription& subscription = record.subscription;
            if (console.json) {
                print_json(console, record);
                continue;
            }
            table.rows.push_back({std::to_string(subscription.id().value()), cell_of(subscription.status()),
                                  text_of(subscription.scope()), record.secret_number == 0 ? "none" : "yes",
                                  joined(subscription.events().patterns()), printable(subscription.url().to_string())});
        }
        after = page.next;
    }
    if (!console.json) console.print(table);
    return ExitStatus::ok;
}

void add_list(CLI::App& parent, Console& console, Commands& commands) {
    auto access = std::make_shared<Access>();
    CLI::App* const app = parent.add_subcommand("list", "Those that the role may see");
    access->add_to(*app, false);
    commands.push_back({app, [access, &console] { return list(*access, console); }});
}

ExitStatus show(const Access& access, Console& console) {
    const Actor actor = access.as.actor();
    const auto dispatcher = idle_dispatcher(access.store.open());
    print_record(console, need(dispatcher->subscription(actor, access.subscription()), access.place()));
    return ExitStatus::ok;
}

void add_show(CLI::App& parent, Console& console, Commands& commands) {
    auto access = std::make_shared<Access>();
    CLI::App* const app = parent.add_subcommand("show", "All that is known of one");
    access->add_to(*app, true);
    commands.push_back({app, [access, &console] { return show(*access, console); }});
}

struct EditOptions {
    Access access = {};
    Choice choice = {};
    bool fifo = false;
    bool no_fifo = false;
};

ExitStatus edit(const EditOptions& options, Console& console) {
    const Actor actor = options.access.as.actor();
    if (options.fifo && options.no_fifo) throw Failure(ExitStatus::usage, "--fifo and --no-fifo exclude each other");
    SubscriptionPatch patch;
    if (options.fifo || options.no_fifo) patch.fifo_per_contact = options.fifo;
    if (!options.choice.url.empty()) patch.url = options.choice.url;
    if (!options.choice.events.empty()) patch.events = options.choice.events;
    if (!options.choice.pii.empty()) patch.pii = read_pii(options.choice.pii);
    if (!patch.url && !patch.events && !patch.pii && !patch.fifo_per_contact) {
        throw Failure(ExitStatus::usage, "nothing to change", "--url, --events, --pii, --fifo or --no-fifo");
    }
    auto dispatcher_options = editing_options(options.choice, console);
    const auto dispatcher = idle_dispatcher(options.access.store.open(), std::move(dispatcher_options));
    const auto record =
        need_usable(dispatcher->edit_subscription(actor, options.access.subscription(), patch), options.access.place());
    print_record(console, record);
    if (patch.events) note_unknown_events(record.subscription, console);
    return ExitStatus::ok;
}

void add_edit(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<EditOptions>();
    CLI::App* const app = parent.add_subcommand("edit", "Changes what is named; its scope stays");
    options->choice.add_to(*app, false);
    app->add_flag("--fifo", options->fifo, "A contact's events in order, one after another");
    app->add_flag("--no-fifo", options->no_fifo, "Or in any order");
    options->access.add_to(*app, true);
    app->footer("Fewer events withdraw pending deliveries, fewer categories narrow them.");
    commands.push_back({app, [options, &console] { return edit(*options, console); }});
}

// ---- secrets

using MakeSecret = Result<Secret> (Dispatcher::*)(const Actor&, SubscriptionId);

struct SecretOptions {
    Access access = {};
    SecretSource chosen = {};  // of set-secret
    bool lost_key = false;

    void add_to(CLI::App& app) {
        app.add_flag("--lost-key", lost_key, "The old store key is lost, keep it under this one");
        access.add_to(app, true);
    }

    // The subscription is there and the role reaches it, and what follows will be kept under the right key.
    void check(Dispatcher& dispatcher, Store& store) const {
        (void)need(dispatcher.subscription(access.as.actor(), access.subscription()), access.place());
        if (!lost_key) check_key(store);
    }
};

ExitStatus make_secret(const SecretOptions& options, MakeSecret make, Console& console) {
    const Actor actor = options.access.as.actor();
    const auto store = options.access.store.open();
    const auto dispatcher = idle_dispatcher(store);
    options.check(*dispatcher, *store);
    const Secret secret = need((*dispatcher.*make)(actor, options.access.subscription()), options.access.place());
    print_secret(console, options.access.id, secret);
    return ExitStatus::ok;
}

void add_make_secret(CLI::App& parent, Console& console, Commands& commands, const char* name, const char* what,
                     MakeSecret make) {
    auto options = std::make_shared<SecretOptions>();
    CLI::App* const app = parent.add_subcommand(name, what);
    options->add_to(*app);
    commands.push_back({app, [options, make, &console] { return make_secret(*options, make, console); }});
}

ExitStatus set_secret(const SecretOptions& options, Console& console) {
    const Actor actor = options.access.as.actor();
    const SubscriptionId id = options.access.subscription();
    const Secret secret = read_chosen(options.chosen);
    const auto store = options.access.store.open();
    const auto dispatcher = idle_dispatcher(store);
    options.check(*dispatcher, *store);
    need(dispatcher->set_secret(actor, id, secret), options.access.place());
    const auto record = need(dispatcher->subscription(actor, id), options.access.place());
    if (console.json) {
        print_json(console, record);
    } else {
        console.print("subscription {}: secret number {}", id.value(), record.secret_number);
    }
    return ExitStatus::ok;
}

void add_set_secret(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<SecretOptions>();
    CLI::App* const app = parent.add_subcommand("set-secret", "UFP: the user's own secret, first or next");
    options->chosen.add_to(*app);
    options->add_to(*app);
    commands.push_back({app, [options, &console] { return set_secret(*options, console); }});
}

// ---- pause, resume, enable, disable, delete

using ChangeStatus = Result<SubscriptionRecord> (Dispatcher::*)(const Actor&, SubscriptionId);

ExitStatus change_status(const Access& access, ChangeStatus change, Console& console) {
    const Actor actor = access.as.actor();
    const auto dispatcher = idle_dispatcher(access.store.open());
    const auto record = need((*dispatcher.*change)(actor, access.subscription()), access.place());
    if (console.json) {
        print_json(console, record);
    } else {
        console.print("subscription {}: {}", access.id, name_of(record.subscription.status()));
    }
    return ExitStatus::ok;
}

void add_status_change(CLI::App& parent, Console& console, Commands& commands, const char* name, const char* what,
                       ChangeStatus change) {
    auto access = std::make_shared<Access>();
    CLI::App* const app = parent.add_subcommand(name, what);
    access->add_to(*app, true);
    commands.push_back({app, [access, change, &console] { return change_status(*access, change, console); }});
}

ExitStatus remove(const Access& access, Console& console) {
    const Actor actor = access.as.actor();
    const auto dispatcher = idle_dispatcher(access.store.open());
    need(dispatcher->remove(actor, access.subscription()), access.place());
    if (console.json) {
        console.print(JsonText().begin_object().field("id", access.id).field("deleted", true).end_object().text());
    } else {
        console.print("subscription {}: deleted", access.id);
    }
    return ExitStatus::ok;
}

void add_delete(CLI::App& parent, Console& console, Commands& commands) {
    auto access = std::make_shared<Access>();
    CLI::App* const app = parent.add_subcommand("delete", "For good; its history stays");
    access->add_to(*app, true);
    app->footer("What is pending is dropped, the secret is gone.");
    commands.push_back({app, [access, &console] { return remove(*access, console); }});
}

// ---- test

struct TestOptions {
    Access access = {};
    std::string type = {};
    TargetAccess target = {};
    bool allow_http = false;
};

ExitStatus test(const TestOptions& options, Console& console) {
    const Actor actor = options.access.as.actor();
    const SubscriptionId id = options.access.subscription();
    const auto policy = options.target.policy(options.allow_http);
    const auto store = options.access.store.open();
    const auto dispatcher = idle_dispatcher(store, {.transport = options.target.transport(), .policy = policy});
    (void)need(dispatcher->subscription(actor, id), options.access.place());
    check_key(*store);
    const auto attempt = need(dispatcher->send_test(actor, id, options.type), options.access.place());
    if (console.json) {
        JsonText json;
        write_json(json, attempt);
        console.print(json.text());
    } else {
        print_attempts(console, {attempt});
    }
    return is_success(attempt.status) ? ExitStatus::ok : ExitStatus::no;
}

void add_test(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<TestOptions>();
    CLI::App* const app = parent.add_subcommand("test", "One real attempt with a sample, at once");
    app->add_option("--type", options->type, "Event type of the sample")->type_name("TYPE")->required();
    options->target.add_to(*app);
    app->add_flag("--allow-http", options->allow_http, "Plain HTTP to allowed addresses");
    options->access.add_to(*app, true);
    app->footer("Exit status 1 if the endpoint did not answer with 2xx.");
    commands.push_back({app, [options, &console] { return test(*options, console); }});
}

}  // namespace

void add_subscription_commands(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("subscriptions", "Who wants which events, and where they go");
    app->require_subcommand(1);
    add_create(*app, console, commands);
    add_list(*app, console, commands);
    add_show(*app, console, commands);
    add_edit(*app, console, commands);
    add_make_secret(*app, console, commands, "generate-key", "Its first signing secret, shown this once",
                    &Dispatcher::generate_secret);
    add_make_secret(*app, console, commands, "rotate", "Its next signing secret; the old one is dead",
                    &Dispatcher::rotate_secret);
    add_set_secret(*app, console, commands);
    add_status_change(*app, console, commands, "pause", "Skips new events; what is pending waits", &Dispatcher::pause);
    add_status_change(*app, console, commands, "resume", "A paused one goes on", &Dispatcher::resume);
    add_status_change(*app, console, commands, "enable", "A disabled one goes on, without catching up",
                      &Dispatcher::enable);
    add_status_change(*app, console, commands, "disable", "Skips new events, drops what is pending",
                      &Dispatcher::disable);
    add_delete(*app, console, commands);
    add_test(*app, console, commands);
}

}  // namespace fpt_webhooks::cli
