// The dispatcher in numbers: counts since its creation, and what is there now.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <fpt_webhooks/sender/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// Bucket i counts attempts of less than 2^i milliseconds, and not less than 2^(i-1); the last one all above.
using LatencyHistogram = std::array<std::uint64_t, 17>;

// A regular value: a snapshot.
struct DispatcherMetrics {
    std::uint64_t published = 0;   // events accepted
    std::uint64_t duplicates = 0;  // of them again
    std::uint64_t attempts = 0;
    std::uint64_t delivered = 0;
    std::uint64_t failed_attempts = 0;
    std::uint64_t exhausted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t disabled = 0;      // subscriptions, by the dispatcher
    std::uint64_t commits = 0;       // of the store
    std::uint64_t notices_lost = 0;  // the handler was too slow
    LatencyHistogram attempt_latency = {};
    std::chrono::microseconds attempt_latency_sum{};  // of the attempts in the histogram

    std::size_t in_flight = 0;
    std::size_t publish_queue = 0;  // events that wait for their commit
    std::size_t pending = 0;        // deliveries without an end
    std::optional<std::chrono::milliseconds> oldest_pending_age = {};
    bool store_failing = false;  // since a Notice::Kind::store_failed
};

}  // namespace fpt_webhooks::inline v0_1
