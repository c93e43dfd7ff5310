#include "cli/store_program.hpp"

#include <csignal>
#include <fstream>

using namespace cli_test;

namespace {

std::size_t pending(const StoreProgram& store) { return store.look_into()->stats().value().pending; }

}  // namespace

TEST_CASE("fpt-webhooks publish: every line once, however often it comes") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const Ended first = store.publish(event_lines(1, 3));
    CHECK(first.status == 0);
    CHECK(first.out == "3 accepted, 0 duplicate, 0 refused\n");
    CHECK(first.err == "");
    CHECK(store.publish(event_lines(2, 5), {"--json"}).out == R"({"accepted":2,"duplicate":2,"refused":0})"
                                                              "\n");
    CHECK(pending(store) == 5);

    const Ended other = store.publish(event_line(6) + "\n" + event_line(5, "contact.deleted") + "\n");
    CHECK(other.status == 1);
    CHECK(other.out == "1 accepted, 0 duplicate, 1 refused\n");
    CHECK(other.err == "line 2: conflict: another event has its id\n");
}

TEST_CASE("fpt-webhooks publish: bad lines are told by number and stop none of the others") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    std::string lines = event_line(1) + "\n";
    lines += "\n";                                         // 2: blank
    lines += "hello\n";                                    // 3
    lines += event_line(2) + "\r\n";                       // 4
    lines += std::string(1'500'000, 'x') + "\n";           // 5
    lines += event_line(3).substr(0, 60) + "\n";           // 6
    lines += event_line(4, "Contact") + "\n";              // 7
    lines += event_line(5) + event_line(6) + "\n";         // 8: two in one
    lines += std::string("\x1b[31m\0", 6) + "\n";          // 9
    lines += event_line(7, "contact.updated\xff") + "\n";  // 10
    lines += std::string(100'000, '[') + "\n";             // 11
    lines += R"({"type":"contact.updated","data":{}})"
             "\n";           // 12: no --location
    lines += "   \t\n";      // 13: blank
    lines += event_line(8);  // 14: without a line break
    const Ended ended = store.publish(lines);
    CAPTURE(ended.err);
    CHECK(ended.status == 1);
    CHECK(ended.out == "3 accepted, 0 duplicate, 9 refused\n");
    CHECK(count_of(ended.err, '\n') == 9);
    for (const char* const start :
         {"line 3: malformed input at byte 0: ", "\nline 5: longer than 1048576 bytes\n", "\nline 6: malformed input",
          "\nline 7: malformed input", "\nline 8: malformed input", "\nline 9: malformed input", "\nline 10: malformed",
          "\nline 11: ", "\nline 12: invalid argument: type and data alone: --location is needed"}) {
        CAPTURE(start);
        CHECK(contains(ended.err, start));
    }
    CHECK_FALSE(contains(ended.err, "\x1b"));
    CHECK(pending(store) == 3);
}

TEST_CASE("fpt-webhooks publish: type and data make a new event of this moment at the place that is named") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const std::string line = R"( { "data" : {"contactId":7, "operation":"update"} , "type":"contact.updated"} )";
    const Ended ended = store.publish(line + "\n" + line + "\n", {"--location", "1234", "--organization", "5678"});
    CAPTURE(ended.err);
    CHECK(ended.status == 0);
    CHECK(ended.out == "2 accepted, 0 duplicate, 0 refused\n");  // each is an event of its own
    const auto database = store.look_into();
    const auto kept = database->deliveries({}, {}, 10).value().deliveries;
    REQUIRE(kept.size() == 2);
    const std::string body = database->event_body(kept.front().event_id).value();
    CHECK(contains(body, R"("eventType":"contact.updated","eventTimestamp":"20)"));
    CHECK(contains(
        body,
        R"("locationId":1234,"organizationId":5678,"apiVersion":"v1","data":{"contactId":7, "operation":"update"}})"));

    const std::string bad_lines = R"({"type":"contact.updated"})"
                                  "\n"
                                  R"({"type":"contact.updated","data":[]})"
                                  "\n"
                                  R"({"type":"contact.updated","data":{},"data":{}})"
                                  "\n"
                                  R"({"type":"contact.updated","data":{},"contactId":7})"
                                  "\n"
                                  R"({"type":7,"data":{}})"
                                  "\n"
                                  R"({"type":"contact:updated","data":{}})"
                                  "\n"
                                  R"({"type":"a\".b","data":{}})"
                                  "\n";
    const Ended bad = store.publish(bad_lines, {"--location", "1234"});
    CAPTURE(bad.err);
    CHECK(bad.status == 1);
    CHECK(bad.out == "0 accepted, 0 duplicate, 7 refused\n");
    CHECK(contains(bad.err, "line 1: malformed input: with type there is data, each once, and nothing else\n"));
    CHECK(contains(bad.err, "line 2: malformed input: data: an object is needed\n"));
    CHECK(contains(bad.err, "line 3: malformed input: with type there is data, each once, and nothing else\n"));
    CHECK(contains(bad.err, "line 4: malformed input: with type there is data, each once, and nothing else\n"));
    CHECK(contains(bad.err, "line 5: malformed input: type: a text is needed\n"));
    CHECK(contains(bad.err, "line 6: malformed input at byte 7: type: "));
    CHECK(contains(bad.err, "line 7: malformed input"));
}

