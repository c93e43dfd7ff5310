#include <fpt_webhooks/core/secret.hpp>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>

#include "doubles.hpp"
#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::string_literals;

namespace {

template <class T>
concept Printable = requires(std::ostream& stream, const T& value) {
    stream << value;
};

}  // namespace

static_assert(Printable<std::string> && !Printable<fw::Secret>);
static_assert(!std::is_convertible_v<std::string_view, fw::Secret>);

TEST_CASE("secret: keeps every byte of its text") {
    const std::string text = "whsec_\0 é"s;
    const fw::Secret secret(text);
    CHECK(secret.size() == text.size());
    CHECK(secret.reveal() == text);
    CHECK(fw::Secret("").size() == 0);
}

TEST_CASE("secret: is equal byte for byte") {
    const fw::Secret secret("0123456789abcdef0123456789abcdef");
    CHECK(secret == fw::Secret("0123456789abcdef0123456789abcdef"));
    CHECK_FALSE(secret == fw::Secret("0123456789abcdef0123456789abcdeF"));
    CHECK_FALSE(secret == fw::Secret("1123456789abcdef0123456789abcdef"));
    CHECK_FALSE(secret == fw::Secret("0123456789abcdef0123456789abcde"));
    CHECK(fw::Secret("") == fw::Secret(""));
}

TEST_CASE("secret: copies hold bytes of their own, a move leaves nothing behind") {
    fw::Secret secret("a secret of some length, to be on the heap");
    const fw::Secret copy = secret;
    CHECK(copy == secret);
    CHECK(copy.reveal().data() != secret.reveal().data());
    const fw::Secret moved = std::move(secret);
    CHECK(moved == copy);
    CHECK(secret.size() == 0);
    fw::Secret assigned("other");
    assigned = copy;
    CHECK(assigned == copy);
    fw::Secret& same = assigned;
    assigned = same;
    CHECK(assigned == copy);
    fw::Secret target("other");
    target = std::move(assigned);
    CHECK(target == copy);
    CHECK(assigned.size() == 0);
}

TEST_CASE("secret: a fresh one is whsec_ and 43 base64url characters of 256 random bits") {
    doubles::ConstantRandom zeros(0x00);
    CHECK(fw::Secret::generate(zeros)->reveal() == "whsec_" + std::string(43, 'A'));
    doubles::ConstantRandom ones(0xff);
    CHECK(fw::Secret::generate(ones)->reveal() == "whsec_" + std::string(42, '_') + "8");
    // RFC 4648 section 5, without padding, of the bytes 0 to 31
    doubles::CountingRandom counting;
    CHECK(fw::Secret::generate(counting)->reveal() == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
}

TEST_CASE("secret: no randomness, no secret") {
    doubles::FailingRandom random;
    CHECK(fw::Secret::generate(random).error() == fw::Errc::crypto_failed);
}

TEST_CASE("secret: real ones do not repeat") {
    const auto random = fw::system_random();
    std::set<std::string> texts;
    for (int i = 0; i < 100; ++i) {
        const auto secret = fw::Secret::generate(*random).value();
        CHECK(secret.size() == 49);
        texts.emplace(secret.reveal());
    }
    CHECK(texts.size() == 100);
}
