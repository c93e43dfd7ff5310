// The adapter for cpp-httplib, component fpt_webhooks::httplib, with the receiver.
#pragma once

#include <fpt_webhooks/httplib/serve.hpp>
#include <fpt_webhooks/receiver.hpp>
