#include "cli/store_program.hpp"

#include <csignal>
#include <set>

#include <fpt_webhooks/curl.hpp>
#include <fpt_webhooks/sender/dispatcher.hpp>

#include "cli/endpoint.hpp"
#include "support/forwarding_store.hpp"

using namespace cli_test;
using fpt_webhooks::test::response_of;

namespace {

// A dispatcher that delivers from the store, in this process: another one than the program's. One attempt each.
class Delivering {
  public:
    Delivering(const StoreProgram& store, const Endpoint& endpoint) {
        fpt_webhooks::DispatcherOptions options;
        options.store = store_ = std::make_shared<fpt_webhooks::test::SettlingStore>(store.look_into());
        options.transport = fpt_webhooks::CurlTransport::create({.ca_file = endpoint.ca_file.path()}).value();
        options.policy = fpt_webhooks::EndpointPolicy::create({.allow = {"127.0.0.1"}}).value();
        options.fpt.delays.clear();
        dispatcher_ = fpt_webhooks::Dispatcher::create(std::move(options)).value();
        dispatcher_->start().value();
    }

    // All that was queued has come to its end, and is recorded.
    void settle() { REQUIRE(store_->settle(std::chrono::seconds(30))); }

  private:
    std::shared_ptr<fpt_webhooks::test::SettlingStore> store_;
    std::unique_ptr<fpt_webhooks::Dispatcher> dispatcher_;
};

std::vector<std::string> ids_of(const Ended& listed) {
    std::vector<std::string> ids;
    for (const std::string& line : lines_of(listed.out)) ids.push_back(field_of(line, "id"));
    return ids;
}

using Ids = std::vector<std::string>;

// Deliveries 1 to 5 of subscription 1, fresh: two contact.created, three contact.updated. Delivery 6, skipped.
void fill(const StoreProgram& store) {
    REQUIRE(store.create() == "1");
    REQUIRE(store.publish(event_lines(1, 2, "contact.created") + event_lines(3, 5)).status == 0);
    REQUIRE(store.subscriptions({"pause", "1"}).status == 0);
    REQUIRE(store.publish(event_lines(6, 6)).status == 0);
}

}  // namespace

TEST_CASE("fpt-webhooks deliveries: list shows what the filters leave") {
    const StoreProgram store;
    fill(store);
    const auto listed = [&](std::vector<std::string> filter) {
        filter.insert(filter.begin(), {"deliveries", "list", "--json"});
        const Ended ended = store.run(filter);
        CAPTURE(ended.err);
        CHECK(ended.status == 0);
        return ids_of(ended);
    };
    CHECK(listed({}) == Ids{"1", "2", "3", "4", "5", "6"});
    CHECK(listed({"--type", "contact.created"}) == Ids{"1", "2"});
    CHECK(listed({"--state", "skipped"}) == Ids{"6"});
    CHECK(listed({"--state", "fresh", "--type", "contact.updated"}) == Ids{"3", "4", "5"});
    CHECK(listed({"--subscription", "1", "--state", "skipped"}) == Ids{"6"});
    CHECK(listed({"--subscription", "2"}).empty());
    CHECK(listed({"--event", "00000000000000000000000000000004"}) == Ids{"4"});
    CHECK(listed({"--since", "1h"}).size() == 6);
    CHECK(listed({"--until", "1h"}).empty());
    CHECK(listed({"--since", "2999-01-01T00:00:00Z"}).empty());
    CHECK(listed({"--until", "2999-01-01T00:00:00.5+02:00"}).size() == 6);

    const Ended first = store.run({"deliveries", "list", "--json", "--limit", "2"});
    CHECK(ids_of(first) == Ids{"1", "2"});
    CHECK(first.err == "There may be more: --after 2\n");
    const Ended rest = store.run({"deliveries", "list", "--json", "--limit", "4", "--after", "2"});
    CHECK(ids_of(rest) == Ids{"3", "4", "5", "6"});
    CHECK(rest.err == "");
}

