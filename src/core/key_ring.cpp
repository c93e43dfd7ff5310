#include <fpt_webhooks/core/key_ring.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "core/key_set.hpp"
#include "core/scheme_key.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace detail {

Result<std::shared_ptr<KeySet>> KeySet::make(const Scheme& scheme, const std::vector<TimedSecret>& secrets) {
    const auto refused = [](const std::string& what) { return Error(Errc::invalid_argument, what); };
    if (secrets.empty()) return refused("secrets: none given");
    if (secrets.size() > verifier_secrets_max) {
        return refused("secrets: " + std::to_string(secrets.size()) + " given, at most " +
                       std::to_string(verifier_secrets_max) + " are allowed");
    }
    auto set = std::make_shared<KeySet>();
    set->keys.reserve(secrets.size());  // no reallocation: it would leave keys behind in freed memory
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        const TimedSecret& timed = secrets[i];
        std::string where = "secrets[" + std::to_string(i) + "]";
        auto label = SecretLabel::make(timed.label);
        if (!label) return label.error().in(where);
        if (!timed.label.empty()) where += " (" + timed.label + ")";
        auto key = make_key(scheme, timed.secret);
        if (!key) return key.error().in(where);
        if (timed.not_after < timed.not_before) return refused(where + ": ends before it begins");
        set->keys.push_back({*key, timed.not_before, timed.not_after, *label, nullptr});
    }
    return set;
}

void ReaderCounts::wait_until_left() noexcept {
    for (int round = 0; round < 2; ++round) {
        const std::size_t left = side_.load();
        side_.store(1 - left);
        for (const Shard& shard : shards_) {
            while (shard.sides[left].load() != 0) std::this_thread::yield();
        }
    }
}

}  // namespace detail

namespace {

// Secrets that stay go on counting where they were.
void count_uses(detail::KeySet& set, const detail::KeySet* before) {
    for (auto& key : set.keys) {
        const auto same = [&key](const auto& old) { return old.hmac.has_same_key(key.hmac); };
        if (before) {
            const auto found = std::find_if(before->keys.begin(), before->keys.end(), same);
            if (found != before->keys.end()) key.use = found->use;
        }
        if (!key.use) key.use = std::make_shared<detail::KeyUse>();
    }
}

}  // namespace

Result<void> KeyRing::State::set(const std::vector<TimedSecret>& secrets) {
    auto made = detail::KeySet::make(scheme_, secrets);
    if (!made) return std::move(made).error();
    const std::lock_guard lock(mutex_);
    count_uses(**made, owned_.get());
    put(*std::move(made));
    return {};
}

void KeyRing::State::put(std::shared_ptr<const detail::KeySet> set) noexcept {
    current_.store(set.get());
    owned_.swap(set);
    if (set) readers_.wait_until_left();
}

std::vector<SecretUse> KeyRing::State::usage() const {
    const std::lock_guard lock(mutex_);
    std::vector<SecretUse> uses;
    uses.reserve(owned_->keys.size());
    for (const auto& key : owned_->keys) {
        const Timestamp last = key.use->last_used();
        uses.push_back({.label = std::string(key.label.text()),
                        .not_before = key.not_before,
                        .not_after = key.not_after,
                        .uses = key.use->uses(),
                        .last_used = last == Timestamp::min() ? std::nullopt : std::optional(last)});
    }
    return uses;
}

std::shared_ptr<KeyRing> KeyRing::State::copy_of(const KeyRing& ring) {
    auto set = std::make_shared<detail::KeySet>(*keys_of(ring));
    for (auto& key : set->keys) key.use = std::make_shared<detail::KeyUse>();
    return std::shared_ptr<KeyRing>(new KeyRing(std::make_unique<State>(ring.scheme(), std::move(set))));
}

Result<std::shared_ptr<KeyRing>> KeyRing::create(KeyRingOptions options) {
    if (auto checked = detail::check_scheme(options.scheme); !checked) {
        return checked.error().in("scheme");
    }
    auto set = detail::KeySet::make(options.scheme, options.secrets);
    if (!set) return std::move(set).error();
    count_uses(**set, nullptr);
    return std::shared_ptr<KeyRing>(new KeyRing(std::make_unique<State>(options.scheme, *std::move(set))));
}

KeyRing::KeyRing(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
KeyRing::~KeyRing() = default;

Result<void> KeyRing::set(std::vector<TimedSecret> secrets) { return state_->set(secrets); }

Result<void> KeyRing::reload(const Read& read) {
    try {
        auto secrets = read();
        if (!secrets) return std::move(secrets).error();
        return set(*std::move(secrets));
    } catch (const std::exception& exception) {
        return Error(Errc::local_failure, std::string("reading secrets: exception: ") + exception.what());
    } catch (...) {
        return Error(Errc::local_failure, "reading secrets: exception that is no std::exception");
    }
}

std::vector<SecretUse> KeyRing::usage() const { return state_->usage(); }
const Scheme& KeyRing::scheme() const noexcept { return state_->scheme(); }

}  // namespace fpt_webhooks::inline v0_1