TEST_CASE("fpt-webhooks publish: a UFP body is known again by its bytes") {
    const StoreProgram store;
    REQUIRE(store
                .subscriptions(
                    {"create", "--url", "https://ufp.example/", "--events", "newlead_created", "--scope", "company:1"})
                .status == 0);
    const std::string line =
        R"({"webhook_event_type":"new_lead_created","created_at":"11/06/2025 17:22","company_id":1,"tenant_id":12,"payload":{"name":"A"}})"
        "\n";
    const std::string homeless =
        R"({"webhook_event_type":"new_lead_created","created_at":"","tenant_id":12,"payload":{}})"
        "\n";
    const Ended ended = store.publish(line + line + homeless + event_line(1) + "\n", {"--vendor", "ufp"});
    CAPTURE(ended.err);
    CHECK(ended.status == 1);
    CHECK(ended.out == "2 accepted, 1 duplicate, 1 refused\n");
    CHECK(contains(ended.err, "line 4: malformed input"));
    CHECK(contains(ended.err, "note: 1 without company_id, which no subscription can want\n"));
    CHECK(pending(store) == 1);
    CHECK(store.publish(line, {"--vendor", "ufp", "--location", "1"}).status == 2);
    CHECK(store.publish(line, {"--vendor", "other"}).status == 2);
}

TEST_CASE("fpt-webhooks publish: nothing to read, or nothing that can be read, is an error") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    for (const std::string nothing : {"", "\n", " \r\n\n"}) {
        const Ended ended = store.publish(nothing);
        CHECK(ended.status == 3);
        CHECK(ended.out == "");
        CHECK(ended.err == "fpt-webhooks: standard input: empty\n  one event a line, as JSON\n");
    }
    const Ended folder = run_shell("fpt-webhooks publish --store " + store.path() + " --key-env STORE_KEY < /tmp",
                                   {.variables = {{"STORE_KEY", store_key}}});
    CHECK(folder.status == 3);
    CHECK(folder.err == "fpt-webhooks: standard input: Is a directory\n");
}

TEST_CASE("fpt-webhooks publish: when it is interrupted it says from where on nothing is stored") {
    const int by = GENERATE(SIGINT, SIGTERM, SIGHUP);
    CAPTURE(by);
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    RunningProgram publishing = store.start(
        {"publish"}, {.input = "bad\n" + event_lines(1, 3) + event_line(4).substr(0, 9), .input_stays = true});
    const auto last = fpt_webhooks::EventId::parse("00000000000000000000000000000003").value();
    REQUIRE(store.wait_until([&](auto& shown) { return shown.event_body(last).has_value(); }));
    publishing.signal(by);
    const Ended ended = publishing.wait();
    CHECK(ended.status == 130);
    CHECK(ended.out == "3 accepted, 0 duplicate, 1 refused\n");
    CHECK(contains(ended.err, "fpt-webhooks: interrupted; not stored: line 5 and all after it\n"));
    CHECK(pending(store) == 3);
}

