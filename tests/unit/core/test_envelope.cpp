#include <fpt_webhooks/core/envelope.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::string_literals;

namespace {

// The two sample bodies of the vendor's pages, as they stand there.
constexpr std::string_view envelope_page = R"({
  "eventId":         "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e",
  "eventType":       "contact.sub_group_changed",
  "eventTimestamp":  "2026-06-10T23:45:00.123Z",
  "locationId":      1234,
  "organizationId":  5678,
  "apiVersion":      "v1",
  "data": {
    "contactId":            9876,
    "previousSubGroupId":   3,
    "newSubGroupId":        7
  }
})";
constexpr std::string_view quickstart_page = R"({
  "eventId": "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e",
  "eventType": "contact.updated",
  "eventTimestamp": "2026-06-10T23:45:00Z",
  "locationId": 1234,
  "organizationId": 5678,
  "apiVersion": "v1",
  "data": {
    "contactId": 9876,
    "operation": "update"
  }
})";

// A body as a list of names and values, to be changed by the tests.
class Body {
  public:
    using Fields = std::vector<std::pair<std::string, std::string>>;

    Body& set(const std::string& name, const std::string& json) {
        at(name)->second = json;
        return *this;
    }
    Body& rename(const std::string& name, const std::string& to) {
        at(name)->first = to;
        return *this;
    }
    Body& add(const std::string& name, const std::string& json) {
        fields_.emplace_back(name, json);
        return *this;
    }
    Body& remove(const std::string& name) {
        fields_.erase(at(name));
        return *this;
    }
    Fields& fields() { return fields_; }

    [[nodiscard]] std::string text() const {
        std::string text = "{";
        for (const auto& [name, json] : fields_) {
            if (text.size() > 1) text += ',';
            text += '"';
            text += name;
            text += "\":";
            text += json;
        }
        return text + "}";
    }
    // Where the value of this field stands.
    [[nodiscard]] std::size_t offset(const std::string& name) const {
        return text().find("\"" + name + "\":") + name.size() + 3;
    }
    [[nodiscard]] fw::Result<fw::Envelope> decode() const { return fw::decode_envelope(fw::bytes_of(text())); }

  private:
    Fields::iterator at(const std::string& name) {
        return std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field.first == name; });
    }

    Fields fields_ = {
        {"eventId", "\"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e\""},
        {"eventType", "\"contact.status_changed\""},
        {"eventTimestamp", "\"2026-06-10T23:45:00.123Z\""},
        {"locationId", "1234"},
        {"organizationId", "5678"},
        {"apiVersion", "\"v1\""},
        {"data", "{\"contactId\":9876,\"previousStatusId\":1,\"newStatusId\":3}"},
    };
};

void check_refused(const Body& body, fw::Errc code, std::size_t offset, const std::string& detail) {
    INFO(body.text());
    const auto decoded = body.decode();
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error() == code);
    CHECK(decoded.error().offset() == offset);
    CHECK(decoded.error().detail() == detail);
}

const std::vector<std::string> names = {"eventId",    "eventType", "eventTimestamp", "locationId", "organizationId",
                                        "apiVersion", "data"};

fw::Envelope sample() { return Body().decode().value(); }

}  // namespace

TEST_CASE("envelope: reads the vendor's sample body") {
    const auto envelope = fw::decode_envelope(fw::bytes_of(envelope_page)).value();
    CHECK(envelope.event_id.to_string() == "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e");
    CHECK(envelope.event_type == "contact.sub_group_changed");
    CHECK(envelope.timestamp == fw::parse_timestamp("2026-06-10T23:45:00.123Z").value());
    CHECK(envelope.timestamp_text.empty());
    CHECK(envelope.location_id == fw::LocationId(1234));
    CHECK(envelope.organization_id == fw::OrganizationId(5678));
    CHECK(envelope.api_version == "v1");
    const std::size_t data = envelope_page.find("{\n    \"contactId\"");
    CHECK(envelope.data.text() == envelope_page.substr(data, envelope_page.size() - 2 - data));
    CHECK(envelope.extra.empty());
    CHECK(envelope.data_as<fw::ContactSubGroupChanged>().value() ==
          fw::ContactSubGroupChanged{fw::ContactId(9876), fw::SubGroupId(3), fw::SubGroupId(7)});
}

