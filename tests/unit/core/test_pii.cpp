#include <fpt_webhooks/core/pii.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using fw::PiiCategories;
using fw::PiiCategory;

static_assert(PiiCategories::all().contains(PiiCategories()) && !PiiCategories().contains(PiiCategories::all()));
static_assert(sizeof(PiiCategories) <= 4);

TEST_CASE("PII categories: are read back by their names, and by nothing else") {
    for (const PiiCategory category : fw::pii_category_values) {
        INFO(fw::name_of(category));
        CHECK(fw::parse_pii_category(fw::name_of(category)).value() == category);
    }
    for (const char* name :
         {"", "Identity", "identity ", "contact-details", "health", "unknown", "none", "identityx"}) {
        INFO(name);
        const auto parsed = fw::parse_pii_category(name);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error() == fw::Errc::invalid_argument);
        CHECK(parsed.error().detail() ==
              "PII category: one of identity, contact_details, demographics, financial, message_content");
    }
    CHECK(fw::name_of(static_cast<PiiCategory>(99)) == "unknown");
}

TEST_CASE("PII categories: are all but the last two by default") {
    const PiiCategories chosen;
    CHECK(chosen.contains(PiiCategory::identity));
    CHECK(chosen.contains(PiiCategory::contact_details));
    CHECK(chosen.contains(PiiCategory::demographics));
    CHECK_FALSE(chosen.contains(PiiCategory::financial));
    CHECK_FALSE(chosen.contains(PiiCategory::message_content));
    CHECK(chosen.bits() == 0b00111);  // stored: never to change
}

TEST_CASE("PII categories: are a set") {
    for (const PiiCategory category : fw::pii_category_values) {
        const auto one = PiiCategories::none().with(category);
        CHECK(one.contains(category));
        CHECK(one.with(category) == one);
        CHECK(one.without(category) == PiiCategories::none());
        CHECK(one.without(category).without(category) == PiiCategories::none());
        CHECK(one.to_string() == fw::name_of(category));
        CHECK(PiiCategories::all().contains(category));
        CHECK_FALSE(PiiCategories::none().contains(category));
        CHECK_FALSE(PiiCategories::all().without(category).contains(category));
    }
    CHECK(PiiCategories().to_string() == "identity, contact_details, demographics");
    CHECK(PiiCategories::none().to_string() == "none");
}

TEST_CASE("PII categories: what two allow is what each of them allows") {
    for (std::uint32_t a = 0; a < 32; ++a) {
        for (std::uint32_t b = 0; b < 32; ++b) {
            const auto first = PiiCategories::from_bits(a).value();
            const auto second = PiiCategories::from_bits(b).value();
            for (const PiiCategory category : fw::pii_category_values) {
                CHECK((first & second).contains(category) == (first.contains(category) && second.contains(category)));
            }
            CHECK(first.contains(first & second));
            CHECK(first.contains(second) == ((first & second) == second));
        }
    }
}

TEST_CASE("PII categories: are stored as bits, and a bit that is not known is refused") {
    for (std::uint32_t bits = 0; bits < 32; ++bits) {
        CHECK(PiiCategories::from_bits(bits).value().bits() == bits);
    }
    CHECK(PiiCategories::from_bits(PiiCategories::all().bits()).value() == PiiCategories::all());
    for (unsigned bit = 5; bit < 32; ++bit) {
        const auto categories = PiiCategories::from_bits(std::uint32_t{1} << bit | 1);
        REQUIRE_FALSE(categories);
        CHECK(categories.error() == fw::Errc::out_of_range);
        CHECK(categories.error().detail() == "PII categories: a bit that stands for no category");
    }
}
