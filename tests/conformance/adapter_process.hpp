// What the process behind an adapter and its test share.
#pragma once

#include <string_view>

namespace conformance_test {

// Where the exactly-once receivers' effects go, in the receiver's folder: a row of `effects(event)` for each.
inline constexpr std::string_view effects_database = "effects.db";

}  // namespace conformance_test
