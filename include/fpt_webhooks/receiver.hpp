// The receiver component: verify requests, deduplicate events and route them to handlers.
#pragma once

#include <fpt_webhooks/core.hpp>
#include <fpt_webhooks/receiver/dead_letter_store.hpp>
#include <fpt_webhooks/receiver/dedupe_store.hpp>
#include <fpt_webhooks/receiver/handle_report.hpp>
#include <fpt_webhooks/receiver/handlers.hpp>
#include <fpt_webhooks/receiver/http_limits.hpp>
#include <fpt_webhooks/receiver/inbox_store.hpp>
#include <fpt_webhooks/receiver/inbox_workers.hpp>
#include <fpt_webhooks/receiver/memory_dedupe.hpp>
#include <fpt_webhooks/receiver/receiver.hpp>
#include <fpt_webhooks/receiver/receiver_options.hpp>
