// Some secrets made ready for verifying, and where a verifier finds the ones of the moment.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <fpt_webhooks/core/key_ring.hpp>

#include "core/hmac_sha256.hpp"

namespace fpt_webhooks::inline v0_1::detail {

class KeyUse {
  public:
    void record(Timestamp now) noexcept {
        uses_.fetch_add(1, std::memory_order_relaxed);
        const std::int64_t time = now.time_since_epoch().count();
        // Seldom a write, so that the threads that only look at it need not fetch it again.
        if (last_used_.load(std::memory_order_relaxed) < time) last_used_.store(time, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t uses() const noexcept { return uses_.load(std::memory_order_relaxed); }
    [[nodiscard]] Timestamp last_used() const noexcept {
        return Timestamp(Timestamp::duration(last_used_.load(std::memory_order_relaxed)));
    }

  private:
    std::atomic<std::uint64_t> uses_{0};
    std::atomic<std::int64_t> last_used_{Timestamp::min().time_since_epoch().count()};
};

// Immutable, but for the counts.
struct KeySet : std::enable_shared_from_this<KeySet> {
    struct Key {
        HmacKey hmac;
        Timestamp not_before;
        Timestamp not_after;
        SecretLabel label;
        std::shared_ptr<KeyUse> use;  // null where nobody asks

        [[nodiscard]] bool valid_at(Timestamp now) const noexcept { return not_before <= now && now <= not_after; }
    };

    // Errors: invalid_argument that names the secret.
    static Result<std::shared_ptr<KeySet>> make(const Scheme& scheme, const std::vector<TimedSecret>& secrets);

    std::vector<Key> keys;
};

// Tells a writer when all who were reading have left. Readers never wait, and those of different threads mostly touch
// different cache lines; a writer waits for the readers that it finds. (Two sides, as in a read-copy-update: while one
// runs empty, newcomers go to the other, so that a stream of readers cannot hold a writer up.)
class ReaderCounts {
  public:
    using Count = std::atomic<std::uint32_t>;

    [[nodiscard]] Count& enter() noexcept {
        Count& count = shards_[shard()].sides[side_.load()];
        count.fetch_add(1);
        return count;
    }
    static void leave(Count& count) noexcept { count.fetch_sub(1, std::memory_order_release); }

    // Whoever entered before the call has left when it returns. One writer at a time.
    void wait_until_left() noexcept;

  private:
    static constexpr std::size_t shard_count = 8;
    static constexpr std::size_t cache_line_bytes = 64;
    struct alignas(cache_line_bytes) Shard {
        std::array<Count, 2> sides{};
    };

    // Threads have stacks of their own, far from each other.
    static std::size_t shard() noexcept {
        const char here = 0;
        return (reinterpret_cast<std::uintptr_t>(&here) >> 16) * 0x9e3779b97f4a7c15U >> 61;
    }

    std::array<Shard, shard_count> shards_;
    std::atomic<std::size_t> side_{0};
};

}  // namespace fpt_webhooks::inline v0_1::detail

namespace fpt_webhooks::inline v0_1 {

class KeyRing::State {
  public:
    State(const Scheme& scheme, std::shared_ptr<const detail::KeySet> set) : scheme_(scheme) { put(std::move(set)); }

    Result<void> set(const std::vector<TimedSecret>& secrets);
    [[nodiscard]] std::vector<SecretUse> usage() const;
    [[nodiscard]] const Scheme& scheme() const noexcept { return scheme_; }

    // The set of the moment, for longer than one verification.
    static std::shared_ptr<const detail::KeySet> keys_of(const KeyRing& ring) {
        return Reading(*ring.state_).set().shared_from_this();
    }

    // The same secrets in a ring of their own: what that one verifies is not counted in this one.
    static std::shared_ptr<KeyRing> copy_of(const KeyRing& ring);

    // The set of the moment; it stays while this object lives, for the length of one verification.
    class Reading {
      public:
        explicit Reading(State& ring) noexcept : count_(ring.readers_.enter()), set_(*ring.current_.load()) {}
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
        ~Reading() { detail::ReaderCounts::leave(count_); }

        [[nodiscard]] const detail::KeySet& set() const noexcept { return set_; }

      private:
        detail::ReaderCounts::Count& count_;
        const detail::KeySet& set_;
    };

  private:
    void put(std::shared_ptr<const detail::KeySet> set) noexcept;

    const Scheme scheme_;
    detail::ReaderCounts readers_;
    std::atomic<const detail::KeySet*> current_{nullptr};

    mutable std::mutex mutex_;  // for writers, and those who ask for the usage
    std::shared_ptr<const detail::KeySet> owned_;
};

}  // namespace fpt_webhooks::inline v0_1