TEST_CASE("envelope: reads the vendor's quickstart body and keeps its shorter timestamp") {
    const auto envelope = fw::decode_envelope(fw::bytes_of(quickstart_page)).value();
    CHECK(envelope.timestamp == fw::parse_timestamp("2026-06-10T23:45:00.000Z").value());
    CHECK(envelope.timestamp_text == "2026-06-10T23:45:00Z");
    CHECK(envelope.data_as<fw::ContactUpdated>().value() == fw::ContactUpdated{fw::ContactId(9876)});
}

TEST_CASE("envelope: is written in the documented order without white space") {
    CHECK(fw::encode_envelope(sample()).value() == Body().text());
}

TEST_CASE("envelope: reads its fields in any order") {
    Body body;
    const fw::Envelope expected = sample();
    std::mt19937 engine(1);
    for (int i = 0; i < 50; ++i) {
        std::shuffle(body.fields().begin(), body.fields().end(), engine);
        CHECK(body.decode().value() == expected);
    }
}

TEST_CASE("envelope: refuses a missing field and names it") {
    for (const std::string& name : names) {
        Body body;
        body.remove(name);
        check_refused(body, fw::Errc::malformed, body.text().size() - 1, name + ": missing");
    }
    const auto empty = fw::decode_envelope(fw::bytes_of(" {} "));
    REQUIRE_FALSE(empty);
    CHECK(empty.error().detail() == "eventId: missing");
    CHECK(empty.error().offset() == 2);
}

TEST_CASE("envelope: refuses null and every wrong type, and names the field") {
    for (const std::string& name : names) {
        const bool is_number = name.ends_with("nId") && name != "eventId";
        const std::string needed = is_number        ? "an integer is needed"
                                   : name == "data" ? "an object is needed"
                                                    : "a string is needed";
        for (const std::string json : {"null", "true", "[]", "[{}]", "{}", "1", "1.5", "\"v1\""}) {
            if ((name == "data" && json == "{}") || (is_number && json == "1")) continue;
            if (needed == "a string is needed" && json == "\"v1\"") continue;
            Body body;
            body.set(name, json);
            check_refused(body, fw::Errc::malformed, body.offset(name), name + ": " + needed);
        }
    }
}

TEST_CASE("envelope: refuses a field that stands twice, also under an escaped name") {
    for (const std::string& name : names) {
        Body body;
        const std::size_t second = body.text().size();
        const std::string json = body.text().substr(body.offset(name), 1) == "{" ? "{}" : "1";
        body.add(name, json);
        check_refused(body, fw::Errc::malformed, second, name + ": stands twice");
    }
    Body escaped;
    const std::size_t second = escaped.text().size();
    escaped.add("d\\u0061ta", "{}");
    check_refused(escaped, fw::Errc::malformed, second, "data: stands twice");
    Body original;
    original.rename("data", "d\\u0061t\\u0061");
    CHECK(original.decode().value() == sample());
}

TEST_CASE("envelope: keeps unknown fields as they stood, wherever they stood") {
    Body body;
    body.fields().insert(body.fields().begin(), {"region", "\"\\u0065u\""});
    body.fields().insert(body.fields().begin() + 4, {"n\\u0061me \\\"x\\\"", "[ 1, {\"a\" : null} ]"});
    body.add("", "null").add("eventid", "2").add("é", "-1.50e+2");
    const auto envelope = body.decode().value();
    const std::vector<fw::ExtraField> expected = {{"region", "\"\\u0065u\""},
                                                  {"name \"x\"", "[ 1, {\"a\" : null} ]"},
                                                  {"", "null"},
                                                  {"eventid", "2"},
                                                  {"é", "-1.50e+2"}};
    CHECK(envelope.extra == expected);
    const std::string written = fw::encode_envelope(envelope).value();
    CHECK(written == Body().text().substr(0, Body().text().size() - 1) +
                         R"(,"region":"\u0065u","name \"x\"":[ 1, {"a" : null} ],"":null,"eventid":2,"é":-1.50e+2})");
    CHECK(fw::decode_envelope(fw::bytes_of(written)).value() == envelope);
}

