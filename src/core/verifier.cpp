#include <fpt_webhooks/core/verifier.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <new>
#include <string>

#include "core/declassify.hpp"
#include "core/key_set.hpp"
#include "core/scheme_key.hpp"
#include "core/signature_header.hpp"

namespace fpt_webhooks::inline v0_1 {

struct Verifier::State {
    Scheme scheme;
    std::chrono::seconds tolerance;
    std::shared_ptr<const Clock> clock;
    std::shared_ptr<const detail::KeySet> own_keys;  // or a ring
    std::shared_ptr<KeyRing> ring;
};

namespace {

// A longer tolerance switches the check off for all practice; the bound keeps seconds in milliseconds from overflowing.
constexpr std::chrono::seconds tolerance_max = std::chrono::years(100);

// "by 301 s", kept under 16 characters so that it costs no allocation.
std::string distance_text(std::uint64_t seconds) {
    constexpr std::uint64_t seconds_max = 99'999'999;
    return seconds > seconds_max ? "by over 3 years" : "by " + std::to_string(seconds) + " s";
}

// Wall time as whole seconds: the senders' clocks are floored alike.
Result<std::optional<Timestamp>> check_time(const Verifier::State& state, std::uint64_t signed_seconds, Timestamp now) {
    if (!detail::has_timestamp(state.scheme)) return std::optional<Timestamp>();
    const auto now_seconds = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()));
    const auto tolerance = static_cast<std::uint64_t>(state.tolerance.count());
    if (now_seconds > signed_seconds && now_seconds - signed_seconds > tolerance) {
        return Error(Errc::timestamp_too_old, distance_text(now_seconds - signed_seconds));
    }
    if (signed_seconds > now_seconds && signed_seconds - now_seconds > tolerance) {
        return Error(Errc::timestamp_in_future, distance_text(signed_seconds - now_seconds));
    }
    return std::optional(Timestamp(std::chrono::seconds(static_cast<std::int64_t>(signed_seconds))));
}

// What the headers alone have been found to say.
struct Admitted {
    detail::PresentedSignature presented;
    std::optional<Timestamp> signed_at = {};
    Timestamp now = {};
};

// Fills `out` with everything that is known before the body is read, or refuses.
Result<void> admit(const Verifier::State& state, const detail::KeySet& set, const Headers& headers, Admitted& out) {
    if (auto parsed = detail::parse_signature(state.scheme, headers, out.presented); !parsed) return parsed;
    out.now = state.clock->now();
    auto signed_at = check_time(state, out.presented.seconds, out.now);
    if (!signed_at) return signed_at.error();
    out.signed_at = *signed_at;
    const auto valid_now = [&out](const auto& key) { return key.valid_at(out.now); };
    if (std::none_of(set.keys.begin(), set.keys.end(), valid_now)) return Error(Errc::no_active_secret);
    return {};
}

// The HMACs of one body under every secret that is valid now.
class BodyCheck {
  public:
    // The array stays unset past count_: clearing it would cost more than the HMAC's own set-up.
    BodyCheck(const detail::KeySet& set, const Admitted& admitted) noexcept : set_(&set) {
        for (std::size_t i = 0; i < set.keys.size(); ++i) {
            const detail::KeySet::Key& key = set.keys[i];
            if (!key.valid_at(admitted.now)) continue;
            running_[count_].key = i;
            running_[count_].context = key.hmac.inner();
            ++count_;
        }
        std::array<char, detail::message_id_bytes_max + detail::timestamp_digits_max + 2> prefix;
        char* end = prefix.data();
        for (const std::string_view part : {admitted.presented.id, admitted.presented.timestamp}) {
            if (part.empty()) continue;
            end = std::copy(part.begin(), part.end(), end);
            *end++ = '.';
        }
        update(bytes_of({prefix.data(), static_cast<std::size_t>(end - prefix.data())}));
    }

    void update(ByteView bytes) noexcept {
        for (std::size_t i = 0; i < count_; ++i) detail::sha256_update(running_[i].context, bytes);
    }

