// The umbrella header brings what this build has, and nothing that it lacks.
#include <fpt_webhooks/fpt_webhooks.hpp>

#if !__has_include(<fpt_webhooks/receiver/export.hpp>) || __has_include(<fpt_webhooks/sender/export.hpp>) || \
    __has_include(<fpt_webhooks/receiver_sqlite/export.hpp>)
#error "built with the receiver and without the sender and SQLite"
#endif
