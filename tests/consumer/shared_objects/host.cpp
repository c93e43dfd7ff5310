// Error codes keep their meaning when they cross from one copy of the library into another.
#include "plugin.hpp"

#include <dlfcn.h>
#include <array>
#include <cstdio>

namespace {

const Plugin* load(const char* path) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        std::printf("%s\n", dlerror());
        return nullptr;
    }
    return reinterpret_cast<const Plugin* (*)()>(dlsym(library, "plugin"))();
}

int failures = 0;

void expect(bool holds, const char* what, int maker, int judge) {
    if (holds) return;
    std::printf("copy %d on a code of copy %d: %s\n", judge, maker, what);
    ++failures;
}

}  // namespace

int main() {
    const std::array<const Plugin*, 3> copies{&this_copy, load(FIRST), load(SECOND)};
    for (const Plugin* copy : copies) {
        if (copy == nullptr) return 2;
    }
    for (int maker = 0; maker < 3; ++maker) {
        const std::error_code timed_out = copies[maker]->make(fw::Errc::timed_out);
        const std::error_code malformed = copies[maker]->make(fw::Errc::malformed);
        const std::error_code no_response = copies[maker]->make(fw::Errc::no_response);
        for (int judge = 0; judge < 3; ++judge) {
            const Plugin& copy = *copies[judge];
            // Without copies there would be nothing to test.
            expect((copy.make(fw::Errc::timed_out).category() == timed_out.category()) == (maker == judge),
                   "each has its own category object", maker, judge);
            expect(copy.is_errc(timed_out, fw::Errc::timed_out), "is the same Errc", maker, judge);
            expect(!copy.is_errc(timed_out, fw::Errc::malformed), "is no other Errc", maker, judge);
            expect(copy.is_condition(timed_out, fw::Condition::transient), "is transient", maker, judge);
            expect(!copy.is_condition(timed_out, fw::Condition::permanent), "is not permanent", maker, judge);
            expect(copy.is_condition(malformed, fw::Condition::permanent), "is permanent", maker, judge);
            expect(copy.is_condition(no_response, fw::Condition::in_doubt), "is in doubt", maker, judge);
        }
    }
    return failures == 0 ? 0 : 1;
}