TEST_CASE("fpt-webhooks deliveries: a time as it was printed finds what it was printed of") {
    const StoreProgram store;
    fill(store);
    const ProgramOptions zone{.variables = {{"TZ", "UTC+3:30"}}};
    const Ended table = store.run({"deliveries", "list", "--state", "skipped"}, zone);
    const std::string row = lines_of(table.out).at(1);
    CAPTURE(table.out);
    CHECK(lines_of(table.out).front().find("id  queued ") == 0);
    CHECK(contains(row, " -0330  1             contact.updated  skipped (paused)  0 "));
    const std::string queued = row.substr(row.find("20"), std::string("2026-06-10 23:45:00.123 -0330").size());
    CHECK(ids_of(store.run({"deliveries", "list", "--json", "--since", queued}, zone)).back() == "6");
    CHECK(store.run({"deliveries", "list", "--json", "--state", "skipped", "--until", queued}, zone).out == "");
    const std::string utc =
        field_of(store.run({"deliveries", "list", "--json", "--state", "skipped"}).out, "queued_at");
    CHECK(ids_of(store.run({"deliveries", "list", "--json", "--state", "skipped", "--since", utc})) == Ids{"6"});
}

TEST_CASE("fpt-webhooks deliveries: a filter that cannot be is a usage error") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    for (const std::string time :
         {"yesterday", "2h30m", "-2h", "h", "2w", "2026-06-10", "2026-06-10T23:45:00", "2026-06-10T25:00:00Z",
          "2026-06-10T23:45:00+2", "2026-06-10T23:45:00+24:00", "99999999999999999999d", "2026-06-10T23:45:00 Z"}) {
        CAPTURE(time);
        for (const std::string option : {"--since", "--until"}) {
            const Ended ended = store.run({"deliveries", "list", option + "=" + time});
            CHECK(ended.status == 2);
            CHECK(ended.err == "fpt-webhooks: " + option + " " + time +
                                   ": a time as 2026-06-10T23:45:00Z, or as long ago as 45s, 30m, 2h, 3d\n");
        }
    }
    CHECK(contains(store.run({"deliveries", "list", "--state", "lost"}).err, "--state: lost not in {fresh,"));
    CHECK(store.run({"deliveries", "list", "--event", "12"}).status == 2);
    CHECK(store.run({"deliveries", "list", "--limit", "0"}).status == 2);
    CHECK(store.run({"deliveries", "show", "seven"}).status == 2);
    CHECK(store.run({"deliveries", "replay"}).status == 2);
    CHECK(store.run({"deliveries", "replay", "--since", "1h", "--rate", "-1"}).status == 2);
}

