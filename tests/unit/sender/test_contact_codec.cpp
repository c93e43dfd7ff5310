#include <fpt_webhooks/sender/contact_codec.hpp>

#include <random>

#include "support/catch.hpp"
#include "unit/sender/contacts.hpp"

namespace fw = fpt_webhooks;
using contacts::contact;
using contacts::in_sub_group;
using namespace std::string_literals;

namespace {

fw::ContactWindow window() {
    return {.before = contact(1),
            .last = in_sub_group(contact(3, "0123456789"), 7),
            .changed = true,
            .opened_at = contacts::start,
            .last_change_at = contacts::start + std::chrono::seconds(2),
            .changed_at = contacts::start - std::chrono::seconds(1),
            .ids = contacts::ids(9)};
}

// Decoding fails, and says where.
template <class Decode>
void check_refused(Decode decode, const std::string& record, std::size_t offset, const std::string& detail) {
    const auto decoded = decode(record);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error() == fw::Errc::malformed);
    CHECK(decoded.error().offset() == offset);
    CHECK(decoded.error().detail() == detail);
}

std::string with_byte(std::string record, std::size_t at, char byte) {
    record[at] = byte;
    return record;
}

}  // namespace

TEST_CASE("contact codec: a state is written as the header says") {
    CHECK(fw::encode_contact_state(contact(1)).value() ==
          "S\x01\0\0\0\x07\0\0\0\x03\0\0\x26\x94\0\0\0\x01\0\0\x01"s + "f");
    auto state = contacts::as_deleted(in_sub_group(contact(-1, ""), -2));
    CHECK(fw::encode_contact_state(state).value() ==
          "S\x01\0\0\0\x07\0\0\0\x03\0\0\x26\x94\xff\xff\xff\xff\x03\xff\xff\xff\xfe\0\0"s);
}

TEST_CASE("contact codec: states and windows are read as they were written") {
    for (const auto& state :
         {fw::ContactState(), contact(1), contacts::as_deleted(contact(7, "")), in_sub_group(contact(1, "a\0\xff"s), 0),
          in_sub_group(contact(1, std::string(fw::contact_fingerprint_bytes_max, 'x')), -1)}) {
        CHECK(fw::decode_contact_state(fw::encode_contact_state(state).value()).value() == state);
    }
    for (unsigned flags = 0; flags < 16; ++flags) {
        auto one = window();
        if ((flags & 1) != 0) one.before.reset();
        one.created = (flags & 2) != 0;
        one.changed = (flags & 4) != 0;
        one.deleted = (flags & 8) != 0;
        const auto read = fw::decode_contact_window(fw::encode_contact_window(one).value()).value();
        CHECK(read == one);
        CHECK(read.close().events == one.close().events);
    }
}

TEST_CASE("contact codec: does not write what it would not read") {
    auto state = contact(1, std::string(fw::contact_fingerprint_bytes_max + 1, 'x'));
    CHECK(fw::encode_contact_state(state).error() == fw::Errc::limit_exceeded);
    CHECK(fw::encode_contact_state(state).error().detail() == "contact state: fingerprint: over 256 bytes");
    auto one = window();
    one.before = state;
    CHECK(fw::encode_contact_window(one).error() == fw::Errc::limit_exceeded);
    one = window();
    one.last = state;
    CHECK(fw::encode_contact_window(one).error() == fw::Errc::limit_exceeded);
    one = window();
    one.before->location_id = fw::LocationId(8);
    CHECK(fw::encode_contact_window(one).error().detail() == "contact window: before: another contact");
    one = window();
    one.last_change_at = one.opened_at - std::chrono::milliseconds(1);
    CHECK(fw::encode_contact_window(one).error().detail() == "contact window: last_change_at: before opened_at");
    for (auto field :
         {&fw::ContactWindow::opened_at, &fw::ContactWindow::last_change_at, &fw::ContactWindow::changed_at}) {
        one = window();
        one.*field = fw::Timestamp::max();
        CHECK(fw::encode_contact_window(one).error() == fw::Errc::out_of_range);
    }
}

