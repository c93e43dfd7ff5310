// Tells whether this process is a child forked after some moment.
#pragma once

#include <cstdint>

namespace fpt_webhooks::inline v0_1::detail {

// Grows by one in every child. Zero when the handler could not be installed, otherwise at least 1. Reading it costs a
// load, where getpid() is a system call. (A bare clone() without libc's fork handlers goes unnoticed.)
[[nodiscard]] std::uint64_t fork_generation() noexcept;

}  // namespace fpt_webhooks::inline v0_1::detail