TEST_CASE("fpt-webhooks deliveries: show has the attempts, and lets nothing of the peer at the terminal") {
    const StoreProgram store;
    Endpoint endpoint(response_of(503, "\x1b]0;gotcha\x07"));
    REQUIRE(store.create(endpoint.url()) == "1");
    REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    REQUIRE(store.publish(event_lines(1, 1)).status == 0);
    Delivering(store, endpoint).settle();

    const Ended shown = store.run({"deliveries", "show", "1", "--body"});
    CAPTURE(shown.out);
    CHECK(shown.status == 0);
    CHECK(contains(shown.out, "delivery      1\nsubscription  1\nevent         00000000000000000000000000000001\n"));
    CHECK(contains(shown.out, "state         exhausted (attempts)\n"));
    CHECK(contains(shown.out, "attempt  started"));
    CHECK(contains(shown.out, "  503     -\n"));
    CHECK(contains(shown.out, "The response to attempt 1 began:\n\\x1b]0;gotcha\\x07\n"));
    CHECK(contains(shown.out, event_line(1)));
    CHECK_FALSE(contains(shown.out, "\x1b"));

    const Ended json = store.run({"deliveries", "show", "1", "--json"});
    CHECK(count_of(json.out, '\n') == 1);
    CHECK(contains(json.out, R"("state":"exhausted","reason":"attempts","origin":"event","attempts":1,)"));
    CHECK(contains(json.out, R"("history":[{"number":1,"started":"2)"));
    CHECK(contains(json.out, R"("status":503,"error":null,)"));
    CHECK_FALSE(contains(json.out, R"("body")"));

    const Ended unknown = store.run({"deliveries", "show", "2"});
    CHECK(unknown.status == 6);
    CHECK(contains(unknown.err, "fpt-webhooks: delivery 2: not found\n"));
}

TEST_CASE("fpt-webhooks deliveries: retry makes a new delivery, if there is one to make") {
    const StoreProgram store;
    Endpoint endpoint(response_of(500));
    REQUIRE(store.create(endpoint.url()) == "1");
    REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    REQUIRE(store.publish(event_lines(1, 1)).status == 0);
    CHECK(store.run({"deliveries", "retry", "1"}).err ==
          "fpt-webhooks: delivery 1: it has not ended, it is fresh\n  it is tried by itself when it is due\n");
    Delivering(store, endpoint).settle();

    CHECK(store.run({"deliveries", "retry", "1"}).out == "delivery 1: again as 2\n");
    endpoint.answer(response_of(200));
    Delivering(store, endpoint).settle();
    const Ended delivered = store.run({"deliveries", "show", "2", "--json"});
    CHECK(contains(delivered.out, R"("state":"delivered","reason":null,"origin":"replay")"));

    const Ended again = store.run({"deliveries", "retry", "2"});
    CHECK(again.status == 6);
    CHECK(again.err == "fpt-webhooks: delivery 2: it was delivered\n  --include-delivered sends it all the same\n");
    CHECK(store.run({"deliveries", "retry", "2", "--include-delivered", "--json"}).out == R"({"replayed":2,"id":3})"
                                                                                          "\n");
    CHECK(store.run({"deliveries", "retry", "9"}).status == 6);

    REQUIRE(store.subscriptions({"delete", "1"}).status == 0);
    const Ended deleted = store.run({"deliveries", "retry", "1"});
    CHECK(deleted.status == 6);
    CHECK(contains(deleted.err, "fpt-webhooks: delivery 1: its subscription is deleted, or its event is gone\n"));
}

TEST_CASE("fpt-webhooks deliveries: a test is never retried") {
    const StoreProgram store;
    Endpoint endpoint(response_of(500));
    REQUIRE(store.create(endpoint.url()) == "1");
    REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    REQUIRE(store
                .subscriptions({"test", "1", "--type", "contact.updated", "--cacert", endpoint.ca_file.path(),
                                "--allow-address", "127.0.0.1"})
                .status == 1);
    CHECK(field_of(store.run({"deliveries", "show", "1", "--json"}).out, "origin") == "test");
    CHECK(contains(store.run({"deliveries", "retry", "1"}).err, "delivery 1: it was a test\n"));
}

TEST_CASE("fpt-webhooks deliveries: replay counts first if it is asked to, and then makes as many") {
    const StoreProgram store;
    fill(store);
    REQUIRE(store.publish(event_lines(7, 30)).status == 0);  // skipped too
    REQUIRE(store.subscriptions({"resume", "1"}).status == 0);
    const std::vector<std::string> replay = {"deliveries", "replay", "--since", "1h"};
    std::vector<std::string> dry = replay;
    dry.emplace_back("--dry-run");
    CHECK(store.run(dry).out == "deliveries that would be made: 25\n");
    dry.emplace_back("--json");
    CHECK(store.run(dry).out == R"({"count":25,"dry_run":true})"
                                "\n");
    CHECK(store.look_into()->stats().value().pending == 5);

    const Ended made = store.run(replay);
    CHECK(made.out == "deliveries made: 25\n");
    CHECK(made.err == "");
    CHECK(store.look_into()->stats().value().pending == 30);
    CHECK(store.run({"deliveries", "replay", "--until", "1h", "--rate", "0", "--json"}).out ==
          R"({"count":0,"dry_run":false})"
          "\n");
}

TEST_CASE("fpt-webhooks deliveries: replay shows a bar on a terminal") {
    const StoreProgram store;
    fill(store);
    REQUIRE(store.subscriptions({"resume", "1"}).status == 0);
    const Ended watched = run_shell("script -qec 'fpt-webhooks deliveries replay --state skipped --store " +
                                        store.path() + " --key-env STORE_KEY' /dev/null < /dev/null",
                                    {.variables = {{"STORE_KEY", store_key}}});
    CAPTURE(watched.out);
    CHECK(watched.status == 0);
    CHECK(contains(watched.out, "counting: 1"));
    CHECK(contains(watched.out, "[##############################] 1 of 1"));
    CHECK(contains(watched.out, "deliveries made: 1"));
}

TEST_CASE("fpt-webhooks deliveries: list is coloured on a terminal, unless NO_COLOR says no") {
    const StoreProgram store;
    fill(store);
    const auto list = [&](std::map<std::string, std::string> variables) {
        variables["STORE_KEY"] = store_key;
        const Ended watched = run_shell("script -qec 'fpt-webhooks deliveries list --store " + store.path() +
                                            " --key-env STORE_KEY' /dev/null < /dev/null",
                                        {.variables = variables});
        CHECK(watched.status == 0);
        CHECK(contains(watched.out, "skipped (paused)"));
        return watched.out;
    };
    CHECK(contains(list({}), "\x1b[1mid\x1b[0m  \x1b[1mqueued\x1b[0m  "));
    CHECK_FALSE(contains(list({{"NO_COLOR", "1"}}), "\x1b"));
}

TEST_CASE("fpt-webhooks deliveries: a replay that was interrupted goes on where it says, and makes none twice") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    REQUIRE(store.subscriptions({"pause", "1"}).status == 0);
    REQUIRE(store.publish(event_lines(1, 20)).status == 0);
    REQUIRE(store.subscriptions({"resume", "1"}).status == 0);
    RunningProgram replaying = store.start({"deliveries", "replay", "--since", "1h", "--rate", "1"});
    REQUIRE(store.wait_until([](auto& shown) { return shown.stats().value().pending > 0; }));
    replaying.signal(SIGINT);
    const Ended ended = replaying.wait();
    CAPTURE(ended.err);
    CHECK(ended.status == 130);
    CHECK(ended.out == "");
    const std::string made = std::to_string(store.look_into()->stats().value().pending);
    const std::string start = "fpt-webhooks: interrupted; deliveries made: " + made + "\n  to go on, add --after ";
    REQUIRE(ended.err.substr(0, start.size()) == start);
    const std::string after = ended.err.substr(start.size(), ended.err.find(' ', start.size()) - start.size());
    const std::string until = ended.err.substr(ended.err.find("--until ") + 8, 24);

    CHECK(store.run({"deliveries", "replay", "--since", "1h", "--rate", "0", "--after", after, "--until", until})
              .status == 0);
    std::set<std::string> events;
    const auto listed = lines_of(store.run({"deliveries", "list", "--json", "--state", "fresh"}).out);
    for (const std::string& line : listed) events.insert(field_of(line, "event_id"));
    CHECK(listed.size() == 20);
    CHECK(events.size() == 20);
}

