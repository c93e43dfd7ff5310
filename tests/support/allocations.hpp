// Counts what this program allocates through operator new, and lets it fail. Link support/allocations.cpp.
#pragma once

#include <cstddef>

// So far, in all threads.
std::size_t allocations() noexcept;

// The nth one from now on this thread fails; 0: none does. How many were left until the one asked for before; 0: it has
// failed.
std::size_t fail_allocation(std::size_t nth) noexcept;
