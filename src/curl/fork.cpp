#include "curl/fork.hpp"

#include <pthread.h>

#include <atomic>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

std::atomic<std::uint64_t> generation{1};

void count_child() noexcept { generation.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::uint64_t fork_generation() noexcept {
    static const bool installed = pthread_atfork(nullptr, nullptr, count_child) == 0;
    return installed ? generation.load(std::memory_order_relaxed) : 0;
}

}  // namespace fpt_webhooks::inline v0_1::detail
