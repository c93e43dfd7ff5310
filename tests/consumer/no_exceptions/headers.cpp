// Every public header serves code that has neither exceptions nor type information.
#include <fpt_webhooks/fpt_webhooks.hpp>
