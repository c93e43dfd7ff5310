// The sender_sqlite component: a Store in an SQLite file.
#pragma once

#include <fpt_webhooks/sender.hpp>
#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>