TEST_CASE("fpt-webhooks deliveries: a replay of which nobody knows whether it was made asks to look first") {
    const StoreProgram store;
    fill(store);
    REQUIRE(store.subscriptions({"resume", "1"}).status == 0);
    const Ended ended =
        store.run({"deliveries", "replay", "--state", "skipped"}, {.variables = with_commits_in_doubt()});
    CAPTURE(ended.err);
    CHECK(ended.status == 4);
    CHECK(contains(ended.err, "fpt-webhooks: unknown whether it was written"));
    CHECK(contains(ended.err,
                   "; deliveries made: 0, perhaps the next page's too\n  first look at deliveries list --since "));
    const std::string since = ended.err.substr(ended.err.find("--since ") + 8, 24);
    CHECK(contains(ended.err, since + ": only if it shows no more than 0, add --after 0 --until " + since + "\n"));
    CHECK(count_of(ended.err, '\n') == 2);
    CHECK(store.run({"deliveries", "list", "--json", "--since", since}).status == 0);
}

TEST_CASE("fpt-webhooks: works on a store from which another process delivers") {
    const StoreProgram store;
    Endpoint endpoint(response_of(200));
    REQUIRE(store.create(endpoint.url()) == "1");
    REQUIRE(store.subscriptions({"generate-key", "1"}).status == 0);
    Delivering delivering(store, endpoint);
    CHECK(store.publish(event_lines(1, 3)).out == "3 accepted, 0 duplicate, 0 refused\n");
    CHECK(endpoint.server.wait_for_requests(3));
    delivering.settle();
    CHECK(ids_of(store.run({"deliveries", "list", "--json", "--state", "delivered"})) == Ids{"1", "2", "3"});

    CHECK(store.subscriptions({"pause", "1"}).status == 0);
    CHECK(store.publish(event_lines(4, 4)).status == 0);
    CHECK(store.subscriptions({"resume", "1"}).status == 0);
    CHECK(store.run({"deliveries", "replay", "--state", "skipped"}).out == "deliveries made: 1\n");
    CHECK(endpoint.server.wait_for_requests(4));
    CHECK(contains(endpoint.server.last_request(), R"("contactId":4)"));
    delivering.settle();

    CHECK(store.subscriptions({"delete", "1"}).status == 0);
    CHECK(store.publish(event_lines(5, 5)).status == 0);
    delivering.settle();
    CHECK(endpoint.server.requests() == 4);
}
