#include "sender_sqlite/secret_box.hpp"

#include <set>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using fw::detail::SealedSecret;
using fw::detail::SecretBox;

namespace {

constexpr fw::SubscriptionId seven{7};
constexpr const char* text = "whsec_the_secret_that_is_to_be_kept_in_a_box";

SecretBox box_of(std::string_view key) { return SecretBox::create(fw::Secret(key)).value(); }

const SecretBox& box() {
    static const SecretBox one = box_of("an encryption key of 32 bytes ok");
    return one;
}

SealedSecret sealed(std::string_view secret = text) {
    return box().seal(fw::Secret(secret), seven, 3, *fw::system_random()).value();
}

fw::Result<fw::Secret> opened(const SealedSecret& kept, const SecretBox& with = box(), fw::SubscriptionId id = seven,
                              std::uint32_t number = 3) {
    return with.open(kept.nonce, kept.bytes, id, number);
}

}  // namespace

TEST_CASE("secret box: what is sealed opens again, of any size") {
    for (const std::string& secret :
         {std::string(text), std::string(), std::string(5000, 'x'), std::string("\0\xff", 2)}) {
        CHECK(opened(sealed(secret)).value() == fw::Secret(secret));
    }
    CHECK(box().seal(fw::Secret(std::string(70'000, 'x')), seven, 1, *fw::system_random()).error() ==
          fw::Errc::limit_exceeded);
}

TEST_CASE("secret box: nothing of the text shows, and nothing repeats") {
    std::set<std::array<std::byte, 12>> nonces;
    std::set<std::vector<std::byte>> ciphertexts;
    for (int i = 0; i < 100; ++i) {
        const SealedSecret kept = sealed();
        nonces.insert(kept.nonce);
        ciphertexts.insert(kept.bytes);
        CHECK(fw::text_of(kept.bytes).find("whsec") == std::string_view::npos);
    }
    CHECK(nonces.size() == 100);
    CHECK(ciphertexts.size() == 100);
}

TEST_CASE("secret box: another key, subscription or number does not open it") {
    const SealedSecret kept = sealed();
    CHECK(opened(kept, box_of("an encryption key of 32 bytes no")).error() == fw::Errc::crypto_failed);
    CHECK(opened(kept, box(), fw::SubscriptionId(8)).error() == fw::Errc::crypto_failed);
    CHECK(opened(kept, box(), seven, 4).error() == fw::Errc::crypto_failed);
    CHECK(opened(kept).has_value());
}

TEST_CASE("secret box: a changed bit anywhere is found") {
    const SealedSecret kept = sealed();
    for (std::size_t i = 0; i < kept.bytes.size(); ++i) {
        SealedSecret changed = kept;
        changed.bytes[i] ^= std::byte{1};
        REQUIRE(opened(changed).error() == fw::Errc::crypto_failed);
    }
    for (std::size_t i = 0; i < kept.nonce.size(); ++i) {
        SealedSecret changed = kept;
        changed.nonce[i] ^= std::byte{0x80};
        REQUIRE(opened(changed).error() == fw::Errc::crypto_failed);
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{15}, kept.bytes.size() - 1}) {
        SealedSecret changed = kept;
        changed.bytes.resize(size);
        CHECK(opened(changed).error() == fw::Errc::crypto_failed);
    }
    CHECK(box().open(fw::ByteView(kept.nonce).first(11), kept.bytes, seven, 3).error() == fw::Errc::crypto_failed);
}

TEST_CASE("secret box: a key is 32 bytes or 64 hex digits") {
    const std::string hex = "616E20656e6372797074696f6e206b6579206f66203332206279746573206f6b";
    CHECK(opened(sealed(), box_of(hex)).value() == fw::Secret(text));
    for (const std::string& key : {std::string(), std::string(31, 'k'), std::string(33, 'k'), std::string(64, 'k')}) {
        const auto refused = SecretBox::create(fw::Secret(key));
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error() == fw::Errc::invalid_argument);
        CHECK(refused.error().detail() == "encryption_key: 32 bytes, or their 64 hex digits");
    }
}
