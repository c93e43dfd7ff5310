// What every DeadLetterStore does, as one suite: call it from a test case of each backend.
#pragma once

#include <fpt_webhooks/receiver/dead_letter_store.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

struct DeadLetterBackend {
    // A store that holds nothing, with room for at least `letters_max` and, if it has a limit at all, no more.
    std::function<std::shared_ptr<fpt_webhooks::DeadLetterStore>(std::size_t letters_max)> open;
};

namespace dead_letter_contract {

namespace fw = fpt_webhooks;

inline fw::NewDeadLetter letter(std::string_view id, std::string_view body = "the body",
                                std::string_view endpoint = "crm") {
    return {.key = {endpoint, id},
            .event_type = "contact.created",
            .reason = fw::DeadLetterReason::handler_failed,
            .detail = "no such contact",
            .failures = 3,
            .received_at = fw::Timestamp(std::chrono::seconds(1717023600)),
            .body = fw::bytes_of(body)};
}

inline std::vector<std::string> keys_of(const fw::DeadLetterPage& page) {
    std::vector<std::string> keys;
    for (const fw::DeadLetter& letter : page.letters) keys.push_back(letter.idempotency_key);
    return keys;
}

using Keys = std::vector<std::string>;

}  // namespace dead_letter_contract

inline void check_dead_letter_store_contract(const DeadLetterBackend& backend) {
    using namespace dead_letter_contract;
    const auto store = backend.open(3);

    SECTION("a letter is kept as it was given, any bytes of it") {
        const std::string body("\0\xff{\"a\":1}\n", 10);
        const std::string id("\0\xff", 2);
        auto given = letter(id, body);
        given.profile = fw::Profile::ufp;
        given.reason = fw::DeadLetterReason::unreadable;
        given.event_type = "";
        given.failures = 0;
        store->add(given).value();
        const auto page = store->page("", {}, 10).value();
        REQUIRE(page.letters.size() == 1);
        CHECK_FALSE(page.next.has_value());
        CHECK(page.letters[0] == fw::DeadLetter{.id = fw::DeadLetterId(1),
                                                .endpoint = "crm",
                                                .idempotency_key = id,
                                                .profile = fw::Profile::ufp,
                                                .event_type = "",
                                                .reason = fw::DeadLetterReason::unreadable,
                                                .detail = "no such contact",
                                                .failures = 0,
                                                .received_at = given.received_at,
                                                .body = body});
    }
    SECTION("the same key again takes the place of the one before, under its id, also in a full store") {
        for (const char* id : {"a", "b", "c"}) store->add(letter(id)).value();
        CHECK(store->add(letter("b", "another body")).has_value());
        CHECK(store->add(letter("d")).error() == fw::Errc::store_full);
        CHECK(store->add(letter("d")).error() == fw::Condition::transient);
        const auto page = store->page("", {}, 10).value();
        CHECK(keys_of(page) == Keys{"a", "b", "c"});
        CHECK(page.letters[1].id == fw::DeadLetterId(2));
        CHECK(page.letters[1].body == "another body");
    }
    SECTION("pages go by ids, of one endpoint or of all") {
        store->add(letter("a")).value();
        store->add(letter("b", "", "billing")).value();
        store->add(letter("a", "", "billing")).value();
        CHECK(keys_of(store->page("crm", {}, 10).value()) == Keys{"a"});
        CHECK(keys_of(store->page("billing", {}, 10).value()) == Keys{"b", "a"});
        CHECK(store->page("nobody", {}, 10)->letters.empty());
        const auto first = store->page("", {}, 2).value();
        CHECK(keys_of(first) == Keys{"a", "b"});
        REQUIRE(first.next.has_value());
        const auto rest = store->page("", *first.next, 2).value();
        CHECK(keys_of(rest) == Keys{"a"});
        CHECK_FALSE(rest.next.has_value());
    }
    SECTION("what is removed is gone, makes room, and its number is never used again") {
        for (const char* id : {"a", "b", "c"}) store->add(letter(id)).value();
        store->remove(fw::DeadLetterId(3)).value();
        CHECK(store->remove(fw::DeadLetterId(3)).error() == fw::Errc::not_found);
        store->add(letter("d")).value();
        const auto page = store->page("", {}, 10).value();
        CHECK(keys_of(page) == Keys{"a", "b", "d"});
        CHECK(page.letters[2].id == fw::DeadLetterId(4));
    }
    SECTION("a key outside its limits is refused") {
        CHECK(store->add(letter("")).error() == fw::Errc::invalid_argument);
        CHECK(store->add(letter("a", "", "")).error() == fw::Errc::invalid_argument);
        CHECK(store->add(letter(std::string(fw::idempotency_key_bytes_max + 1, 'x'))).error() ==
              fw::Errc::invalid_argument);
    }
}
