#include <fpt_webhooks/core/json_object.hpp>

#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::string_literals;

namespace {

std::string nested(std::size_t levels, const std::string& open, const std::string& innermost,
                   const std::string& close) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) text += open;
    text += innermost;
    for (std::size_t i = 0; i < levels; ++i) text += close;
    return text;
}

// A random valid JSON value; white space and escapes included.
class Generator {
  public:
    std::string object(int depth) {
        std::string text = "{" + space();
        for (std::size_t i = 0, count = below(4); i < count; ++i) {
            if (i != 0) text += "," + space();
            text += string() + space() + ":" + space() + value(depth) + space();
        }
        return text + "}";
    }

  private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
    std::string pick(const std::vector<std::string>& from) { return from[below(from.size())]; }
    std::string space() { return pick({"", "", "", " ", "\n", "\t", "\r\n"}); }
    std::string string() {
        std::string text = "\"";
        for (std::size_t i = 0, count = below(12); i < count; ++i) {
            text += pick({"a",       "Z",       "0",    " ",   "/",   "\x7f",    "é",       "日",
                          "😀",       "\\\"",    "\\\\", "\\/", "\\n", "\\u0000", "\\u00e9", "\\ud83d\\ude00",
                          "\\uD7FF", "\\uE000", "{",    "]",   ","});
        }
        return text + "\"";
    }
    std::string value(int depth) {
        if (depth > 0 && below(3) == 0) return object(depth - 1);
        if (depth > 0 && below(4) == 0) return "[" + space() + value(depth - 1) + "," + value(depth - 1) + "]";
        return pick({"null", "true", "false", "0", "-0", "12345678901234567890123", "-1.5", "2E+10", "1e-400", "[]",
                     "{}", string(), string()});
    }

    std::mt19937_64 engine_{7};
};

}  // namespace

TEST_CASE("json object: is empty by default") { CHECK(fw::JsonObject().text() == "{}"); }

TEST_CASE("json object: keeps its text byte for byte and drops the white space around it") {
    const std::string text = "{ \"b\" : [ 1.50 , 1e2 ],\t\"a\":\"\\u0041\\/\" , \"a\" : null }";
    CHECK(fw::JsonObject::parse(text).value().text() == text);
    CHECK(fw::JsonObject::parse(" \t\r\n" + text + "\n ").value().text() == text);
}

TEST_CASE("json object: keeps strings of any length, and finds the one wrong byte in them") {
    for (const std::size_t size : {7U, 8U, 9U, 255U, 256U, 1023U, 1024U, 1025U, 70'000U, 1'000'000U}) {
        const std::string text =
            "{\"a\":\"" + std::string(size, 'x') + "\",\"b\":[\"" + std::string(size, 'y') + "\"]}";
        CHECK(fw::JsonObject::parse(text).value().text() == text);
        for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
            std::string broken = text;
            broken[6 + at] = '\x1f';
            CHECK(fw::JsonObject::parse(broken).error().offset() == 6 + at);
            broken[6 + at] = '\xff';
            CHECK(fw::JsonObject::parse(broken).error().offset() == 6 + at);
        }
    }
}

TEST_CASE("json object: is equal when its text is equal") {
    CHECK(fw::JsonObject::parse("{}").value() == fw::JsonObject());
    CHECK_FALSE(fw::JsonObject::parse("{ }").value() == fw::JsonObject());
}

