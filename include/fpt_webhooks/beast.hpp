// The adapter for Boost.Beast, component fpt_webhooks::beast, with the receiver.
#pragma once

#include <fpt_webhooks/beast/serve.hpp>
#include <fpt_webhooks/receiver.hpp>
