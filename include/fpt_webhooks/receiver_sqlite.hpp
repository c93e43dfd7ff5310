// The receiver_sqlite component: durable deduplication, an inbox and dead letters in an SQLite file.
#pragma once

#include <fpt_webhooks/receiver.hpp>
#include <fpt_webhooks/receiver_sqlite/sqlite_dead_letters.hpp>
#include <fpt_webhooks/receiver_sqlite/sqlite_dedupe.hpp>
#include <fpt_webhooks/receiver_sqlite/sqlite_inbox.hpp>
#include <fpt_webhooks/receiver_sqlite/sqlite_transaction_dedupe.hpp>
