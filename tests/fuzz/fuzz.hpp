// What every fuzz target shares: its entry point, and the property that holds for every parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fpt_webhooks/core/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz: property does not hold: %s\n", what);
    std::abort();
}

// A refusal says why, and for malformed input also where.
inline void require_useful(const fpt_webhooks::Error& error, std::size_t input_size) {
    require(!error.detail().empty(), "an error has a detail");
    if (error == fpt_webhooks::Errc::malformed) require(error.offset().has_value(), "malformed input has an offset");
    if (error.offset()) require(*error.offset() <= input_size, "the offset lies within the input");
}

}  // namespace fuzz
