// Views of raw bytes. A webhook's signature covers bytes, not text: bodies travel as ByteView.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace fpt_webhooks::inline v0_1 {

// A view: it never owns, and nothing in this library keeps one beyond the call that received it.
using ByteView = std::span<const std::byte>;

[[nodiscard]] inline ByteView bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
}

// The same bytes as char; no encoding is implied.
[[nodiscard]] inline std::string_view text_of(ByteView bytes) noexcept {
    // char may alias any object, so this reads no wrong type
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace fpt_webhooks::inline v0_1
