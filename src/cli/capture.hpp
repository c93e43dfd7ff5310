// A captured request: the bytes of an HTTP/1.x request (RFC 9112 section 2) in a file, as `listen --record` writes
// them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <fpt_webhooks/core/http.hpp>

namespace fpt_webhooks::cli {

// Of request line and headers together. Servers take 8 to 64 KiB.
inline constexpr std::size_t capture_head_bytes_max = std::size_t{64} << 10;

// The lines of the head may end with LF alone, as editors leave them; behind the empty line every byte is the body's,
// whatever the headers say of its length. `name` is what errors call it. Throws Failure(input), with the line's number.
[[nodiscard]] HttpRequest parse_capture(std::string_view text, std::string_view name);

}  // namespace fpt_webhooks::cli
