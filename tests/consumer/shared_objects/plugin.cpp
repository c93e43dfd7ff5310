#include "plugin.hpp"

extern "C" const Plugin* plugin() {
    static constexpr Plugin mine = this_copy;
    return &mine;
}
