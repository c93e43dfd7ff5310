#include <fpt_webhooks/receiver_sqlite/sqlite_dead_letters.hpp>

#include <fpt_webhooks/receiver_sqlite/sqlite_inbox.hpp>

#include "contract/dead_letter_store_contract.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace fw = fpt_webhooks;
using dead_letter_contract::Keys;
using dead_letter_contract::keys_of;
using dead_letter_contract::letter;

TEST_CASE("sqlite dead letters: keep the contract of every dead letter store") {
    const TemporaryFolder folder;
    check_dead_letter_store_contract({.open = [&](std::size_t letters_max) {
        return fw::SqliteDeadLetters::open({.path = folder.file(), .letters_max = letters_max}).value();
    }});
}

TEST_CASE("sqlite dead letters: those of an inbox keep it too") {
    const TemporaryFolder folder;
    check_dead_letter_store_contract({.open = [&](std::size_t letters_max) -> std::shared_ptr<fw::DeadLetterStore> {
        auto inbox = fw::SqliteInbox::open({.path = folder.file(), .letters_max = letters_max}).value();
        return {inbox, &inbox->dead_letters()};
    }});
}

TEST_CASE("sqlite dead letters: an unusable option is refused by its name") {
    CHECK(fw::SqliteDeadLetters::open({}).error().message() == "invalid argument: path: the name of a file is needed");
    CHECK(fw::SqliteDeadLetters::open({.path = "x", .letters_max = 0}).error().message() ==
          "invalid argument: letters_max: at least 1 is needed");
}

TEST_CASE("sqlite dead letters: are there after the file was closed, and numbers go on") {
    const TemporaryFolder folder;
    const auto open = [&] { return fw::SqliteDeadLetters::open({.path = folder.file()}).value(); };
    open()->add(letter("a")).value();
    open()->remove(fw::DeadLetterId(1)).value();
    open()->add(letter("b")).value();
    const auto page = open()->page("", {}, 10).value();
    CHECK(keys_of(page) == Keys{"b"});
    CHECK(page.letters[0].id == fw::DeadLetterId(2));
}

TEST_CASE("sqlite dead letters: large bodies shorten a page, and an endless detail is cut") {
    const TemporaryFolder folder;
    const auto store = fw::SqliteDeadLetters::open({.path = folder.file()}).value();
    const std::string large(fw::dead_letter_page_bytes_max / 2 + 1, 'x');
    auto long_winded = letter("a", large);
    const std::string detail(fw::dead_letter_detail_bytes_max + 1, 'y');
    long_winded.detail = detail;
    store->add(long_winded).value();
    store->add(letter("b", large)).value();
    store->add(letter("c", large)).value();
    const auto first = store->page("", {}, 10).value();
    CHECK(keys_of(first) == Keys{"a", "b"});
    CHECK(first.letters[0].detail == detail.substr(1));
    REQUIRE(first.next.has_value());
    CHECK(keys_of(store->page("", *first.next, 10).value()) == Keys{"c"});
}