TEST_CASE("envelope: refuses an unknown field that stands twice, at the second one") {
    Body body;
    body.add("b", "1").add("a", "1").add("c", "1");
    const std::size_t second = body.text().size();
    body.add("\\u0061", "2").add("b", "2");
    check_refused(body, fw::Errc::malformed, second, "an extra field stands twice");
}

TEST_CASE("envelope: is read in good time with 100,000 unknown fields") {
    Body body;
    for (int i = 0; i < 100'000; ++i) body.fields().emplace_back("f" + std::to_string(i), "0");
    const std::string text = body.text();
    const auto envelope = fw::decode_envelope(fw::bytes_of(text), text.size()).value();
    CHECK(envelope.extra.size() == 100'000);
    CHECK(envelope.extra.back() == fw::ExtraField{"f99999", "0"});
}

TEST_CASE("envelope: reads the whole range of 32 bits, and never cuts a number") {
    for (const std::string& name : {"locationId"s, "organizationId"s}) {
        for (const std::string number : {"0", "-1", "2147483647", "-2147483648"}) {
            CHECK(Body().set(name, number).decode());
        }
        for (const std::string number : {"2147483648", "-2147483649", "4294967296", "9223372036854775808"}) {
            Body body;
            body.set(name, number);
            check_refused(body, fw::Errc::out_of_range, body.offset(name),
                          name + ": " + number + " does not fit 32 bits");
        }
        for (const std::string number : {"1.0", "1e3", "1E3", "-0.5"}) {
            Body body;
            body.set(name, number);
            check_refused(body, fw::Errc::malformed, body.offset(name), name + ": an integer is needed");
        }
    }
    const std::string long_number(300, '7');
    Body body;
    body.set("locationId", long_number);
    check_refused(body, fw::Errc::out_of_range, body.offset("locationId"),
                  "locationId: the number does not fit 32 bits");
    CHECK(Body().set("locationId", "-2147483648").decode()->location_id.value() == -2147483648LL);
    CHECK(Body().set("locationId", "-0").decode()->location_id.value() == 0);
}

TEST_CASE("envelope: an id, a name and a time that are malformed are refused at their wrong byte") {
    Body id;
    id.set("eventId", "\"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0g\"");
    check_refused(id, fw::Errc::malformed, id.offset("eventId") + 1 + 31, "eventId: event id: not a hex digit");
    Body type;
    type.set("eventType", "\"contact.Created\"");
    CHECK(type.decode().error().offset() == type.offset("eventType") + 1 + 8);
    Body long_type;
    long_type.set("eventType", "\"a." + std::string(127, 'b') + "\"");
    CHECK(long_type.decode().error() == fw::Errc::limit_exceeded);
    CHECK(long_type.decode().error().offset() == long_type.offset("eventType"));
    Body time;
    time.set("eventTimestamp", "\"2026-06-31T23:45:00Z\"");
    CHECK(time.decode().error() == fw::Errc::malformed);
    CHECK(time.decode().error().offset() == time.offset("eventTimestamp") + 1 + 8);
    // an escape before the fault: then the place is the value's start
    Body escaped;
    escaped.set("eventType", "\"\\u0063ontact.Created\"");
    CHECK(escaped.decode().error().offset() == escaped.offset("eventType"));
    CHECK(Body().set("eventType", "\"\\u0063ontact.created\"").decode()->event_type == "contact.created");
}

TEST_CASE("envelope: refuses broken JSON, a byte order mark and anything after the object") {
    const std::string text = Body().text();
    for (const std::string& body : {text + "x", text + "\0"s, text + text, "\xef\xbb\xbf" + text, "[" + text + "]"}) {
        const auto decoded = fw::decode_envelope(fw::bytes_of(body));
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error() == fw::Errc::malformed);
        CHECK(decoded.error().offset() == (body.starts_with(text) ? text.size() : 0));
    }
    for (std::size_t size = 0; size < text.size(); ++size) {
        const auto decoded = fw::decode_envelope(fw::bytes_of(text.substr(0, size)));
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error().offset() <= size);
    }
}

