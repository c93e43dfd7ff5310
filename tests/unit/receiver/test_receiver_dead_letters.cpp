#include <fpt_webhooks/receiver/dead_letter_store.hpp>

#include <stdexcept>

#include "receiver_fixture.hpp"
#include "recording_store.hpp"
#include "support/catch.hpp"

using namespace receiver_test;

namespace {

struct DeadFixture {
    explicit DeadFixture(fw::ReceiverOptions options = {}) {
        options.dedupe = store;
        options.dead_letters = letters;
        f.emplace(std::move(options));
        f->receiver->on_any([this](const fw::EventView&) {
            ++calls;
            if (handler_fails) throw std::runtime_error("no such contact");
        });
    }

    Journal journal;
    std::shared_ptr<RecordingStore> store = std::make_shared<RecordingStore>(fw::system_clock(), journal);
    std::shared_ptr<RecordingDeadLetters> letters = std::make_shared<RecordingDeadLetters>(journal);
    std::optional<Fixture> f;
    bool handler_fails = true;
    int calls = 0;
};

}  // namespace

TEST_CASE("receiver dead letters: the failure that is one too many is answered 200, its event kept whole") {
    DeadFixture d;
    CHECK(d.f->send({}) == 500);
    CHECK(d.f->send({}) == 500);
    CHECK(d.letters->letters().empty());
    const fw::HttpResponse response = d.f->handle(d.f->sign(FptEvent{}.body()));
    CHECK(response.status == 200);
    CHECK(response.body == "dead_lettered");
    CHECK(d.f->last().error->message() == "handler failed: exception: no such contact");
    CHECK(d.f->last().failures == 2);
    CHECK(d.letters->letters() == std::vector<fw::DeadLetter>{{.id = fw::DeadLetterId(1),
                                                               .endpoint = "crm",
                                                               .idempotency_key = "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e",
                                                               .profile = fw::Profile::fpt,
                                                               .event_type = "contact.status_changed",
                                                               .reason = fw::DeadLetterReason::handler_failed,
                                                               .detail = "handler failed: exception: no such contact",
                                                               .failures = 3,
                                                               .received_at = d.f->clock->now(),
                                                               .body = FptEvent{}.body()}});
    CHECK(d.f->send({}) == 200);
    CHECK(d.f->last().outcome == fw::HandleOutcome::duplicate);
    CHECK(d.calls == 3);
}

TEST_CASE("receiver dead letters: UFP's senders try less often, so the second failure is the last") {
    DeadFixture d({.profile = fw::Profile::ufp});
    const fw::HttpRequest request = d.f->sign(ufp_body("new_lead_created"));
    CHECK(d.f->handle(request).status == 500);
    CHECK(d.f->handle(request).body == "dead_lettered");
    CHECK(d.letters->letters().at(0).event_type == "newlead_created");
    CHECK(d.letters->letters().at(0).profile == fw::Profile::ufp);
}

TEST_CASE("receiver dead letters: the number of failures is the user's choice, and needs a store") {
    DeadFixture d({.failures_max = 1});
    CHECK(d.f->send({}) == 200);
    CHECK(d.f->last().outcome == fw::HandleOutcome::dead_lettered);
    CHECK(fw::Receiver::create({.endpoint = "crm", .secrets = {fw::Secret(secret_text)}, .failures_max = 1})
              .error()
              .detail() == "failures_max: needs dead_letters");
}

TEST_CASE("receiver dead letters: without a store a failing event is answered 500 every time") {
    Fixture f;
    f.receiver->on_any([](const fw::EventView&) { throw std::runtime_error("never"); });
    for (int i = 0; i < 5; ++i) CHECK(f.send({}) == 500);
}

TEST_CASE("receiver dead letters: what is signed but unreadable is kept under the hash of its body") {
    DeadFixture d;
    d.f->receiver->on<fw::ContactStatusChanged>([](const fw::Envelope&, const fw::ContactStatusChanged&) {});
    CHECK(d.f->handle(d.f->sign("not JSON")).body == "dead_lettered");
    CHECK(d.f->handle(d.f->sign("not JSON")).status == 200);
    CHECK(d.f->send({.data = "{}"}) == 200);
    CHECK(d.f->last().error == fw::Errc::malformed);
    const auto letters = d.letters->letters();
    REQUIRE(letters.size() == 2);
    CHECK(letters[0].idempotency_key == fw::ufp_idempotency_key(fw::bytes_of("not JSON")));
    CHECK(letters[0].reason == fw::DeadLetterReason::unreadable);
    CHECK(letters[0].event_type.empty());
    CHECK(letters[0].failures == 0);
    CHECK(letters[0].body == "not JSON");
    CHECK(letters[1].event_type == "contact.status_changed");
    CHECK(letters[1].idempotency_key == fw::ufp_idempotency_key(fw::bytes_of(FptEvent{.data = "{}"}.body())));
    CHECK(d.calls == 0);
}

TEST_CASE("receiver dead letters: what is not signed never gets there") {
    DeadFixture d;
    CHECK(d.f->handle(d.f->sign("not JSON", other_secret_text)).status == 401);
    CHECK(d.letters->letters().empty());
}

TEST_CASE("receiver dead letters: when they cannot be written the sender is asked to try again") {
    DeadFixture d({.failures_max = 2});
    d.letters->fails = true;
    CHECK(d.f->send({}) == 500);
    CHECK(d.f->send({}) == 500);
    CHECK(d.f->last().outcome == fw::HandleOutcome::handler_failed);
    CHECK_THAT(d.f->last().error->message(), Catch::Matchers::Contains("no such contact") &&
                                                 Catch::Matchers::Contains("dead letters: ") &&
                                                 Catch::Matchers::Contains("ten letters"));
    CHECK(d.f->handle(d.f->sign("not JSON")).status == 500);
    CHECK(d.f->last().outcome == fw::HandleOutcome::unreadable);

    d.letters->fails = false;
    CHECK(d.f->send({}) == 200);
    CHECK(d.letters->letters().at(0).failures == 3);
}

TEST_CASE("receiver dead letters: when the mark fails after them the answer is 500, and the lease is kept") {
    DeadFixture d({.failures_max = 1});
    d.store->complete_fails = true;
    CHECK(d.f->send({}) == 500);
    CHECK(d.f->last().outcome == fw::HandleOutcome::store_unavailable);
    CHECK(d.journal.lines() == std::vector<std::string>{"claim", "dead letter", "complete"});
}
