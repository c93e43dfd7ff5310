// The sender component: subscriptions, stores, the dispatcher and its policies, and the seams to the network.
#pragma once

#include <fpt_webhooks/core.hpp>
#include <fpt_webhooks/sender/actor.hpp>
#include <fpt_webhooks/sender/contact_change_detector.hpp>
#include <fpt_webhooks/sender/contact_codec.hpp>
#include <fpt_webhooks/sender/contact_window.hpp>
#include <fpt_webhooks/sender/deliver_once.hpp>
#include <fpt_webhooks/sender/delivery.hpp>
#include <fpt_webhooks/sender/dispatcher.hpp>
#include <fpt_webhooks/sender/endpoint_policy.hpp>
#include <fpt_webhooks/sender/event_choice.hpp>
#include <fpt_webhooks/sender/ip_address.hpp>
#include <fpt_webhooks/sender/memory_store.hpp>
#include <fpt_webhooks/sender/metrics.hpp>
#include <fpt_webhooks/sender/notice.hpp>
#include <fpt_webhooks/sender/pii_projection.hpp>
#include <fpt_webhooks/sender/resolver.hpp>
#include <fpt_webhooks/sender/retry_after.hpp>
#include <fpt_webhooks/sender/retry_policy.hpp>
#include <fpt_webhooks/sender/scope.hpp>
#include <fpt_webhooks/sender/store.hpp>
#include <fpt_webhooks/sender/subscription.hpp>
#include <fpt_webhooks/sender/subscription_record.hpp>
#include <fpt_webhooks/sender/transport.hpp>
#include <fpt_webhooks/sender/url.hpp>