TEST_CASE("json object: refuses what is not one strict JSON object, and says where") {
    struct Case {
        std::string text;
        std::size_t offset;
    };
    const Case cases[] = {
        {"", 0},
        {"   ", 3},
        {"\0{}"s, 0},
        {"[]", 0},
        {" null", 1},
        {"1", 0},
        {"\"a\"", 0},
        {"{", 1},
        {"{}x", 2},
        {"{} {}", 3},
        {"{},", 2},
        {"{}\0"s, 2},
        {"{} \0 "s, 3},
        {"{}/**/", 2},
        {"\xef\xbb\xbf{}", 0},
        {"{a:1}", 1},
        {"{'a':1}", 1},
        {"{\"a\":1,}", 7},
        {"{,}", 1},
        {"{\"a\" 1}", 5},
        {"{\"a\":}", 5},
        {"{\"a\":1 \"b\":2}", 7},
        {"{\"a\":[1 2]}", 8},
        {"{\"a\":[1,]}", 8},
        {"{\"a\":[}", 6},
        {"{\"a\":1]", 6},
        {"{\"a\":01}", 6},
        {"{\"a\":+1}", 5},
        {"{\"a\":-}", 6},
        {"{\"a\":.5}", 5},
        {"{\"a\":1.}", 7},
        {"{\"a\":1e}", 7},
        {"{\"a\":0x1}", 6},
        {"{\"a\":NaN}", 5},
        {"{\"a\":-Infinity}", 6},
        {"{\"a\":True}", 5},
        {"{\"a\":tru}", 8},
        {"{\"a\":\"\\x\"}", 6},
        {"{\"a\":\"\\u12g4\"}", 6},
        {"{\"a\":\"b\nc\"}", 7},
        {"{\"a\":\"b\x1f\"}", 7},
        {"{\"a\":\"b\0\"}"s, 7},
        {"{\"a\":\"b", 7},
        {"{\"a\":\"b}", 8},
        {"{\"a\0\":1}"s, 3},
        {"{\"a\"\0:1}"s, 4},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        const auto parsed = fw::JsonObject::parse(c.text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error() == fw::Errc::malformed);
        CHECK(parsed.error().offset() == c.offset);
        CHECK_FALSE(parsed.error().detail().empty());
    }
}

TEST_CASE("json object: refuses invalid UTF-8 at its first byte") {
    const std::string sequences[] = {"\x80",
                                     "\xc0\x80",
                                     "\xc3",
                                     "\xc3(",
                                     "\xe2\x82",
                                     "\xe0\x80\x80",
                                     "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80",
                                     "\xf0\x80\x80\x80",
                                     "\xf8\x88\x80\x80\x80",
                                     "\xff"};
    for (const std::string& sequence : sequences) {
        for (const std::string& before : {""s, "abc"s, "twelve bytes"s, "é"s}) {
            const auto value = fw::JsonObject::parse("{\"a\":\"" + before + sequence + "\"}");
            REQUIRE_FALSE(value);
            CHECK(value.error() == fw::Errc::malformed);
            CHECK(value.error().offset() == 6 + before.size());
            const auto name = fw::JsonObject::parse("{\"" + before + sequence + "\":1}");
            REQUIRE_FALSE(name);
            CHECK(name.error().offset() == 2 + before.size());
        }
    }
    CHECK_FALSE(fw::JsonObject::parse("{\"a\":1\xc3\xa9}"));
}

TEST_CASE("json object: refuses lone surrogate escapes of both kinds at their backslash") {
    struct Case {
        std::string text;
        std::size_t offset;
    };
    const Case cases[] = {
        {R"({"a":"\ud800"})", 6},     {R"({"a":"xy\udbff z"})", 8},      {R"({"a":"\ud83d\ud83d"})", 6},
        {R"({"a":"\ud83d\n"})", 6},   {R"({"a":"\udc00"})", 6},          {R"({"a":"x\uDFFFy"})", 7},
        {R"({"\udc00":1})", 2},       {R"({"a":"\"\\\udc00"})", 10},     {R"({"a":"\ud83d\ude00\ude00"})", 18},
        {R"({"a":[["\uDc00"]]})", 8}, {R"({"a\"":"\ud7ff\udfff"})", 14}, {R"({"a":{"\"\\\"\ude00":1}})", 13},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        const auto parsed = fw::JsonObject::parse(c.text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error() == fw::Errc::malformed);
        CHECK(parsed.error().detail() == "lone surrogate");
        CHECK(parsed.error().offset() == c.offset);
    }
    CHECK(fw::JsonObject::parse(R"({"a":"\ud83d\ude00 \ud7ff \ue000 \\udc00"})"));
}

TEST_CASE("json object: accepts 64 levels of nesting and refuses the 65th at its bracket") {
    CHECK(fw::JsonObject::parse(nested(64, "{\"a\":", "1", "}")));
    CHECK(fw::JsonObject::parse("{\"a\":" + nested(63, "[", "", "]") + "}"));
    const auto objects = fw::JsonObject::parse(nested(65, "{\"a\":", "1", "}"));
    REQUIRE_FALSE(objects);
    CHECK(objects.error() == fw::Errc::limit_exceeded);
    CHECK(objects.error().offset() == 64 * 5);
    const auto arrays = fw::JsonObject::parse("{\"a\":" + nested(64, "[", "", "]") + "}");
    REQUIRE_FALSE(arrays);
    CHECK(arrays.error() == fw::Errc::limit_exceeded);
    CHECK(arrays.error().offset() == 5 + 63);
}

