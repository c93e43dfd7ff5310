// Marks a value as public from here on, for the constant-time test (tests/ctime), which runs this code under valgrind
// with the secret's bytes undefined. Elsewhere it is nothing.
#pragma once

#if defined(FPT_WEBHOOKS_CTIME_TEST)
#include <valgrind/memcheck.h>
#define FPT_WEBHOOKS_DECLASSIFY(object) VALGRIND_MAKE_MEM_DEFINED(&(object), sizeof(object))
#else
#define FPT_WEBHOOKS_DECLASSIFY(object) static_cast<void>(object)
#endif
