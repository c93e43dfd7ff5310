#include "cli/store_program.hpp"

#include <filesystem>

#include <fpt_webhooks/core/verifier.hpp>

#include "cli/endpoint.hpp"

using namespace cli_test;
using fpt_webhooks::test::response_of;

TEST_CASE("fpt-webhooks subscriptions: the whole life of one") {
    const StoreProgram store;
    const Ended created = store.subscriptions(
        {"create", "--url", "https://partner.example/hook", "--events", "contact.created,contact.updated", "--events",
         "payment.*", "--pii", "identity,financial", "--fifo"},
        "location:1234");
    CHECK(created.status == 0);
    CHECK(created.out == "subscription 1: location:1234, contact.created,contact.updated,payment.*\n");
    CHECK(created.err == "It sends as soon as it has a secret: fpt-webhooks subscriptions generate-key 1\n");

    const Ended json = store.subscriptions({"show", "1", "--json"});
    CHECK(json.out.find(R"({"id":1,"profile":"fpt","status":"active","url":"https://partner.example/hook",)"
                        R"("scope":"location:1234","events":["contact.created","contact.updated","payment.*"],)"
                        R"("pii":["identity","financial"],"fifo_per_contact":true,"secret_number":0,)"
                        R"("failing_since":null,"created_at":"2)") == 0);
    CHECK(count_of(json.out, '\n') == 1);

    const Ended secret = store.subscriptions({"generate-key", "1"});
    CHECK(secret.status == 0);
    CHECK(secret.out.substr(0, 6) == "whsec_");
    CHECK(count_of(secret.out, '\n') == 1);
    const Ended again = store.subscriptions({"generate-key", "1"});
    CHECK(again.status == 6);
    CHECK(again.out == "");
    CHECK(again.err == "fpt-webhooks: subscription 1: wrong state: there is a secret: rotate it\n");
    const Ended rotated = store.subscriptions({"rotate", "1", "--json"});
    CHECK(rotated.status == 0);
    CHECK(field_of(rotated.out, "secret").substr(0, 6) == "whsec_");
    CHECK(field_of(rotated.out, "secret") + "\n" != secret.out);
    CHECK(field_of(store.subscriptions({"show", "1", "--json"}).out, "secret_number") == "2");

    CHECK(store.subscriptions({"pause", "1"}).out == "subscription 1: paused\n");
    CHECK(store.subscriptions({"pause", "1"}).status == 6);
    CHECK(store.subscriptions({"enable", "1"}).status == 6);
    CHECK(store.subscriptions({"resume", "1"}).out == "subscription 1: active\n");
    CHECK(store.subscriptions({"disable", "1"}).out == "subscription 1: disabled\n");
    CHECK(store.subscriptions({"resume", "1"}).err ==
          "fpt-webhooks: subscription 1: wrong state: the subscription is disabled\n");
    CHECK(store.subscriptions({"enable", "1"}).out == "subscription 1: active\n");

    const Ended edited = store.subscriptions(
        {"edit", "1", "--url", "https://new.example/", "--events", "*", "--pii", "none", "--no-fifo", "--json"});
    CHECK(edited.status == 0);
    CHECK(contains(edited.out, R"("url":"https://new.example/")"));
    CHECK(contains(edited.out, R"("events":["*"],"pii":[],"fifo_per_contact":false)"));
    CHECK(store.subscriptions({"edit", "1"}).status == 2);

    const Ended listed = store.subscriptions({"list"});
    CHECK(listed.out ==
          "id  status  scope          secret  events  url\n"
          "1   active  location:1234  yes     *       https://new.example/\n");

    CHECK(store.subscriptions({"delete", "1"}).out == "subscription 1: deleted\n");
    CHECK(store.subscriptions({"show", "1"}).err ==
          "fpt-webhooks: subscription 1: not found: the subscription is deleted\n");
    CHECK(store.subscriptions({"delete", "1"}).status == 6);
    CHECK(store.subscriptions({"show", "2"}).status == 6);
    CHECK(store.subscriptions({"list", "--json"}).out == "");
}

TEST_CASE("fpt-webhooks subscriptions: show says it for people, in the zone that was asked for") {
    const StoreProgram store;
    const std::string id = store.create();
    const Ended local = store.subscriptions({"show", id}, "host", {.variables = {{"TZ", "UTC-2"}}});
    CAPTURE(local.out);
    CHECK(contains(local.out, "subscription  1\n"));
    CHECK(contains(local.out, "secret        none yet\n"));
    CHECK(contains(local.out, "pii           identity,contact_details,demographics\n"));
    CHECK(contains(local.out, " +0200\n"));
    const Ended utc = store.subscriptions({"show", id, "--utc"}, "host", {.variables = {{"TZ", "UTC-2"}}});
    CHECK(contains(utc.out, "Z\n"));
    CHECK_FALSE(contains(utc.out, "+0200"));
}

TEST_CASE("fpt-webhooks subscriptions: a role reaches no further than it may") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");  // of location 1234
    const auto created =
        store.subscriptions({"create", "--url", "https://a.example/", "--events", "*", "--json"}, "organization:5678");
    CHECK(field_of(created.out, "scope") == "organization:5678");

    const std::vector<std::vector<std::string>> commands = {
        {"show", "1"},         {"edit", "1", "--events", "*"},
        {"generate-key", "1"}, {"rotate", "1"},
        {"pause", "1"},        {"resume", "1"},
        {"disable", "1"},      {"enable", "1"},
        {"delete", "1"},       {"test", "1", "--type", "contact.updated"}};
    for (const auto& command : commands) {
        CAPTURE(command.front());
        const Ended ended = store.subscriptions(command, "location:9");
        CHECK(ended.status == 6);
        CHECK(ended.out == "");
        CHECK(ended.err ==
              "fpt-webhooks: subscription 1: forbidden: a location admin manages its own location's "
              "subscriptions only\n");
    }
    CHECK(store.subscriptions({"show", "2"}, "location:1234").status == 6);
    CHECK(store.subscriptions({"show", "1"}, "organization:5678").status == 6);
    CHECK(count_of(store.subscriptions({"list", "--json"}, "location:1234").out, '\n') == 1);
    CHECK(count_of(store.subscriptions({"list", "--json"}, "location:9").out, '\n') == 0);
    CHECK(count_of(store.subscriptions({"list", "--json"}).out, '\n') == 2);

    for (const std::string scope : {"location:9", "organization:5678", "company:1", "tenant:1/2"}) {
        CAPTURE(scope);
        CHECK(store
                  .subscriptions({"create", "--url", "https://a.example/", "--events", "*", "--scope", scope},
                                 "location:1234")
                  .status == 6);
    }
    for (const std::string role : {"admin", "location", "location:", "location:x", "location:0", "host:1"}) {
        const Ended ended = store.subscriptions({"list"}, role);
        CAPTURE(role);
        CHECK(ended.status == 2);
        CHECK(ended.err == "fpt-webhooks: --as " + role +
                               ": no such role\n  host, organization:ID or location:ID, as in --as location:1234\n");
    }
}

TEST_CASE("fpt-webhooks subscriptions: what cannot be created is refused before a store is made") {
    const StoreProgram store;
    struct Bad {
        std::vector<std::string> options;
        int status;
        const char* part;
    };
    const std::string good = "https://partner.example/hook";
    const Bad table[] = {
        {{"--url", "https://partner.example/#x", "--events", "*"}, 2, "malformed input at byte 24"},
        {{"--url", "http://partner.example/", "--events", "*"}, 6, "refused by the endpoint policy"},
        {{"--url", "https://127.0.0.1/", "--events", "*"}, 6, "a target of your own network needs --allow-address"},
        {{"--url", "https://127.0.0.1/", "--events", "*", "--allow-address", "::z"},
         2,
         "--allow-address: allow \"::z\": malformed input"},
        {{"--url", good, "--events", "Contact"}, 2, "events[0]: an event type such as"},
        {{"--url", good, "--events", "*", "--pii", "identity,shoe_size"}, 2, "--pii shoe_size: "},
        {{"--url", good, "--events", "*", "--scope", "tenant:1"}, 2, "--scope tenant:1: no such scope"},
        {{"--url", good, "--events", "*", "--scope", "location:4294967296"}, 2, "no such scope"},
        {{"--url", good, "--events", "*", "--scope", "location:-1"}, 2, "no such scope"},
        {{"--url", good, "--events", "*", "--secret-env", "SECRET"}, 2, "FPT secrets are generated, not chosen"},
        {{"--url", good}, 2, "--events is required"},
        {{"--events", "*"}, 2, "--url is required"}};
    for (const Bad& bad : table) {
        std::vector<std::string> arguments = {"create"};
        arguments.insert(arguments.end(), bad.options.begin(), bad.options.end());
        const Ended ended = store.subscriptions(arguments, "location:1");
        CAPTURE(bad.options, ended.err);
        CHECK(ended.status == bad.status);
        CHECK(contains(ended.err, bad.part));
        CHECK(ended.out == "");
    }
    const Ended no_scope = store.subscriptions({"create", "--url", good, "--events", "*"}, "host");
    CHECK(no_scope.status == 2);
    CHECK(contains(no_scope.err, "--scope: "));
    CHECK_FALSE(std::filesystem::exists(store.path()));
}

TEST_CASE("fpt-webhooks subscriptions: events that no catalogue has are allowed and noted") {
    const StoreProgram store;
    const auto create = [&](const std::string& url, const std::string& events, const std::string& scope) {
        return store.subscriptions({"create", "--url", url, "--events", events, "--scope", scope});
    };
    const Ended fpt = create("https://a.example/", "contact.*,contact.craeted,task.new,*", "location:1");
    CHECK(fpt.status == 0);
    CHECK(fpt.err.starts_with("note: no event of today's catalogue is contact.craeted\n"));
    CHECK_FALSE(contains(fpt.err, "task.new"));
    CHECK_FALSE(contains(fpt.err, "contact.*"));
    const Ended ufp = create("https://b.example/", "newlead_created,invoice_made", "company:1");
    CHECK(ufp.err.starts_with("note: no event of today's catalogue is invoice_made\n"));
    CHECK_FALSE(contains(ufp.err, "newlead_created"));
    CHECK(contains(store.subscriptions({"edit", "1", "--events", "foo.bar"}).err, "catalogue is foo.bar\n"));
}

TEST_CASE("fpt-webhooks subscriptions: two with one URL are told of") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const Ended second = store.subscriptions(
        {"create", "--url", "https://partner.example/hook", "--events", "*", "--scope", "location:9"});
    CHECK(second.status == 0);
    CHECK(contains(second.err, "note: subscription 1 has the same URL: both get common events\n"));
}

TEST_CASE("fpt-webhooks subscriptions: a UFP endpoint has the secret that its user chose") {
    const StoreProgram store;
    const ProgramOptions with_secret{.variables = {{"SECRET", "correct horse"}, {"EMPTY", ""}}};
    const Ended created = store.subscriptions({"create", "--url", "https://ufp.example/", "--events", "newlead_created",
                                               "--scope", "tenant:1/12", "--secret-env", "SECRET", "--json"},
                                              "host", with_secret);
    CAPTURE(created.err);
    CHECK(created.status == 0);
    CHECK(created.err == "");
    CHECK(field_of(created.out, "scope") == "tenant:1/12");
    CHECK(field_of(created.out, "secret_number") == "1");
    CHECK(store.subscriptions({"set-secret", "1", "--secret-env", "SECRET"}, "host", with_secret).out ==
          "subscription 1: secret number 2\n");
    CHECK(store.subscriptions({"set-secret", "1", "--secret-env", "EMPTY"}, "host", with_secret).status == 3);
    CHECK(store.subscriptions({"set-secret", "1"}, "host", with_secret).status == 2);

    REQUIRE(store.create() == "2");  // FPT
    const Ended chosen = store.subscriptions({"set-secret", "2", "--secret-env", "SECRET"}, "host", with_secret);
    CHECK(chosen.status == 6);
    CHECK(chosen.err == "fpt-webhooks: subscription 2: wrong state: FPT secrets are generated, not chosen\n");
}

TEST_CASE("fpt-webhooks subscriptions: each change is told in json too") {
    const StoreProgram store;
    REQUIRE(store.subscriptions({"create", "--url", "https://ufp.example/", "--events", "*", "--scope", "company:1"})
                .status == 0);
    const auto change = [&](std::vector<std::string> command) {
        command.insert(command.begin() + 1, {"1", "--json"});
        const Ended ended = store.subscriptions(command, "host", {.variables = {{"SECRET", "correct horse"}}});
        CAPTURE(command, ended.err);
        CHECK(ended.status == 0);
        CHECK(count_of(ended.out, '\n') == 1);
        CHECK(field_of(ended.out, "id") == "1");
        return ended.out;
    };
    CHECK(field_of(change({"set-secret", "--secret-env", "SECRET"}), "secret_number") == "1");
    CHECK(field_of(change({"pause"}), "status") == "paused");
    CHECK(field_of(change({"resume"}), "status") == "active");
    CHECK(field_of(change({"disable"}), "status") == "disabled");
    CHECK(field_of(change({"enable"}), "status") == "active");
    CHECK(change({"delete"}) == "{\"id\":1,\"deleted\":true}\n");
}

TEST_CASE("fpt-webhooks subscriptions: test makes one real attempt, signed with the secret that was shown") {
    const StoreProgram store;
    const Endpoint endpoint(response_of(200, "thanks"));
    const std::string id = store.create(endpoint.server.url());
    const std::vector<std::string> test = {
        "test", id, "--type", "contact.updated", "--cacert", endpoint.ca_file.path(), "--allow-address", "127.0.0.1"};
    CHECK(store.subscriptions(test).err ==
          "fpt-webhooks: subscription 1: wrong state: there is no secret: generate one\n");
    CHECK(endpoint.server.connections() == 0);

    const std::string secret = field_of(store.subscriptions({"generate-key", id, "--json"}).out, "secret");
    const Ended tested = store.subscriptions(test);
    CAPTURE(tested.out, tested.err);
    CHECK(tested.status == 0);
    CHECK(contains(tested.out, "attempt  started"));
    CHECK(contains(tested.out, " ms  "));
    CHECK(contains(tested.out, "  200     -\n"));

    const std::string request = endpoint.server.last_request();
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    CHECK(contains(body, R"("eventType":"contact.updated")"));
    const std::string name = "X-FPT-Signature: ";
    const std::size_t at = request.find(name) + name.size();
    const auto verifier = fpt_webhooks::Verifier::create(
        {.scheme = fpt_webhooks::Scheme::fpt, .secrets = {fpt_webhooks::Secret(secret)}});
    REQUIRE(verifier);
    fpt_webhooks::Headers headers;
    headers.add("X-FPT-Signature", request.substr(at, request.find("\r\n", at) - at));
    CHECK(verifier->verify(headers, fpt_webhooks::bytes_of(body)));

    std::vector<std::string> unknown = test;
    unknown[3] = "contact.invented";
    CHECK(store.subscriptions(unknown).status == 2);
}

TEST_CASE("fpt-webhooks subscriptions: test says why it failed, and lets nothing of the peer at the terminal") {
    const StoreProgram store;
    const Endpoint endpoint(response_of(500, "no \x1b[31mroom\nat all"));
    const std::string id = store.create(endpoint.server.url());
    REQUIRE(store.subscriptions({"generate-key", id}).status == 0);
    const std::vector<std::string> test = {"test", id, "--type", "contact.updated", "--allow-address", "127.0.0.1"};

    std::vector<std::string> trusting = test;
    trusting.insert(trusting.end(), {"--cacert", endpoint.ca_file.path()});
    const Ended refused = store.subscriptions(trusting);
    CHECK(refused.status == 1);
    CHECK(contains(refused.out, "  500     -\n"));
    CHECK(contains(refused.out, "The response to attempt 1 began:\nno \\x1b[31mroom\nat all\n"));
    trusting.emplace_back("--json");
    const Ended json = store.subscriptions(trusting);
    CHECK(json.status == 1);
    CHECK(contains(json.out, R"("status":500,"error":null,)"));
    CHECK(contains(json.out, R"("response_head":"no \\x1b[31mroom\nat all"})"));

    const Ended untrusting = store.subscriptions(test);  // the system knows nothing of that authority
    CHECK(untrusting.status == 1);
    CHECK(contains(untrusting.out, "none    certificate rejected"));

    const Ended private_target = store.subscriptions({"test", id, "--type", "contact.updated"});
    CHECK(private_target.status == 1);
    CHECK(contains(private_target.out, "refused by the endpoint policy"));

    const Ended no_file = store.subscriptions({"test", id, "--type", "contact.updated", "--cacert", "/nowhere.pem"});
    CHECK(no_file.status == 3);
    CHECK(contains(no_file.err, "/nowhere.pem: No such file or directory\n"));
}

TEST_CASE("fpt-webhooks subscriptions: under a mistaken key no secret is made, and under a new one when it is said") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    REQUIRE(store.create() == "2");
    REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    const ProgramOptions mistaken{.variables = {{"STORE_KEY", other_key}}};
    const std::vector<std::vector<std::string>> commands = {
        {"generate-key", "2"}, {"rotate", "1"}, {"test", "1", "--type", "contact.updated"}};
    for (const auto& command : commands) {
        const Ended ended = store.subscriptions(command, "host", mistaken);
        CAPTURE(command.front());
        CHECK(ended.status == 4);
        CHECK(ended.out == "");
        CHECK(contains(ended.err, "fpt-webhooks: the store's secrets are kept under another key than this one\n"));
    }
    CHECK(field_of(store.subscriptions({"show", "1", "--json"}).out, "secret_number") == "1");
    CHECK(field_of(store.subscriptions({"show", "2", "--json"}).out, "secret_number") == "0");

    CHECK(store.subscriptions({"rotate", "1", "--lost-key"}, "host", mistaken).status == 0);
    CHECK(store.subscriptions({"generate-key", "2"}, "host", mistaken).status == 0);
    CHECK(store.subscriptions({"rotate", "1"}).status == 4);  // the old key is the mistaken one now
}

TEST_CASE("fpt-webhooks run: under a mistaken key it does not start, since it could sign nothing") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    const Ended ended = store.run({"run"}, {.variables = {{"STORE_KEY", other_key}}});
    CHECK(ended.status == 4);
    CHECK(ended.out == "");
    CHECK(contains(ended.err, "fpt-webhooks: the store's secrets are kept under another key than this one\n"));
}

TEST_CASE("fpt-webhooks subscriptions: a secret that could not be shown is told of") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const Ended ended = store.subscriptions({"generate-key", "1"}, "host", {.out_file = "/dev/full"});
    CHECK(ended.status == 5);
    CHECK(ended.err ==
          "fpt-webhooks: standard output: No space left on device\n"
          "  the secret is in force and nobody saw it: rotate subscription 1 again\n");
}
