// The adapter for cpp-httplib, component fpt_webhooks::httplib.
#pragma once

#include <fpt_webhooks/httplib/serve.hpp>