TEST_CASE("fpt-webhooks publish: waits for a store that another process holds, and gives up in time") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const std::string lines = event_line(1) + "\nbad\n" + event_line(2) + "\n";
    {
        const WriteLock lock(store);
        RunningProgram pausing = store.start({"subscriptions", "pause", "1", "--as", "host"});
        const Ended given_up = store.publish(lines, {"--patience", "0s"});
        const Ended not_paused = pausing.wait();
        CHECK(not_paused.status == 4);
        CHECK(not_paused.err.find("fpt-webhooks: subscription 1: store busy") == 0);
        CHECK(contains(not_paused.err, "\n  another process holds it: wait, or stop that one\n"));
        CHECK(given_up.status == 4);
        CHECK(given_up.out == "0 accepted, 0 duplicate, 1 refused\n");
        CHECK(contains(given_up.err, "fpt-webhooks: store busy"));
        CHECK(contains(given_up.err, "; not stored: lines 1, line 3 and all after it\n"));
        const Ended unheard = store.run({"publish", "--patience", "0s"}, {.input = lines, .out_file = "/dev/full"});
        CHECK(unheard.status == 4);
        CHECK(contains(unheard.err, "; not stored: lines 1, line 3 and all after it\n"));
    }
    std::optional<WriteLock> lock(std::in_place, store);
    RunningProgram publishing = store.start({"publish", "--patience", "10m"}, {.input = lines});
    REQUIRE(publishing.wait_for_error("waiting: store busy"));
    lock.reset();
    const Ended ended = publishing.wait();
    CHECK(ended.status == 1);
    CHECK(ended.out == "2 accepted, 0 duplicate, 1 refused\n");
    CHECK(pending(store) == 2);
}

TEST_CASE("fpt-webhooks publish: what nobody knows to be stored is perhaps not stored, and may come again") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const Ended ended =
        store.run({"publish", "--patience", "0s"}, {.input = event_lines(1, 2), .variables = with_commits_in_doubt()});
    CHECK(ended.status == 4);
    CHECK(ended.out == "0 accepted, 0 duplicate, 0 refused\n");
    CHECK(contains(ended.err, "fpt-webhooks: unknown whether it was written"));
    CHECK(contains(ended.err, "; perhaps not stored: line 1 and all after it\n"));
    CHECK(store.publish(event_lines(1, 2)).status == 0);
    CHECK(pending(store) == 2);
}

TEST_CASE("fpt-webhooks publish: says how far it is, on a terminal only") {
    const StoreProgram store;
    REQUIRE(store.create() == "1");
    const std::string file = store.folder.file("lines");
    std::ofstream(file) << event_lines(1, 100);
    const ProgramOptions with_key{.variables = {{"STORE_KEY", store_key}}};
    const std::string publish = "fpt-webhooks publish --store " + store.path() + " --key-env STORE_KEY < " + file;
    const Ended watched = run_shell("script -qec '" + publish + "' /dev/null < /dev/null", with_key);
    CAPTURE(watched.out, watched.err);
    CHECK(watched.status == 0);
    CHECK(contains(watched.out, "100 lines, 100 stored"));
    CHECK(contains(watched.out, "100 accepted, 0 duplicate, 0 refused"));
    const Ended alone = run_shell(publish, with_key);
    CHECK(alone.err == "");
}

TEST_CASE("fpt-webhooks publish: a full disk loses nothing that was told to be stored") {
    const StoreProgram store;
    constexpr int lines = 20'000;
    std::ofstream(store.folder.file("lines")) << event_lines(1, lines);
    std::filesystem::create_directory(store.folder.path / "small");
    const std::string access = " --store small/w.db --key-env STORE_KEY";
    // A file system of 4 MB that only this shell sees; what it prints at its end is the count that the store holds.
    const std::string script =
        "mount -t tmpfs -o size=4m small small || exit 77\n"
        "fpt-webhooks subscriptions create --url https://a.example/ --events '*' --as location:1234" +
        access +
        " > /dev/null 2>&1 || exit 78\n"
        "fpt-webhooks publish --patience 1s" +
        access +
        " < lines; echo status $?\n"
        "mount -o remount,size=64m small\n"
        "fpt-webhooks deliveries list --json --limit 100000" +
        access +
        " | wc -l\n"
        "fpt-webhooks publish" +
        access + " < lines; echo status $?\n";
    std::ofstream(store.folder.file("script")) << script;
    const Ended ended = run_shell("unshare -rm bash script",
                                  {.variables = {{"STORE_KEY", store_key}}, .folder = store.folder.path.string()});
    CAPTURE(ended.out, ended.err);
    if (ended.status == 77 || contains(ended.err, "unshare failed")) {
        WARN("this machine lets us mount no tmpfs: skipped");
        return;
    }
    const int stored = std::stoi(ended.out);
    CHECK(stored > 0);
    CHECK(stored < lines);
    const std::string count = std::to_string(stored);
    CHECK(ended.out == count + " accepted, 0 duplicate, 0 refused\nstatus 4\n" + count + "\n" +
                           std::to_string(lines - stored) + " accepted, " + count +
                           " duplicate, 0 refused\nstatus 0\n");
    CHECK(contains(ended.err, "waiting: store failed: "));
    CHECK(contains(ended.err, "disk is full"));
    CHECK(contains(ended.err, "; not stored: line " + std::to_string(stored + 1) + " and all after it\n"));
}
