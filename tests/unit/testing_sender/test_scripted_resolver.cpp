#include <fpt_webhooks/testing_sender/scripted_resolver.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

namespace {

// Collects outcomes as text.
fw::Resolver::Completion into(std::vector<std::string>& log) {
    return [&log](fw::Result<std::vector<fw::IpAddress>> answer) {
        std::string text;
        if (answer) {
            for (const auto& address : *answer) text += address.to_string() + ' ';
        } else {
            text = answer.error().code().message();
        }
        log.push_back(text);
    };
}

}  // namespace

TEST_CASE("scripted resolver: answers and fails as written") {
    std::vector<std::string> log;
    fw::testing::ScriptedResolver resolver;
    CHECK(resolver.answer("a.example", {"192.0.2.1", "2001:db8::1"}));
    resolver.fail("b.example", fw::Error(fw::Errc::overloaded));
    for (const char* host : {"a.example", "b.example", "c.example"}) resolver.resolve(host, into(log));
    CHECK(log == std::vector<std::string>{"192.0.2.1 2001:db8::1 ", "overloaded", "name not resolved"});
    CHECK(resolver.asked() == std::vector<std::string>{"a.example", "b.example", "c.example"});
}

TEST_CASE("scripted resolver: a hanging name waits for its answer, and other names do not") {
    std::vector<std::string> log;
    fw::testing::ScriptedResolver resolver;
    resolver.hang("slow.example");
    CHECK(resolver.answer("a.example", {"192.0.2.1"}));
    resolver.resolve("slow.example", into(log));
    resolver.resolve("a.example", into(log));
    CHECK(log == std::vector<std::string>{"192.0.2.1 "});
    CHECK(resolver.answer("slow.example", {"192.0.2.2"}));
    CHECK(log == std::vector<std::string>{"192.0.2.1 ", "192.0.2.2 "});
}

TEST_CASE("scripted resolver: its end cancels what still hangs") {
    std::vector<std::string> log;
    {
        fw::testing::ScriptedResolver resolver;
        resolver.hang("slow.example");
        resolver.resolve("slow.example", into(log));
        CHECK(log.empty());
    }
    CHECK(log == std::vector<std::string>{"cancelled"});
}

TEST_CASE("scripted resolver: refuses an answer that no resolver gives") {
    fw::testing::ScriptedResolver resolver;
    CHECK(resolver.answer("a.example", {}).error() == fw::Errc::invalid_argument);
    CHECK(resolver.answer("a.example", {"127.1"}).error() == fw::Errc::malformed);
}