TEST_CASE("envelope: refuses a body over its limit before looking at it") {
    const std::string text = Body().text();
    CHECK(fw::decode_envelope(fw::bytes_of(text), text.size()));
    const auto over = fw::decode_envelope(fw::bytes_of(text), text.size() - 1);
    REQUIRE_FALSE(over);
    CHECK(over.error() == fw::Errc::limit_exceeded);
    CHECK(over.error().offset() == text.size() - 1);
    const std::string spaced = text + std::string(fw::body_bytes_max_default - text.size(), ' ');
    CHECK(fw::decode_envelope(fw::bytes_of(spaced)));
    CHECK(fw::decode_envelope(fw::bytes_of(spaced + " ")).error() == fw::Errc::limit_exceeded);
}

TEST_CASE("envelope: nesting counts from the body's own brace, in reading and in writing") {
    const auto data = [](int levels) {
        return "{\"a\":" + std::string(static_cast<std::size_t>(levels - 1), '[') +
               std::string(static_cast<std::size_t>(levels - 1), ']') + "}";
    };
    const auto deepest = Body().set("data", data(63)).decode();
    REQUIRE(deepest);
    CHECK(fw::encode_envelope(*deepest));
    CHECK(Body().set("data", data(64)).decode().error() == fw::Errc::limit_exceeded);
    CHECK(Body().set("data", data(200'000)).decode().error() == fw::Errc::limit_exceeded);

    fw::Envelope envelope = sample();
    envelope.data = fw::JsonObject::parse(data(64)).value();
    CHECK(fw::encode_envelope(envelope).error() == fw::Errc::limit_exceeded);
    envelope.data = fw::JsonObject::parse("{\"a\":\"" + std::string(100, '[') + "\"}").value();
    CHECK(fw::encode_envelope(envelope));
    envelope.extra = {{"x", std::string(64, '[') + std::string(64, ']')}};
    CHECK(fw::encode_envelope(envelope).error() == fw::Errc::limit_exceeded);
}

TEST_CASE("envelope: the timestamp's text is kept, and written with three fractional digits") {
    for (const auto& [text, written] : std::vector<std::pair<std::string, std::string>>{
             {"2026-06-10T23:45:00Z", "2026-06-10T23:45:00.000Z"},
             {"2026-06-10T23:45:00.1Z", "2026-06-10T23:45:00.100Z"},
             {"2026-06-10T23:45:00.123456789Z", "2026-06-10T23:45:00.123Z"}}) {
        const auto envelope = Body().set("eventTimestamp", "\"" + text + "\"").decode().value();
        CHECK(envelope.timestamp_text == text);
        CHECK(fw::encode_envelope(envelope).value() == Body().set("eventTimestamp", "\"" + written + "\"").text());
    }
    fw::Envelope envelope = sample();
    envelope.timestamp = fw::Timestamp::max();
    CHECK(fw::encode_envelope(envelope).error() == fw::Errc::out_of_range);
}

TEST_CASE("envelope: any apiVersion is kept, escaped as needed") {
    for (const auto& [json, text] : std::vector<std::pair<std::string, std::string>>{
             {"\"v2\"", "v2"}, {"\"\"", ""}, {R"("\"\\\n\u0000\u001F/é😀")", "\"\\\n\0\x1f/é😀"s}}) {
        const auto envelope = Body().set("apiVersion", json).decode().value();
        CHECK(envelope.api_version == text);
        CHECK(fw::encode_envelope(envelope).value() == Body().set("apiVersion", json).text());
    }
    fw::Envelope envelope = sample();
    envelope.api_version = "v\xff";
    CHECK(fw::encode_envelope(envelope).error() == fw::Errc::malformed);
}

TEST_CASE("envelope: an extra field that cannot be read again is not written") {
    const std::vector<std::vector<fw::ExtraField>> bad = {
        {{"data", "1"}},
        {{"a", "1"}, {"b", "2"}, {"a", "3"}},
        {{"a", ""}},
        {{"a", "1,2"}},
        {{"a", "1}"}},
        {{"a", "{\"b\":}"}},
        {{"a", "\"\\udc00\""}},
        {{"a", "\"\xff\""}},
        {{"\xff", "1"}},
        {{"a", "// 1"}},
    };
    for (const auto& extra : bad) {
        fw::Envelope envelope = sample();
        envelope.extra = extra;
        const auto written = fw::encode_envelope(envelope);
        REQUIRE_FALSE(written);
        CHECK(written.error() == fw::Errc::malformed);
    }
    fw::Envelope envelope = sample();
    envelope.extra = {{"a", " [1] "}, {"b", "\"x\""}};
    CHECK(fw::decode_envelope(fw::bytes_of(fw::encode_envelope(envelope).value()))->extra ==
          std::vector<fw::ExtraField>{{"a", "[1]"}, {"b", "\"x\""}});
}

TEST_CASE("envelope: data is typed only for its own event and version") {
    const fw::Envelope envelope = sample();
    CHECK(envelope.data_as<fw::ContactStatusChanged>());
    CHECK(envelope.data_as<fw::ContactCreated>().error() == fw::Errc::wrong_type);
    fw::Envelope other_version = envelope;
    other_version.api_version = "v2";
    CHECK(other_version.data_as<fw::ContactStatusChanged>().error() == fw::Errc::wrong_type);
}

TEST_CASE("envelope: an error in typed data names the field and its place in data") {
    const auto envelope = Body().set("data", R"({"contactId":"9876"})").decode().value();
    const auto event = envelope.data_as<fw::ContactStatusChanged>();
    REQUIRE_FALSE(event);
    CHECK(event.error() == fw::Errc::malformed);
    CHECK(event.error().detail() == "data: contactId: an integer is needed");
    CHECK(event.error().offset() == 13);
}

TEST_CASE("envelope: survives writing and reading, whatever it holds") {
    std::mt19937_64 engine(11);
    const std::vector<std::string> versions = {"v1", "v2", "", "\x01\"\\é", "日本"};
    for (int i = 0; i < 500; ++i) {
        std::array<std::byte, 16> id{};
        for (std::byte& byte : id) byte = static_cast<std::byte>(engine());
        fw::Envelope envelope{.event_id = fw::EventId(id),
                              .event_type = fw::EventType::parse(i % 2 ? "payment.failed" : "a.b.c_2").value(),
                              .timestamp = fw::Timestamp(std::chrono::milliseconds(engine() % 253'402'300'800'000)),
                              .location_id = fw::LocationId(static_cast<std::int32_t>(engine())),
                              .organization_id = fw::OrganizationId(static_cast<std::int32_t>(engine())),
                              .api_version = versions[engine() % versions.size()]};
        if (i % 3 == 0) envelope.data = fw::JsonObject::parse("{ \"n\" : " + std::to_string(engine()) + " }").value();
        if (i % 5 == 0) envelope.extra = {{"k" + std::to_string(engine()), "\"\\t\""}, {"\n", "[]"}};
        const std::string body = fw::encode_envelope(envelope).value();
        CHECK(fw::decode_envelope(fw::bytes_of(body)).value() == envelope);
    }
}
