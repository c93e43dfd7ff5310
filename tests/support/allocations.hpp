// Counts what this program allocates through operator new. Link support/allocations.cpp.
#pragma once

#include <cstddef>

// So far, in all threads.
std::size_t allocations() noexcept;
