#include "support/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace {
std::atomic<std::size_t> count{0};
thread_local std::size_t until_failure = 0;
}

std::size_t allocations() noexcept { return count.load(); }

std::size_t fail_allocation(std::size_t nth) noexcept { return std::exchange(until_failure, nth); }

void* operator new(std::size_t size) {
    ++count;
    if (until_failure > 0 && --until_failure == 0) throw std::bad_alloc();
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++count;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