    // Every secret is tried against every signature, and nothing branches on how a comparison went before all are done.
    Result<Verification> finish(const Admitted& admitted) noexcept {
        std::uint32_t matched = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            detail::Digest expected;
            set_->keys[running_[i].key].hmac.finish(running_[i].context, expected);
            for (std::size_t k = 0; k < admitted.presented.count; ++k) {
                const auto& candidate = admitted.presented.signatures[k];
                // In halves: OpenSSL compares 16 bytes several times as fast as any other number of them.
                const int difference = CRYPTO_memcmp(&expected[0], &candidate[0], expected.size() / 2) |
                                       CRYPTO_memcmp(&expected[16], &candidate[16], expected.size() / 2);
                matched |= static_cast<std::uint32_t>(difference == 0) << running_[i].key;
            }
            OPENSSL_cleanse(expected.data(), expected.size());
        }
        count_ = 0;
        FPT_WEBHOOKS_DECLASSIFY(matched);
        if (matched == 0) return Error(Errc::signature_mismatch);
        const auto index = static_cast<std::size_t>(std::countr_zero(matched));
        const detail::KeySet::Key& key = set_->keys[index];
        if (key.use) key.use->record(admitted.now);
        return Verification{.secret_index = index, .signed_at = admitted.signed_at, .secret_label = key.label};
    }

  private:
    struct Running {
        std::size_t key;
        SHA256_CTX context;
    };

    const detail::KeySet* set_;
    std::size_t count_ = 0;
    std::array<Running, verifier_secrets_max> running_;
};

Result<Verification> verify_with(const Verifier::State& state, const detail::KeySet& set, const Headers& headers,
                                 ByteView body) {
    Admitted admitted;
    if (auto result = admit(state, set, headers, admitted); !result) return result.error();
    BodyCheck check(set, admitted);
    check.update(body);
    return check.finish(admitted);
}

Error option_error(const std::string& what) { return {Errc::invalid_argument, what}; }

}  // namespace

Result<Verifier> Verifier::create(VerifierOptions options) {
    if (auto checked = detail::check_scheme(options.scheme); !checked) return checked.error().in("scheme");
    const auto tolerance = options.tolerance.value_or(options.scheme.tolerance);
    if (tolerance < std::chrono::seconds(0) || tolerance > tolerance_max) {
        return option_error("tolerance: outside 0 to 100 years");
    }
    State state{options.scheme, tolerance, options.clock ? std::move(options.clock) : system_clock(), nullptr, nullptr};
    if (options.key_ring) {
        if (!options.secrets.empty()) return option_error("secrets: given beside a key_ring");
        if (!(options.key_ring->scheme() == options.scheme)) {
            return option_error("key_ring: made for the scheme " + std::string(options.key_ring->scheme().name));
        }
        state.ring = std::move(options.key_ring);
    } else {
        auto keys = detail::KeySet::make(options.scheme, options.secrets);
        if (!keys) return std::move(keys).error();
        state.own_keys = *std::move(keys);
    }
    return Verifier(std::make_shared<const State>(std::move(state)));
}

Result<Verification> Verifier::verify(const Headers& headers, ByteView body) const {
    if (!state_->ring) return verify_with(*state_, *state_->own_keys, headers, body);
    const KeyRing::State::Reading reading(*state_->ring->state_);
    return verify_with(*state_, reading.set(), headers, body);
}

const Scheme& Verifier::scheme() const noexcept { return state_->scheme; }

struct Verifier::Stream::Core {
    std::shared_ptr<const detail::KeySet> keys;  // a body may take its time, and a ring be set meanwhile
    Admitted admitted;
    BodyCheck check;

    static Core& in(Stream& stream) noexcept { return *std::launder(reinterpret_cast<Core*>(stream.storage_.data())); }
};

Verifier::Stream::Stream() noexcept = default;

Verifier::Stream::Stream(Stream&& other) noexcept { ::new (storage_.data()) Core(std::move(Core::in(other))); }

Verifier::Stream::~Stream() { Core::in(*this).~Core(); }

Result<Verifier::Stream> Verifier::begin(const Headers& headers) const {
    static_assert(sizeof(Stream::Core) <= Stream::core_bytes);
    const auto keys =
        state_->ring ? KeyRing::State::Reading(*state_->ring->state_).set().shared_from_this() : state_->own_keys;
    Admitted admitted;
    if (auto result = admit(*state_, *keys, headers, admitted); !result) return result.error();
    Stream stream;
    ::new (stream.storage_.data()) Stream::Core{keys, admitted, BodyCheck(*keys, admitted)};
    return stream;
}

void Verifier::Stream::update(ByteView chunk) noexcept { Core::in(*this).check.update(chunk); }

Result<Verification> Verifier::Stream::finish() noexcept {
    Core& core = Core::in(*this);
    return core.check.finish(core.admitted);
}

}  // namespace fpt_webhooks::inline v0_1
