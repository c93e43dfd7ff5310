// What a plugin offers to its host: error codes of its own copy of the library, and its opinion on anybody's codes.
#pragma once

#include <fpt_webhooks/core/error.hpp>

namespace fw = fpt_webhooks;

struct Plugin {
    std::error_code (*make)(fw::Errc);
    bool (*is_errc)(const std::error_code&, fw::Errc);
    bool (*is_condition)(const std::error_code&, fw::Condition);
};

inline constexpr Plugin this_copy{
    .make = [](fw::Errc errc) { return fw::make_error_code(errc); },
    .is_errc = [](const std::error_code& code, fw::Errc errc) { return code == errc; },
    .is_condition = [](const std::error_code& code, fw::Condition condition) { return code == condition; },
};

extern "C" const Plugin* plugin();