TEST_CASE("contact codec: refuses a malformed state, and says where") {
    const auto state = fw::encode_contact_state(in_sub_group(contact(1), 5)).value();
    const auto decode = [](const std::string& record) { return fw::decode_contact_state(record); };
    check_refused(decode, "", 0, "contact state: cut short");
    check_refused(decode, "W" + state.substr(1), 1, "contact state: a record of another kind");
    check_refused(decode, with_byte(state, 1, 2), 2, "contact state: a record of another version");
    check_refused(decode, with_byte(state, 18, 4), 19, "contact state: a flag that is not known");
    check_refused(decode, with_byte(state, 18, 0), 21, "contact state: bytes after the end");
    check_refused(decode, with_byte(state, 23, 1), 25, "contact state: a fingerprint over its limit");
    check_refused(decode, with_byte(state, 24, 2), 25, "contact state: cut short");
    check_refused(decode, state + '\0', state.size(), "contact state: bytes after the end");
}

TEST_CASE("contact codec: refuses a malformed window, and says where") {
    const auto record = fw::encode_contact_window(window()).value();
    const auto decode = [](const std::string& text) { return fw::decode_contact_window(text); };
    check_refused(decode, "S" + record.substr(1), 1, "contact window: a record of another kind");
    check_refused(decode, with_byte(record, 1, 0), 2, "contact window: a record of another version");
    check_refused(decode, with_byte(record, 2, 16), 3, "contact window: a flag that is not known");
    check_refused(decode, with_byte(record, 83, 0x7f), 91, "contact window: a time outside the years 0000 to 9999");
    check_refused(decode, with_byte(record, 88, 0x7f), 99, "contact window: a last change before the first");
    const std::size_t before = record.size() - 22;  // without a sub-group, and with one byte of fingerprint
    check_refused(decode, with_byte(record, before + 3, 8), record.size(), "contact window: states of two contacts");
}

TEST_CASE("contact codec: refuses every record that is cut short or has a byte more") {
    const auto state = fw::encode_contact_state(in_sub_group(contact(1, "abc"), 5)).value();
    const auto record = fw::encode_contact_window(window()).value();
    for (std::size_t size = 0; size < state.size(); ++size) {
        CHECK(fw::decode_contact_state(state.substr(0, size)).error() == fw::Errc::malformed);
    }
    for (std::size_t size = 0; size < record.size(); ++size) {
        CHECK(fw::decode_contact_window(record.substr(0, size)).error() == fw::Errc::malformed);
    }
    CHECK(fw::decode_contact_state(state + "x").error().offset() == state.size());
    CHECK(fw::decode_contact_window(record + "x").error().offset() == record.size());
}

TEST_CASE("contact codec: survives any bytes, and accepts only what it writes") {
    const std::string records[] = {fw::encode_contact_state(in_sub_group(contact(1, "abc"), 5)).value(),
                                   fw::encode_contact_window(window()).value(), ""};
    std::size_t accepted = 0;
    for (unsigned seed = 1; seed <= 30'000; ++seed) {
        std::mt19937_64 random(seed);
        std::string record = records[random() % 3];
        for (auto edits = random() % 4; edits > 0; --edits) {
            const std::size_t at = random() % (record.size() + 1);
            const auto byte = static_cast<char>(random() % 2 == 0 ? random() % 4 : random());
            switch (random() % 3) {
                case 0: record.insert(at, 1, byte); break;
                case 1: record.erase(at, random() % 4); break;
                default:
                    if (at < record.size()) record[at] = byte;
            }
        }
        INFO("seed " << seed);
        if (const auto state = fw::decode_contact_state(record)) {
            ++accepted;
            CHECK(fw::encode_contact_state(*state).value() == record);
        }
        if (const auto one = fw::decode_contact_window(record)) {
            ++accepted;
            CHECK(fw::encode_contact_window(*one).value() == record);
            for (const auto& event : one->close().events) CHECK(fw::encode_envelope(event));
        }
    }
    CHECK(accepted > 5'000);  // the test reaches what lies behind the first bytes
}
