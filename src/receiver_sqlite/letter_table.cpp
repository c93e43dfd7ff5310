#include "receiver_sqlite/letter_table.hpp"

#include <string>

#include <fpt_webhooks/receiver_sqlite/sqlite_dead_letters.hpp>

#include "receiver/dedupe_rules.hpp"

namespace fpt_webhooks::inline v0_1::detail {

Result<void> check_event_type(std::string_view event_type) {
    if (event_type.size() <= event_type_bytes_max) return {};
    return Error(Errc::invalid_argument,
                 "event type: at most " + std::to_string(event_type_bytes_max) + " bytes are possible");
}

Result<void> check_letter(const NewDeadLetter& letter) {
    if (auto valid = check_key(letter.key); !valid) return valid;
    return check_event_type(letter.event_type);
}

Result<void> LetterTable::add(const NewDeadLetter& letter, std::size_t letters_max) {
    const Blob type{bytes_of(letter.event_type)};
    const Blob detail{bytes_of(letter.detail.substr(0, dead_letter_detail_bytes_max))};
    const Blob body{letter.body};
    const Blob endpoint{bytes_of(letter.key.endpoint)};
    const Blob key{bytes_of(letter.key.id)};
    replace_.run(letter.profile, type, letter.reason, detail, letter.failures, letter.received_at, body, endpoint, key);
    if (database_.changed_rows() == 1) return {};
    if (static_cast<std::size_t>(counters_.now.letters) >= letters_max) {
        return Error(Errc::store_full, "all " + std::to_string(letters_max) + " places for dead letters are taken");
    }
    insert_.run(counters_.now.last_letter + 1, letter.profile, type, letter.reason, detail, letter.failures,
                letter.received_at, body, endpoint, key);
    ++counters_.now.last_letter;
    ++counters_.now.letters;
    return {};
}

DeadLetterPage LetterTable::page(std::string_view endpoint, DeadLetterId after, std::size_t max) {
    DeadLetterPage page;
    const Blob name{bytes_of(endpoint)};
    Run row = endpoint.empty() ? all_(after.value(), max) : of_endpoint_(after.value(), name, max);
    std::size_t bytes = 0;
    while (row.next()) {
        DeadLetter letter{.id = DeadLetterId(row.integer(0)),
                          .endpoint = std::string(row.text(1)),
                          .idempotency_key = std::string(row.text(2)),
                          .profile = row.as<Profile>(3),
                          .event_type = std::string(row.text(4)),
                          .reason = row.as<DeadLetterReason>(5),
                          .detail = std::string(row.text(6)),
                          .failures = row.as<std::uint32_t>(7),
                          .received_at = row.time(8),
                          .body = std::string(row.text(9))};
        bytes += letter.body.size();
        page.letters.push_back(std::move(letter));
        if (page.letters.size() == max || bytes > dead_letter_page_bytes_max) {
            page.next = page.letters.back().id;
            break;
        }
    }
    return page;
}

Result<void> LetterTable::remove(DeadLetterId id) {
    remove_.run(id.value());
    if (database_.changed_rows() == 0) {
        return Error(Errc::not_found, std::string("dead letter ").append(std::to_string(id.value())));
    }
    --counters_.now.letters;
    return {};
}

}  // namespace fpt_webhooks::inline v0_1::detail
