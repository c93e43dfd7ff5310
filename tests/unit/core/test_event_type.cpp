#include <fpt_webhooks/core/event_type.hpp>

#include <string>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("event type: keeps a well-formed name and knows its family") {
    const auto type = fw::EventType::parse("contact.sub_group_changed").value();
    CHECK(type.text() == "contact.sub_group_changed");
    CHECK(type.family() == "contact");
    CHECK(type == "contact.sub_group_changed");
    CHECK_FALSE(type == "contact.sub_group");
    CHECK(fw::EventType::parse("a.b")->family() == "a");
    CHECK(fw::EventType::parse("a1_.b_2.c3")->family() == "a1_");
}

TEST_CASE("event type: refuses what is not dotted lower case at its first wrong byte") {
    struct Case {
        std::string_view text;
        std::size_t offset;
    };
    const Case cases[] = {{"", 0},
                          {"contact", 7},
                          {"contact.", 8},
                          {".created", 0},
                          {"a..b", 2},
                          {"Contact.a", 0},
                          {"contact.Created", 8},
                          {"contact.creaTed", 12},
                          {"1a.b", 0},
                          {"a.1b", 2},
                          {"_a.b", 0},
                          {"a._b", 2},
                          {"a.b-c", 3},
                          {"a.b ", 3},
                          {" a.b", 0},
                          {"a.*", 2},
                          {"a.b\xc3\xa9", 3},
                          {{"a.b\0", 4}, 3},
                          {"a/b.c", 1}};
    for (const Case& c : cases) {
        INFO(c.text);
        const auto type = fw::EventType::parse(c.text);
        REQUIRE_FALSE(type);
        CHECK(type.error() == fw::Errc::malformed);
        CHECK(type.error().offset() == c.offset);
    }
}

TEST_CASE("event type: has at most 128 bytes") {
    CHECK(fw::EventType::parse("a." + std::string(126, 'b')));
    CHECK(fw::EventType::parse("a." + std::string(127, 'b')).error() == fw::Errc::limit_exceeded);
    CHECK(fw::EventType::parse(std::string(100'000, '.')).error() == fw::Errc::limit_exceeded);
}

TEST_CASE("event type: compares and hashes as its text") {
    const auto a = fw::EventType::parse("contact.created").value();
    const auto b = fw::EventType::parse("contact.deleted").value();
    CHECK(a < b);
    CHECK(a != b);
    CHECK(a == fw::EventType::parse("contact.created").value());
    CHECK(std::hash<fw::EventType>{}(a) == std::hash<fw::EventType>{}(fw::EventType::parse("contact.created").value()));
    CHECK(std::hash<fw::EventType>{}(a) != std::hash<fw::EventType>{}(b));
}
