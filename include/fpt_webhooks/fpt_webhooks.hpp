// Everything that this build of the library has.
#pragma once

#include <fpt_webhooks/core.hpp>

#if __has_include(<fpt_webhooks/receiver/export.hpp>)
#include <fpt_webhooks/receiver.hpp>
#endif
#if __has_include(<fpt_webhooks/receiver_sqlite/export.hpp>)
#include <fpt_webhooks/receiver_sqlite.hpp>
#endif
#if __has_include(<fpt_webhooks/sender/export.hpp>)
#include <fpt_webhooks/sender.hpp>
#endif
#if __has_include(<fpt_webhooks/curl/export.hpp>)
#include <fpt_webhooks/curl.hpp>
#endif
#if __has_include(<fpt_webhooks/sender_sqlite/export.hpp>)
#include <fpt_webhooks/sender_sqlite.hpp>
#endif
