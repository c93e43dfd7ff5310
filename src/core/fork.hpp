// Tells whether this process is a child forked after some moment. Inline: each component has a counter of its own.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace fpt_webhooks::inline v0_1::detail {

inline std::atomic<std::uint64_t> fork_count{1};

inline void count_forked_child() noexcept { fork_count.fetch_add(1, std::memory_order_relaxed); }

// Grows by one in every child. Zero when the handler could not be installed, otherwise at least 1. Reading it costs a
// load, where getpid() is a system call. (A bare clone() without libc's fork handlers goes unnoticed.)
[[nodiscard]] inline std::uint64_t fork_generation() noexcept {
    static const bool installed = pthread_atfork(nullptr, nullptr, count_forked_child) == 0;
    return installed ? fork_count.load(std::memory_order_relaxed) : 0;
}

}  // namespace fpt_webhooks::inline v0_1::detail
