#include "cli/program.hpp"
#include "cli/text.hpp"
#include "support/catch.hpp"

using namespace cli_test;

namespace {

constexpr std::size_t fpt_events = 32;
constexpr std::size_t ufp_events = 52;

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("fpt-webhooks: events lists both catalogues in columns") {
    const Ended ended = run_program({"events"});
    CHECK(ended.status == 0);
    CHECK(ended.err == "");
    CHECK(count_of(ended.out, '\n') == fpt_events + ufp_events + 3);
    CHECK(has_line(ended.out, "FITPROTRACKER (fpt)        SINCE  PII              DATA"));
    CHECK(has_line(ended.out,
                   "contact.status_changed     v1.1   identity         "
                   "contactId, previousStatusId, newStatusId"));
    CHECK(has_line(ended.out, "message.sms_failed         v1.3   message_content  not published yet"));
    CHECK(has_line(ended.out, "FITNESSFORCE (ufp)                    CATEGORY           SENT WHEN"));
    CHECK(has_line(ended.out, "clt_birthday                          Notifications      a client's birthday"));
}

TEST_CASE("fpt-webhooks: events --vendor keeps one catalogue") {
    CHECK(count_of(run_program({"events", "--vendor", "fpt"}).out, '\n') == fpt_events + 1);
    CHECK(count_of(run_program({"events", "--vendor", "ufp"}).out, '\n') == ufp_events + 1);
    const Ended ended = run_program({"events", "--vendor", "acme"});
    CHECK(ended.status == 2);
    CHECK(ended.err == "fpt-webhooks: --vendor: acme not in {fpt,ufp}\n  see fpt-webhooks events --help\n");
}

TEST_CASE("fpt-webhooks: events takes a family in each vendor's terms, whatever the case") {
    const std::string contacts = run_program({"events", "contact"}).out;
    CHECK(count_of(contacts, '\n') == 6);
    CHECK(run_program({"events", "contact.*"}).out == contacts);
    CHECK(run_program({"events", "CONTACT"}).out == contacts);
    const std::string billing = run_program({"events", "billing & payment"}).out;
    CHECK(count_of(billing, '\n') == 11);
    CHECK(has_line(billing, "invoice_voided                  Billing & Payment  an invoice is voided"));
}

TEST_CASE("fpt-webhooks: events shows all that is known of one event") {
    CHECK(run_program({"events", "contact.sub_group_changed"}).out ==
          "contact.sub_group_changed: a contact moved to another sub-group\n"
          "FitProTracker v1.1\n"
          "personal data: identity\n"
          "\n"
          "FIELD               TYPE   NEEDED  PII  WHAT\n"
          "contactId           int32  yes     -    the contact, within the envelope's location\n"
          "previousSubGroupId  int32  no      -    the sub-group before; absent when the contact was in none\n"
          "newSubGroupId       int32  no      -    the sub-group after; absent when the contact is in none\n");
    CHECK(run_program({"events", "payment.failed"}).out ==
          "payment.failed: a payment fails\n"
          "FitProTracker v1.2 (on the roadmap: its data stays raw)\n"
          "personal data: financial\n");
    CHECK(has_line(run_program({"events", "new_lead_created"}).out, "newlead_created     Sales     a lead is new"));
}

TEST_CASE("fpt-webhooks: events --json prints one event a line") {
    CHECK(run_program({"events", "contact.created", "--json"}).out ==
          R"({"vendor":"fpt","event":"contact.created","family":"contact","since":"v1.1","shipped":true,)"
          R"("description":"a contact is new","pii":["identity"],"fields":[)"
          R"({"name":"contactId","type":"int32","required":true,"pii":null,)"
          R"("description":"the contact, within the envelope's location"},)"
          R"({"name":"operation","type":"string","required":false,"pii":null,"description":"\"create\""}]})"
          "\n");
    CHECK(run_program({"events", "trial_created", "--json"}).out ==
          R"({"vendor":"ufp","event":"trial_created","family":"Sales","description":"a client gets a trial"})"
          "\n");
    CHECK(count_of(run_program({"--json", "events"}).out, '\n') == fpt_events + ufp_events);
}

TEST_CASE("fpt-webhooks: events says that there is no such event") {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"events", "contact.\x1b[2J"}, {"events", "Sales", "--vendor", "fpt"}}) {
        const Ended ended = run_program(arguments);
        CHECK(ended.status == 6);
        CHECK(ended.out == "");
        CHECK(ended.err.find(": no such event or family\n  fpt-webhooks events lists all") != std::string::npos);
        CHECK(ended.err.find('\x1b') == std::string::npos);
    }
}