TEST_CASE("json object: survives 200,000 open brackets") {
    const auto arrays = fw::JsonObject::parse("{\"a\":" + std::string(200'000, '['));
    REQUIRE_FALSE(arrays);
    CHECK(arrays.error() == fw::Errc::limit_exceeded);
    CHECK(arrays.error().offset() == 5 + 63);
    CHECK(fw::JsonObject::parse(std::string(200'000, '[')).error().offset() == 0);
    CHECK(fw::JsonObject::parse(nested(200'000, "{\"a\":", "", "")).error() == fw::Errc::limit_exceeded);
}

TEST_CASE("json object: refuses a number that no double can hold") {
    for (const std::string& number : {"1e309"s, "-1e309"s, "1" + std::string(400, '0')}) {
        const auto parsed = fw::JsonObject::parse("{\"a\":" + number + "}");
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error() == fw::Errc::out_of_range);
        CHECK(parsed.error().offset() == 5);
    }
}

TEST_CASE("json object: keeps any valid object, and refuses every part of it that is cut short") {
    Generator generate;
    for (int i = 0; i < 300; ++i) {
        const std::string text = generate.object(4);
        INFO(text);
        const auto parsed = fw::JsonObject::parse(text);
        REQUIRE(parsed);
        CHECK(parsed->text() == text);
        for (std::size_t size = 0; size < text.size(); ++size) {
            const auto part = fw::JsonObject::parse(text.substr(0, size));
            REQUIRE_FALSE(part);
            REQUIRE(part.error() == fw::Errc::malformed);
            REQUIRE(part.error().offset() <= size);
        }
    }
}

TEST_CASE("json object: leaves members out and keeps the text and the order of the others") {
    struct Case {
        std::string text;
        std::string rest;  // without the members named "x"
    };
    const Case cases[] = {
        {"{}", "{}"},
        {"{ }", "{ }"},
        {R"({ "a" : 1 , "b":[ 2 ]})", R"({ "a" : 1 , "b":[ 2 ]})"},
        {R"({"x":1})", "{}"},
        {R"({ "x" : {"x":1} , "x":null })", "{}"},
        {R"({"x":1,"a":2})", R"({"a":2})"},
        {R"({"a":2,"x":1})", R"({"a":2})"},
        {R"({ "a" :  2 , "x":1 , "b" :	"," })", R"({"a" :  2,"b" :	","})"},
        {R"({"a":1.50,"x":"}","b":{ "x":[1,2] },"a":-0})", R"({"a":1.50,"b":{ "x":[1,2] },"a":-0})"},
        {R"({"\u0078":1,"\u0061":"\u0078","X":"x"})", R"({"\u0061":"\u0078","X":"x"})"},
        {R"({"":"","x":""})", R"({"":""})"},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        const auto rest =
            fw::JsonObject::parse(c.text).value().without([](std::string_view name) { return name == "x"; });
        REQUIRE(rest);
        CHECK(rest->text() == c.rest);
    }
}

TEST_CASE("json object: asks about each member of its own once, by its decoded name") {
    std::vector<std::string> names;
    const auto object = fw::JsonObject::parse(R"({"a":{"b":1},"\u00e9\n":[{"c":2}],"a":3,"":0})").value();
    CHECK(object
              .without([&](std::string_view name) {
                  names.emplace_back(name);
                  return false;
              })
              .value() == object);
    CHECK(names == std::vector<std::string>{"a", "é\n", "a", ""});
}

TEST_CASE("json object: stays a valid object whatever is left out of it") {
    Generator generate;
    std::mt19937_64 random(11);
    for (int i = 0; i < 500; ++i) {
        const auto object = fw::JsonObject::parse(generate.object(3)).value();
        const auto rest = object.without([&](std::string_view) { return random() % 3 == 0; }).value();
        INFO(object.text());
        CHECK(fw::JsonObject::parse(rest.text()).value() == rest);
        CHECK(object.without([](std::string_view) { return false; }).value() == object);
        CHECK(object.without([](std::string_view) { return true; }).value().text().find(':') == std::string::npos);
    }
}

TEST_CASE("json object: has no members left once it is moved from") {
    auto object = fw::JsonObject::parse(R"({"a":"a text that is too long to be kept in the object itself"})").value();
    const auto moved = std::move(object);
    const auto rest = object.without([](std::string_view) { return true; });  // NOLINT(bugprone-use-after-move)
    REQUIRE_FALSE(rest);
    CHECK(rest.error() == fw::Errc::malformed);
}
