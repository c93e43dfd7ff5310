// The receiver component: verify, deduplicate and route events to handlers.
#pragma once

#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>
