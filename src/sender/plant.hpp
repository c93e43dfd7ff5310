// Where tests/simulation plants bugs, to prove that it finds them.
//
// FPT_WEBHOOKS_PLANT(n) is false in the library, so the compiler leaves nothing of it. The simulation compiles engine
// and dispatcher once more, with FPT_WEBHOOKS_PLANTS: there it is true for the one bug that is switched on. What each
// number breaks is said in tests/simulation/plants.hpp.
#pragma once

#ifdef FPT_WEBHOOKS_PLANTS
namespace simulation {
extern int planted;
}
#define FPT_WEBHOOKS_PLANT(n) (::simulation::planted == (n))
#else
#define FPT_WEBHOOKS_PLANT(n) false
#endif
