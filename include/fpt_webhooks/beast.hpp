// The adapter for Boost.Beast, component fpt_webhooks::beast.
#pragma once

#include <fpt_webhooks/beast/serve.hpp>
