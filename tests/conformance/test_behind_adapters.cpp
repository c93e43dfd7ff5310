// Our receiver behind each adapter that comes along, in a process of its own, over real HTTP.
#include <fpt_webhooks/testing/conformance.hpp>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <sqlite3.h>

#include "conformance/adapter_process.hpp"
#include "conformance/receiver_under_test.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
namespace testing = fpt_webhooks::testing;

namespace {

// Rows of the event in a database that the receiver has made; what cannot be read throws.
std::uint64_t effects_in(const std::filesystem::path& file, const fw::EventId& event) {
    sqlite3* database = nullptr;
    sqlite3_stmt* select = nullptr;
    sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr);
    sqlite3_busy_timeout(database, 1000);
    const std::string sql = "SELECT count(*) FROM effects WHERE event = '" + event.to_string() + "'";
    const bool read = sqlite3_prepare_v2(database, sql.c_str(), -1, &select, nullptr) == SQLITE_OK &&
                      sqlite3_step(select) == SQLITE_ROW;
    const auto count = read ? static_cast<std::uint64_t>(sqlite3_column_int64(select, 0)) : 0;
    sqlite3_finalize(select);
    sqlite3_close(database);
    if (!read) throw std::runtime_error("cannot read the effects");
    return count;
}

}  // namespace

TEST_CASE("conformance: our receiver passes every scenario behind both adapters, with an inbox and without") {
    const std::string adapter = GENERATE("httplib", "beast", "httplib_inbox", "beast_inbox");
    INFO(adapter);
    conformance_test::ReceiverUnderTest receiver(adapter);
    auto options = receiver.options();
    options.patience = std::chrono::seconds(30);  // a worker that was killed leaves a lease
    const auto report = testing::run_conformance(options).value();
    for (const auto& result : report.results) {
        INFO(result.name << ": " << result.reason);
        // With its dedupe store in memory, or an inbox, it promises at-least-once over a crash, and no more.
        const bool promised = result.name != "crash_after_effect";
        CHECK(result.verdict == (promised ? testing::Verdict::passed : testing::Verdict::not_checked));
    }
    CHECK(report.results.size() == testing::conformance_scenarios().size());
}

TEST_CASE("conformance: with effects in its own transaction our receiver passes all, exactly once over a crash too") {
    const std::string adapter = GENERATE("httplib_exactly_once", "beast_exactly_once");
    INFO(adapter);
    conformance_test::ReceiverUnderTest receiver(adapter);
    auto options = receiver.options();
    options.promises_exactly_once = true;
    options.effect_probe = [&](const fw::EventId& event) {
        return effects_in(receiver.folder() / conformance_test::effects_database, event);
    };
    const auto report = testing::run_conformance(options).value();
    for (const auto& result : report.results) {
        INFO(result.name << ": " << result.reason);
        CHECK(result.verdict == testing::Verdict::passed);
    }
    CHECK(report.results.size() == testing::conformance_scenarios().size());
}
